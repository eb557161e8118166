//! The nearest known word to a misspelt one.

/// The candidate nearest to `word`, if one is near enough to be meant.
pub(crate) fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    let wanted = word.to_lowercase().replace('-', "_");
    let score = |candidate: &str| {
        let alike = strsim::normalized_damerau_levenshtein(&wanted, candidate);
        // A word cut short, or one too long, is as near as a misspelt one.
        let longest = wanted.len().max(candidate.len());
        let shared = wanted.len().min(candidate.len());
        let cut = shared >= 3 && (candidate.starts_with(&wanted) || wanted.starts_with(candidate));
        if cut { alike.max(0.5 + 0.5 * shared as f64 / longest as f64) } else { alike }
    };
    let mut best: Option<(f64, &str)> = None;
    for candidate in candidates {
        let near = score(candidate);
        if near >= 0.55 && best.is_none_or(|(b, _)| near > b) {
            best = Some((near, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelt_and_cut_words_find_their_meaning() {
        let known = ["outcomes", "contexts", "utility", "baseline", "reference"];
        assert_eq!(nearest("outcoms", known), Some("outcomes"));
        assert_eq!(nearest("ref", known), Some("reference"));
        assert_eq!(nearest("Utility", known), Some("utility"));
        assert_eq!(nearest("temperature", known), None);
    }
}
