//! The KL penalty: which estimator, where it enters, and what keeps it in check.

use crate::foundation::scalar::{NonNegative, Positive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `kl = { coefficient = 0.5, estimator = "k1", place = "reward", controller = "fixed" }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KlPenalty {
    /// β, in units of reward per nat; where a budget is kept, its initial value.
    pub coefficient: NonNegative,
    /// How KL(π‖π₀) is estimated from a batch.
    pub estimator: Estimator,
    /// Whether the penalty is taken from each rollout's reward or added to the loss.
    pub place: Place,
    /// What changes β during training.
    pub controller: Controller,
}

impl Default for KlPenalty {
    fn default() -> Self {
        Self {
            coefficient: NonNegative::known(0.5),
            estimator: Estimator::K1,
            place: Place::Reward,
            controller: Controller::Fixed,
        }
    }
}

/// Estimators of KL(π‖π₀) with r = π₀/π (Schulman 2020, "Approximating KL divergence").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Estimator {
    /// The sum over all outcomes; only in the loss.
    Exact,
    /// −ln r: unbiased, can be negative; only in the reward (its gradient in the loss has mean zero).
    K1,
    /// (ln r)²/2: biased as a number, low variance; in the loss its mean gradient is that of KL(π‖π₀).
    K2,
    /// r − 1 − ln r: unbiased as a number and never negative; in the loss its mean gradient is that of KL(π₀‖π), so
    /// that training settles elsewhere than at the exponential tilt.
    K3,
}

/// Where the penalty enters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Place {
    /// Subtracted from each rollout's reward, before the advantage.
    Reward,
    /// Added to the loss and differentiated.
    Loss,
}

/// What sets β during training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Controller {
    /// β stays as it is.
    Fixed,
    /// Dual ascent: ln β rises by `rate` × (KL/target − 1) a step, clipped to ±0.2, so that KL settles at the target.
    Budget {
        /// KL to keep to, in nats.
        target: Positive,
        /// Step size of ln β.
        #[serde(default = "default_rate")]
        rate: Positive,
    },
}

fn default_rate() -> Positive {
    Positive::known(0.1)
}
