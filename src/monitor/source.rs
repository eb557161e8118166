//! The log as detectors are given it: a batch of whole steps at a time, rewards relative to their group where asked.

use super::error::Error as MonitorError;
use super::grouping::{GroupBy, centres};
use super::prompts::{Prompts, Visit, each_prompt, passes};
use crate::foundation::rng::{Purpose, SeedTree};
use crate::record::{Error, InSteps, Log, Observed, Rollouts, Span};
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;

/// Most rollouts from which a detector learns what is normal; of more, a random sample is taken.
pub(super) const MAX_CALIBRATION: usize = 1 << 17;
/// Bytes that such a sample may take.
const CALIBRATION_BYTES: usize = 48 << 20;
/// Rows of a batch, unless one step has more.
const BATCH: usize = 16_384;

/// A log, and what its rewards are relative to.
pub(crate) struct Source<'a> {
    rollouts: &'a dyn InSteps,
    spans: Cow<'a, [Span]>,
    by: Option<GroupBy>,
    /// Medians by prompt, of the prompts with enough rollouts.
    prompts: Prompts,
    /// Rollouts that belong to a group with enough of them, and those that do not.
    kept: usize,
    left_out: usize,
}

/// Some rows. `observed.trajectory` is the row of the log; the proxy is relative where it was asked for.
pub(crate) struct Batch {
    pub observed: Observed,
    /// What was subtracted, row by row; empty where nothing was.
    pub centres: Vec<f64>,
}

impl<'a> Source<'a> {
    /// Rewards as they are, or relative to the median of their group; groups of fewer than [`MIN_GROUP`] are left out.
    pub(crate) fn new(rollouts: &'a dyn InSteps, by: Option<GroupBy>) -> Result<Self, Error> {
        Self::of(rollouts, 0..rollouts.len(), by)
    }

    /// The same of some rows, whole steps: the others are as if they were not there.
    pub(crate) fn of(
        rollouts: &'a dyn InSteps,
        rows: Range<usize>,
        by: Option<GroupBy>,
    ) -> Result<Self, Error> {
        let (kept, spans) = (rows.len(), rollouts.spans());
        let mut source = Self { rollouts, spans, by: None, prompts: Prompts::default(), kept, left_out: 0 };
        if by == Some(GroupBy::Prompt) {
            let mut prompts = Prompts::new(passes(rows.len()));
            source.each_prompt(rows.clone(), &mut |prompt, own| {
                prompts.see(prompt, own);
                Ok(())
            })?;
            (source.kept, source.prompts) = (prompts.rollouts(), prompts);
            source.by = by;
        } else if by.is_some() {
            (source.by, source.kept) = (by, 0);
            for rows in source.batches(rows.clone(), false) {
                source.kept += source.batch(rows)?.observed.len();
            }
        }
        source.left_out = rows.len() - source.kept;
        Ok(source)
    }

    /// The log, its rewards relative to their groups if asked for.
    ///
    /// # Errors
    /// The log does not say which rollouts belong together, or every group is too small.
    pub(super) fn grouped(log: &'a Log<Rollouts>, by: Option<GroupBy>) -> Result<Self, MonitorError> {
        if let Some(by) = by {
            let needs_prompt = by != GroupBy::Step && log.meta.roles.prompt.is_none();
            if needs_prompt && (by == GroupBy::Prompt || log.meta.roles.group.is_none()) {
                return Err(MonitorError::NoGroups { by });
            }
        }
        let source = Self::new(&log.rollouts, by)?;
        match by {
            Some(by) if source.len() == 0 => Err(MonitorError::SmallGroups { by }),
            _ => Ok(source),
        }
    }

    /// Visits each prompt with its rewards among `rows`, ascending; in how many passes.
    ///
    /// # Errors
    /// As [`InSteps::rows`], and those of `visit`.
    pub(crate) fn each_prompt(&self, rows: Range<usize>, visit: &mut Visit<'_>) -> Result<(), Error> {
        let batches = self.batches(rows.clone(), true);
        each_prompt(
            passes(rows.len()),
            &|hand| {
                for rows in &batches {
                    let batch = self.batch(rows.clone())?.observed;
                    hand(&batch.prompt, &batch.proxy);
                }
                Ok(())
            },
            visit,
        )
    }

    /// Medians by prompt, of the prompts with enough rollouts.
    pub(super) fn into_prompts(self) -> Prompts {
        self.prompts
    }

    /// Rollouts of the log.
    pub(crate) fn rows(&self) -> usize {
        self.rollouts.len()
    }

    /// The training steps of the log, with their rows.
    pub(crate) fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether rewards are relative to a group.
    pub(super) fn is_grouped(&self) -> bool {
        self.by.is_some()
    }

    /// Rollouts that are judged.
    pub(crate) fn len(&self) -> usize {
        self.kept
    }

    /// Rollouts that are left out because their group is too small.
    pub(crate) fn left_out(&self) -> usize {
        self.left_out
    }

    /// Rows in batches of whole steps; a step of more rows than a batch is cut where `pieces` allows it.
    pub(crate) fn batches(&self, rows: Range<usize>, pieces: bool) -> Vec<Range<usize>> {
        let pieces = pieces && !matches!(self.by, Some(GroupBy::Step | GroupBy::Group));
        let spans = self.spans();
        let first = spans.partition_point(|span| span.rows.end <= rows.start);
        let mut batches: Vec<Range<usize>> = Vec::new();
        for span in &spans[first..] {
            let (start, end) = (span.rows.start.max(rows.start), span.rows.end.min(rows.end));
            if start >= end {
                break;
            }
            match batches.last_mut() {
                Some(last) if end - last.start <= BATCH => last.end = end,
                _ if pieces => batches.extend(chunks(start..end, BATCH)),
                _ => batches.push(start..end),
            }
        }
        batches
    }

