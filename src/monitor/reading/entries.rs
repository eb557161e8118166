//! The entries of a list with what stands in their rows, and the completions that they are compared with.

use super::apart::Apart;
use super::gather::{ELSEWHERE, OF_GROUP, OF_STEP};
use super::gathering::Gathered;
use super::list::{Entry, Scored};
use super::place::Place;
use super::point::Point;
use super::sample::{COMPARED, MATES, Sample, by_lot, of_a_step};
use super::shared::{Shared, shared};
use super::shift::Level;
use crate::foundation::format::{count, table};
use crate::foundation::order::median;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::monitor::MIN_GROUP;
use crate::record::{Error, Log, Origin, Rollouts};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;

/// Characters of a prompt or completion that are kept, at its start and at its end.
const START: usize = 1200;
const END: usize = 400;
/// Rows of a step among which others are looked for.
const WINDOW: usize = 4096;

/// A rollout on the reading list, as it stands in its file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ListEntry {
    /// Its training step.
    pub step: u64,
    /// Its file.
    pub file: PathBuf,
    /// Row of data in that file, from 0.
    pub row: usize,
    /// Line of a text file, from 1.
    pub line: Option<u64>,
    /// Its reward.
    pub reward: f64,
    /// The columns of the reward, where they are several.
    pub parts: Vec<(String, f64)>,
    /// The median that it is compared with.
    pub centre: f64,
    /// The reward less the centre.
    pub score: f64,
    /// Its rank among those seen by then, from 1.
    pub rank: usize,
    /// How many had been seen by then.
    pub of: u64,
    /// Benign entries that were expected by then.
    pub expected_benign: f64,
    /// Whether it is one of the reference.
    pub reference: bool,
    /// Whether it stands apart from the rest of the log.
    pub apart: bool,
    /// Whether it is compared with its step.
    pub by_step: bool,
    /// The prompt, cut in its middle.
    pub prompt: Option<String>,
    /// The completion, cut in its middle.
    pub completion: Option<String>,
    /// Why it is listed.
    pub reason: String,
}

impl ListEntry {
    /// Where it stands.
    pub fn place(&self) -> Place {
        let Self { step, file, row, line, reward, score, .. } = self;
        Place { step: *step, file: file.clone(), row: *row, line: *line, reward: *reward, score: *score }
    }
}

/// A text without its middle, where it is long.
pub(super) fn cut(text: &str) -> String {
    cut_to(text, START, END)
}

fn cut_to(text: &str, at_start: usize, at_end: usize) -> String {
    let characters = text.chars().count();
    if characters <= at_start + at_end + 10 {
        return text.to_owned();
    }
    let start: String = text.chars().take(at_start).collect();
    let end: String = text.chars().skip(characters - at_end).collect();
    format!("{start} […{} characters…] {end}", characters - at_start - at_end)
}

/// What stands in a row beside its reward.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RowText {
    /// The prompt, cut in its middle.
    pub prompt: Option<String>,
    /// The completion.
    pub completion: Option<String>,
    /// Characters that were cut out of its middle.
    #[serde(default)]
    pub left_out: usize,
    /// The columns of the reward with their numbers.
    pub parts: Vec<(String, f64)>,
    /// The line of the row, from 1, where its file has lines.
    pub line: Option<u64>,
}

impl RowText {
    /// The same with its texts cut to so many characters at their start and end.
    pub(in crate::monitor) fn cut(self, start: usize, end: usize) -> Self {
        let short = |text: Option<String>| text.map(|text| cut_to(&text, start, end));
        let characters = |text: &Option<String>| text.as_deref().map_or(0, |text| text.chars().count());
        let before = characters(&self.completion);
        let completion = short(self.completion);
        let left_out = self.left_out + before.saturating_sub(characters(&completion));
        Self { prompt: short(self.prompt), completion, left_out, ..self }
    }
}

