//! SPOT: the threshold of a stream, from the tail of what the stream has shown so far (Siffer, Fouque, Termier &
//! Largouët, *Anomaly detection in streams with extreme value theory*, KDD 2017).

use super::monitor::{Alarm, Monitor, Rows, Watcher};
use super::{comparable, proper_rate};
use crate::foundation::failure::Status;
use crate::foundation::order::{quantile_sorted, sorted};
use crate::foundation::scalar::OpenProbability;
use crate::tails::{Gpd, GpdWindow, MIN_EXCESSES, support::check_continuous};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Alarms are scores above a threshold that goes along with the run: τ = u + (σ/ξ)·((q·n/N)^(−ξ) − 1).
///
/// u is the quantile `level` of the reference, q the nominal rate; n scores so far, N of them above u, and a generalised Pareto law (ξ, σ) of the excesses over u, fitted by
/// maximum likelihood to the last `max_excess` and again at each new one. An alarm enters none of these. Where ξ = 0, τ = u − σ·ln(q·n/N).
///
/// The null: scores are independent draws of one law. Honest extremes are left out too, so that alarms come more often than the rate says, the more so the longer the run. Refuses
/// where the rate is not below 1 − `level`, and with [`Status::TooFew`] under 10 excesses, [`Status::AllTied`] or [`Status::Discrete`] where they are a ladder.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Spot {
    /// Quantile of the calibration values above which the tail begins.
    pub level: OpenProbability,
    /// Excesses to which the tail is fitted: the last so many, at least 10.
    pub max_excess: usize,
}

impl Default for Spot {
    fn default() -> Self {
        Self { level: OpenProbability::known(0.98), max_excess: 2000 }
    }
}

/// How often SPOT and drift SPOT alarm over so many exchangeable scores, as multiples of a nominal `rate`: the least and the most
/// over normal, exponential and Student-t (3) laws and references of 2,000 and 20,000 scores, each a mean of 6 streams, at rates of
/// .001 and .0001 (the nearer one counts). The first entry is the stream length up to which it holds; a longer stream has the
/// last.
///
/// Under the default settings. A window of 200 excesses forgets the tail faster than it is filled: 16 to 80 times over 10⁶ scores.
pub fn times_nominal(scores: usize, rate: f64) -> (usize, [f64; 2]) {
    let measured = if rate > 3e-4 { &FREQUENT } else { &RARE };
    measured.iter().find(|(length, _)| scores <= *length).copied().unwrap_or(measured[measured.len() - 1])
}

/// At a rate of .001.
const FREQUENT: [(usize, [f64; 2]); 4] =
    [(10_000, [1.0, 3.0]), (100_000, [1.5, 4.0]), (300_000, [3.0, 6.0]), (1_000_000, [7.0, 10.0])];
/// At a rate of .0001.
const RARE: [(usize, [f64; 2]); 4] =
    [(10_000, [0.5, 9.0]), (100_000, [1.0, 10.0]), (300_000, [2.0, 11.0]), (1_000_000, [2.5, 15.0])];

impl Monitor for Spot {
    fn start(&self, reference: Rows<'_>, rate: f64) -> Result<Box<dyn Watcher>, Status> {
        Ok(Box::new(SpotWatcher::new(reference.scores, rate, *self)?))
    }
}

impl Watcher for SpotWatcher {
    fn watch(&mut self, rows: Rows<'_>, alarms: &mut Vec<Alarm>) -> Result<(), Status> {
        comparable(rows.scores)?;
        for (row, &score) in rows.scores.iter().enumerate() {
            // An anomaly changes neither the tail nor the threshold.
            if self.step(score)? == Verdict::Anomaly {
                let threshold = Some(self.anomaly_threshold);
                alarms.push(Alarm { row, p_value: self.p_value(score), threshold });
            }
        }
        Ok(())
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.anomaly_threshold)
    }
}

