//! Drift SPOT: the same threshold relative to a moving average (Siffer et al., KDD 2017, section 4.4).

use super::comparable;
use super::monitor::{Alarm, Monitor, Rows, Watcher};
use super::spot::{Spot, SpotWatcher, Verdict};
use crate::foundation::failure::Status;
use crate::foundation::scalar::OpenProbability;
use crate::tails::MIN_EXCESSES;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Alarms are scores s with s − m > u + (σ/ξ)·((q·n/N)^(−ξ) − 1): the threshold of `spot` on the distance from m, the mean of the last `depth` scores that raised no alarm.
///
/// The first `depth` scores of the reference start the mean, the distances of the rest start the tail. It follows a drift that is slow against `depth`, and so absorbs an
/// exploit that grows as slowly. The null: distances from the moving mean are independent draws of one law. Refuses as `spot` does.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DriftSpot {
    /// Scores over which the mean moves; at most a fifth of those of the reference.
    pub depth: usize,
    /// Quantile of the reference's distances from the mean above which the tail begins.
    pub level: OpenProbability,
    /// Excesses to which the tail is fitted: the last so many, at least 10.
    pub max_excess: usize,
}

impl Default for DriftSpot {
    fn default() -> Self {
        let Spot { level, max_excess } = Spot::default();
        Self { depth: 1000, level, max_excess }
    }
}

impl Monitor for DriftSpot {
    fn start(&self, reference: Rows<'_>, rate: f64) -> Result<Box<dyn Watcher>, Status> {
        let tail = Spot { level: self.level, max_excess: self.max_excess };
        let depth = self.depth.min(reference.scores.len() / 5);
        Ok(Box::new(DriftSpotWatcher::new(reference.scores, rate, depth, tail)?))
    }
}

impl Watcher for DriftSpotWatcher {
    fn watch(&mut self, rows: Rows<'_>, alarms: &mut Vec<Alarm>) -> Result<(), Status> {
        comparable(rows.scores)?;
        for (row, &score) in rows.scores.iter().enumerate() {
            // An anomaly changes neither the tail nor the mean.
            if self.step(score)? == Verdict::Anomaly {
                let threshold = Some(self.anomaly_threshold());
                alarms.push(Alarm { row, p_value: self.p_value(score), threshold });
            }
        }
        Ok(())
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.anomaly_threshold())
    }
}

/// [`SpotWatcher`] on each value's distance from the mean of the last `depth` values that were no anomalies.
///
/// It follows a drift that is slow against `depth` values, and so absorbs an exploit that grows as slowly. The null:
/// distances from the moving average are independent draws of one law.
#[derive(Debug, Clone)]
pub struct DriftSpotWatcher {
    spot: SpotWatcher,
    recent: MovingMean,
}

impl DriftSpotWatcher {
    /// The first `depth` values of `calibration` fill the window, the rest are what SPOT is calibrated on.
    ///
    /// # Errors
    /// As [`SpotWatcher::new`]; [`Status::TooFew`] where there are not more values than `depth`; [`Status::Undefined`] of a
    /// depth of 0.
    pub fn new(calibration: &[f64], q: f64, depth: usize, settings: Spot) -> Result<Self, Status> {
        if depth == 0 {
            return Err(Status::Undefined { reason: "a moving average needs a depth of at least 1" });
        }
        let (first, rest) = calibration.split_at_checked(depth).ok_or(Status::TooFew {
            what: "calibration values",
            have: calibration.len(),
            need: depth.saturating_add(MIN_EXCESSES),
        })?;
        let mut recent = MovingMean::new(first);
        let relative: Vec<f64> = rest
            .iter()
            .map(|x| {
                let distance = x - recent.mean;
                recent.push(*x);
                distance
            })
            .collect();
        Ok(Self { spot: SpotWatcher::new(&relative, q, settings)?, recent })
    }

    /// As [`SpotWatcher::step`]; −∞ is normal and leaves the moving average as it was.
    ///
    /// # Errors
    /// [`Status::Undefined`] of NaN, which changes nothing.
    #[inline]
    pub fn step(&mut self, value: f64) -> Result<Verdict, Status> {
        let verdict = self.spot.step(value - self.recent.mean)?;
        if verdict != Verdict::Anomaly && value.is_finite() {
            self.recent.push(value);
        }
        Ok(verdict)
    }

    /// Mean of the last values.
    pub fn mean(&self) -> f64 {
        self.recent.mean
    }

    /// Threshold that the next value must exceed to be an anomaly, in the unit of the stream.
    pub fn anomaly_threshold(&self) -> f64 {
        self.recent.mean + self.spot.anomaly_threshold()
    }

    /// P(a value exceeds `value`) by the tail and the average as they stand, as [`SpotWatcher::p_value`].
    pub fn p_value(&self, value: f64) -> Option<f64> {
        self.spot.p_value(value - self.recent.mean)
    }

