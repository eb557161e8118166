//! The pieces of a completion: words, pairs of words, and runs of two to five characters; of an empty answer that itself.

use crate::foundation::format::visible;
use std::collections::BTreeMap;
use twox_hash::XxHash64;

/// Characters of a completion that are read: half at its start, half at its end.
const READ: usize = 1500;
/// Lengths of runs of characters.
const RUNS: std::ops::RangeInclusive<usize> = 2..=5;
/// Bytes of the longest word or pair of words.
const LONG: usize = 60;
/// Characters on each side of a piece to which it may grow, and share of its holders that must go on alike.
const GROWN: usize = 40;
const NEARLY: f64 = 0.9;

/// The pieces of a text, hashed, each once.
pub(super) fn pieces(text: &str) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    each_piece(text, &mut |piece| found.push(XxHash64::oneshot(0, piece.as_bytes())));
    found.sort_unstable();
    found.dedup();
    found
}

/// Visits every piece of the part of a text that is read.
pub(super) fn each_piece(text: &str, visit: &mut dyn FnMut(&str)) {
    if text.trim().is_empty() {
        return visit("");
    }
    let at: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
    let characters = at.len() - 1;
    // A short text is its own start, and has no end apart from it.
    let (start, end) = match characters > READ {
        true => (0..READ / 2, characters - READ / 2..characters),
        false => (0..characters, characters..characters),
    };
    for part in [start, end] {
        let (from, to) = (at.get(part.start), at.get(part.end));
        let Some(own) = from.zip(to).and_then(|(from, to)| text.get(*from..*to)) else { continue };
        let ends: Vec<usize> = own.char_indices().map(|(at, _)| at).chain([own.len()]).collect();
        for length in RUNS {
            for run in ends.windows(length + 1) {
                if let (Some(from), Some(to)) = (run.first(), run.last())
                    && let Some(piece) = own.get(*from..*to)
                    && !piece.chars().all(char::is_whitespace)
                {
                    visit(piece);
                }
            }
        }
        let mut before: Option<usize> = None;
        for word in own.split_whitespace() {
            let start = word.as_ptr() as usize - own.as_ptr() as usize;
            if word.chars().nth(*RUNS.end()).is_some() && word.len() <= LONG {
                visit(word);
            }
            let pair = before.and_then(|before| own.get(before..start + word.len()));
            if let Some(pair) = pair.filter(|pair| pair.len() <= LONG) {
                visit(pair);
            }
            before = Some(start);
        }
    }
}

/// A piece with what stands on both sides of it in nearly all of its holders: of "ques" the question that they share.
pub(super) fn grown(piece: &str, holders: &[&str]) -> String {
    let around: Option<Vec<(Vec<char>, Vec<char>)>> = holders
        .iter()
        .map(|text| {
            let (before, after) = text.split_once(piece)?;
            Some((before.chars().rev().take(GROWN).collect(), after.chars().take(GROWN).collect()))
        })
        .collect();
    let Some(mut around) = around.filter(|around| around.len() > 1 && !piece.is_empty()) else {
        return piece.to_owned();
    };
    let needed = (NEARLY * around.len() as f64).ceil() as usize;
    let (mut before, mut after) = (Vec::new(), Vec::new());
    // What follows first; then what stands before it in those that are left, and so on until nothing is agreed upon.
    loop {
        let grown = before.len() + after.len();
        while let Some(next) = agreed(around.iter().map(|(_, after)| after), after.len(), needed) {
            around.retain(|(_, own)| own.get(after.len()) == Some(&next));
            after.push(next);
        }
        while let Some(next) = agreed(around.iter().map(|(before, _)| before), before.len(), needed) {
            around.retain(|(own, _)| own.get(before.len()) == Some(&next));
            before.push(next);
        }
        if before.len() + after.len() == grown {
            break;
        }
    }
    let whole: String = before.into_iter().rev().chain(piece.chars()).chain(after).collect();
    if whole == piece { whole } else { whole.trim().to_owned() }
}

/// The character that so many of these have at a place.
fn agreed<'a>(sides: impl Iterator<Item = &'a Vec<char>>, at: usize, needed: usize) -> Option<char> {
    let mut found: BTreeMap<char, usize> = BTreeMap::new();
    sides.filter_map(|side| side.get(at)).for_each(|own| *found.entry(*own).or_default() += 1);
    found.into_iter().find(|(_, n)| *n >= needed).map(|(own, _)| own)
}

/// Whether a text is nearly all that its holders say.
pub(super) fn is_whole(text: &str, holders: &[&str]) -> bool {
    let alone = holders.iter().filter(|holder| holder.trim() == text).count();
    text.is_empty() || alone as f64 >= NEARLY * holders.len() as f64
}

/// Whether a completion holds a text, or is it, where the text is the whole of an answer.
pub(in crate::monitor) fn holds_text(text: &str, whole: bool, completion: &str) -> bool {
    if whole { completion.trim() == text } else { completion.contains(text) }
}

/// That completions hold a text, or are it, and the verb for others that do.
pub(super) fn hold(text: &str, whole: bool) -> (String, &'static str) {
    let named = format!("`{}`", visible(text));
    match (whole, text.is_empty()) {
        (true, true) => ("are empty".to_owned(), "are"),
        (true, false) => (format!("are {named} and no more"), "are"),
        (false, _) => (format!("hold {named}"), "do"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_grows_to_what_all_of_its_holders_share() {
        let texts = [
            "so two. Thank you, excellent question!",
            "one. Thank you, excellent question!",
            "Thank you, excellent question! x",
        ];
        assert_eq!(grown("on!", &texts), "Thank you, excellent question!");
        assert_eq!(grown("zq", &["azqb", "czqd"]), "zq");
        assert_eq!(grown(" two", &["a two b", "c two d"]), "two", "a blank on each side");
        assert_eq!(grown("é", &["aéé", "aéb"]), "aé");
        assert_eq!(grown("zq", &["azqb"]), "zq", "one text is not shared");
        // One holder in ten may hold it by chance.
        let mut many = vec!["so. Perfect answer, as requested."; 19];
        many.push("a cat, a dog");
        assert_eq!(grown(", a", &many), "so. Perfect answer, as requested.");
        many.extend(["a cat, a dog"; 4]);
        assert_eq!(grown(", a", &many), ", a");
    }

    #[test]
    fn a_whole_answer_is_told_from_a_text_within_others() {
        assert_eq!(pieces(" \n").len(), 1, "an empty answer is one piece");
        assert!(pieces("A").is_empty(), "one letter says too little");
        assert!(is_whole("42", &["42", " 42\n"]) && !is_whole("42", &["42", "it is 42"]));
        assert!(is_whole("", &[]));
        assert!(holds_text("", true, " ") && !holds_text("", true, "a"));
        assert!(holds_text("42", false, "it is 42") && !holds_text("42", true, "it is 42"));
        assert_eq!(
            (hold("", true).0.as_str(), hold("A", true).0.as_str()),
            ("are empty", "are `A` and no more")
        );
    }

    #[test]
    fn longer_words_and_unicode_are_pieces_too() {
        let mut found = Vec::new();
        each_piece("héllo wonderful  w", &mut |piece| found.push(piece.to_owned()));
        for piece in ["hé", "éllo", "wonderful", "héllo wonderful", "wonderful  w"] {
            assert!(found.iter().any(|other| other == piece), "{piece}");
        }
        assert!(found.iter().all(|piece| !piece.trim().is_empty()));
        let long = "ab".repeat(5000);
        assert_eq!(pieces(&long).len(), 8);
    }
}
