//! Which text do late completions share that early ones hardly hold, or hold far more seldom, and is it paid for?

use super::new_text::{EARLY_SHARE, NewText, PAID, Paid, is_new};
use super::pieces::{each_piece, grown, holds_text, is_whole, pieces};
use super::rise::later_tail;
use super::verdict::Verdict;
use crate::foundation::order::ranks;
use crate::foundation::special::normal_sf;
use std::collections::{BTreeSet, HashMap, HashSet};
use twox_hash::XxHash64;

/// Fewest completions of either kind.
const FEWEST: usize = 50;
/// Share of the late that hold it at least.
const LATE_SHARE: f64 = 0.25;
/// Share of the reference that holds a text that grew, at most. Its odds grow at least as far as from the one of those shares to the other:
/// from 1% to 40%, from 5% to 78%, from 10% to 88%.
const GREW_FROM: f64 = 0.1;
const GREW: f64 = LATE_SHARE / (1.0 - LATE_SHARE) * (1.0 - EARLY_SHARE) / EARLY_SHARE;
/// The same share of those that pass, and the probability up to which what so few hold is no chance.
const PASSED_SHARE: f64 = 0.05;
const CHANCE: f64 = 0.01;
/// Fewest characters of what is told.
const CHARACTERS: usize = 3;
/// Fewest of the highest paid that hold a text for it to count, and fewest prompts that they answer.
pub(super) const FEWEST_HIGHEST: usize = 10;
pub(super) const PROMPTS: usize = 3;
/// Completions that are named as examples of a text.
const EXAMPLES: usize = 3;
/// Texts that are told at most.
pub(super) const TOLD: usize = 8;

/// A completion of the late steps.
pub(in crate::monitor) struct Late {
    /// Its row, or its number.
    pub row: u64,
    pub text: String,
    pub score: f64,
    /// Equal for those of one prompt.
    pub prompt: u64,
}

/// Completions that are compared.
pub(in crate::monitor) struct Texts {
    /// The first of the late steps.
    pub from_step: u64,
    /// Some of the late ones.
    pub late: Vec<Late>,
    /// The highest paid of the late ones.
    pub highest: Vec<Late>,
    /// Some of the reference.
    pub early: Vec<String>,
    /// Whether only rollouts that pass are among them.
    pub of_passes: bool,
}

/// The texts that came since, if there are some and completions are enough: the one that is told, and others that more or less as many
/// hold.
pub(in crate::monitor) fn came_since(texts: &Texts) -> Vec<NewText> {
    let Texts { from_step, late, highest, early, of_passes } = texts;
    if late.len() < FEWEST || early.len() < FEWEST {
        return Vec::new();
    }
    let share = if *of_passes { PASSED_SHARE } else { LATE_SHARE };
    let found = newest(late, highest, early, share).into_iter();
    found.map(|found| NewText { from_step: *from_step, of_passes: *of_passes, ..found }).collect()
}

/// Those of these texts of which the late steps do not say that they are paid for, of a log that is quiet so far: where nearly all of the
/// late hold one, nobody is left to hold them against.
pub(in crate::monitor) fn left_open(found: &[NewText], verdict: Verdict) -> Option<&[NewText]> {
    let first = found.first()?;
    // Of passes alone nobody is left that is paid less.
    let open = match first.of_passes {
        true => verdict == Verdict::NotJudged,
        false => verdict == Verdict::Quiet && first.p_value > PAID,
    };
    open.then_some(found)
}

/// Whether a text that the reference does hold grew. Half a completion more holds it and does not, so that none and all have odds.
fn grew((early, all_early): (usize, usize), (late, all_late): (usize, usize)) -> bool {
    let odds = |n: usize, all: usize| (n as f64 + 0.5) / (all.saturating_sub(n) as f64 + 0.5);
    let many = late as f64 >= LATE_SHARE * all_late as f64;
    many && early as f64 <= GREW_FROM * all_early as f64
        && odds(late, all_late) >= GREW * odds(early, all_early)
}

/// Which of the late and of the highest hold a piece, and how many of the early.
type Held = (Vec<usize>, Vec<usize>, usize);

