//! How little the members of a reward ensemble agree on a rollout.

use crate::detectors::input::{digits, digits_at, feature, feature_column, finite, named, scores};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::{MAD_TO_SD, mad, median};
use crate::foundation::rng::Stream;
use crate::record::{DISAGREEMENT, Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The standard deviation over the members of a reward ensemble (the column `disagreement`), as its distance from the
/// calibration's median in 1.4826·MADs, s = (d − median)/(1.4826·MAD); Coste et al. (ICLR 2024) take it off the reward as a penalty.
///
/// What all members get wrong alike it does not see. Where the calibration lacks the column, or its MAD is 0, the unit is
/// that of the reward: the ranks are the same. Scoring refuses with [`Status::Missing`] where the log has no such column.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Disagreement {}

impl Detector for Disagreement {
    fn access(&self) -> Access {
        Access::Policy
    }
    fn needs(&self) -> Vec<String> {
        named(&[DISAGREEMENT])
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
    /// `None`: the unit of the reward.
    sd: Option<f64>,
}

impl Scale {
    fn of(calibration: &Observed) -> Result<Self, Status> {
        let usual = match feature(calibration, DISAGREEMENT) {
            Ok(usual) => usual,
            Err(Status::Missing { .. }) => &[],
            Err(status) => return Err(status),
        };
        let usual: Vec<f64> = usual.iter().map(|x| finite(*x)).collect();
        let sd = mad(&usual).map(|mad| finite(MAD_TO_SD * mad)).filter(|sd| *sd > 0.0);
        Ok(Self { median: median(&usual).map_or(0.0, finite), sd })
    }

    fn z(&self, disagreement: f64) -> f64 {
        // Halves, so that the difference of two huge numbers does not overflow before the division.
        finite(
            (0.5 * finite(disagreement) - 0.5 * self.median)
                / (0.5 * self.sd.unwrap_or(1.0)).max(f64::MIN_POSITIVE),
        )
    }
}

impl Scorer for Scale {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        scores(feature(batch, DISAGREEMENT)?.iter().map(|x| self.z(*x)).collect())
    }
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let column = feature_column(batch, DISAGREEMENT);
        let reading = digits_at(column, row);
        let Some(x) = column.and_then(|column| column.get(row)) else {
            return format!("ensemble disagreement {reading}");
        };
        match self.sd {
            Some(sd) => format!(
                "ensemble disagreement {reading} lies {} robust standard deviations ({}) from the calibration median {}",
                digits(self.z(*x)),
                digits(sd),
                digits(self.median)
            ),
            None => format!("ensemble disagreement {reading}, in units of the reward"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(disagreement: &[f64]) -> Observed {
        Observed {
            proxy: vec![0.0; disagreement.len()],
            features: vec![(DISAGREEMENT.into(), disagreement.to_vec())],
            ..Observed::default()
        }
    }

    #[test]
    fn the_unit_is_the_calibrations_where_it_has_one() {
        let batch = log(&[3.0, 11.0, f64::INFINITY]);
        let mut scaled = Scale::of(&log(&[1.0, 2.0, 3.0, 4.0, 5.0])).unwrap();
        assert_eq!(scaled.score(&batch).unwrap().values(), [0.0, 8.0 / MAD_TO_SD, f64::MAX / MAD_TO_SD]);
        assert!(
            scaled.explain(&batch, 1).contains("11 lies 5.39592 robust"),
            "{}",
            scaled.explain(&batch, 1)
        );
        for bare in [log(&[2.0, 2.0, 2.0, 9.0]), Observed::default()] {
            let mut raw = Scale::of(&bare).unwrap();
            let made = raw.score(&batch).unwrap();
            assert_eq!(made.values()[1] - made.values()[0], 8.0);
            assert!(raw.explain(&batch, 1).ends_with("11, in units of the reward"));
        }
        assert_eq!(
            scaled.score(&Observed::default()).err(),
            Some(Status::Missing { column: DISAGREEMENT.into() })
        );
        assert!(matches!(Scale::of(&log(&[f64::NAN])).err(), Some(Status::Undefined { .. })));
    }
}