/// Texts of some rows of a log, in their order.
pub(in crate::monitor) fn texts(log: &Log<Rollouts>, rows: &[usize]) -> Result<Vec<RowText>, Error> {
    let mut found = vec![RowText::default(); rows.len()];
    let roles = &log.meta.roles;
    if roles.prompt.is_none() && roles.completion.is_none() {
        for (row, place) in rows.iter().zip(&mut found) {
            let numbers = log.rollouts.rows(*row..row + 1)?;
            place.parts = numbers.parts.iter().filter_map(|(n, v)| Some((n.clone(), *v.first()?))).collect();
        }
        return Ok(found);
    }
    log.texts(rows, &mut |at, texts| {
        if let Some(place) = found.get_mut(at) {
            *place = RowText {
                prompt: texts.prompt.map(cut),
                completion: texts.completion.map(str::to_owned),
                left_out: 0,
                parts: texts.parts.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect(),
                line: texts.line,
            };
        }
        Ok(())
    })?;
    Ok(found)
}

/// A row with the stratum in which it is compared.
type Placed = (u64, usize);

/// The listed rows that can be compared, and rows that are not listed and that `fits` takes, drawn at random: of their groups, where the log
/// has groups of four, else of their steps.
fn others(
    log: &Log<Rollouts>,
    listed: &[(u64, usize)],
    fits: &dyn Fn(f64) -> bool,
) -> Result<(Vec<Placed>, Vec<Placed>), Error> {
    let mut steps: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (step, row) in listed {
        steps.entry(*step).or_default().push(*row);
    }
    let most = of_a_step(steps.len());
    let named = log.meta.roles.prompt.is_some() || log.meta.roles.group.is_some();
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Audit, u64::MAX - 1);
    let (mut by_step, mut of_steps) = (Vec::new(), Vec::new());
    let (mut by_group, mut of_groups) = (Vec::new(), Vec::new());
    for (step, own) in steps {
        let spans = log.rollouts.spans();
        let Some(span) =
            spans.binary_search_by_key(&step, |span| span.step).ok().and_then(|at| spans.get(at))
        else {
            continue;
        };
        // Rows to choose from: all of a step, or 4,096 that follow each other from a random one on.
        let rows = span.rows.clone();
        let start = rows.start + stream.below(rows.len().saturating_sub(WINDOW).max(1) as u64) as usize;
        let observed = log.rollouts.rows(start..rows.end.min(start + WINDOW))?;
        let free: Vec<(usize, u64)> = (start..)
            .zip(observed.proxy.iter().zip(&observed.group))
            .filter(|(row, (reward, _))| !own.contains(row) && fits(**reward))
            .map(|(row, (_, group))| (row, *group))
            .collect();
        let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for row in own.iter().filter(|_| named) {
            let group = row.checked_sub(start).and_then(|at| observed.group.get(at));
            if let Some(group) = group {
                groups.entry(*group).or_default().push(*row);
            }
        }
        for (group, members) in groups {
            let all: Vec<usize> = free.iter().filter(|(_, own)| *own == group).map(|(row, _)| *row).collect();
            if all.len() + members.len() < MIN_GROUP || all.is_empty() {
                continue;
            }
            let drawn = by_lot(all, |row| *row as u64, MATES * members.len());
            of_groups.extend(drawn.into_iter().map(|row| (group, row)));
            by_group.extend(members.into_iter().map(|row| (group, row)));
        }
        let drawn = by_lot(free, |(row, _)| *row as u64, most);
        of_steps.extend(drawn.into_iter().map(|(row, _)| (step, row)));
        by_step.extend(own.into_iter().map(|row| (step, row)));
    }
    // What some prompts share is no sign: where most have a group, those that have none are not compared.
    Ok(if 2 * by_group.len() >= listed.len() { (by_group, of_groups) } else { (by_step, of_steps) })
}

