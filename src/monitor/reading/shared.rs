//! What do the listed completions share that the others of their steps do not?
//!
//! Each completion is the set of its [`pieces`](super::pieces). Under the hypothesis that
//! texts do not matter, which rollouts of a group are listed is drawn at random among those looked at of that group (of the step, where no
//! group is known: answers to one prompt share words whatever they are paid), so how many of
//! the listed hold a piece is Poisson-binomial with the shares of the groups. The least probable piece counts; its p-value is the
//! share of permutations within groups whose least probable piece is as improbable (Westfall & Young 1993), so that looking at all
//! pieces costs nothing. There are as many [`permutations`](super::permutations) as it takes to know on which side of its level it lies. A long text holds more pieces than a short one, and where rewards go with length the listed are long: what is
//! said to be shared is rare among others of their length, too.

use super::permutations::{Count, LOOKS};
use super::pieces::{each_piece, grown, hold, holds_text, is_whole};
use super::pool::Pool;
use super::sample::Sample;
use crate::foundation::order::median;
use crate::foundation::rng::{Purpose, SeedTree};
use serde::Serialize;
use statrs::distribution::{DiscreteCDF, Poisson};
use std::collections::{BTreeMap, HashMap, HashSet};
use twox_hash::XxHash64;

/// Probability of calling a piece of text shared that is not.
pub(super) const TEXT_LEVEL: f64 = 0.01;
/// A piece that is named has at most this p-value.
const NAMED: f64 = 0.05;
/// Pieces that are named.
const MOST: usize = 5;
/// Times as often among the listed as elsewhere, of a piece that tells.
const LIFT: f64 = 3.0;
/// The same of what texts of their length would hold: more, for the piece was chosen without regard to it.
const LIFT_BY_LENGTH: f64 = 4.0;
/// Up to this probability the listed are longer than the others, and what they share must be more than their length explains, up to
/// that one.
const LONGER: f64 = 0.1;
const BY_LENGTH: f64 = 0.05;
/// Characters from which on a text is a phrase: a few letters, or a word, many long texts hold by chance and no short one.
const PHRASE: usize = 12;
/// Times the mean length of the others up to which a length counts.
const LONGEST: f64 = 4.0;
/// Share of those that hold a text whose prompts hold it too, from which on it is the prompts'.
const OF_PROMPTS: f64 = 0.5;

/// A piece of text that the listed share.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Piece {
    /// The piece.
    pub text: String,
    /// Whether it is all that those say that hold it.
    pub whole: bool,
    /// Times as often among the listed as among all that were looked at of the same groups or steps.
    pub lift: f64,
    /// Of permutations within groups or steps, all pieces considered.
    pub p_value: f64,
    /// How many listed completions hold it, each counted once for a prompt.
    pub listed: usize,
    /// Share of the others of the same groups or steps that hold it.
    pub others: f64,
    /// How many of the listed would hold it if texts held it as often as the others do, character by character.
    pub by_length: f64,
    /// Probability that so many do by their length, with all pieces considered.
    pub p_by_length: f64,
    /// Share of the completions that hold it whose prompts hold it too.
    pub in_prompts: f64,
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
    /// Listed completions that count: the same answer to a prompt does once, and to prompts that are not known.
    pub distinct: usize,
    /// Listed completions with a text.
    pub listed: usize,
    /// Others of their steps that they were compared with.
    pub compared: usize,
    /// Pieces, the least probable first; empty where nothing stands out.
    pub pieces: Vec<Piece>,
    /// Their lengths, where there are others to compare with.
    pub length: Option<Length>,
    /// Permutations behind these p-values.
    pub permutations: usize,
    /// The answer that is listed most often, and how often, where it is again and again.
    pub again: Option<(String, usize)>,
}

impl Piece {
    /// Whether a completion holds it.
    pub fn is_held_by(&self, completion: &str) -> bool {
        holds_text(&self.text, self.whole, completion)
    }

    /// What those do that hold it, in words, and the verb for others that do.
    pub fn held(&self) -> (String, &'static str) {
        hold(&self.text, self.whole)
    }

