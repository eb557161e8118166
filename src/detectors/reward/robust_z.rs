//! Distance from the median in robust standard deviations (Hampel 1974; Iglewicz & Hoaglin 1993).

use crate::detectors::input::{digits, digits_at, finite, proxy, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::{MAD_TO_SD, mad_sorted, median, quantile_sorted, sorted};
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
/// freedom) to .07 (lognormal). Where more than half of the calibration rewards are equal, the MAD is that of the rollouts in groups
/// (without groups, in steps) whose own MAD from that median is not 0; refuses with [`Status::ZeroMad`] where there is none. Where
/// all of them are equal, whatever lies above is infinitely many of their deviations away: p = 0, and the score is the difference
/// over the smallest positive number.
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
    fn assumes_a_law(&self) -> bool {
        true
    }
    fn fit(&self, calibration: &Observed, _: &mut Stream) -> Fitted {
        fitted(Scale::of(calibration))
    }
    fn fit_rewards(&self, ascending: &[f64]) -> Option<Fitted> {
        match Scale::of_rewards(ascending, || None) {
            Err(Status::ZeroMad) => None,
            scale => Some(fitted(scale)),
        }
    }
}

fn fitted(scale: Result<Scale, Status>) -> Fitted {
    match scale {
        Ok(scale) => Fitted::Ready(Box::new(scale)),
        Err(status) => Fitted::Refused(status),
    }
}

struct Scale {
    median: f64,
    /// 0 of equal rewards.
    sd: f64,
}

/// Share of its size by which a reward may differ from equal ones and still be one of them: sums differ in their last digits.
const ROUNDING: f64 = 1e-9;

impl Scale {
    fn of(calibration: &Observed) -> Result<Self, Status> {
        let ascending = sorted(proxy(calibration)?);
        let centre = quantile_sorted(&ascending, 0.5);
        Self::of_rewards(&ascending, || within_those_that_vary(calibration, centre?))
    }

    /// `of_varied`: the MAD of the rollouts in groups that vary.
    fn of_rewards(ascending: &[f64], of_varied: impl FnOnce() -> Option<f64>) -> Result<Self, Status> {
        let too_few = || Status::TooFew { what: "calibration rollouts", have: ascending.len(), need: 2 };
        if ascending.len() < 2 {
            return Err(too_few());
        }
        let centre = quantile_sorted(ascending, 0.5).ok_or_else(too_few)?;
        let spread = match mad_sorted(ascending, centre).ok_or_else(too_few)? {
            0.0 if ascending.iter().all(|reward| *reward == centre) => 0.0,
            0.0 => of_varied().ok_or(Status::ZeroMad)?,
            spread => spread,
        };
        let sd = MAD_TO_SD * spread;
        if !(centre.is_finite() && sd.is_finite()) {
            return Err(Status::Undefined {
                reason: "the median or the MAD of the calibration rewards is infinite",
            });
        }
        Ok(Self { median: centre, sd })
    }

    fn z(&self, reward: f64) -> f64 {
        if self.sd == 0.0 && (reward - self.median).abs() <= ROUNDING * self.median.abs() {
            return 0.0;
        }
        // Halves, so that the difference of two huge rewards of opposite sign does not overflow before the division.
        finite((0.5 * finite(reward) - 0.5 * self.median) / (0.5 * self.sd).max(f64::MIN_POSITIVE))
    }
}

/// The MAD from `centre` over the groups, or steps, in which it is not 0.
fn within_those_that_vary(calibration: &Observed, centre: f64) -> Option<f64> {
    let keys =
        [&calibration.group, &calibration.step].into_iter().find(|keys| keys.len() == calibration.len())?;
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_unstable_by_key(|&row| (keys[row], row));
    let deviation = |row: &usize| (calibration.proxy[*row] - centre).abs();
    let mut varied = Vec::new();
    for group in order.chunk_by(|&a, &b| keys[a] == keys[b]) {
        let own: Vec<f64> = group.iter().map(deviation).collect();
        if median(&own).is_some_and(|mad| mad > 0.0) {
            varied.extend(own);
        }
    }
    median(&varied).filter(|mad| *mad > 0.0)
}

impl Scorer for Scale {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let z: Vec<f64> = proxy(batch)?.iter().map(|&reward| self.z(reward)).collect();
        let p = z.iter().map(|z| 0.5 * erfc(z / SQRT_2)).collect();
        Ok(scores(z)?.with_p_values(p))
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        if self.sd == 0.0 {
            return format!(
                "proxy reward {} differs from the calibration rewards, all of which are {}",
                digits_at(Some(&batch.proxy), row),
                digits(self.median),
            );
        }
        let z = batch.proxy.get(row).map_or_else(|| "absent".into(), |&reward| digits(self.z(reward)));
        format!(
            "proxy reward {} lies {z} robust standard deviations ({}) from the calibration median {}",
            digits_at(Some(&batch.proxy), row),
            digits(self.sd),
            digits(self.median),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(group: Vec<u64>, proxy: Vec<f64>) -> Observed {
        Observed { proxy, group, ..Observed::default() }
    }

    #[test]
    fn groups_that_vary_give_the_scale_where_most_rewards_are_equal() {
        // Three groups of equal rewards beside one whose deviations are 1, 1, 2, 2.
        let mut proxy = vec![0.0; 12];
        proxy.extend([-2.0, -1.0, 1.0, 2.0]);
        let calibration = log((0..16).map(|row| row / 4).collect(), proxy);
        let scale = Scale::of(&calibration).unwrap();
        assert_eq!((scale.median, scale.sd), (0.0, 1.5 * MAD_TO_SD));
        assert!(scale.z(20.0) > 8.0);
        let ungrouped = Observed { group: Vec::new(), ..calibration };
        assert_eq!(Scale::of(&ungrouped).err(), Some(Status::ZeroMad));
    }

    #[test]
    fn what_differs_from_a_constant_reference_is_the_clearest_outlier() {
        let mut scale = Scale::of(&log(Vec::new(), vec![0.3; 20])).unwrap();
        let batch = log(Vec::new(), vec![0.3, 0.1 + 0.2, 20.0, -5.0]);
        let scores = scale.score(&batch).unwrap();
        assert_eq!(scores.values()[..3], [0.0, 0.0, f64::MAX]);
        assert!(scores.values()[3] < -1e300);
        assert_eq!(scores.p_values().unwrap(), [0.5, 0.5, 0.0, 1.0]);
        assert!(scale.explain(&batch, 2).contains("all of which are 0.3"), "{}", scale.explain(&batch, 2));
    }
}