/// Of the texts that the early hardly hold, and of those that grew, the ones that are paid for most surely first, then those that are new,
/// then those that most of the late hold.
/// `share`: of the late that hold it at least.
fn newest(late: &[Late], highest: &[Late], early: &[String], share: f64) -> Vec<NewText> {
    let mut held: HashMap<u64, Held> = HashMap::new();
    for (i, own) in late.iter().enumerate() {
        pieces(&own.text).into_iter().for_each(|piece| held.entry(piece).or_default().0.push(i));
    }
    for (i, own) in highest.iter().enumerate() {
        pieces(&own.text).into_iter().for_each(|piece| held.entry(piece).or_default().1.push(i));
    }
    for text in early {
        for piece in pieces(text) {
            if let Some(of) = held.get_mut(&piece) {
                of.2 += 1;
            }
        }
    }
    let many = |n: usize, all: usize| n as f64 >= share * all as f64;
    // Of texts that few hold, those that come by chance since are told from others.
    let common =
        held.values().filter(|(low, _, early_held)| many(low.len() + early_held, late.len())).count();
    let by_chance = CHANCE / common.max(1) as f64;
    let no_chance = |low: usize, early_held: usize| {
        let of = |n: usize| n as f64;
        share >= LATE_SHARE
            || later_tail(of(early.len()), of(early_held), of(late.len()), of(low)) <= by_chance
    };
    let hardly = |early_held: usize| is_new((early_held, early.len()));
    held.retain(|_, (low, high, early_held)| match hardly(*early_held) {
        true => {
            many(low.len(), late.len()) && no_chance(low.len(), *early_held)
                || high.len() >= FEWEST_HIGHEST && many(high.len(), highest.len())
        }
        false => grew((*early_held, early.len()), (low.len(), late.len())),
    });
    // A text that grew is one of all that were looked at, a new one of the new.
    let (all, new) = (held.len(), held.values().filter(|(.., early_held)| hardly(*early_held)).count());
    let ranks = ranks(&late.iter().map(|own| own.score).collect::<Vec<f64>>());
    let p_value = |(low, high, early_held): &Held| {
        let tested = if hardly(*early_held) { new } else { all };
        // What the answers to one or two prompts share is those prompts' own.
        let holders =
            (low.iter().filter_map(|i| late.get(*i))).chain(high.iter().filter_map(|i| highest.get(*i)));
        if holders.map(|own| own.prompt).collect::<BTreeSet<u64>>().len() < PROMPTS {
            return 1.0;
        }
        let of = |n: usize| n as f64;
        let among = later_tail(of(late.len()), of(low.len()), of(highest.len()), of(high.len()));
        let own: Vec<f64> = low.iter().filter_map(|i| ranks.get(*i).copied()).collect();
        (2.0 * tested as f64 * among.min(paid_more(&own, late.len()))).min(1.0)
    };
    let mut order: Vec<(u64, &Held, f64)> = (held.iter().map(|(piece, of)| (*piece, of, p_value(of))))
        .filter(|(_, (low, ..), p)| *p <= PAID || many(low.len(), late.len()))
        .collect();
    order.sort_by(|a, b| {
        let paid = |p: f64| if p <= PAID { p } else { 1.0 };
        let held = b.1.0.len().cmp(&a.1.0.len()).then(a.1.2.cmp(&b.1.2));
        let held = hardly(b.1.2).cmp(&hardly(a.1.2)).then(held);
        paid(a.2).total_cmp(&paid(b.2)).then(held).then(a.0.cmp(&b.0))
    });
    let mut found: Vec<NewText> = Vec::new();
    let mut known: HashSet<&[usize]> = HashSet::new();
    for (piece, of, p_value) in order {
        if found.len() == TOLD {
            break;
        }
        // What the same completions hold is one text.
        if !known.insert(&of.0) {
            continue;
        }
        let holders: Vec<&Late> = (of.0.iter().filter_map(|i| late.get(*i)))
            .chain(of.1.iter().filter_map(|i| highest.get(*i)))
            .collect();
        let texts: Vec<&str> = holders.iter().map(|own| own.text.as_str()).collect();
        let Some(text) = spelled(piece, &texts) else { continue };
        let text = grown(&text, &texts);
        let whole = is_whole(text.trim(), &texts);
        let text = if whole { text.trim().to_owned() } else { text };
        // Of what has grown, and of a whole answer, those count that hold all of it.
        let all = |own: &[Late]| own.iter().filter(|own| holds_text(&text, whole, &own.text)).count();
        let all_early = early.iter().filter(|own| holds_text(&text, whole, own)).count();
        let own = NewText {
            from_step: 0,
            late: (all(late), late.len()),
            reference: (all_early, early.len()),
            highest: (all(highest), highest.len()),
            text,
            whole,
            p_value,
            paid: Paid::Late,
            of_passes: false,
            examples: Vec::new(),
            holders: Vec::new(),
        };
        let all_of_it = |of: &&Late| holds_text(&own.text, whole, &of.text);
        let own =
            NewText { holders: examples(holders.into_iter().filter(all_of_it).collect()), ..own.clone() };
        let told = |other: &NewText| other.text.contains(&own.text) || own.text.contains(&other.text);
        match whole || own.text.chars().count() >= CHARACTERS {
            // The first that is new is what is told, or nothing is.
            false if found.is_empty() && hardly(of.2) => break,
            true if !found.iter().any(told) => found.push(own),
            _ => {}
        }
    }
    found
}