    /// Whether the prompts of most completions that hold it do so as well: they name what they are about.
    pub(super) fn is_of_prompts(&self) -> bool {
        self.in_prompts > OF_PROMPTS
    }

    /// Whether it says that the listed are of one kind: improbable, in three or more and a quarter of them, three times as often as
    /// elsewhere.
    pub(super) fn is_telling(&self, shared: &Shared, level: f64) -> bool {
        let longer = |length: &Length| length.p_value <= LONGER && length.listed > length.others;
        let beyond = self.is_beyond_length() || !shared.length.as_ref().is_some_and(longer);
        self.p_value <= level && beyond && self.may_tell(shared.distinct)
    }

    /// Whether it does if it is improbable, of so many distinct listed texts.
    fn may_tell(&self, distinct: usize) -> bool {
        let many = self.listed >= 3 && 4 * self.listed >= distinct;
        let of_length = self.listed as f64 >= LIFT_BY_LENGTH * self.by_length;
        // What was asked for is no find.
        many && self.lift >= LIFT && of_length && !self.is_of_prompts()
    }

    /// Whether it is more than the length of the listed explains: so is a phrase that no other text holds, short or long.
    fn is_beyond_length(&self) -> bool {
        self.p_by_length <= BY_LENGTH || self.others == 0.0 && self.text.chars().count() >= PHRASE
    }
}

/// What the listed completions share beyond chance. The same text listed again counts once for a prompt.
pub(in crate::monitor) fn shared(mut samples: Vec<Sample>) -> Option<Shared> {
    // Draws do not depend on the order in which they came.
    samples.sort_by(|a, b| (a.stratum, b.listed, &a.text).cmp(&(b.stratum, a.listed, &b.text)));
    let listed = samples.iter().filter(|sample| sample.listed).count();
    let again = again(&samples, listed);
    let mut seen: HashSet<(Option<String>, String)> = HashSet::new();
    samples.retain(|sample| !sample.listed || seen.insert((sample.prompt.clone(), sample.text.clone())));
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
    let lengths: Vec<f64> = samples.iter().map(Sample::characters).collect();
    let centred = centred(&samples, &lengths);
    let mean = |chosen: &[usize]| chosen.iter().filter_map(|i| centred.get(*i)).sum::<f64>().abs();
    let observed = mean(&own);
    let (mut named, pieces): (Vec<(f64, Piece)>, usize) = (Vec::new(), found.len());
    for (surprise, piece, _) in found {
        if named.len() == MOST {
            break;
        }
        let Some(text) = spelled(&samples, &own, &pool, piece) else { continue };
        let holds = |i: &&usize| pool.of.get(**i).is_some_and(|pieces| pieces.contains(&piece));
        let holders: Vec<&str> =
            own.iter().filter(holds).filter_map(|i| Some(samples.get(*i)?.text.as_str())).collect();
        let longer = grown(&text, &holders);
        let whole = is_whole(longer.trim(), &holders);
        let longer = if whole { longer.trim().to_owned() } else { longer };
        let known = |known: &Piece| holds_text(&longer, whole, &known.text) || known.text.contains(&longer);
        if named
            .iter()
            .any(|(_, piece)| known(piece) || longer.contains(&piece.text) && !piece.text.is_empty())
        {
            continue;
        }
        // Of what has grown, and of a whole answer, those count that hold all of it.
        let all_of_it: Vec<bool> = match longer == text && !whole {
            true => pool.of.iter().map(|pieces| pieces.contains(&piece)).collect(),
            false => samples.iter().map(|sample| holds_text(&longer, whole, &sample.text)).collect(),
        };
        let text = longer;
        let holds_it = |i: usize| all_of_it.get(i).copied().unwrap_or_default();
        let held = own.iter().filter(|i| holds_it(**i)).count();
        let by_length = by_length(&samples, &lengths, &own, &holds_it);
        let all = all_of_it.iter().filter(|holds| **holds).count();
        let own = Piece {
            whole,
            lift: held as f64 / pool.expected(&holds_it),
            p_value: 1.0,
            listed: held,
            others: (all - held) as f64 / compared.max(1) as f64,
            by_length,
            in_prompts: in_prompts(&samples, &text, &holds_it),
            p_by_length: (pieces as f64 * at_least(held, by_length)).min(1.0),
            text,
        };
        named.push((surprise, own));
    }
    let may_tell = |(_, piece): &&(f64, Piece)| piece.may_tell(distinct);
    let by_length = named.iter().filter(may_tell).any(|(_, piece)| !piece.is_beyond_length());
    let mut longer = Count { as_far: 0, level: by_length.then_some(LONGER) };
    let level = |of: &(f64, Piece)| may_tell(&of).then_some(TEXT_LEVEL);
    let mut counts_of: Vec<Count> = named.iter().map(|of| Count { as_far: 0, level: level(of) }).collect();
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Bootstrap, 7);
    let mut permutations = 0;
    for look in LOOKS {
        while permutations < look {
            permutations += 1;
            let chosen = pool.draw(&mut stream);
            longer.as_far += usize::from(mean(&chosen) >= observed);
            let largest = pool.largest(&chosen, &mut counts, &mut touched);
            for (count, (surprise, _)) in counts_of.iter_mut().zip(&named) {
                count.as_far += usize::from(largest >= *surprise);
            }
        }
        if counts_of.iter().chain([&longer]).all(|count| count.is_settled(permutations)) {
            break;
        }
    }
    let told = named.into_iter().zip(counts_of);
    let pieces = told
        .map(|((_, piece), count)| Piece { p_value: count.p_value(permutations), ..piece })
        .take_while(|piece| piece.p_value <= NAMED)
        .collect();
    let of = |listed: bool| {
        let chosen = samples.iter().zip(&lengths).filter(|(sample, _)| sample.listed == listed);
        median(&chosen.map(|(_, length)| *length).collect::<Vec<f64>>())
    };
    let length = of(true).zip(of(false)).map(|(listed, others)| Length {
        listed,
        others,
        p_value: longer.p_value(permutations),
    });
    Some(Shared { distinct, listed, compared, pieces, length, permutations, again })
}

