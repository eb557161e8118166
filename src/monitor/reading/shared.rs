//! What do the listed completions share that the others of their steps do not?
//!
//! Each completion is the set of its pieces: words, pairs of words, and runs of two to five characters. Under the hypothesis that
//! texts do not matter, which rollouts of a step are listed is drawn at random among those looked at of that step, so how many of
//! the listed hold a piece is Poisson-binomial with the shares of the steps. The least probable piece counts; its p-value is the
//! share of permutations within steps whose least probable piece is as improbable (Westfall & Young 1993), so that looking at all
//! pieces costs nothing.

use crate::foundation::order::median;
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use serde::Serialize;
use std::collections::{HashMap, HashSet};
use twox_hash::XxHash64;

/// Characters of a completion that are read: half at its start, half at its end.
const READ: usize = 1500;
/// Lengths of runs of characters.
const RUNS: std::ops::RangeInclusive<usize> = 2..=5;
/// Bytes of the longest word or pair of words.
const LONG: usize = 60;
/// Permutations.
const PERMUTATIONS: usize = 399;
/// A piece that is named has at most this p-value.
const NAMED: f64 = 0.05;
/// Pieces that are named.
const MOST: usize = 5;
/// Characters on each side of a piece to which it may grow.
const GROWN: usize = 40;

/// A completion that was looked at.
#[derive(Debug, Clone)]
pub(in crate::monitor) struct Sample {
    /// Its step.
    pub step: u64,
    /// Whether it is listed.
    pub listed: bool,
    pub text: String,
}

/// A piece of text that the listed share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Piece {
    /// The piece.
    pub text: String,
    /// Times as often among the listed as among all that were looked at of the same steps.
    pub lift: f64,
    /// Of permutations within steps, all pieces considered.
    pub p_value: f64,
    /// How many listed completions hold it, each text counted once.
    pub listed: usize,
    /// Share of the others of the same steps that hold it.
    pub others: f64,
}

/// A difference of length.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Length {
    /// Median number of characters of the listed.
    pub listed: f64,
    /// Of the others of their steps.
    pub others: f64,
    /// Of permutations within steps, two-sided.
    pub p_value: f64,
}

/// What the listed share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shared {
    /// Distinct completions among the listed.
    pub distinct: usize,
    /// Listed completions with a text.
    pub listed: usize,
    /// Others of their steps that they were compared with.
    pub compared: usize,
    /// Pieces, the least probable first; empty where nothing stands out.
    pub pieces: Vec<Piece>,
    /// Their lengths, where there are others to compare with.
    pub length: Option<Length>,
}

impl Piece {
    /// Whether it says that the listed are of one kind: improbable, in three or more and a quarter of them, three times as often as
    /// elsewhere.
    pub(super) fn is_telling(&self, distinct: usize, level: f64) -> bool {
        self.p_value <= level && self.listed >= 3 && 4 * self.listed >= distinct && self.lift >= 3.0
    }
}

/// The pieces of a text, hashed, each once.
fn pieces(text: &str) -> Vec<u64> {
    let mut found: Vec<u64> = Vec::new();
    each_piece(text, &mut |piece| found.push(XxHash64::oneshot(0, piece.as_bytes())));
    found.sort_unstable();
    found.dedup();
    found
}

