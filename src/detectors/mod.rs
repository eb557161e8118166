//! Scores that say how suspicious a rollout is. A detector's folder is its declared access.
//!
//! `reward/` sees the proxy only, `policy/` also log-probabilities and advantages, `features/` also activations.
//! A detector is fitted on calibration rollouts and gives a scorer; where the calibration data cannot carry it
//! (MAD 0, too few excesses, a missing column) it refuses with a [`Status`] and never with a number.
//! Thresholds are apart: see [`crate::thresholds`].

pub mod policy;
pub mod reward;

use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use std::fmt::Debug;

/// What a detector may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The proxy reward and what a log always has (step, prompt, group, length).
    Reward,
    /// Also log-probabilities, advantages and what the policy's owner knows.
    Policy,
    /// Nothing: a control.
    Control,
}

impl Access {
    /// As written in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Policy => "policy",
            Self::Control => "control",
        }
    }
}

/// What a fit gave.
pub enum Fitted {
    /// Ready to score.
    Ready(Box<dyn Scorer>),
    /// The calibration data cannot carry this detector.
    Refused(Status),
}

/// A method that learns what is normal from calibration rollouts.
pub trait Detector: Debug + Send + Sync {
    /// What it may look at.
    fn access(&self) -> Access;
    /// Learns from `calibration`; `rng` is the detector's own stream.
    fn fit(&self, calibration: &Observed, rng: &mut Stream) -> Fitted;
}

/// A fitted detector. Batches come in step order; a score uses nothing later than its own batch.
pub trait Scorer: Send {
    /// One finite score a row, higher = more suspicious, or the reason why there is none.
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status>;
    /// Why this row scored as it did, in words with the numbers that decided.
    fn explain(&self, batch: &Observed, row: usize) -> String;
}
