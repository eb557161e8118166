//! Thresholds that adapt online.

use crate::thresholds::{DriftSpot, MonitorSpec, Spot};
use serde::Serialize;

/// How the threshold moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Streaming {
    /// SPOT: the tail of the scores so far.
    Spot,
    /// Drift SPOT: the same, relative to the mean of the last thousand scores.
    DriftSpot,
}

impl Streaming {
    /// As in a sentence.
    pub fn name(self) -> &'static str {
        match self {
            Self::Spot => "SPOT",
            Self::DriftSpot => "drift SPOT",
        }
    }

    /// The monitor, with its defaults.
    pub(super) fn monitor(self) -> MonitorSpec {
        match self {
            Self::Spot => MonitorSpec::Spot(Spot::default()),
            Self::DriftSpot => MonitorSpec::DriftSpot(DriftSpot::default()),
        }
    }
}
