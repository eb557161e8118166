//! The completions of a log in which text is looked for that came since its reference: some of the reference, some of the last steps, and
//! the highest paid of these.

use super::Reading;
use super::centre::{Centre, GroupMedians};
use super::entries::{RowText, texts};
use super::gather::Base;
use super::late::late;
use super::new_text::NewText;
use super::newest::{Late, Texts, came_since, left_open};
use super::paid_before::{looked_at, paid_before};
use super::place::Place;
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::record::{Error, Log, Rollouts, Span};
use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

/// Completions that are looked at of either kind.
const LOOKED_AT: usize = 200;
/// Rows of which all are drawn from.
const MANY: usize = 1 << 16;
/// The highest paid of the late rollouts that are looked at.
const HIGHEST: usize = 40;

/// The text that came since, if there is one. Where rewards `above` a level are paid and others are not, those that are paid are compared.
pub(super) fn new_text(
    log: &Log<Rollouts>,
    base: Base<'_>,
    above: Option<f64>,
    reading: &Reading,
) -> Result<Option<NewText>, Error> {
    if log.meta.roles.completion.is_none() {
        return Ok(None);
    }
    let spans = late(log, base);
    let Some(from_step) = spans.first().map(|span| span.step) else { return Ok(None) };
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Audit, u64::MAX - 3);
    let early_ranges: Vec<Range<usize>> = match base {
        Base::Log(other) => std::iter::once(0..other.rollouts.len()).collect(),
        Base::Steps(..) => {
            let own = log.rollouts.spans().iter().filter(|span| base.holds(span.step));
            own.map(|span| span.rows.clone()).collect()
        }
    };
    let scored = scored(log, &spans)?;
    let (late_rows, early_rows, highest_rows) = match above {
        None => {
            let late_rows = some(spans.iter().map(|span| span.rows.clone()).collect(), &mut stream);
            let early_rows = some(early_ranges, &mut stream);
            let mut order: Vec<&OfLate> = scored.iter().collect();
            order.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.row.cmp(&b.row)));
            (late_rows, early_rows, order.iter().take(HIGHEST).map(|own| own.row).collect())
        }
        Some(above) => {
            let passed = scored.iter().filter(|own| own.reward > above).map(|own| own.row).collect();
            let of = if let Base::Log(other) = base { other } else { log };
            let early = passing(of, early_ranges, above)?;
            (drawn(passed, &mut stream), drawn(early, &mut stream), Vec::new())
        }
    };
    let of_rows: HashMap<usize, &OfLate> = scored.iter().map(|own| (own.row, own)).collect();
    let mut lines: HashMap<u64, u64> = HashMap::new();
    let mut late_of = |rows: &[usize], found: Vec<RowText>| -> Vec<Late> {
        let one = |(row, text): (&usize, RowText)| {
            let own = of_rows.get(row)?;
            lines.extend(text.line.map(|line| (*row as u64, line)));
            Some(Late { row: *row as u64, text: text.completion?, score: own.score, prompt: own.prompt })
        };
        rows.iter().zip(found).filter_map(one).collect()
    };
    let of_early = |found: Vec<RowText>| found.into_iter().filter_map(|row| row.completion).collect();
    // One pass over the files.
    let both: Vec<usize> = late_rows.iter().chain(&highest_rows).copied().collect();
    let (mut found, early): (Vec<RowText>, Vec<String>) = match base {
        Base::Log(other) => (texts(log, &both)?, of_early(texts(other, &early_rows)?)),
        Base::Steps(..) => {
            let all: Vec<usize> = both.iter().chain(&early_rows).copied().collect();
            let mut found = texts(log, &all)?;
            let early = found.split_off(both.len().min(found.len()));
            (found, of_early(early))
        }
    };
    let highest = late_of(&highest_rows, found.split_off(late_rows.len().min(found.len())));
    let late = late_of(&late_rows, found);
    let found = came_since(&Texts { from_step, late, highest, early, of_passes: above.is_some() });
    let paid = match left_open(&found, reading.judgement.verdict) {
        Some(open) => {
            let (strata, holds) = looked_at(log, base, open)?;
            paid_before(&strata, &holds, open, &reading.levels)
        }
        None => None,
    };
    let told = paid.or(found.into_iter().next());
    let place = |row: &u64| {
        let at = *row as usize;
        let step = of_rows.get(&at).map(|own| (own.step, own.reward, own.score))?;
        Some(Place::of(log, (at, lines.get(row).copied()), step))
    };
    let name = |found: NewText| {
        let examples = found.holders.iter().filter_map(place).collect::<Result<_, Error>>()?;
        Ok(NewText { examples, ..found })
    };
    told.map(name).transpose()
}

/// A rollout of the late steps.
struct OfLate {
    row: usize,
    step: u64,
    reward: f64,
    /// The reward less what it is compared with.
    score: f64,
    prompt: u64,
}

/// Those of these rows that are paid more than `above`; where they are many, of the first.
fn passing(log: &Log<Rollouts>, ranges: Vec<Range<usize>>, above: f64) -> Result<Vec<usize>, Error> {
    let mut found = Vec::new();
    for range in ranges {
        let end = range.end.min(range.start + MANY);
        let rewards = log.rollouts.rewards(range.start..end)?;
        found.extend((range.start..).zip(rewards).filter(|(_, reward)| *reward > above).map(|(row, _)| row));
        if found.len() >= MANY {
            break;
        }
    }
    Ok(found)
}

/// Some of these rows, in their order.
fn drawn(rows: Vec<usize>, stream: &mut Stream) -> Vec<usize> {
    stream.draw(rows, LOOKED_AT).into_iter().collect::<BTreeSet<usize>>().into_iter().collect()
}

/// The rollouts of these steps; where they are many, of the last.
fn scored(log: &Log<Rollouts>, spans: &[&Span]) -> Result<Vec<OfLate>, Error> {
    let named = log.meta.roles.prompt.is_some() || log.meta.roles.group.is_some();
    // Where prompts are not known, each rollout may have its own.
    let prompts = log.meta.roles.prompt.is_some();
    let (mut found, mut medians) = (Vec::new(), GroupMedians::default());
    for span in spans.iter().rev() {
        if found.len() >= MANY {
            break;
        }
        let rows = log.rollouts.rows(span.rows.start..span.rows.end.min(span.rows.start + MANY))?;
        let groups = if named { &rows.group[..] } else { &[] };
        let centres = Centre::of(groups).centres(groups, &rows.proxy, &mut medians);
        let numbers = rows.proxy.iter().zip(centres).zip(&rows.prompt);
        found.extend((span.rows.start..).zip(numbers).map(|(row, ((reward, centre), prompt))| OfLate {
            row,
            step: span.step,
            reward: *reward,
            score: reward - centre,
            prompt: if prompts { *prompt } else { row as u64 },
        }));
    }
    Ok(found)
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
