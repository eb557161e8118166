//! The clipped surrogate of PPO, by its derivative.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What stands in for −A·ln π when a batch is passed over more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Surrogate {
    /// −min(r·A, clip(r, 1 ± ε)·A) with the ratio r of π to the policy that sampled (Schulman et al. 2017, eq. 7).
    Clipped,
    /// The ratio only masks, and is not multiplied in; from the second epoch on, A pushes the sampled logit alone, without
    /// the −π of the softmax. A variant found in simplified code; here to compare with.
    Masked,
}

/// Of what the ratio to the policy that sampled is taken (TRL's `importance_sampling_level`); the same where a rollout is one action.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ImportanceSamplingLevel {
    /// Of each action.
    #[default]
    Token,
    /// Of the rollout, by the mean of ln r over its actions (Zheng et al. 2025, GSPO): all of a rollout is clipped or none of it.
    Sequence,
}

impl ImportanceSamplingLevel {
    pub(in crate::trainers) fn is_token(&self) -> bool {
        *self == Self::Token
    }
}

/// A surrogate and the range of the ratio within which it pushes.
#[derive(Debug, Clone, Copy)]
pub struct Clip {
    /// What is maximised.
    pub surrogate: Surrogate,
    /// How far the ratio may fall below 1 where A < 0.
    pub low: f64,
    /// How far it may rise above 1 where A > 0.
    pub high: f64,
    /// Largest ratio that pushes where A < 0; above 1 + `high`.
    pub delta: Option<f64>,
    /// Of what the ratio is taken.
    pub level: ImportanceSamplingLevel,
}

impl Clip {
    /// By one action's ratio, within 1 ± `epsilon`.
    pub fn around(surrogate: Surrogate, epsilon: f64) -> Self {
        Self { surrogate, low: epsilon, high: epsilon, delta: None, level: ImportanceSamplingLevel::Token }
    }

    /// Derivative of the objective (minus the loss) in ln π at ln r = `log_ratio`; `None` where the clip has cut it off.
    pub(in crate::trainers) fn push(&self, advantage: f64, log_ratio: f64) -> Option<f64> {
        let ratio = log_ratio.exp();
        let cut = if advantage > 0.0 {
            ratio > 1.0 + self.high
        } else {
            advantage < 0.0 && (ratio < 1.0 - self.low || self.delta.is_some_and(|most| ratio > most))
        };
        match self.surrogate {
            _ if cut => None,
            Surrogate::Clipped => Some(ratio * advantage),
            Surrogate::Masked => Some(advantage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_push_is_the_derivative_of_the_clipped_objective() {
        let h = 1e-6;
        for (low, high, delta) in
            [(0.2, 0.2, None), (0.1, 0.28, None), (0.2, 0.2, Some(1.3)), (0.2, 0.28, Some(2.0))]
        {
            let clip = Clip { low, high, delta, ..Clip::around(Surrogate::Clipped, 0.2) };
            let objective = |a: f64, x: f64| {
                let ratio = x.exp();
                (ratio.min(delta.unwrap_or(f64::INFINITY)) * a).min(ratio.clamp(1.0 - low, 1.0 + high) * a)
            };
            for advantage in [-2.0, -0.5, 0.0, 0.7, 3.0] {
                for log_ratio in [-1.0, -0.3, -0.15, -0.1, 0.0, 0.1, 0.22, 0.3, 1.0] {
                    let numeric = (objective(advantage, log_ratio + h) - objective(advantage, log_ratio - h))
                        / (2.0 * h);
                    let push = clip.push(advantage, log_ratio).unwrap_or(0.0);
                    assert!(
                        (numeric - push).abs() < 1e-8,
                        "{clip:?}, {advantage}, {log_ratio}: {push} against {numeric}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_mask_keeps_or_drops_the_advantage_whole() {
        let push = |advantage, log_ratio| Clip::around(Surrogate::Masked, 0.2).push(advantage, log_ratio);
        assert_eq!(push(2.0, 0.1), Some(2.0));
        assert_eq!(push(2.0, 0.2), None);
        assert_eq!(push(-2.0, 5.0), Some(-2.0));
        assert_eq!(push(-2.0, -0.3), None);
    }
}
