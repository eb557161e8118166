//! The pieces of a completion: words, pairs of words, and runs of two to five characters.

use twox_hash::XxHash64;

/// Characters of a completion that are read: half at its start, half at its end.
const READ: usize = 1500;
/// Lengths of runs of characters.
const RUNS: std::ops::RangeInclusive<usize> = 2..=5;
/// Bytes of the longest word or pair of words.
const LONG: usize = 60;
/// Characters on each side of a piece to which it may grow.
const GROWN: usize = 40;

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

/// A piece with what stands on both sides of it in all of its holders: of "ques" the question that they share.
pub(super) fn grown(piece: &str, holders: &[&str]) -> String {
    let around: Option<Vec<(&str, &str)>> = holders.iter().map(|text| text.split_once(piece)).collect();
    let Some(around) = around.filter(|around| around.len() > 1) else { return piece.to_owned() };
    let agreed = |sides: &mut dyn Iterator<Item = Vec<char>>| -> Vec<char> {
        let common = |a: Vec<char>, b: Vec<char>| {
            a.into_iter().zip(b).take_while(|(a, b)| a == b).map(|(a, _)| a).collect()
        };
        sides.reduce(common).unwrap_or_default()
    };
    let before = agreed(&mut around.iter().map(|(before, _)| before.chars().rev().take(GROWN).collect()));
    let after = agreed(&mut around.iter().map(|(_, after)| after.chars().take(GROWN).collect()));
    let whole: String = before.into_iter().rev().chain(piece.chars()).chain(after).collect();
    if whole == piece { whole } else { whole.trim().to_owned() }
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
