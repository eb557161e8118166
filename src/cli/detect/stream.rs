//! Thresholds that go along with the stream of scores.

use crate::foundation::failure::Status;
use crate::thresholds::{DriftSpot, Spot, SpotSettings, Verdict};
use clap::ValueEnum;
use serde::Serialize;

/// Scores whose mean drift SPOT takes for the level of the stream.
const DEPTH: usize = 1000;

/// How the threshold moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Streaming {
    /// SPOT: the tail of all scores so far
    Spot,
    /// Drift SPOT: the same, relative to the mean of the last thousand scores
    DriftSpot,
}

impl Streaming {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Spot => "SPOT",
            Self::DriftSpot => "drift SPOT",
        }
    }
}

/// A stream under way.
pub(super) enum Stream {
    Spot(Box<Spot>),
    DriftSpot(Box<DriftSpot>),
}

impl Stream {
    /// Starts from the calibration scores, in their order; a fifth of them at most fill the moving mean.
    pub(super) fn new(how: Streaming, calibration: &[f64], rate: f64) -> Result<Self, Status> {
        let settings = SpotSettings::default();
        Ok(match how {
            Streaming::Spot => Self::Spot(Box::new(Spot::new(calibration, rate, settings)?)),
            Streaming::DriftSpot => {
                let depth = DEPTH.min(calibration.len() / 5);
                Self::DriftSpot(Box::new(DriftSpot::new(calibration, rate, depth, settings)?))
            }
        })
    }

    /// p-value and threshold of the next score, before it is taken in.
    pub(super) fn before(&self, score: f64) -> (Option<f64>, Option<f64>) {
        match self {
            Self::Spot(spot) => (spot.p_value(score), Some(spot.anomaly_threshold())),
            Self::DriftSpot(spot) => (spot.p_value(score), Some(spot.anomaly_threshold())),
        }
    }

    /// Takes in the next score; whether it is an anomaly.
    pub(super) fn step(&mut self, score: f64) -> Result<bool, Status> {
        let verdict = match self {
            Self::Spot(spot) => spot.step(score),
            Self::DriftSpot(spot) => spot.step(score),
        };
        Ok(verdict? == Verdict::Anomaly)
    }

    /// The threshold as it stands.
    pub(super) fn threshold(&self) -> f64 {
        match self {
            Self::Spot(spot) => spot.anomaly_threshold(),
            Self::DriftSpot(spot) => spot.anomaly_threshold(),
        }
    }
}
