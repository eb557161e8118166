//! What is judged, and how its rows are visited, each with the fit that judges it.

use super::baseline::{Baseline, Normal, segments};
use super::flags::Listing;
use super::rule::Rule;
use super::source::{Batch, Source};
use crate::detectors::{DetectorSpec, Fit};
use crate::foundation::failure::Status;
use crate::record::Error;
use crate::thresholds::conformal_p_values;
use std::ops::Range;

/// Why there is no answer.
#[derive(Debug)]
pub enum Stop {
    /// The data cannot carry this detector or this rule.
    Status(Status),
    /// The log could not be read.
    Failure(Error),
}

impl From<Status> for Stop {
    fn from(status: Status) -> Self {
        Self::Status(status)
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        Self::Failure(error)
    }
}

/// A detector, the log, what is normal and who is flagged.
pub(super) struct Judge<'a> {
    pub spec: &'a DetectorSpec,
    pub source: &'a Source<'a>,
    pub normal: &'a Normal,
    pub rule: Rule,
    pub listing: Listing,
    /// Steps of the log that are the reference, and so no news.
    pub known: Option<Range<u64>>,
}

/// What decides, once it is known.
#[derive(Debug, Clone, Copy)]
pub(super) enum Cut {
    /// Flagged: p-values at or below.
    P(f64),
    /// Flagged: scores above.
    Above(f64),
    /// Flagged: as many as there are audits.
    Top(usize),
    /// Flagged: what the stream calls an anomaly.
    Stream,
}

/// A batch that was scored, with p-values where there are any.
pub(super) struct Scored<'a> {
    pub fit: &'a Fit,
    pub batch: &'a Batch,
    pub scores: &'a [f64],
    pub p_values: Option<&'a [f64]>,
}

/// What is done with a fit and the rows that it judges.
type OfBaseline<'v> = dyn FnMut(&mut Baseline<'_>, Range<usize>) -> Result<(), Stop> + 'v;

/// Steps that no fit judges, because their window cannot carry the detector.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Skipped {
    /// How many steps.
    pub steps: usize,
    /// Why the first of them is skipped.
    pub status: Option<Status>,
}

impl Skipped {
    fn step(&mut self, status: Status) {
        self.steps += 1;
        self.status.get_or_insert(status);
    }
}

impl Judge<'_> {
    /// Visits the rows that each fit judges, with that fit. A window that cannot carry the detector is skipped.
    pub(super) fn each_baseline(
        &self,
        fixed: &mut Option<Baseline<'_>>,
        wanted: &dyn Fn(&Range<usize>) -> bool,
        visit: &mut OfBaseline<'_>,
    ) -> Result<Skipped, Stop> {
        let mut skipped = Skipped::default();
        if let Some(baseline) = fixed {
            visit(baseline, 0..self.source.rows())?;
            return Ok(skipped);
        }
        for segment in segments(self.source, self.normal) {
            let (calibration, rows) = segment?;
            if wanted(&rows) {
                match Baseline::new(self.spec, calibration) {
                    Ok(mut baseline) => visit(&mut baseline, rows)?,
                    Err(status) => skipped.step(status),
                }
            }
        }
        Ok(skipped)
    }

    /// Scores and hands over all rows, batch by batch, with p-values: the detector's own, or ranks.
    pub(super) fn each_batch(
        &self,
        fixed: &mut Option<Baseline<'_>>,
        ranked: bool,
        visit: &mut dyn FnMut(&Scored<'_>) -> Result<(), Stop>,
    ) -> Result<Skipped, Stop> {
        self.each_baseline(fixed, &|_| true, &mut |baseline, rows| {
            let ranks = ranked.then(|| baseline.ascending().map(<[f64]>::to_vec)).transpose()?;
            baseline.fit.restart();
            for rows in self.source.batches(rows, self.spec.part().row_wise()) {
                let batch = self.source.batch(rows)?;
                if batch.observed.is_empty() {
                    continue;
                }
                let scores = baseline.fit.score_next(&batch.observed)?;
                let by_rank = rank_p_values(ranks.as_deref(), scores.values())?;
                let p_values = by_rank.as_deref().or(scores.p_values());
                visit(&Scored { fit: &baseline.fit, batch: &batch, scores: scores.values(), p_values })?;
            }
            Ok(())
        })
    }
}

/// Ranks among calibration scores as p-values, where there are any to rank among.
pub(super) fn rank_p_values(ascending: Option<&[f64]>, scores: &[f64]) -> Result<Option<Vec<f64>>, Status> {
    ascending.map(|ascending| conformal_p_values(ascending, scores)).transpose()
}
