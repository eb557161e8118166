//! Text that late completions share and those of the reference do not: the policy has changed its ways, whatever it is paid for them.

use super::entries::{RowText, texts};
use super::gather::Base;
use super::late::late;
use super::pieces::{each_piece, grown, pieces};
use crate::foundation::format::{count, percent, visible};
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::record::{Error, Log, Rollouts};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;
use twox_hash::XxHash64;

/// Completions that are looked at of either kind, and fewest.
const LOOKED_AT: usize = 200;
const FEWEST: usize = 50;
/// Rows of which all are drawn from.
const MANY: usize = 1 << 16;
/// Share of the late that hold it at least, and of the reference at most.
const LATE_SHARE: f64 = 0.25;
const EARLY_SHARE: f64 = 0.005;
/// Fewest characters of what is told.
const CHARACTERS: usize = 3;

/// What is told of it, if there is such a text.
pub(super) fn new_text(
    log: &Log<Rollouts>,
    base: Base<'_>,
    reference: &str,
) -> Result<Option<String>, Error> {
    if log.meta.roles.completion.is_none() {
        return Ok(None);
    }
    let spans = log.rollouts.spans();
    let late = late(log, base);
    let Some(from_step) = late.first().map(|span| span.step) else { return Ok(None) };
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Audit, u64::MAX - 3);
    let late_rows = some(late.iter().map(|span| span.rows.clone()).collect(), &mut stream);
    let early_ranges = match base {
        Base::Log(other) => std::iter::once(0..other.rollouts.len()).collect(),
        Base::Steps(..) => {
            spans.iter().filter(|span| base.holds(span.step)).map(|span| span.rows.clone()).collect()
        }
    };
    let early_rows = some(early_ranges, &mut stream);
    let completions =
        |found: Vec<RowText>| found.into_iter().filter_map(|row| row.completion).collect::<Vec<String>>();
    let (late, early) = match base {
        Base::Log(other) => (completions(texts(log, &late_rows)?), completions(texts(other, &early_rows)?)),
        // One pass over the files.
        Base::Steps(..) => {
            let both: Vec<usize> = early_rows.iter().chain(&late_rows).copied().collect();
            let mut found = texts(log, &both)?;
            let late = found.split_off(early_rows.len().min(found.len()));
            (completions(late), completions(found))
        }
    };
    if late.len() < FEWEST || early.len() < FEWEST {
        return Ok(None);
    }
    let Some((text, held, known)) = newest(&late, &early) else { return Ok(None) };
    let of = |n: usize, all: usize| percent(n as f64 / all as f64);
    Ok(Some(format!(
        "The texts have changed: `{}` is in {} of {} looked at from step {from_step} on, and in {} of {} of {reference}. Learning changes texts, \
         and so does an exploit: read some that hold it.",
        visible(&text),
        of(held, late.len()),
        count(late.len()),
        if known == 0 { "none".to_owned() } else { of(known, early.len()) },
        count(early.len()),
    )))
}

/// Rows drawn at random from these.
fn some(ranges: Vec<Range<usize>>, stream: &mut Stream) -> Vec<usize> {
    let all: usize = ranges.iter().map(Range::len).sum();
    let at = |place: usize| {
        let mut rest = place;
        ranges.iter().find_map(|range| {
            let found = range.clone().nth(rest);
            rest = rest.saturating_sub(range.len());
            found
        })
    };
    let places: BTreeSet<usize> = match all <= MANY {
        true => stream.draw((0..all).collect(), LOOKED_AT).into_iter().collect(),
        // So few of so many seldom meet.
        false => (0..LOOKED_AT).map(|_| stream.below(all as u64) as usize).collect(),
    };
    places.into_iter().filter_map(at).collect()
}

/// The text that most of the late hold of those that the early hardly hold, with how many of either do.
fn newest(late: &[String], early: &[String]) -> Option<(String, usize, usize)> {
    let mut held: HashMap<u64, (usize, usize)> = HashMap::new();
    for text in late {
        pieces(text).into_iter().for_each(|piece| held.entry(piece).or_default().0 += 1);
    }
    for text in early {
        for piece in pieces(text) {
            if let Some(of) = held.get_mut(&piece) {
                of.1 += 1;
            }
        }
    }
    let is_new = |(late_held, early_held): (usize, usize)| {
        late_held as f64 >= LATE_SHARE * late.len() as f64
            && early_held as f64 <= EARLY_SHARE * early.len() as f64
    };
    let (&piece, &(most, known)) = (held.iter())
        .filter(|(_, of)| is_new(**of))
        .max_by(|a, b| a.1.0.cmp(&b.1.0).then(b.1.1.cmp(&a.1.1)).then(b.0.cmp(a.0)))?;
    let holders: Vec<&str> =
        late.iter().filter(|text| pieces(text).contains(&piece)).map(String::as_str).collect();
    let mut spelled = None;
    each_piece(holders.first()?, &mut |text| {
        if spelled.is_none() && XxHash64::oneshot(0, text.as_bytes()) == piece {
            spelled = Some(text.to_owned());
        }
    });
    let text = grown(&spelled?, &holders);
    (text.chars().count() >= CHARACTERS).then_some((text, most, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(stream: &mut Stream) -> String {
        (0..40).map(|_| char::from(b"abcdefghij klmno"[stream.below(16) as usize])).collect()
    }

    #[test]
    fn what_came_since_is_told_and_what_was_there_is_not() {
        let mut stream = SeedTree::new(64, 0).stream(Purpose::Utility, 0);
        let early: Vec<String> = (0..200).map(|_| words(&mut stream)).collect();
        let late: Vec<String> = (0..200).map(|_| words(&mut stream)).collect();
        assert_eq!(newest(&late, &early), None, "texts of one law");
        let with: Vec<String> = late
            .iter()
            .enumerate()
            .map(|(i, text)| if i % 3 == 0 { format!("{text} !!ok") } else { text.clone() })
            .collect();
        let (text, held, known) = newest(&with, &early).unwrap();
        assert!(text.contains("!!ok") && (held, known) == (67, 0), "{text} {held} {known}");
        assert_eq!(newest(&with, &with), None, "it was there");
        let few: Vec<String> = late
            .iter()
            .enumerate()
            .map(|(i, text)| if i % 5 == 0 { format!("{text} !!ok") } else { text.clone() })
            .collect();
        assert_eq!(newest(&few, &early), None, "a fifth");
    }
}