/// What SPOT says of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// At or below the excess threshold.
    Normal,
    /// In the tail, which it joins.
    Excess,
    /// Above the anomaly threshold. It changes nothing: anomalies do not enter the model.
    Anomaly,
}

/// A running threshold that a value exceeds with probability `q`, if the stream goes on as it was.
///
/// The tail above the excess threshold u (a quantile of the calibration values, fixed) is a generalised Pareto law,
/// fitted again to the last excesses at each new one. With n values so far, N of them above u, the anomaly threshold is
/// u + σ/ξ·((q·n/N)^(−ξ) − 1), and moves at each excess.
///
/// Honest extremes above the threshold are left out as well, so the tail looks a little lighter than it is, the threshold sinks, and
/// alarms come more often than `q` says, the more so the longer the stream: see [`times_nominal`].
///
/// The null: values are independent draws of one law whose tail is generalised Pareto above u. A drift of the stream
/// breaks it: see [`DriftSpotWatcher`](super::DriftSpotWatcher). The law is fitted by maximum likelihood, by moments where the likelihood
/// has no maximum; flags do not change with the unit or the origin of the values.
#[derive(Debug, Clone)]
pub struct SpotWatcher {
    q: f64,
    excess_threshold: f64,
    anomaly_threshold: f64,
    /// Values that were no anomaly, and how many of them were excesses.
    seen: u64,
    excesses: u64,
    window: GpdWindow,
    law: Gpd,
}

impl SpotWatcher {
    /// Reads the tail of `calibration`, in the order of the stream, for anomalies of probability `q`, below 1 − level.
    ///
    /// # Errors
    /// [`Status::TooFew`] under 10 calibration values above their quantile, or fewer kept; [`Status::AllTied`] or
    /// [`Status::Discrete`] where these are a ladder; [`Status::Undefined`] of a value that is not finite, or of `q`.
    pub fn new(calibration: &[f64], q: f64, settings: Spot) -> Result<Self, Status> {
        proper_rate(q)?;
        let level = settings.level.get();
        // The margin refuses .02 at a level of .98.
        if q >= (1.0 - level) * (1.0 - 1e-12) {
            return Err(Status::Undefined { reason: "q must be below 1 − level, the share of the tail" });
        }
        if settings.max_excess < MIN_EXCESSES {
            return Err(Status::TooFew {
                what: "excesses kept (max_excess)",
                have: settings.max_excess,
                need: MIN_EXCESSES,
            });
        }
        if calibration.iter().any(|x| !x.is_finite()) {
            return Err(Status::Undefined { reason: "a calibration value of a stream is not finite" });
        }
        let ascending = sorted(calibration);
        let too_few = |have| Status::TooFew { what: "excesses", have, need: MIN_EXCESSES };
        let excess_threshold = quantile_sorted(&ascending, level).ok_or_else(|| too_few(0))?;
        let tail = ascending.get(ascending.partition_point(|x| *x <= excess_threshold)..).unwrap_or_default();
        check_continuous(&ascending)?;
        check_continuous(tail)?;
        if tail.len() < MIN_EXCESSES {
            return Err(too_few(tail.len()));
        }
        let mut window = GpdWindow::new(settings.max_excess);
        calibration.iter().for_each(|x| window.push(x - excess_threshold));
        let law = window.fit()?;
        let mut spot = Self {
            q,
            excess_threshold,
            anomaly_threshold: f64::INFINITY,
            seen: calibration.len() as u64,
            excesses: tail.len() as u64,
            window,
            law,
        };
        spot.set_threshold();
        Ok(spot)
    }

    /// Judges the next value of the stream, and learns from it unless it is an anomaly. ∞ is an anomaly.
    ///
    /// # Errors
    /// [`Status::Undefined`] of NaN, which changes nothing.
    #[inline]
    pub fn step(&mut self, value: f64) -> Result<Verdict, Status> {
        if value <= self.excess_threshold {
            self.seen += 1;
            return Ok(Verdict::Normal);
        }
        self.tail_step(value)
    }

