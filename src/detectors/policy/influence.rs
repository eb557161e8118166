//! How much of its update a rollout makes up.

use super::shares::{percent, shares};
use crate::detectors::input::{digits, digits_at, named, numbers, scores, without_nan};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The score is |Aᵢ|/Σ|Aⱼ| over the rollouts of the same step, from 0 to 1.
///
/// A policy-gradient step is Σ Aᵢ ∇ln π(τᵢ), so this is the rollout's share of the summed gradient norms where all
/// ‖∇ln π(τᵢ)‖ are alike, which holds for rare outcomes of a tabular softmax and not for trajectories of unequal
/// length (there is `gradient_norm` for these). Under advantages centred on the batch mean a lone outlier saturates at ½,
/// whatever its reward, and normalising rescales all of them alike. A step whose advantages are all 0 moves nothing: each
/// share is 0. Scoring refuses with [`Status::Missing`] where the advantage column is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Influence {}

const ADVANTAGE: &str = "advantage";

impl Detector for Influence {
    fn access(&self) -> Access {
        Access::Policy
    }
    fn needs(&self) -> Vec<String> {
        named(&[ADVANTAGE])
    }
    /// Nothing is learned from the calibration rollouts, which come from no update and may lack advantages.
    fn fit(&self, _: &Observed, _: &mut Stream) -> Fitted {
        Fitted::Ready(Box::new(Share))
    }
}

struct Share;

impl Scorer for Share {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let advantage = numbers(batch, ADVANTAGE)?;
        scores(shares(batch, without_nan(advantage, "an advantage is NaN")?))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let advantage = batch.advantage.as_deref();
        let reading = digits_at(advantage, row);
        match advantage.and_then(|column| percent(batch, column, row)) {
            Some((percent, rollouts, step)) => format!(
                "advantage {reading} is {}% of the absolute advantages of {step} ({rollouts} rollouts)",
                digits(percent)
            ),
            None => format!("advantage {reading}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(step: Vec<u64>, advantage: Vec<f64>) -> Observed {
        Observed { proxy: vec![0.0; step.len()], step, advantage: Some(advantage), ..Observed::default() }
    }

    #[test]
    fn shares_are_taken_within_a_step() {
        let batch = batch(vec![0, 0, 1, 1, 2], vec![-3.0, 1.0, 0.0, 0.0, 9.0]);
        assert_eq!(Share.score(&batch).unwrap().values(), [0.75, 0.25, 0.0, 0.0, 1.0]);
        assert_eq!(
            Share.explain(&batch, 0),
            "advantage -3 is 75% of the absolute advantages of step 0 (2 rollouts)"
        );
    }

    #[test]
    fn huge_advantages_do_not_overflow() {
        let batch = batch(vec![0; 3], vec![f64::MAX, f64::INFINITY, f64::NEG_INFINITY]);
        for share in Share.score(&batch).unwrap().values() {
            assert!((share - 1.0 / 3.0).abs() < 1e-15);
        }
    }
}