    /// The given rows, which are whole steps wherever rewards are relative to a step or group.
    pub(crate) fn batch(&self, rows: Range<usize>) -> Result<Batch, Error> {
        let mut observed = self.rollouts.rows(rows)?;
        let Some(by) = self.by else { return Ok(Batch { observed, centres: Vec::new() }) };
        let centres: Vec<Option<f64>> = match by {
            GroupBy::Prompt => observed.prompt.iter().map(|prompt| self.prompts.median(*prompt)).collect(),
            by => centres(by.keys(&observed), &observed.proxy),
        };
        if centres.iter().any(Option::is_none) {
            let kept: Vec<usize> =
                centres.iter().enumerate().filter_map(|(row, centre)| centre.map(|_| row)).collect();
            observed = observed.select(&kept);
        }
        let centres: Vec<f64> = centres.into_iter().flatten().collect();
        for (reward, centre) in observed.proxy.iter_mut().zip(&centres) {
            *reward -= centre;
        }
        Ok(Batch { observed, centres })
    }

    /// Most rows that a detector is given to learn from.
    fn most(&self) -> usize {
        MAX_CALIBRATION.min(CALIBRATION_BYTES / self.rollouts.row_bytes().max(1)).max(1)
    }

    /// Whether all of so many rows are a sample of themselves, step by step.
    pub(super) fn is_sampled_whole(&self, rows: usize) -> bool {
        rows <= self.most() && !matches!(self.by, Some(GroupBy::Step | GroupBy::Group))
    }

    /// All of the given rows, or a random sample where they are more than a detector is given to learn from.
    pub(crate) fn sample(&self, rows: Range<usize>) -> Result<Observed, Error> {
        let most = self.most();
        let mut rng = SeedTree::new(0, 0).stream(Purpose::Bootstrap, 0);
        let (mut left, mut wanted) = (rows.len(), rows.len().min(most));
        let mut parts: Vec<(Range<usize>, Vec<u64>)> = Vec::new();
        for part in self.batches(rows, true) {
            let mut chosen = Vec::new();
            for row in part.clone() {
                // Selection sampling (Fan, Muller & Rezucha 1962): each subset of this size is equally likely.
                if wanted == left || rng.open_unit() * (left as f64) < wanted as f64 {
                    chosen.push(row as u64);
                    wanted -= 1;
                }
                left -= 1;
            }
            if !chosen.is_empty() {
                parts.push((part, chosen));
            }
        }
        let picked: Vec<Observed> = parts
            .into_par_iter()
            .map(|(part, chosen)| {
                let all = chosen.len() == part.len();
                let Batch { observed, .. } = self.batch(part)?;
                if all {
                    return Ok(observed);
                }
                let is_chosen = |row: &usize| {
                    observed.trajectory.get(*row).is_some_and(|row| chosen.binary_search(row).is_ok())
                };
                let rows: Vec<usize> = (0..observed.len()).filter(is_chosen).collect();
                Ok(observed.select(&rows))
            })
            .collect::<Result<_, Error>>()?;
        let mut sample = Observed::default();
        for part in picked {
            sample.append(part);
        }
        Ok(sample)
    }
}

fn chunks(rows: Range<usize>, size: usize) -> impl Iterator<Item = Range<usize>> {
    rows.clone().step_by(size).map(move |start| start..(start + size).min(rows.end))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::open_log;
    use std::fmt::Write as _;

    #[test]
    fn rewards_are_relative_to_prompt_step_or_group_and_small_groups_are_left_out() {
        let mut csv = "step,prompt,reward\n".to_owned();
        for i in 0..4000 {
            // 7 has three rollouts in all; the others have 8 each time, at five steps.
            let prompt = if i % 1500 == 3 { 7 } else { 1000 + i / 8 % 100 };
            writeln!(csv, "{},{prompt},{}", i / 800, (f64::from(i) * 0.618_034).fract() + f64::from(prompt))
                .unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, csv).unwrap();
        let log = open_log(&[path], &Default::default()).unwrap();
        let plain = log.rollouts.rows(0..4000).unwrap();
        for by in [GroupBy::Prompt, GroupBy::Step, GroupBy::Group] {
            let source = Source::new(&log.rollouts, Some(by)).unwrap();
            let Batch { observed, centres: found } = source.batch(0..4000).unwrap();
            let all = centres(by.keys(&plain), &plain.proxy);
            let kept: Vec<usize> = (0..4000).filter(|row| all[*row].is_some()).collect();
            assert_eq!(source.len(), kept.len(), "{by:?}");
            assert_eq!(source.left_out(), if by == GroupBy::Step { 0 } else { 3 });
            assert_eq!(observed.trajectory, kept.iter().map(|row| *row as u64).collect::<Vec<_>>());
            assert_eq!(found, kept.iter().filter_map(|row| all[*row]).collect::<Vec<_>>());
            assert_eq!(observed.proxy[9], plain.proxy[kept[9]] - found[9]);
        }
    }
}
