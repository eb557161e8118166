//! Who is flagged.

use super::stream::Streaming;
use crate::audit::Budget;
use serde::Serialize;

/// The alert rate where no rule is given.
pub const ALERT_RATE: f64 = 1e-3;

/// Who is to be flagged, before the size of the log is known.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Ask {
    /// A nominal rate of false alarms a rollout, between 0 and 1.
    AlertRate(f64),
    /// A false discovery rate among the flagged, between 0 and 1 (Benjamini & Hochberg 1995).
    Fdr(f64),
    /// The most suspicious, for each detector.
    Budget(Budget),
    /// A nominal rate of false alarms, under a threshold that adapts online.
    Streaming(Streaming, f64),
}

impl Default for Ask {
    fn default() -> Self {
        Self::AlertRate(ALERT_RATE)
    }
}

impl Ask {
    /// The rule on a log of `rollouts`; `None` where a budget is less than one audit.
    pub(super) fn of(self, rollouts: usize) -> Option<Rule> {
        Some(match self {
            Self::AlertRate(rate) => Rule::AlertRate(rate),
            Self::Fdr(rate) => Rule::Fdr(rate),
            Self::Streaming(how, rate) => Rule::Streaming(how, rate),
            Self::Budget(_) if rollouts == 0 => Rule::Budget(0),
            Self::Budget(budget) => Rule::Budget(budget.of(rollouts)? as usize),
        })
    }
}

/// Who is flagged in a log.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A nominal rate of false alarms a rollout.
    AlertRate(f64),
    /// A false discovery rate among the flagged.
    Fdr(f64),
    /// A number of audits for each detector.
    Budget(usize),
    /// A nominal rate of false alarms, under a threshold that adapts online.
    Streaming(Streaming, f64),
}

/// What a threshold is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Flagged at or below.
    PValue,
    /// Flagged above; under a budget at or above.
    Score,
}