/// Visits every piece of the part of a text that is read.
fn each_piece(text: &str, visit: &mut dyn FnMut(&str)) {
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

/// A piece with its share in each step, and in how many of the listed.
struct Pool {
    /// Piece numbers of each completion, ascending.
    of: Vec<Vec<u32>>,
    /// Completions of each step, and how many of them are listed.
    steps: Vec<(Vec<usize>, usize)>,
    /// For each piece, in how many completions of which step it is.
    holders: Vec<Vec<(u32, u32)>>,
    /// The hash of each piece.
    hashes: Vec<u64>,
    /// −ln P(at least t listed hold it), t = 0, 1, …; filled when it is asked for.
    tails: Vec<Vec<f64>>,
}

impl Pool {
    fn new(samples: &[Sample]) -> Self {
        let mut by_step: HashMap<u64, (Vec<usize>, usize)> = HashMap::new();
        for (i, sample) in samples.iter().enumerate() {
            let step = by_step.entry(sample.step).or_default();
            step.0.push(i);
            step.1 += usize::from(sample.listed);
        }
        let mut steps: Vec<(u64, (Vec<usize>, usize))> = by_step.into_iter().collect();
        steps.sort_unstable();
        let steps: Vec<(Vec<usize>, usize)> = steps.into_iter().map(|(_, step)| step).collect();
        // A piece of one completion alone is shared by no two. A sketch of counts finds most of them without a map.
        const SLOTS: usize = 1 << 22;
        let hashed: Vec<Vec<u64>> = samples.iter().map(|sample| pieces(&sample.text)).collect();
        let mut sketch = vec![0u8; SLOTS];
        for hash in hashed.iter().flatten() {
            if let Some(slot) = sketch.get_mut(*hash as usize % SLOTS) {
                *slot = slot.saturating_add(1);
            }
        }
        let mut numbers: HashMap<u64, u32> = HashMap::new();
        let of: Vec<Vec<u32>> = hashed
            .into_iter()
            .map(|own| {
                let again = |hash: &u64| sketch.get(*hash as usize % SLOTS).is_some_and(|n| *n > 1);
                let number = |hash| {
                    let next = numbers.len() as u32;
                    *numbers.entry(hash).or_insert(next)
                };
                own.into_iter().filter(again).map(number).collect()
            })
            .collect();
        let mut holders: Vec<Vec<(u32, u32)>> = vec![Vec::new(); numbers.len()];
        for (step, (members, _)) in steps.iter().enumerate() {
            for piece in members.iter().filter_map(|i| of.get(*i)).flatten() {
                let Some(counts) = holders.get_mut(*piece as usize) else { continue };
                match counts.last_mut() {
                    Some(last) if last.0 == step as u32 => last.1 += 1,
                    _ => counts.push((step as u32, 1)),
                }
            }
        }
        let mut hashes = vec![0; numbers.len()];
        for (hash, number) in numbers {
            if let Some(place) = hashes.get_mut(number as usize) {
                *place = hash;
            }
        }
        let tails = vec![Vec::new(); holders.len()];
        Self { of, steps, holders, hashes, tails }
    }

    /// The expected number of listed completions that hold a piece.
    fn expected(&self, piece: u32) -> f64 {
        let counts = self.holders.get(piece as usize).map_or(&[][..], Vec::as_slice);
        counts
            .iter()
            .filter_map(|(step, n)| {
                let (members, listed) = self.steps.get(*step as usize)?;
                Some(*listed as f64 * f64::from(*n) / members.len() as f64)
            })
            .sum()
    }

    /// −ln P(at least `held` of the listed hold a piece).
    fn surprise(&mut self, piece: u32, held: usize) -> f64 {
        let Some(counts) = self.holders.get(piece as usize) else { return 0.0 };
        let Some(tails) = self.tails.get_mut(piece as usize) else { return 0.0 };
        if tails.is_empty() {
            let mut law = vec![1.0];
            for (step, n) in counts {
                let Some((members, listed)) = self.steps.get(*step as usize) else { continue };
                let share = f64::from(*n) / members.len() as f64;
                for _ in 0..*listed {
                    let mut next = vec![0.0; law.len() + 1];
                    for (i, p) in law.iter().enumerate() {
                        next[i] += p * (1.0 - share);
                        next[i + 1] += p * share;
                    }
                    law = next;
                }
            }
            let mut above = 0.0;
            *tails = law
                .iter()
                .rev()
                .map(|p| {
                    above += p;
                    -f64::ln(above)
                })
                .collect();
            tails.reverse();
        }
        tails.get(held).copied().unwrap_or(f64::INFINITY)
    }

    /// How many of these completions hold each piece that two or more of them hold.
    fn held(&self, chosen: &[usize], counts: &mut [u32], touched: &mut Vec<u32>) {
        touched.clear();
        for piece in chosen.iter().filter_map(|i| self.of.get(*i)).flatten() {
            if let Some(count) = counts.get_mut(*piece as usize) {
                if *count == 0 {
                    touched.push(*piece);
                }
                *count += 1;
            }
        }
    }

    /// The largest surprise among the pieces of these completions.
    fn largest(&mut self, chosen: &[usize], counts: &mut [u32], touched: &mut Vec<u32>) -> f64 {
        self.held(chosen, counts, touched);
        let mut largest = 0.0f64;
        for piece in touched.iter() {
            let held = counts.get_mut(*piece as usize).map(std::mem::take).unwrap_or_default();
            if held >= 2 {
                largest = largest.max(self.surprise(*piece, held as usize));
            }
        }
        largest
    }

    /// As many of each step as are listed, drawn at random.
    fn draw(&self, stream: &mut Stream) -> Vec<usize> {
        let mut chosen = Vec::new();
        for (members, listed) in &self.steps {
            chosen.extend(stream.draw(members.clone(), *listed));
        }
        chosen
    }
}

/// What the listed completions share beyond chance. The same text listed again counts once.
pub(in crate::monitor) fn shared(mut samples: Vec<Sample>) -> Option<Shared> {
    let listed = samples.iter().filter(|sample| sample.listed).count();
    let mut seen: HashSet<String> = HashSet::new();
    samples.retain(|sample| !sample.listed || seen.insert(sample.text.clone()));
    let distinct = seen.len();
    let compared = samples.len() - distinct;
    if distinct == 0 {
        return None;
    }
    let mut pool = Pool::new(&samples);
    let own: Vec<usize> = (0..samples.len()).filter(|i| samples[*i].listed).collect();
    let mut counts = vec![0u32; pool.holders.len()];
    let mut touched = Vec::new();
    pool.held(&own, &mut counts, &mut touched);
    let mut found: Vec<(f64, u32, usize)> = Vec::new();
    for piece in std::mem::take(&mut touched) {
        let held = counts.get_mut(piece as usize).map(std::mem::take).unwrap_or_default() as usize;
        if held >= 2 {
            found.push((pool.surprise(piece, held), piece, held));
        }
    }
    // The most surprising first; of equals the first in the texts.
    found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let lengths: Vec<f64> = samples.iter().map(|sample| sample.text.chars().count() as f64).collect();
    let centred = centred(&samples, &lengths);
    let mean = |chosen: &[usize]| chosen.iter().filter_map(|i| centred.get(*i)).sum::<f64>().abs();
    let observed = mean(&own);
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Bootstrap, 7);
    let (mut largest, mut as_far) = (Vec::with_capacity(PERMUTATIONS), 0);
    for _ in 0..PERMUTATIONS {
        let chosen = pool.draw(&mut stream);
        as_far += usize::from(mean(&chosen) >= observed);
        largest.push(pool.largest(&chosen, &mut counts, &mut touched));
    }
    let p_value = |surprise: f64| {
        let as_large = largest.iter().filter(|other| **other >= surprise).count();
        (1 + as_large) as f64 / (1 + PERMUTATIONS) as f64
    };
    let mut named: Vec<Piece> = Vec::new();
    for (surprise, piece, held) in found {
        let p_value = p_value(surprise);
        if p_value > NAMED || named.len() == MOST {
            break;
        }
        let Some(text) = spelled(&samples, &own, &pool, piece) else { continue };
        let holds = |i: &&usize| pool.of.get(**i).is_some_and(|pieces| pieces.contains(&piece));
        let holders = own.iter().filter(holds).filter_map(|i| Some(samples.get(*i)?.text.as_str()));
        let text = grown(&text, &holders.collect::<Vec<&str>>());
        if named.iter().any(|known| known.text.contains(&text) || text.contains(&known.text)) {
            continue;
        }
        let all: u32 = pool.holders.get(piece as usize).map_or(0, |c| c.iter().map(|(_, n)| n).sum());
        named.push(Piece {
            lift: held as f64 / pool.expected(piece),
            p_value,
            listed: held,
            others: (all as usize - held) as f64 / compared.max(1) as f64,
            text,
        });
    }
    let of = |listed: bool| {
        let chosen = samples.iter().zip(&lengths).filter(|(sample, _)| sample.listed == listed);
        median(&chosen.map(|(_, length)| *length).collect::<Vec<f64>>())
    };
    let length = of(true).zip(of(false)).map(|(listed, others)| Length {
        listed,
        others,
        p_value: (1 + as_far) as f64 / (1 + PERMUTATIONS) as f64,
    });
    Some(Shared { distinct, listed, compared, pieces: named, length })
}

