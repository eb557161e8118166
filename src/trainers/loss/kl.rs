//! The KL penalty: which estimator, where it enters, and what keeps it in check.

use crate::foundation::scalar::{NonNegative, Positive};
use crate::trainers::contradiction::Contradiction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `kl = { coefficient = 0.5, estimator = "k1", place = "reward", controller = "fixed" }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct KlPenalty {
    /// β, in units of reward per nat; where a controller changes it, its initial value.
    pub coefficient: NonNegative,
    /// How KL(π‖π₀) is estimated from a batch.
    pub estimator: Estimator,
    /// Whether the penalty is taken from each rollout's reward or added to the loss.
    pub place: Place,
    /// Whether the estimate is made of each action's log-ratio and summed, or of the whole trajectory's; the same for k1, and
    /// for a policy that chooses whole trajectories.
    pub per: Per,
    /// What changes β during training.
    pub controller: Controller,
    /// Early stop: from the first step whose policy has a larger KL(π‖π₀), in nats, the policy is sampled but no longer
    /// updated, however β stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stop: Option<Positive>,
}

impl Default for KlPenalty {
    fn default() -> Self {
        Self {
            coefficient: NonNegative::known(0.5),
            estimator: Estimator::K1,
            place: Place::Reward,
            per: Per::Token,
            controller: Controller::Fixed,
            stop: None,
        }
    }
}

impl KlPenalty {
    /// The KL that training is told to reach, in nats, and its key below the trainer's section.
    pub(in crate::trainers) fn target(&self) -> Option<(&'static str, f64)> {
        match self.controller {
            Controller::Fixed => None,
            Controller::Budget { target, .. } => Some(("kl.controller.budget.target", target.get())),
            Controller::Adaptive { target, .. } => Some(("kl.controller.adaptive.target", target.get())),
            Controller::Project { target } => Some(("kl.controller.project.target", target.get())),
        }
    }

    /// What contradicts itself when a step has `batch` rollouts, by key below the trainer's section.
    pub(in crate::trainers) fn contradictions(&self, batch: NonZeroU32) -> Vec<Contradiction> {
        let mut found = Vec::new();
        match (self.estimator, self.place) {
            (Estimator::Exact, Place::Reward) => found.push(Contradiction::new(
                "kl.place",
                "the exact KL is one number for all rollouts, so it cannot enter their rewards",
                "use place = \"loss\", \
                 or estimator = \"k1\"",
            )),
            (Estimator::K1, Place::Loss) => found.push(Contradiction::new(
                "kl.estimator",
                "k1 in the loss has a gradient of mean zero and penalises nothing",
                "use place = \"reward\", or \
                 estimator = \"k2\", \"k3\" or \"exact\"",
            )),
            _ => {}
        }
        let kind = match self.controller {
            Controller::Fixed | Controller::Project { .. } => None,
            Controller::Budget { .. } => Some("a budget"),
            Controller::Adaptive { .. } => Some("an adaptive controller"),
        };
        if let (Some(kind), true) = (kind, self.coefficient.get() == 0.0) {
            found.push(Contradiction::new(
                "kl.coefficient",
                format!("{kind} multiplies the coefficient up or down, so it cannot start at 0"),
                "use 1",
            ));
        }
        if let Controller::Adaptive { horizon, .. } = self.controller
            && horizon.get() < f64::from(batch.get())
        {
            found.push(Contradiction::new(
                "kl.controller.adaptive.horizon",
                format!("a horizon of {horizon} rollouts is over within one batch of {batch}"),
                "use 10000, or a lower batch",
            ));
        }
        found
    }
}

impl Controller {
    /// The next β, after a step of `rollouts` rollouts by a policy of this KL.
    pub(in crate::trainers) fn next(&self, coefficient: f64, kl: f64, rollouts: usize) -> f64 {
        let factor = match self {
            Self::Fixed | Self::Project { .. } => return coefficient,
            Self::Budget { target, rate } => (rate.get() * (kl / target.get() - 1.0)).clamp(-0.2, 0.2).exp(),
            Self::Adaptive { target, horizon } => {
                1.0 + (kl / target.get() - 1.0).clamp(-0.2, 0.2) * rollouts as f64 / horizon.get()
            }
        };
        (coefficient * factor).clamp(1e-12, 1e12)
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

/// Of what the KL is estimated, where a trajectory is made of several actions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Per {
    /// Of each action, and summed.
    Token,
    /// Of the whole trajectory.
    Sequence,
}

/// What sets β during training.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
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
    /// A proportional controller (Ziegler et al. 2019, section 2.2): β is multiplied by
    /// 1 + clip(KL/target − 1, ±0.2)·rollouts/horizon after each step.
    Adaptive {
        /// KL to steer to, in nats.
        #[serde(default = "default_target")]
        target: Positive,
        /// Rollouts over which β changes by a fifth at most; the batch or more.
        #[serde(default = "default_horizon")]
        horizon: Positive,
    },
    /// β stays as it is, and no update leaves π further away than the target: where KL is larger, ln(π/π₀) is scaled by the
    /// largest s ≤ 1 that brings it back, π ∝ π₀·exp(s·ln(π/π₀)). Exact for a policy on a table. A policy that acts step by step has its
    /// f scaled, and its KL is an estimate from 512 rollouts of its own after each update: the sum of the KLs of the next action over
    /// what was sampled, so that it is held on average and not in each step.
    Project {
        /// Largest KL, in nats.
        target: Positive,
    },
}

fn default_rate() -> Positive {
    Positive::known(0.1)
}
fn default_target() -> Positive {
    Positive::known(6.0)
}
fn default_horizon() -> Positive {
    Positive::known(10_000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_adaptive_controller_follows_a_sequence_worked_out_by_hand() {
        let controller: Controller = serde_json::from_str(r#"{ "adaptive": {} }"#).unwrap();
        let mut coefficient = 0.2;
        // Errors −1 → −.2, .5 → .2, .1, −.05, 0; 256/10000 = .0256.
        for (kl, expected) in [
            (0.0, 0.198_976),
            (9.0, 0.199_994_757_12),
            (6.6, 0.200_506_743_698_227_2),
            (5.7, 0.200_250_095_066_293_47),
            (6.0, 0.200_250_095_066_293_47),
        ] {
            coefficient = controller.next(coefficient, kl, 256);
            assert!((coefficient - expected).abs() < 1e-15, "KL {kl}: {coefficient} against {expected}");
        }
    }

    #[test]
    fn a_fixed_coefficient_stays_and_a_budget_moves_by_its_rate() {
        assert_eq!(Controller::Fixed.next(0.5, 100.0, 256), 0.5);
        assert_eq!(Controller::Project { target: Positive::known(0.1) }.next(0.0, 100.0, 256), 0.0);
        let budget = Controller::Budget { target: Positive::known(2.0), rate: Positive::known(0.1) };
        assert!((budget.next(1.0, 3.0, 256) - 0.05f64.exp()).abs() < 1e-15);
        assert!((budget.next(1.0, 30.0, 256) - 0.2f64.exp()).abs() < 1e-15);
    }
}