    /// The model of the distances.
    pub fn distances(&self) -> &SpotWatcher {
        &self.spot
    }
}

/// Mean of the last values of a stream.
#[derive(Debug, Clone)]
struct MovingMean {
    ring: Vec<f64>,
    next: usize,
    mean: f64,
}

impl MovingMean {
    fn new(values: &[f64]) -> Self {
        let mut mean = Self { ring: values.to_vec(), next: 0, mean: 0.0 };
        mean.sum_up();
        mean
    }

    fn push(&mut self, value: f64) {
        if let Some(oldest) = self.ring.get_mut(self.next) {
            let leaving = std::mem::replace(oldest, value);
            self.mean += (value - leaving) / self.ring.len() as f64;
        }
        self.next += 1;
        if self.next >= self.ring.len() {
            self.next = 0;
            self.sum_up();
        }
    }

    /// From scratch, once a turn, so that rounding does not add up.
    fn sum_up(&mut self) {
        let n = self.ring.len() as f64;
        self.mean = self.ring.iter().map(|x| x / n).sum();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    /// Exponential noise on a slope of one standard deviation in 5000 values.
    fn drifting(n: usize) -> Vec<f64> {
        let mut rng = SeedTree::new(6, 0).stream(Purpose::Bootstrap, 0);
        (0..n).map(|i| i as f64 / 5000.0 - rng.open_unit().ln()).collect()
    }

    #[test]
    fn it_follows_a_drift_that_a_fixed_threshold_takes_for_anomalies() {
        let mut values = drifting(62_000);
        values[40_000] += 20.0;
        let count = |verdicts: Vec<Verdict>| verdicts.iter().filter(|v| **v == Verdict::Anomaly).count();
        let settings = Spot::default();
        let mut drift = DriftSpotWatcher::new(&values[..2000], 1e-4, 100, settings).unwrap();
        let moving: Vec<Verdict> = values[2000..].iter().map(|x| drift.step(*x).unwrap()).collect();
        assert_eq!(moving[38_000], Verdict::Anomaly);
        // q asks for 6, and SPOT's rule gives up to five times as many.
        let (seen, threshold) = (count(moving), drift.anomaly_threshold() - drift.mean());
        assert!((1..=40).contains(&seen), "{seen}");
        assert!((5.0..12.0).contains(&threshold), "{threshold}: ln 10⁴ − 1 = 8.2 and its standard error");
        let mut fixed = SpotWatcher::new(&values[..2000], 1e-4, settings).unwrap();
        let still = count(values[2000..].iter().map(|x| fixed.step(*x).unwrap()).collect());
        assert!(still > 10 * seen, "{still} against {seen}");
    }

    #[test]
    fn unit_and_origin_do_not_matter() {
        let values = drifting(12_000);
        let verdicts = |scale: f64, shift: f64| -> Vec<Verdict> {
            let moved: Vec<f64> = values.iter().map(|x| scale * x + shift).collect();
            let mut spot = DriftSpotWatcher::new(&moved[..2000], 1e-3, 50, Spot::default()).unwrap();
            moved[2000..].iter().map(|x| spot.step(*x).unwrap()).collect()
        };
        let plain = verdicts(1.0, 0.0);
        assert!(plain.contains(&Verdict::Anomaly));
        for (scale, shift) in [(1e6, 0.0), (1e-6, 0.0), (1.0, 1e4)] {
            assert!(verdicts(scale, shift) == plain, "{scale} {shift}");
        }
    }

    #[test]
    fn anomalies_and_nan_leave_the_average() {
        let values = drifting(3000);
        let mut spot = DriftSpotWatcher::new(&values, 1e-4, 100, Spot::default()).unwrap();
        let before = (spot.mean(), spot.anomaly_threshold());
        assert_eq!(spot.step(1e9), Ok(Verdict::Anomaly));
        assert!(spot.step(f64::NAN).is_err());
        assert_eq!((spot.mean(), spot.anomaly_threshold()), before);
        assert_eq!(spot.step(f64::NEG_INFINITY), Ok(Verdict::Normal));
        assert_eq!(spot.mean(), before.0);
    }

    #[test]
    fn the_average_is_that_of_the_last_values() {
        let mut recent = MovingMean::new(&[1.0, 2.0, 3.0]);
        assert!((recent.mean - 2.0).abs() < 1e-15);
        [10.0, 11.0, 12.0, 13.0].into_iter().for_each(|x| recent.push(x));
        assert!((recent.mean - 12.0).abs() < 1e-14);
    }

    #[test]
    fn short_calibration_is_refused() {
        let new = |n: usize, depth| DriftSpotWatcher::new(&drifting(n), 1e-4, depth, Spot::default());
        assert!(matches!(new(50, 100), Err(Status::TooFew { have: 50, need: 110, .. })));
        assert!(matches!(new(100, 100), Err(Status::TooFew { .. })));
        assert!(matches!(new(2000, 0), Err(Status::Undefined { .. })));
    }
}