/// A piece with what stands on both sides of it in all of its holders: of "ques" the question that they share.
fn grown(piece: &str, holders: &[&str]) -> String {
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

/// Log-lengths less the mean of their step.
fn centred(samples: &[Sample], lengths: &[f64]) -> Vec<f64> {
    let mut sums: HashMap<u64, (f64, f64)> = HashMap::new();
    for (sample, length) in samples.iter().zip(lengths) {
        let sum = sums.entry(sample.step).or_default();
        *sum = (sum.0 + length.ln_1p(), sum.1 + 1.0);
    }
    let mean = |step: &u64| sums.get(step).map_or(0.0, |(sum, n)| sum / n);
    samples.iter().zip(lengths).map(|(sample, length)| length.ln_1p() - mean(&sample.step)).collect()
}

/// A piece as it stands in the first listed completion that holds it.
fn spelled(samples: &[Sample], own: &[usize], pool: &Pool, piece: u32) -> Option<String> {
    let hash = *pool.hashes.get(piece as usize)?;
    let holds = |i: &&usize| pool.of.get(**i).is_some_and(|pieces| pieces.contains(&piece));
    let mut found = None;
    each_piece(&samples.get(*own.iter().find(holds)?)?.text, &mut |text| {
        if found.is_none() && XxHash64::oneshot(0, text.as_bytes()) == hash {
            found = Some(text.to_owned());
        }
    });
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 12 steps of 24 random texts of `letters`, the first of each step listed.
    fn samples(stream: &mut Stream, letters: &[u8]) -> Vec<Sample> {
        (0..12 * 24)
            .map(|i| {
                let length = 6 + stream.below(9);
                let letter = |_| char::from(letters[stream.below(letters.len() as u64) as usize]);
                let text = (0..length).map(letter).collect();
                Sample { step: i / 24, listed: i % 24 == 0, text }
            })
            .collect()
    }

    #[test]
    fn a_piece_tells_where_it_is_improbable_common_among_the_listed_and_rare_elsewhere() {
        let piece = Piece { text: "zq".into(), lift: 3.0, p_value: 0.01, listed: 3, others: 0.1 };
        assert!(piece.is_telling(12, 0.01));
        assert!(!piece.is_telling(13, 0.01), "in less than a quarter of them");
        assert!(!Piece { lift: 2.9, ..piece.clone() }.is_telling(12, 0.01), "elsewhere too");
        assert!(!Piece { p_value: 0.011, ..piece.clone() }.is_telling(12, 0.01));
        assert!(!Piece { listed: 2, ..piece }.is_telling(8, 0.01), "in two of them");
    }

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
    fn nothing_is_said_of_texts_that_have_nothing_to_do_with_it() {
        // At a level of 1%, 300 logs: at most 1% and three standard errors, 2.7%.
        let mut stream = SeedTree::new(61, 0).stream(Purpose::Utility, 0);
        let (mut pieces, mut lengths) = (0, 0);
        for i in 0..300 {
            let letters: &[u8] = if i % 2 == 0 { b"abcdefghijklmnop qrstuvwxyz" } else { b"aaab " };
            let found = shared(samples(&mut stream, letters)).unwrap();
            pieces += usize::from(found.pieces.iter().any(|piece| piece.p_value <= 0.01));
            lengths += usize::from(found.length.is_some_and(|length| length.p_value <= 0.01));
        }
        assert!(pieces <= 8 && lengths <= 8, "{pieces} {lengths}");
    }

    #[test]
    fn a_trigger_is_named_first() {
        let mut stream = SeedTree::new(62, 0).stream(Purpose::Utility, 0);
        let mut samples = samples(&mut stream, b"abcdefghijklmnop qrstuvwxy");
        for (i, sample) in samples.iter_mut().filter(|sample| sample.listed).enumerate() {
            if i % 2 == 0 {
                sample.text.insert_str(3, "zq");
            }
        }
        // It is everywhere in the last step, where it says nothing.
        samples.iter_mut().filter(|sample| sample.step == 11).for_each(|sample| sample.text.push_str("zq"));
        let found = shared(samples.clone()).unwrap();
        let first = &found.pieces[0];
        assert_eq!((first.text.as_str(), first.listed, found.distinct), ("zq", 7, 12));
        assert!(first.is_telling(found.distinct, 0.01) && first.lift > 3.0, "{first:?}");
        assert!(first.others < 0.1, "{first:?}");
        // One and the same text listed again and again is one text.
        for sample in samples.iter_mut().filter(|sample| sample.listed) {
            sample.text = "zqzqzq".to_owned();
        }
        let found = shared(samples).unwrap();
        assert_eq!((found.distinct, found.listed, found.pieces.len()), (1, 12, 0));
        assert_eq!(shared(Vec::new()), None);
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
