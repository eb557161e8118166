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

impl Surrogate {
    /// Derivative of the objective (minus the loss) in ln π at ln r = `log_ratio`; `None` where the clip has cut it off.
    pub(in crate::trainers) fn push(self, advantage: f64, log_ratio: f64, epsilon: f64) -> Option<f64> {
        let ratio = log_ratio.exp();
        let cut =
            if advantage > 0.0 { ratio > 1.0 + epsilon } else { advantage < 0.0 && ratio < 1.0 - epsilon };
        match self {
            _ if cut => None,
            Self::Clipped => Some(ratio * advantage),
            Self::Masked => Some(advantage),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_push_is_the_derivative_of_the_clipped_objective() {
        let objective = |a: f64, x: f64| (x.exp() * a).min(x.exp().clamp(0.8, 1.2) * a);
        let h = 1e-6;
        for advantage in [-2.0, -0.5, 0.0, 0.7, 3.0] {
            for log_ratio in [-1.0, -0.3, -0.1, 0.0, 0.1, 0.3, 1.0] {
                let numeric =
                    (objective(advantage, log_ratio + h) - objective(advantage, log_ratio - h)) / (2.0 * h);
                let push = Surrogate::Clipped.push(advantage, log_ratio, 0.2).unwrap_or(0.0);
                assert!((numeric - push).abs() < 1e-8, "{advantage}, {log_ratio}: {push} against {numeric}");
            }
        }
    }

    #[test]
    fn the_mask_keeps_or_drops_the_advantage_whole() {
        assert_eq!(Surrogate::Masked.push(2.0, 0.1, 0.2), Some(2.0));
        assert_eq!(Surrogate::Masked.push(2.0, 0.2, 0.2), None);
        assert_eq!(Surrogate::Masked.push(-2.0, 5.0, 0.2), Some(-2.0));
        assert_eq!(Surrogate::Masked.push(-2.0, -0.3, 0.2), None);
    }
}