/// The answer that most of the listed are, where three or more are and a quarter of them.
fn again(samples: &[Sample], listed: usize) -> Option<(String, usize)> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    samples.iter().filter(|sample| sample.listed).for_each(|own| *times.entry(&own.text).or_default() += 1);
    let most = times.into_iter().max_by_key(|(_, n)| *n).filter(|(_, n)| *n >= 3 && 4 * n >= listed)?;
    Some((most.0.to_owned(), most.1))
}

/// Share of the completions that hold a piece whose prompts hold its text.
fn in_prompts(samples: &[Sample], text: &str, holds: &dyn Fn(usize) -> bool) -> f64 {
    let of: Vec<&Sample> =
        samples.iter().enumerate().filter(|(i, _)| holds(*i)).map(|(_, sample)| sample).collect();
    let asked = |sample: &&&Sample| {
        sample.prompt.as_deref().is_some_and(|prompt| prompt.contains(text.trim()) && !text.is_empty())
    };
    of.iter().filter(asked).count() as f64 / of.len().max(1) as f64
}

/// Probability of so many or more of rare events of which so many are expected (Poisson).
fn at_least(found: usize, expected: f64) -> f64 {
    match found.checked_sub(1) {
        Some(below) if found as f64 > expected => {
            Poisson::new(expected).map_or(0.0, |law| law.sf(below as u64))
        }
        _ => 1.0,
    }
}

