//! Distance from the median in robust standard deviations (Hampel 1974; Iglewicz & Hoaglin 1993).

use crate::detectors::input::{digits, digits_at, finite, proxy, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::{MAD_TO_SD, mad, median};
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::erf::erfc;
use std::f64::consts::SQRT_2;

/// z = (U − median)/(1.4826·MAD), median and MAD of the calibration rollouts.
///
/// Contamination hardly moves it, so it is never masked. Its p-values are those of a normal law: where rewards are
/// heavier-tailed they are far too small, and a nominal rate of 1e-4 becomes .005 (Student-t, 5 degrees of
/// freedom) to .07 (lognormal). Refuses with [`Status::ZeroMad`] where more than half of the calibration rewards
/// are equal.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RobustZ {}

impl Detector for RobustZ {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn row_wise(&self) -> bool {
        true
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        match Scale::of(calibration) {
            Ok(scale) => Fitted::Ready(Box::new(scale)),
            Err(status) => Fitted::Refused(status),
        }
    }
}

struct Scale {
    median: f64,
    sd: f64,
}

impl Scale {
    fn of(calibration: &Observed) -> Result<Self, Status> {
        let rewards = proxy(calibration)?;
        let too_few = || Status::TooFew { what: "calibration rollouts", have: rewards.len(), need: 2 };
        if rewards.len() < 2 {
            return Err(too_few());
        }
        let centre = median(rewards).ok_or_else(too_few)?;
        let spread = mad(rewards).ok_or_else(too_few)?;
        if spread == 0.0 {
            return Err(Status::ZeroMad);
        }
        let sd = MAD_TO_SD * spread;
        if !(centre.is_finite() && sd.is_finite()) {
            return Err(Status::Undefined {
                reason: "the median or the MAD of the calibration rewards is infinite",
            });
        }
        Ok(Self { median: centre, sd })
    }

    fn z(&self, reward: f64) -> f64 {
        // Halves, so that the difference of two huge rewards of opposite sign does not overflow before the division.
        finite((0.5 * finite(reward) - 0.5 * self.median) / (0.5 * self.sd).max(f64::MIN_POSITIVE))
    }
}

impl Scorer for Scale {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let z: Vec<f64> = proxy(batch)?.iter().map(|&reward| self.z(reward)).collect();
        let p = z.iter().map(|z| 0.5 * erfc(z / SQRT_2)).collect();
        Ok(scores(z)?.with_p_values(p))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let z = batch.proxy.get(row).map_or_else(|| "absent".into(), |&reward| digits(self.z(reward)));
        format!(
            "proxy reward {} lies {z} robust standard deviations ({}) from the calibration median {}",
            digits_at(Some(&batch.proxy), row),
            digits(self.sd),
            digits(self.median),
        )
    }
}
