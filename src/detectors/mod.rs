//! Scores that say how suspicious a rollout is. A detector's folder is its declared access.
//!
//! `reward/` sees the proxy only, `policy/` also log-probabilities and advantages, `features/` also activations and other
//! feature columns, `control/` nothing.
//! A detector is fitted on calibration rollouts and gives a scorer; where the calibration data cannot carry it
//! (MAD 0, too few excesses, a missing column) it refuses with a [`Status`] and never with a number.
//! Thresholds are apart: see [`crate::thresholds`].
//!
//! A new detector is a file in the folder of its access, a `mod` line there and a row in [`DetectorSpec`].

pub mod control;
pub mod features;
mod input;
pub mod policy;
pub mod reward;

use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use control::Random;
use features::{Ecod, IsolationForest, Knn, Mahalanobis, Spectral};
use policy::{Influence, LogRatio};
use reward::{GpdTail, RobustZ, TopReward};
use std::fmt::Debug;

/// What a detector may look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The proxy reward and what a log always has (step, prompt, group, length).
    Reward,
    /// Also log-probabilities, advantages and what the policy's owner knows.
    Policy,
    /// Also every other feature column: activations.
    Features,
    /// Nothing: a control.
    Control,
}

impl Access {
    /// As written in tables.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reward => "reward",
            Self::Policy => "policy",
            Self::Features => "features",
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

crate::registry! {
    /// A detector, as written in a config: `{ gpd_tail = { tail_fraction = 0.05 } }`.
    pub enum DetectorSpec => dyn Detector {
        "top_reward" => TopReward: "the proxy reward itself (baseline)", "none: the yardstick of an audit by hand";
        "robust_z" => RobustZ: "distance from the calibration median in MADs", "Iglewicz & Hoaglin 1993";
        "gpd_tail" => GpdTail: "improbability under a generalised Pareto tail of the calibration rewards", "Pickands 1975; Davison & Smith 1990";
        "log_ratio" => LogRatio: "log-probability under the policy less that under the reference", "Neyman & Pearson 1933";
        "influence" => Influence: "share of its update's absolute advantages", "Williams 1992";
        "mahalanobis" => Mahalanobis: "distance from the calibration mean in units of its covariance", "Mahalanobis 1936; Rousseeuw & Van Driessen 1999; Ledoit & Wolf 2004";
        "isolation_forest" => IsolationForest: "how few random splits set a row apart", "Liu, Ting & Zhou 2008";
        "ecod" => Ecod: "how far out in the tails of its columns a row lies", "Li et al. 2022";
        "knn" => Knn: "distance to the nearest calibration rows", "Ramaswamy, Rastogi & Shim 2000";
        "spectral" => Spectral: "squared projection on the direction in which a step's rows spread most", "Tran, Li & Madry 2018; Hayase et al. 2021";
        "random" => Random: "a uniform draw (control)", "none: the floor";
    }
}