/// How many of the listed would hold a piece if each character of a text began it as often as those of the others of its stratum do, and two
/// more of all others held it: of what is rare little is known.
fn by_length(samples: &[Sample], lengths: &[f64], own: &[usize], holds: &dyn Fn(usize) -> bool) -> f64 {
    let mut strata: HashMap<u64, (f64, f64)> = HashMap::new();
    for (i, (sample, length)) in
        samples.iter().zip(lengths).enumerate().filter(|(_, (sample, _))| !sample.listed)
    {
        let of = strata.entry(sample.stratum).or_default();
        *of = (of.0 + f64::from(u8::from(holds(i))), of.1 + length.max(1.0));
    }
    let all: f64 = strata.values().map(|(_, characters)| characters).sum();
    let others = samples.iter().filter(|sample| !sample.listed).count().max(1);
    // What is far longer than all others is no longer explained by its length.
    let longest = LONGEST * all / others as f64;
    let expected = |i: &usize| {
        let (sample, length) = samples.get(*i).zip(lengths.get(*i))?;
        let (holding, characters) = strata.get(&sample.stratum).copied().unwrap_or((0.0, 1.0));
        let length = length.min(longest);
        Some(-(-length * (holding / characters + 2.0 / all.max(1.0))).exp_m1())
    };
    own.iter().filter_map(expected).sum()
}

