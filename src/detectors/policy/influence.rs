//! How much of its update a rollout makes up.

use crate::detectors::input::{digits, digits_at, scores, without_nan};
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
/// length. Under advantages centred on the batch mean a lone outlier saturates at ½, whatever its reward, and
/// normalising rescales all of them alike. A step whose advantages are all 0 moves nothing: each share is 0. Refuses with
/// [`Status::Missing`] where the advantage column is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Influence {}

impl Detector for Influence {
    fn access(&self) -> Access {
        Access::Policy
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Observed::require(&calibration.advantage, "advantage") {
            Ok(_) => Fitted::Ready(Box::new(Share)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Share;

impl Scorer for Share {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let advantage = Observed::require(&batch.advantage, "advantage")?;
        without_nan(advantage, "an advantage is NaN")?;
        let mut shares = Vec::with_capacity(advantage.len());
        let mut rest = advantage;
        for update in batch.step.chunk_by(|a, b| a == b) {
            let (own, others) = rest.split_at(update.len().min(rest.len()));
            let (largest, total) = norm(own);
            shares.extend(own.iter().map(|a| share(*a, largest, total)));
            rest = others;
        }
        scores(shares)
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(step) = batch.step.get(row) else { return "absent".into() };
        let first = batch.step.partition_point(|s| s < step);
        let last = batch.step.partition_point(|s| s <= step);
        let advantage = batch.advantage.as_deref();
        let update = advantage.and_then(|column| column.get(first..last)).unwrap_or_default();
        let (largest, total) = norm(update);
        let percent = advantage
            .and_then(|column| column.get(row))
            .map_or_else(|| "absent".into(), |a| digits(100.0 * share(*a, largest, total)));
        format!(
            "advantage {} is {percent}% of the absolute advantages of step {step} ({} rollouts)",
            digits_at(advantage, row),
            update.len(),
        )
    }
}

/// Largest |A| (±∞ taken as f64::MAX) and Σ|A| in units of it, which cannot overflow.
fn norm(advantages: &[f64]) -> (f64, f64) {
    let largest = advantages.iter().map(|a| a.abs().min(f64::MAX)).fold(0.0, f64::max);
    let total = advantages.iter().map(|a| a.abs().min(f64::MAX) / largest).sum();
    (largest, total)
}

fn share(advantage: f64, largest: f64, total: f64) -> f64 {
    if largest == 0.0 { 0.0 } else { advantage.abs().min(f64::MAX) / largest / total }
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