/// The entries with their texts, and what the listed share; what stands apart gets its places.
pub(super) fn fill(
    log: &Log<Rollouts>,
    other: Option<&Log<Rollouts>>,
    gathered: &mut Gathered,
) -> Result<(Vec<ListEntry>, Option<Shared>), Error> {
    let here = |entry: &&Entry| entry.rollout.row < ELSEWHERE;
    let row = |entry: &Entry| (entry.rollout.row & !ELSEWHERE) as usize;
    let own: Vec<&Entry> = gathered.entries.iter().filter(here).collect();
    let mut highest = own.clone();
    highest.sort_by(|a, b| b.rollout.score().total_cmp(&a.rollout.score()));
    let listed: Vec<(u64, usize)> =
        highest.iter().take(COMPARED).map(|entry| (entry.rollout.step, row(entry))).collect();
    let (listed, compared) = match log.meta.roles.completion {
        Some(_) => others(log, &listed, &|_| true)?,
        None => (listed, Vec::new()),
    };
    let mut rows: Vec<usize> = own.iter().map(|entry| row(entry)).collect();
    rows.extend(compared.iter().map(|(_, row)| *row));
    let of_apart = gathered.stand_apart().map_or_else(Vec::new, |apart| apart.first.clone());
    let (own_apart, apart_elsewhere): (Vec<Point>, Vec<Point>) =
        of_apart.iter().partition(|point| point.row < ELSEWHERE);
    let at = |point: &Point| (point.row & !ELSEWHERE) as usize;
    rows.extend(own_apart.iter().map(at));
    let found = texts(log, &rows)?;
    let of_rows: HashMap<usize, &RowText> = rows.iter().copied().zip(&found).collect();
    let sample = |(stratum, row): &Placed, listed: bool| {
        let RowText { completion, prompt, left_out, .. } = of_rows.get(row)?;
        let (text, prompt, left_out) = (completion.clone()?, prompt.clone(), *left_out);
        Some(Sample { stratum: *stratum, listed, text, left_out, prompt })
    };
    let samples = (listed.iter().filter_map(|at| sample(at, true)))
        .chain(compared.iter().filter_map(|at| sample(at, false)))
        .collect();
    let mut elsewhere: Vec<usize> = gathered.entries.iter().filter(|entry| !here(entry)).map(row).collect();
    elsewhere.extend(apart_elsewhere.iter().map(at));
    let found_elsewhere = match other {
        Some(other) => texts(other, &elsewhere)?,
        None => Vec::new(),
    };
    let of_other: HashMap<usize, &RowText> = elsewhere.iter().copied().zip(&found_elsewhere).collect();
    let mut entries = Vec::with_capacity(gathered.entries.len());
    for entry in &gathered.entries {
        let (of, texts) = match (here(&entry), other) {
            (false, Some(other)) => (other, &of_other),
            _ => (log, &of_rows),
        };
        let origin = of.rollouts.origin(row(entry))?;
        let texts = texts.get(&row(entry)).map(|found| (*found).clone()).unwrap_or_default();
        let file = of.meta.files.get(origin.file).cloned().unwrap_or_default();
        let mut noun = gathered.noun;
        if here(&entry) && whose(&entry.rollout, noun, &gathered.levels) == OF_STEP {
            // The two medians may be one and the same.
            let own = own_median(of, &entry.rollout, row(entry))?;
            noun = if own == Some(entry.rollout.centre) { noun } else { OF_STEP };
        }
        entries.push(list_entry(entry, file, origin, noun, None, texts));
    }
    let place = |point: &Point| {
        let (of, texts) = match (point.row < ELSEWHERE, other) {
            (false, Some(other)) => (other, &of_other),
            _ => (log, &of_rows),
        };
        let line = texts.get(&at(point)).and_then(|found| found.line);
        Place::of(of, (at(point), line), (point.step, point.reward, point.score))
    };
    let places: Vec<Place> = of_apart.iter().map(place).collect::<Result<_, Error>>()?;
    entries.sort_by_key(|entry: &ListEntry| !entry.reference);
    if other.is_none() {
        entries.sort_by_key(|entry| entry.step);
    }
    if let Some(apart) = gathered.stand_apart_mut() {
        apart.places = places;
    }
    Ok((entries, shared(samples)))
}

/// The ending of a number that counts places.
fn ordinal(rank: usize) -> &'static str {
    match (rank % 10, rank % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    }
}

/// The median of a rollout's group within its step, where the group has four or more.
fn own_median(log: &Log<Rollouts>, rollout: &Scored, row: usize) -> Result<Option<f64>, Error> {
    const LARGEST: usize = 1 << 16;
    let spans = log.rollouts.spans();
    let span = spans.binary_search_by_key(&rollout.step, |span| span.step).ok().and_then(|at| spans.get(at));
    let Some(span) = span.filter(|span| span.rows.len() <= LARGEST) else { return Ok(None) };
    let rows = log.rollouts.rows(span.rows.clone())?;
    let group = row.checked_sub(span.rows.start).and_then(|at| rows.group.get(at)).copied();
    let mates = rows.group.iter().zip(&rows.proxy).filter(|(own, _)| Some(**own) == group);
    let rewards: Vec<f64> = mates.map(|(_, reward)| *reward).collect();
    Ok(median(&rewards).filter(|_| rewards.len() >= MIN_GROUP))
}

