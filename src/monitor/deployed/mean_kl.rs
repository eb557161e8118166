//! A test of the mean log-ratio: whether the deployed policy is further from the reference than the trained one was.

use super::contract::{Alarm, Ground, Look, Monitor, Observer, Seen, Watching};
use super::log_ratio::{ROUNDING, trusted};
use crate::foundation::failure::Status;
use crate::foundation::numeric::{mean, variance};
use crate::foundation::scalar::OpenProbability;
use crate::foundation::special::normal_upper_quantile;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// Fewest trusted rollouts whose moments stand in for a law: below, the normal quantile is far from the level.
const TRUSTED: usize = 100;

/// Alarms when the sum of ln(π/π₀) rises above what the trained policy's law (μ, σ) explains.
///
/// With `at` = n it looks once, at n samples: alarm above nμ + z_level·σ·√n. Without, it looks at every sample of the horizon N, and the
/// bound is z_(level/2)·σ·√N above kμ at each k, since the largest of the partial sums exceeds a number at most twice as
/// often as the last (Lévy's inequality). Both levels are those of the central limit theorem. From m trusted rollouts in the place of a
/// law, μ is estimated, and the bound grows by √(1 + n/m).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct MeanKl {
    /// P(an alarm) under the trained policy.
    pub level: OpenProbability,
    /// Samples after which it looks, once; at every one where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<NonZeroU64>,
}

impl Default for MeanKl {
    fn default() -> Self {
        Self { level: OpenProbability::known(0.05), at: None }
    }
}

impl Monitor for MeanKl {
    fn observer(&self) -> Observer {
        Observer::LogProbs
    }

    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Watching>, Status> {
        if let Some(at) = self.at.filter(|at| at.get() > ground.horizon) {
            let count = |n: u64| usize::try_from(n).unwrap_or(usize::MAX);
            return Err(Status::TooFew {
                what: "samples",
                have: count(ground.horizon),
                need: count(at.get()),
            });
        }
        let ((mean, variance), known) = match ground.law {
            Some(law) => (law.moments(), f64::INFINITY),
            None => {
                let known = trusted(&ground)?;
                let too_few = Status::TooFew { what: "trusted rollouts", have: known.len(), need: TRUSTED };
                let moments =
                    mean(&known).zip(variance(&known)).filter(|_| known.len() >= TRUSTED).ok_or(too_few)?;
                if moments.1 == 0.0 {
                    return Err(Status::AllTied);
                }
                (moments, known.len() as f64)
            }
        };
        let samples = self.at.map_or(ground.horizon, NonZeroU64::get) as f64;
        let level = self.level.get();
        let z = normal_upper_quantile(if self.at.is_some() { level } else { 0.5 * level });
        let bound = z.max(0.0) * (variance * samples * (1.0 + samples / known)).sqrt();
        Ok(Box::new(Rising {
            mean,
            threshold: bound + ROUNDING * samples,
            at: self.at,
            horizon: ground.horizon,
            seen: 0,
            sum: 0.0,
        }))
    }
}

struct Rising {
    mean: f64,
    threshold: f64,
    at: Option<NonZeroU64>,
    horizon: u64,
    seen: u64,
    /// Of the log-ratios, each less the mean.
    sum: f64,
}

impl Watching for Rising {
    fn see(&mut self, seen: Seen<'_>, _: &mut Look<'_>) -> Option<Alarm> {
        let Seen::LogRatio(value) = seen else { return None };
        self.seen += 1;
        self.sum += value - self.mean;
        let looks = self.at.map_or(self.seen <= self.horizon, |at| at.get() == self.seen);
        let beyond = looks && self.sum > self.threshold;
        beyond.then_some(Alarm::Beyond { value: self.sum, threshold: self.threshold })
    }
}