/// Log-lengths less the mean of their stratum.
fn centred(samples: &[Sample], lengths: &[f64]) -> Vec<f64> {
    let mut sums: HashMap<u64, (f64, f64)> = HashMap::new();
    for (sample, length) in samples.iter().zip(lengths) {
        let sum = sums.entry(sample.stratum).or_default();
        *sum = (sum.0 + length.ln_1p(), sum.1 + 1.0);
    }
    let mean = |stratum: &u64| sums.get(stratum).map_or(0.0, |(sum, n)| sum / n);
    samples.iter().zip(lengths).map(|(sample, length)| length.ln_1p() - mean(&sample.stratum)).collect()
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
    use crate::foundation::rng::Stream;

    /// 12 steps of 24 random texts of `letters`, the first of each step listed.
    fn samples(stream: &mut Stream, letters: &[u8]) -> Vec<Sample> {
        (0..12 * 24)
            .map(|i| {
                let length = 6 + stream.below(9);
                let letter = |_| char::from(letters[stream.below(letters.len() as u64) as usize]);
                let text = (0..length).map(letter).collect();
                Sample { stratum: i / 24, listed: i % 24 == 0, text, left_out: 0, prompt: None }
            })
            .collect()
    }

    #[test]
    fn a_piece_tells_where_it_is_improbable_common_among_the_listed_and_rare_elsewhere() {
        let piece = Piece {
            text: "zq".into(),
            whole: false,
            lift: 3.0,
            p_value: 0.01,
            listed: 3,
            others: 0.1,
            by_length: 0.75,
            p_by_length: 0.5,
            in_prompts: 0.0,
        };
        let of = |distinct: usize| Shared {
            distinct,
            listed: distinct,
            compared: 99,
            pieces: Vec::new(),
            length: None,
            permutations: 399,
            again: None,
        };
        assert!(piece.is_telling(&of(12), 0.01));
        assert!(!piece.is_telling(&of(13), 0.01), "in less than a quarter of them");
        assert!(!Piece { lift: 2.9, ..piece.clone() }.is_telling(&of(12), 0.01), "elsewhere too");
        assert!(!Piece { p_value: 0.011, ..piece.clone() }.is_telling(&of(12), 0.01));
        assert!(!Piece { listed: 2, ..piece.clone() }.is_telling(&of(8), 0.01), "in two of them");
        assert!(
            !Piece { by_length: 0.76, ..piece.clone() }.is_telling(&of(12), 0.01),
            "as long texts hold it"
        );
        let longer =
            |p_value| Shared { length: Some(Length { listed: 300.0, others: 100.0, p_value }), ..of(12) };
        assert!(piece.is_telling(&longer(0.2), 0.01), "the listed are no longer than others");
        assert!(!piece.is_telling(&longer(0.01), 0.01), "chosen among many that long texts hold");
        assert!(!Piece { in_prompts: 0.6, ..piece.clone() }.is_telling(&of(12), 0.01), "it was asked for");
        assert!(Piece { p_by_length: 1e-4, ..piece }.is_telling(&longer(0.01), 0.01));
        assert_eq!((at_least(2, 2.0), at_least(2, 0.0)), (1.0, 0.0));
        assert!((at_least(10, 2.5) / 2.7735e-04 - 1.0).abs() < 0.001, "{}", at_least(10, 2.5));
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
    fn pieces_of_long_texts_tell_nothing_where_the_listed_are_the_long_ones() {
        // Twelve groups of eight random texts, the longest of each listed: 100 logs.
        let mut stream = SeedTree::new(63, 0).stream(Purpose::Utility, 0);
        let mut told = 0;
        for _ in 0..100 {
            let mut samples: Vec<Sample> = Vec::new();
            for stratum in 0..12 {
                let first = samples.len();
                for _ in 0..8 {
                    let length = 20 + stream.below(200);
                    let letter = |_| char::from(b"abcdefghij klmno"[stream.below(16) as usize]);
                    samples.push(Sample {
                        stratum,
                        listed: false,
                        text: (0..length).map(letter).collect(),
                        left_out: 0,
                        prompt: None,
                    });
                }
                let longest = samples[first..].iter_mut().max_by_key(|sample| sample.text.len());
                longest.unwrap().listed = true;
            }
            let found = shared(samples).unwrap();
            told += usize::from(found.pieces.iter().any(|piece| piece.is_telling(&found, 0.01)));
        }
        assert!(told <= 4, "{told} of 100");
    }

    #[test]
    fn common_words_tell_nothing_of_long_answers() {
        // Words as often as their rank says, the two longest of each of twelve groups of eight listed: 100 logs.
        let mut stream = SeedTree::new(66, 0).stream(Purpose::Utility, 0);
        let mut told = 0;
        for _ in 0..100 {
            let mut samples: Vec<Sample> = Vec::new();
            for stratum in 0..12 {
                let first = samples.len();
                for _ in 0..8 {
                    let words = 4 + (20.0 * -stream.open_unit().ln()) as usize;
                    let word = |_| {
                        let rank = 400f64.powf(stream.open_unit()) as u64;
                        format!("{}{}", rank * 7919 % 997, ["an", "er", "us"][(rank % 3) as usize])
                    };
                    let text = (0..words).map(word).collect::<Vec<String>>().join(" ");
                    samples.push(Sample { stratum, listed: false, text, left_out: 0, prompt: None });
                }
                samples[first..].sort_by_key(|sample| std::cmp::Reverse(sample.text.len()));
                samples[first..first + 2].iter_mut().for_each(|sample| sample.listed = true);
            }
            let found = shared(samples).unwrap();
            told += usize::from(found.pieces.iter().any(|piece| piece.is_telling(&found, 0.01)));
        }
        assert!(told <= 4, "{told} of 100");
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
        samples
            .iter_mut()
            .filter(|sample| sample.stratum == 11)
            .for_each(|sample| sample.text.push_str("zq"));
        let found = shared(samples.clone()).unwrap();
        let first = &found.pieces[0];
        assert_eq!((first.text.as_str(), first.listed, found.distinct), ("zq", 7, 12));
        assert!(first.is_telling(&found, 0.01) && first.lift > 3.0, "{first:?}");
        assert!(first.others < 0.1, "{first:?}");
        // One and the same text listed again and again is one text.
        for sample in samples.iter_mut().filter(|sample| sample.listed) {
            sample.text = "zqzqzq".to_owned();
        }
        let found = shared(samples.clone()).unwrap();
        assert_eq!((found.distinct, found.listed, found.pieces.len()), (1, 12, 0));
        assert_eq!(found.again, Some(("zqzqzq".to_owned(), 12)));
        // To a prompt of its own each it is what they share; so is an empty one.
        for same in ["zqzqzq", ""] {
            for (i, sample) in samples.iter_mut().enumerate() {
                sample.prompt = Some(format!("question {i}"));
                if sample.listed {
                    sample.text = same.to_owned();
                }
            }
            let found = shared(samples.clone()).unwrap();
            let first = &found.pieces[0];
            assert_eq!(
                (found.distinct, first.text.as_str(), first.listed, first.whole),
                (12, same, 12, true)
            );
            assert!(first.is_telling(&found, 0.01), "{found:?}");
        }
        assert_eq!(shared(Vec::new()), None);
    }
}
