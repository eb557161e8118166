//! How improbable a trajectory was before training.

use crate::detectors::input::{digits, digits_at, named, numbers, rank_p_value, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::sorted;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The score is −ln π₀(τ) in nats, Shannon's surprise (1948) at the trajectory under the reference policy; divided by the
/// length (tokens, or characters where the log has no better) if calibration rollouts have one.
///
/// The surprise of a whole completion mostly says how long it is, so with lengths it is the mean over tokens (the logarithm
/// of the perplexity): one improbable token in a long answer is diluted. It sees neither the reward nor the policy in
/// training, so it finds what the reference would hardly have written, whether anyone gains by it or not; under a uniform
/// reference all are alike. The explanation ranks a score among those of the calibration.
///
/// Refuses with [`Status::Missing`] where `ref_log_prob` is absent, or lengths that the calibration has.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Surprise {}

const REFERENCE: &str = "ref_log_prob";

impl Detector for Surprise {
    fn access(&self) -> Access {
        Access::Policy
    }
    fn needs(&self) -> Vec<String> {
        named(&[REFERENCE])
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        let per_token = calibration.length.is_some();
        match surprise(calibration, per_token) {
            Ok(usual) => Fitted::Ready(Box::new(Usual { per_token, ascending: sorted(&usual) })),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Usual {
    per_token: bool,
    /// The calibration's surprises.
    ascending: Vec<f64>,
}

fn surprise(batch: &Observed, per_token: bool) -> Result<Vec<f64>, Status> {
    let log_prob = numbers(batch, REFERENCE)?;
    if log_prob.iter().any(|x| x.is_nan()) {
        return Err(Status::Undefined { reason: "a log-probability under the reference is NaN" });
    }
    if !per_token {
        return Ok(log_prob.iter().map(|x| -x).collect());
    }
    let length = numbers(batch, "length")?;
    if length.iter().any(|l| !(l.is_finite() && *l >= 0.0)) {
        return Err(Status::Undefined { reason: "a length is not a finite number, 0 or above" });
    }
    Ok(log_prob.iter().zip(length).map(|(x, l)| -x / l.max(1.0)).collect())
}

impl Scorer for Usual {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        scores(surprise(batch, self.per_token)?)
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let log_prob = batch.ref_log_prob.as_deref();
        let length = batch.length.as_deref();
        let reading = digits_at(log_prob, row);
        let (Some(x), l) = (log_prob.and_then(|c| c.get(row)), length.and_then(|c| c.get(row))) else {
            return format!("log-probability {reading} under the reference");
        };
        let (each, mean) = match (self.per_token, l) {
            (true, Some(l)) => {
                let each = -x / l.max(1.0);
                (each, format!(", {} nats for each unit of its length {}", digits(each), digits(*l)))
            }
            _ => (-x, String::new()),
        };
        let rank = rank_p_value(&self.ascending, each) * (self.ascending.len() + 1) as f64 - 1.0;
        format!(
            "log-probability {reading} nats under the reference{mean}: {} of the {} calibration rollouts are as improbable",
            digits(rank.round()),
            self.ascending.len(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(ref_log_prob: &[f64], length: Option<&[f64]>) -> Observed {
        Observed {
            proxy: vec![0.0; ref_log_prob.len()],
            ref_log_prob: Some(ref_log_prob.to_vec()),
            length: length.map(<[f64]>::to_vec),
            ..Observed::default()
        }
    }

    fn fit(calibration: &Observed) -> Result<Usual, Status> {
        let per_token = calibration.length.is_some();
        surprise(calibration, per_token).map(|usual| Usual { per_token, ascending: sorted(&usual) })
    }

    #[test]
    fn length_is_divided_out_where_the_calibration_has_it() {
        let mut whole = fit(&log(&[-1.0, -4.0, -2.0], None)).unwrap();
        let mut each = fit(&log(&[-1.0, -4.0, -2.0], Some(&[1.0, 2.0, 4.0]))).unwrap();
        let batch = log(&[-8.0, -3.0, f64::NEG_INFINITY], Some(&[16.0, 0.0, 5.0]));
        assert_eq!(whole.score(&batch).unwrap().values(), [8.0, 3.0, f64::MAX]);
        assert_eq!(each.score(&batch).unwrap().values(), [0.5, 3.0, f64::MAX]);
        assert_eq!(
            each.explain(&batch, 0),
            "log-probability -8 nats under the reference, 0.5 nats for each unit of its length 16: 3 of the 3 calibration rollouts \
             are as improbable"
        );
        assert!(
            whole
                .explain(&batch, 1)
                .ends_with("reference: 1 of the 3 calibration rollouts are as improbable")
        );
        let short = log(&[-1.0], None);
        assert_eq!(each.score(&short).err(), Some(Status::Missing { column: "length".into() }));
    }

    #[test]
    fn what_is_no_probability_or_length_is_a_status() {
        assert!(matches!(fit(&log(&[f64::NAN], None)).err(), Some(Status::Undefined { .. })));
        for length in [-1.0, f64::NAN, f64::INFINITY] {
            assert!(matches!(fit(&log(&[-1.0], Some(&[length]))).err(), Some(Status::Undefined { .. })));
        }
    }
}