    fn tail_step(&mut self, value: f64) -> Result<Verdict, Status> {
        comparable(&[value])?;
        if value > self.anomaly_threshold {
            return Ok(Verdict::Anomaly);
        }
        self.seen += 1;
        self.excesses += 1;
        self.window.push(value - self.excess_threshold);
        // A window that cannot be fitted any more (all excesses equal) leaves the law as it was.
        if let Ok(law) = self.window.fit() {
            self.law = law;
        }
        self.set_threshold();
        Ok(Verdict::Excess)
    }

    fn set_threshold(&mut self) {
        let depth = -(self.q / self.tail_share()).ln();
        self.anomaly_threshold = self.excess_threshold + self.law.upper_quantile(depth.max(0.0));
    }

    /// Share of the values so far that exceeded the excess threshold.
    pub fn tail_share(&self) -> f64 {
        self.excesses as f64 / self.seen as f64
    }

    /// Threshold u above which the tail begins.
    pub fn excess_threshold(&self) -> f64 {
        self.excess_threshold
    }

    /// Threshold that the next value must exceed to be an anomaly.
    pub fn anomaly_threshold(&self) -> f64 {
        self.anomaly_threshold
    }

    /// P(a value exceeds `value`) by the tail as it stands; `None` at or below the excess threshold, where there is no
    /// model, and of NaN.
    pub fn p_value(&self, value: f64) -> Option<f64> {
        let excess = value - self.excess_threshold;
        (excess > 0.0).then(|| self.tail_share() * (-self.law.neg_ln_sf(excess)).exp())
    }

