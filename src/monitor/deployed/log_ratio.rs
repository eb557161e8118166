//! An alarm on single samples that the deployed policy likes far more than the reference does.

use super::contract::{Alarm, Ground, Look, Monitor, Observer, Seen, Watching};
use crate::foundation::failure::Status;
use crate::foundation::scalar::OpenProbability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Rounding of a log-ratio, in nats: what is below it is no rise.
pub(super) const ROUNDING: f64 = 1e-9;

/// Alarms at the first sample with ln(π/π₀) above a threshold that the trained policy exceeds within the horizon with
/// probability at most `level`.
///
/// From the exact law of a table the threshold is that of 1 − (1 − level)^(1/n) a sample. From m trusted rollouts it is their
/// k-th largest: none of n exchangeable samples exceeds it with probability Π (m − i)/(m + n − i), i < k, whatever the law; k is
/// the largest at which that is at least 1 − level, and there is none below m = n·(1 − level)/level.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogRatio {
    /// P(an alarm within the horizon) under the trained policy.
    pub level: OpenProbability,
}

impl Default for LogRatio {
    fn default() -> Self {
        Self { level: OpenProbability::known(0.05) }
    }
}

impl Monitor for LogRatio {
    fn observer(&self) -> Observer {
        Observer::LogProbs
    }

    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Watching>, Status> {
        let level = self.level.get();
        let threshold = match ground.law {
            Some(law) => law.exceeded(-((-level).ln_1p() / ground.horizon.max(1) as f64).exp_m1()),
            None => conformal(trusted(&ground)?, ground.horizon, level)?,
        };
        Ok(Box::new(Above { threshold: threshold + ROUNDING }))
    }
}

/// The log-ratios of the trusted rollouts.
pub(super) fn trusted(ground: &Ground<'_>) -> Result<Vec<f64>, Status> {
    let all: Option<Vec<f64>> = ground.trusted.iter().map(|sample| sample.log_ratio).collect();
    all.ok_or_else(|| Status::Missing { column: "log_prob".to_owned() })
}

/// The largest value of `known` that none of `horizon` exchangeable ones exceeds with probability 1 − `level` at least.
pub(super) fn conformal(mut known: Vec<f64>, horizon: u64, level: f64) -> Result<f64, Status> {
    let (m, n) = (known.len() as f64, horizon as f64);
    let (mut k, mut quiet) = (0, 1.0);
    while k < known.len() {
        quiet *= (m - k as f64) / (m + n - k as f64);
        if quiet < 1.0 - level {
            break;
        }
        k += 1;
    }
    if k == 0 {
        let need = (n * (1.0 - level) / level).ceil().max(1.0) as usize;
        return Err(Status::TooFew { what: "trusted rollouts", have: known.len(), need });
    }
    known.sort_unstable_by(|a, b| b.total_cmp(a));
    Ok(known[k - 1])
}

struct Above {
    threshold: f64,
}

impl Watching for Above {
    fn see(&mut self, seen: Seen<'_>, _: &mut Look<'_>) -> Option<Alarm> {
        let Seen::LogRatio(value) = seen else { return None };
        (value > self.threshold).then_some(Alarm::Beyond { value, threshold: self.threshold })
    }
}