/// What a rollout is compared with: a group that lies far from the others of its step is compared with the step, and then that is said.
pub(in crate::monitor) fn whose(rollout: &Scored, noun: &'static str, levels: &[Level]) -> &'static str {
    let of_step = || levels.iter().rfind(|level| level.step == rollout.step);
    match noun {
        OF_GROUP if of_step().is_some_and(|level| level.median == rollout.centre) => OF_STEP,
        _ => noun,
    }
}

/// An entry as it is shown. `noun`: what it is compared with.
pub(in crate::monitor) fn list_entry(
    entry: &Entry,
    file: PathBuf,
    origin: Origin,
    noun: &str,
    apart: Option<&Apart>,
    texts: RowText,
) -> ListEntry {
    let rollout = entry.rollout;
    let place = match entry.rank {
        1 => "highest".to_owned(),
        rank => format!("{rank}{}", ordinal(rank)),
    };
    let side = if rollout.score() < 0.0 { "below" } else { "above" };
    let reason = format!(
        "{place} of {} {}, {} {side} {}",
        count(usize::try_from(entry.of).unwrap_or(usize::MAX)),
        if entry.reference { "in the reference" } else { "so far" },
        table(rollout.score().abs()),
        noun.strip_prefix("the median of ").map_or(noun.to_owned(), |its| format!("{its}'s median")),
    );
    ListEntry {
        step: rollout.step,
        file,
        row: origin.row,
        line: texts.line.or(origin.line),
        reward: rollout.reward,
        parts: if texts.parts.len() > 1 { texts.parts } else { Vec::new() },
        centre: rollout.centre,
        score: rollout.score(),
        rank: entry.rank,
        of: entry.of,
        expected_benign: entry.expected_benign,
        reference: entry.reference,
        apart: apart.is_some_and(|apart| apart.holds(rollout.reward, rollout.score())),
        by_step: noun == OF_STEP,
        prompt: texts.prompt,
        completion: texts.completion.as_deref().map(cut),
        reason,
    }
}

/// What rewarded completions share that the others of their steps do not: of rewards of a few values.
pub(super) fn shared_by_rewarded(log: &Log<Rollouts>, above: f64) -> Result<Option<Shared>, Error> {
    if log.meta.roles.completion.is_none() {
        return Ok(None);
    }
    // Up to 40 rewarded rollouts, spread over the log, of steps that have both kinds.
    const REWARDED: usize = 40;
    let spans = log.rollouts.spans();
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Audit, u64::MAX - 2);
    let mut listed: Vec<(u64, usize)> = Vec::new();
    for i in 0..REWARDED {
        let Some(span) = spans.get(i * spans.len() / REWARDED) else { continue };
        let end = span.rows.end.min(span.rows.start + 4096);
        let rewards = log.rollouts.rows(span.rows.start..end)?.proxy;
        let passed: Vec<usize> =
            (span.rows.start..).zip(&rewards).filter(|(_, r)| **r > above).map(|(row, _)| row).collect();
        if passed.is_empty() || passed.len() == rewards.len() {
            continue;
        }
        let pick = passed.get(stream.below(passed.len() as u64) as usize).copied();
        listed.extend(pick.map(|row| (span.step, row)).filter(|at| !listed.contains(at)));
    }
    let (listed, compared) = others(log, &listed, &|reward| reward <= above)?;
    let rows: Vec<usize> = listed.iter().chain(&compared).map(|(_, row)| *row).collect();
    let found = texts(log, &rows)?;
    let samples = (listed.iter().map(|at| (at, true)))
        .chain(compared.iter().map(|at| (at, false)))
        .zip(found)
        .filter_map(|(((stratum, _), listed), found)| {
            let RowText { completion, prompt, left_out, .. } = found;
            Some(Sample { stratum: *stratum, listed, text: completion?, left_out, prompt })
        })
        .collect();
    Ok(shared(samples))
}
