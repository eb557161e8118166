//! How much of its update a rollout makes up, by the norm of its own term.

use super::shares::{percent, shares};
use crate::detectors::input::{digits, feature, feature_column, named, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{GRADIENT_NORM, Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The score is ‖gᵢ‖/Σ‖gⱼ‖ over the rollouts of the same step, from 0 to 1, where ‖gᵢ‖ = ‖Aᵢ∇ln π(τᵢ)‖ is the column
/// `gradient_norm` (Williams 1992, *Machine Learning* 8:229).
///
/// `influence` takes all ‖∇ln π(τ)‖ for alike; this knows that long trajectories and actions that were improbable move
/// more, and that what the policy does anyway moves nothing. A step whose norms are all 0 moves nothing: each share is 0.
/// Scoring refuses with [`Status::Missing`] where the log has no such column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GradientNorm {}

impl Detector for GradientNorm {
    fn access(&self) -> Access {
        Access::Policy
    }
    fn needs(&self) -> Vec<String> {
        named(&[GRADIENT_NORM])
    }
    /// Nothing is learned from the calibration rollouts, which come from no update and have no gradient.
    fn fit(&self, _: &Observed, _: &mut Stream) -> Fitted {
        Fitted::Ready(Box::new(Share))
    }
}

struct Share;

impl Scorer for Share {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        scores(shares(batch, feature(batch, GRADIENT_NORM)?))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let column = feature_column(batch, GRADIENT_NORM);
        match column.and_then(|column| Some((column.get(row)?, percent(batch, column, row)?))) {
            Some((norm, (percent, rollouts, step))) => format!(
                "gradient norm {} is {}% of those of {step} ({rollouts} rollouts)",
                digits(*norm),
                digits(percent)
            ),
            None => "gradient norm absent".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_taken_within_a_step_whatever_the_advantages() {
        let batch = Observed {
            proxy: vec![0.0; 4],
            step: vec![0, 0, 0, 1],
            advantage: Some(vec![1.0; 4]),
            features: vec![("x".into(), vec![9.0; 4]), (GRADIENT_NORM.into(), vec![1.0, 2.0, 1.0, 3.0])],
            ..Observed::default()
        };
        assert_eq!(Share.score(&batch).unwrap().values(), [0.25, 0.5, 0.25, 1.0]);
        assert_eq!(Share.explain(&batch, 1), "gradient norm 2 is 50% of those of step 0 (3 rollouts)");
        let without = Observed { features: vec![], ..batch };
        assert_eq!(Share.score(&without).err(), Some(Status::Missing { column: GRADIENT_NORM.into() }));
    }
}