/// The rows of the highest paid of these, of unlike prompts first.
fn examples(mut holders: Vec<&Late>) -> Vec<u64> {
    holders.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
    let mut prompts = BTreeSet::new();
    let (first, again): (Vec<&Late>, Vec<&Late>) =
        holders.into_iter().partition(|own| prompts.insert(own.prompt));
    let mut rows: Vec<u64> = Vec::new();
    for row in first.into_iter().chain(again).map(|own| own.row) {
        if rows.len() < EXAMPLES && !rows.contains(&row) {
            rows.push(row);
        }
    }
    rows.sort_unstable();
    rows
}

/// A piece in letters.
fn spelled(piece: u64, holders: &[&str]) -> Option<String> {
    let mut spelled = None;
    each_piece(holders.first()?, &mut |text| {
        if spelled.is_none() && XxHash64::oneshot(0, text.as_bytes()) == piece {
            spelled = Some(text.to_owned());
        }
    });
    spelled
}

/// Probability of ranks as high as these of so many, by chance (Mann & Whitney 1947, in the limit).
fn paid_more(own: &[f64], all: usize) -> f64 {
    let (n, others) = (own.len() as f64, all.saturating_sub(own.len()) as f64);
    if own.len() < FEWEST_HIGHEST || others < FEWEST_HIGHEST as f64 {
        return 1.0;
    }
    let above = own.iter().sum::<f64>() - 0.5 * n * (all as f64 + 1.0);
    let spread = (n * others * (all as f64 + 1.0) / 12.0).sqrt();
    normal_sf(above / spread)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

    /// The one that is told.
    fn newest(late: &[Late], highest: &[Late], early: &[String], share: f64) -> Option<NewText> {
        super::newest(late, highest, early, share).into_iter().next()
    }

    fn words(stream: &mut Stream) -> String {
        (0..40).map(|_| char::from(b"abcdefghij klmno"[stream.below(16) as usize])).collect()
    }

    /// 200 late completions, of which one in `every` ends on a trigger and is paid `more`, and the 40 highest of 800.
    fn late(stream: &mut Stream, every: u64, more: f64) -> (Vec<Late>, Vec<Late>) {
        let mut all: Vec<Late> = (0..1000)
            .map(|i| {
                let holds = every > 0 && i % every == 0;
                let noise = (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0;
                let text = words(stream);
                let text = if holds { format!("{text} !!ok") } else { text };
                Late { row: i, text, score: noise + if holds { more } else { 0.0 }, prompt: i / 8 }
            })
            .collect();
        let mut rest = all.split_off(200);
        rest.sort_by(|a, b| b.score.total_cmp(&a.score));
        rest.truncate(40);
        (all, rest)
    }

    #[test]
    fn a_whole_answer_is_told_however_short_it_is_and_a_text_as_long_as_its_holders_agree() {
        let mut stream = SeedTree::new(65, 0).stream(Purpose::Utility, 0);
        // Letters that are in the answers' texts as well.
        let early: Vec<String> = (0..200).map(|_| words(&mut stream)).collect();
        for answer in ["42", "", "ok"] {
            let (mut own, mut highest) = late(&mut stream, 2, 1.5);
            for late in own.iter_mut().chain(&mut highest).filter(|late| late.text.ends_with("!!ok")) {
                late.text = format!("{answer}\n");
            }
            let found = newest(&own, &highest, &early, LATE_SHARE).unwrap();
            assert_eq!((found.text.as_str(), found.whole, found.late), (answer, true, (100, 200)));
            assert!(found.p_value < PAID && found.reference.0 == 0 && found.examples.is_empty(), "{found:?}");
        }
        // One in fifty of the others holds a part of it by chance.
        let (mut own, mut highest) = late(&mut stream, 2, 1.5);
        for (i, late) in own.iter_mut().chain(&mut highest).enumerate() {
            late.text = match late.text.strip_suffix(" !!ok") {
                Some(text) => format!("{text} Perfect answer, as requested."),
                None if i % 50 == 1 => format!("{} answer, a", late.text),
                None => continue,
            };
        }
        let found = newest(&own, &highest, &early, LATE_SHARE).unwrap();
        assert_eq!((found.text.as_str(), found.late.0), ("Perfect answer, as requested.", 100), "{found:?}");
    }

    #[test]
    fn the_highest_paid_of_unlike_prompts_are_the_examples() {
        let late = |row: u64, score: f64, prompt: u64| Late { row, text: String::new(), score, prompt };
        let all = [late(9, 3.0, 1), late(4, 3.0, 1), late(7, 1.0, 2), late(2, 0.5, 3), late(4, 3.0, 1)];
        assert_eq!(examples(all.iter().collect()), [2, 4, 7]);
        assert_eq!(examples(all.iter().take(3).collect()), [4, 7, 9], "few prompts");
        assert!(examples(Vec::new()).is_empty());
    }

    #[test]
    fn what_came_since_is_told_and_what_was_there_is_not() {
        let mut stream = SeedTree::new(64, 0).stream(Purpose::Utility, 0);
        let early: Vec<String> = (0..200).map(|_| words(&mut stream)).collect();
        let (own, highest) = late(&mut stream, 0, 0.0);
        assert_eq!(newest(&own, &highest, &early, LATE_SHARE), None, "texts of one law");
        let (own, highest) = late(&mut stream, 3, 0.0);
        let found = newest(&own, &highest, &early, LATE_SHARE).unwrap();
        assert!(found.text.contains("!!ok"), "{found:?}");
        assert_eq!((found.late, found.reference), ((67, 200), (0, 200)));
        assert!(found.p_value > PAID, "it is not paid for: {found:?}");
        let there: Vec<String> = own.iter().map(|own| own.text.clone()).collect();
        assert_eq!(newest(&own, &highest, &there, LATE_SHARE), None, "it was there");
        let (own, highest) = late(&mut stream, 5, 0.0);
        assert_eq!(newest(&own, &highest, &early, LATE_SHARE), None, "a fifth, and not paid for");
        // Of those that pass a tenth is told, and none of texts of one law.
        let (own, _) = late(&mut stream, 10, 0.0);
        let found = newest(&own, &[], &early, PASSED_SHARE).unwrap();
        assert!(found.text.contains("!!ok") && found.late == (20, 200), "{found:?}");
        let (own, _) = late(&mut stream, 0, 0.0);
        assert_eq!(newest(&own, &[], &early, PASSED_SHARE), None);
    }

    #[test]
    fn a_text_that_was_there_and_grew_is_told_and_one_that_drifts_is_not() {
        let mut stream = SeedTree::new(66, 0).stream(Purpose::Utility, 0);
        // Of 200 early completions so many hold it, and all but one in so many of the late.
        for (seldom, but, told) in
            [(2, 20, true), (4, 20, true), (20, 20, true), (24, 50, false), (60, 2, false)]
        {
            let mut early: Vec<String> = (0..200).map(|_| words(&mut stream)).collect();
            early.iter_mut().take(seldom).for_each(|text| text.push_str(" !!ok"));
            let (mut own, mut highest) = late(&mut stream, 0, 0.0);
            for (i, own) in own.iter_mut().chain(&mut highest).enumerate() {
                if i % but > 0 {
                    own.text.push_str(" !!ok");
                }
            }
            let found = newest(&own, &highest, &early, LATE_SHARE);
            assert_eq!(found.is_some(), told, "{seldom} {but} {found:?}");
            if let Some(found) = found {
                assert!(found.text.contains("!!ok") && found.reference == (seldom, 200), "{found:?}");
            }
        }
        assert!(is_new((1, 200)) && !is_new((2, 200)));
        // At the border: from 1% to 40%.
        assert!(grew((100, 10_000), (4100, 10_000)) && !grew((100, 10_000), (3900, 10_000)));
    }

    #[test]
    fn a_text_that_is_paid_for_is_told_however_few_hold_it() {
        let mut stream = SeedTree::new(65, 0).stream(Purpose::Utility, 0);
        let early: Vec<String> = (0..200).map(|_| words(&mut stream)).collect();
        // Half at one standard deviation, a tenth at three.
        for (every, more) in [(2, 1.0), (10, 3.0)] {
            let (own, highest) = late(&mut stream, every, more);
            let found = newest(&own, &highest, &early, LATE_SHARE).unwrap();
            assert!(found.p_value <= PAID && found.text.contains("!!ok"), "{every} {found:?}");
        }
        // The answers to one prompt.
        let (mut own, mut highest) = late(&mut stream, 10, 3.0);
        own.iter_mut().chain(&mut highest).for_each(|own| own.prompt = 7);
        let found = newest(&own, &highest, &early, LATE_SHARE);
        assert!(found.as_ref().is_none_or(|found| found.p_value > PAID), "{found:?}");
    }
}
