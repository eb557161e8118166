//! The flagged rollouts, most suspicious first.

use super::source::Batch;
use std::cmp::Ordering;

/// Most flags of a detector that are listed where the rule does not name their number; all are counted.
pub(super) const LISTED: usize = 20_000;

/// How much is kept of a flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listing {
    /// Everything, of the [`LISTED`] most suspicious.
    Reasons,
    /// Only which rows they are, of all.
    Rows,
}

/// A flagged rollout.
#[derive(Debug, Clone, PartialEq)]
pub struct Flag {
    /// Row of the log.
    pub row: usize,
    /// Its step.
    pub step: u64,
    /// Its reward, as detectors saw it.
    pub proxy: f64,
    /// What had been subtracted from it.
    pub centre: Option<f64>,
    /// Its score.
    pub score: f64,
    /// Its p-value, where there is one.
    pub p_value: Option<f64>,
    /// The threshold that it exceeded, where that moves.
    pub threshold: Option<f64>,
    /// Why, with the numbers that decided.
    pub reason: String,
    /// The reward at and below which, everything else the same, it would not have been flagged.
    pub would_not_flag_below: Option<f64>,
    /// The false discovery rate below which it would not have been flagged.
    pub needs_rate: Option<f64>,
}

impl Flag {
    /// Smallest p-value first, then highest score, then the order of the log.
    fn order(&self, other: &Self, by_score: bool) -> Ordering {
        let p = |flag: &Self| if by_score { 0.0 } else { flag.p_value.unwrap_or(0.0) };
        p(self).total_cmp(&p(other)).then(other.score.total_cmp(&self.score)).then(self.row.cmp(&other.row))
    }
}

/// Keeps the most suspicious of the flagged.
pub(super) struct Collector {
    listing: Listing,
    by_score: bool,
    most: usize,
    flags: Vec<Flag>,
    /// The least suspicious that is kept, once there are enough.
    bar: Option<Flag>,
    flagged: usize,
    /// Looks there are, under a budget.
    audits: Option<usize>,
}

/// What was collected.
pub(super) struct Collected {
    pub flags: Vec<Flag>,
    /// How many were flagged.
    pub flagged: usize,
    /// The highest score that a budget left out.
    pub runner_up: Option<f64>,
}

impl Collector {
    /// In the order of p-values, or of scores alone.
    pub(super) fn new(listing: Listing, by_score: bool) -> Self {
        let most = match listing {
            Listing::Reasons => LISTED,
            Listing::Rows => usize::MAX,
        };
        Self { listing, by_score, most, flags: Vec::new(), bar: None, flagged: 0, audits: None }
    }

    /// Flags as many as there are audits.
    pub(super) fn keep(&mut self, audits: usize) {
        (self.most, self.audits) = (audits.saturating_add(1), Some(audits));
    }

    /// A flagged row of a batch, with its score, its p-value and the threshold where that moves.
    pub(super) fn offer(
        &mut self,
        batch: &Batch,
        row: usize,
        (score, p_value, threshold): (f64, Option<f64>, Option<f64>),
        reason: &dyn Fn() -> String,
    ) {
        self.flagged += 1;
        let (Some(&number), Some(&step), Some(&proxy)) =
            (batch.observed.trajectory.get(row), batch.observed.step.get(row), batch.observed.proxy.get(row))
        else {
            return;
        };
        let mut flag = Flag {
            row: number as usize,
            step,
            proxy,
            centre: batch.centres.get(row).copied(),
            score,
            p_value,
            threshold,
            reason: String::new(),
            would_not_flag_below: None,
            needs_rate: None,
        };
        if self.bar.as_ref().is_some_and(|bar| flag.order(bar, self.by_score).is_ge()) {
            return;
        }
        if self.listing == Listing::Reasons {
            flag.reason = reason();
        }
        self.flags.push(flag);
        if self.flags.len() >= self.most.saturating_mul(2).max(64) {
            self.cut();
        }
    }

    fn cut(&mut self) {
        let by_score = self.by_score;
        if self.flags.len() > self.most {
            self.flags.select_nth_unstable_by(self.most, |a, b| a.order(b, by_score));
            self.flags.truncate(self.most);
            self.bar = self.flags.iter().max_by(|a, b| a.order(b, by_score)).cloned();
        }
    }

    /// What was flagged.
    pub(super) fn finish(mut self) -> Collected {
        self.cut();
        let by_score = self.by_score;
        self.flags.sort_unstable_by(|a, b| a.order(b, by_score));
        let Some(audits) = self.audits else {
            return Collected { flags: self.flags, flagged: self.flagged, runner_up: None };
        };
        let runner_up = self.flags.get(audits).map(|flag| flag.score);
        self.flags.truncate(audits);
        Collected { flagged: self.flags.len(), flags: self.flags, runner_up }
    }
}