    /// The law of the excesses as it stands.
    pub fn law(&self) -> Gpd {
        self.law
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    /// Pareto draws of index 3 (shape 1/3).
    fn stream(n: usize, index: u64) -> Vec<f64> {
        let mut rng = SeedTree::new(5, 0).stream(Purpose::Bootstrap, index);
        (0..n).map(|_| rng.open_unit().powf(-1.0 / 3.0)).collect()
    }

    fn spot(values: &[f64], q: f64) -> (SpotWatcher, Vec<Verdict>) {
        let mut spot = SpotWatcher::new(&values[..2000], q, Spot::default()).unwrap();
        let verdicts = values[2000..].iter().map(|x| spot.step(*x).unwrap()).collect();
        (spot, verdicts)
    }

    /// The .999 quantile of the law is 10. 200 excesses give it to a standard error of about 8%, and the mean of 40 to 1.3%.
    #[test]
    fn calibration_gives_the_quantile_that_was_asked_for() {
        let of =
            |i| SpotWatcher::new(&stream(10_000, i), 1e-3, Spot::default()).map(|s| s.anomaly_threshold());
        let thresholds: Vec<f64> = (0..40).map(|i| of(i).unwrap()).collect();
        let mean = thresholds.iter().sum::<f64>() / 40.0;
        assert!((mean / 10.0 - 1.0).abs() < 0.05, "{mean} {thresholds:?}");
    }

    /// What the paper's rule costs: extremes that are not learnt from make the tail look lighter than it is. 6 streams of each
    /// length; a mean of 18 streams has a standard error of 4% at most.
    #[test]
    fn leaving_anomalies_out_raises_the_rate_of_alarms_as_stated() {
        let times = |n: usize, kept: usize| {
            let settings = Spot { max_excess: kept, ..Spot::default() };
            let alarms = |i: u64| {
                let values = stream(2000 + n, i);
                let mut spot = SpotWatcher::new(&values[..2000], 1e-3, settings).unwrap();
                values[2000..].iter().filter(|x| spot.step(**x) == Ok(Verdict::Anomaly)).count()
            };
            (0..6).map(alarms).sum::<usize>() as f64 / (6.0 * n as f64 * 1e-3)
        };
        for n in [10_000, 100_000] {
            let (_, [least, most]) = times_nominal(n, 1e-3);
            let found = times(n, Spot::default().max_excess);
            assert!((least..most).contains(&found), "{n}: {found}, not between {least} and {most}");
        }
        assert!(times(100_000, 200) > 6.0);
        assert_eq!(times_nominal(9_000_000, 1e-4), (1_000_000, [2.5, 15.0]));
        assert_eq!(times_nominal(100_001, 1e-3).0, 300_000);
    }

    #[test]
    fn unit_and_origin_do_not_matter() {
        let values = stream(12_000, 99);
        let (plain, verdicts) = spot(&values, 1e-4);
        assert!(verdicts.contains(&Verdict::Anomaly) && verdicts.contains(&Verdict::Excess));
        for (scale, shift) in [(1e6, 0.0), (1e-6, 0.0), (1.0, 1000.0), (1e6, -3e8), (1e-150, 0.0)] {
            let moved: Vec<f64> = values.iter().map(|x| scale * x + shift).collect();
            let (other, same) = spot(&moved, 1e-4);
            assert!(same == verdicts, "scale {scale}, shift {shift}");
            let back = (other.anomaly_threshold() - shift) / scale;
            assert!((back / plain.anomaly_threshold() - 1.0).abs() < 1e-6, "{scale} {shift}");
        }
    }

    #[test]
    fn anomalies_and_nan_change_nothing() {
        let values = stream(2000, 7);
        let mut spot = SpotWatcher::new(&values, 1e-4, Spot::default()).unwrap();
        let before = (spot.anomaly_threshold(), spot.tail_share());
        for _ in 0..1000 {
            assert_eq!(spot.step(1e4), Ok(Verdict::Anomaly));
            assert_eq!(spot.step(f64::INFINITY), Ok(Verdict::Anomaly));
            assert!(matches!(spot.step(f64::NAN), Err(Status::Undefined { .. })));
        }
        assert_eq!((spot.anomaly_threshold(), spot.tail_share()), before);
        assert_eq!(spot.step(f64::NEG_INFINITY), Ok(Verdict::Normal));
    }

    #[test]
    fn p_values_meet_q_at_the_threshold() {
        let spot = SpotWatcher::new(&stream(2000, 8), 1e-4, Spot::default()).unwrap();
        let p = spot.p_value(spot.anomaly_threshold()).unwrap();
        assert!((p / 1e-4 - 1.0).abs() < 1e-9, "{p}");
        assert_eq!(spot.p_value(spot.excess_threshold()), None);
        assert_eq!(spot.p_value(f64::NAN), None);
        assert!(spot.p_value(f64::INFINITY).unwrap() == 0.0);
    }

    #[test]
    fn what_has_no_tail_is_refused() {
        let settings = Spot::default();
        let refused = |values: &[f64], q| SpotWatcher::new(values, q, settings).unwrap_err();
        assert!(matches!(refused(&[], 1e-4), Status::TooFew { have: 0, .. }));
        assert!(matches!(refused(&stream(400, 1), 1e-4), Status::TooFew { have: 8, need: 10, .. }));
        assert_eq!(refused(&[1.0; 5000], 1e-4), Status::AllTied);
        let ladder: Vec<f64> = (0..5000).map(|i| f64::from(i % 5)).collect();
        assert_eq!(refused(&ladder, 1e-4), Status::Discrete { distinct: 5 });
        assert!(matches!(refused(&stream(2000, 1), 0.02), Status::Undefined { .. }));
        assert!(matches!(refused(&[f64::INFINITY; 5000], 1e-4), Status::Undefined { .. }));
        let narrow = Spot { max_excess: 9, ..settings };
        assert!(matches!(
            SpotWatcher::new(&stream(2000, 1), 1e-4, narrow),
            Err(Status::TooFew { have: 9, .. })
        ));
    }
}
