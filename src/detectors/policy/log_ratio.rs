//! How much likelier the policy makes a trajectory than the reference does.

use crate::detectors::input::{digits, digits_at, named, numbers, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The score is ln π(τ) − ln π₀(τ) of the sampled trajectory, in nats.
///
/// Under π₀ it exceeds c with probability at most e^(−c) (Markov's inequality). It does not look at the reward, so it works
/// where the reward is opaque; but a benign policy that learned something has large ratios too. Refuses with
/// [`Status::Missing`] where a log-probability column is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogRatio {}

const NEEDS: [&str; 2] = ["log_prob", "ref_log_prob"];

impl Detector for LogRatio {
    fn access(&self) -> Access {
        Access::Policy
    }
    fn row_wise(&self) -> bool {
        true
    }
    fn needs(&self) -> Vec<String> {
        named(&NEEDS)
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match columns(calibration) {
            Ok(_) => Fitted::Ready(Box::new(Ratio)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Ratio;

fn columns(batch: &Observed) -> Result<(&[f64], &[f64]), Status> {
    let [own, reference] = NEEDS;
    Ok((numbers(batch, own)?, numbers(batch, reference)?))
}

impl Scorer for Ratio {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let (log_prob, ref_log_prob) = columns(batch)?;
        let ratios: Vec<f64> = log_prob.iter().zip(ref_log_prob).map(|(a, b)| a - b).collect();
        if ratios.iter().any(|x| x.is_nan()) {
            return Err(Status::Undefined { reason: "a log-probability is NaN, or both are infinite" });
        }
        scores(ratios)
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let (own, reference) = (batch.log_prob.as_deref(), batch.ref_log_prob.as_deref());
        let ratio = match (own.and_then(|c| c.get(row)), reference.and_then(|c| c.get(row))) {
            (Some(a), Some(b)) => digits(a - b),
            _ => "absent".into(),
        };
        format!(
            "log-ratio to the reference {ratio} nats (log-probability {} against {})",
            digits_at(own, row),
            digits_at(reference, row),
        )
    }
}
