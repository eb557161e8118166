//! Numbers of runs that are conditioned on a sighting: each run counts with its P_seen.
//!
//! A replicate stands for the runs that share all its draws but those of sighting a hack, and P_seen of them do. So a mean over
//! sighted runs is Σ P_seen·x/Σ P_seen, and the share of *all* runs that sight a hack and then do something is the mean of
//! P_seen·1(it did). Intervals of shares are Wilson's at Kish's effective number of runs, (Σ P_seen)²/Σ P_seen².

use crate::foundation::bootstrap::{Bootstrap, Estimate, Interval};
use crate::foundation::failure::Status;
use crate::foundation::numeric::{mean, sum, variance};
use crate::foundation::scalar::OpenProbability;
use crate::foundation::wilson::{quantile, score};

/// What is made of the runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A mean over the sighted runs.
    Mean,
    /// A share of the sighted runs that were asked.
    Among,
    /// The share of all runs that sighted a hack and did it.
    Joint,
}

/// Runs that are conditioned on a sighting.
#[derive(Debug, Clone, PartialEq)]
pub struct Weighted {
    /// What is made of them.
    pub kind: Kind,
    /// P_seen and the number of each; 0 or 1 for a share.
    pub runs: Vec<(f64, f64)>,
}

impl Weighted {
    /// The number; `None` without a run.
    pub fn value(&self) -> Option<f64> {
        let among = sum(self.runs.iter().map(|(p, x)| p * x)) / sum(self.weights());
        let value =
            among * if self.kind == Kind::Joint { mean(&self.weights().collect::<Vec<_>>())? } else { 1.0 };
        Some(value).filter(|value| value.is_finite())
    }

    /// Its standard error; `None` below two runs. That of a share is above 0 also where all runs did the same.
    pub fn error(&self) -> Option<f64> {
        let (n, total) = (self.runs.len() as f64, sum(self.weights()));
        if self.runs.len() < 2 {
            return None;
        }
        let among = sum(self.runs.iter().map(|(p, x)| p * x)) / total;
        if self.kind == Kind::Mean {
            let squares = sum(self.runs.iter().map(|(p, x)| (p * (x - among)).powi(2)));
            return Some((squares * n / (n - 1.0)).sqrt() / total);
        }
        let effective = self.effective();
        let shrunk = (among * effective + 2.0) / (effective + 4.0);
        let error = (shrunk * (1.0 - shrunk) / effective).sqrt();
        match self.kind {
            Kind::Joint => Some((total / n * error).hypot(among * self.seen_error()?)),
            Kind::Among | Kind::Mean => Some(error),
        }
    }

    /// The number with its interval.
    ///
    /// # Errors
    /// Too few runs.
    pub fn estimate(&self, seed: u64, level: OpenProbability) -> Result<Estimate, Status> {
        if self.kind == Kind::Mean {
            let ids: Vec<u64> = (0..self.runs.len() as u64).collect();
            let of = |rows: &[usize]| {
                Self { kind: Kind::Mean, runs: rows.iter().map(|row| self.runs[*row]).collect() }.value()
            };
            return Bootstrap::new(seed).interval(&ids, of);
        }
        let n = self.runs.len();
        let few = Status::TooFew { what: "sighted runs", have: n, need: 1 };
        let value = self.value().ok_or(few)?;
        let Interval { low, high } = self.shares(level);
        if self.kind == Kind::Among {
            return Ok(Estimate { value, interval: Interval { low, high }, n });
        }
        let seen = sum(self.weights()) / n as f64;
        // That P_seen differs between replicates adds to it.
        let spread = quantile(level) * value / seen * self.seen_error().unwrap_or(0.0);
        let (below, above) = (value - seen * low, seen * high - value);
        let interval = Interval {
            low: (value - below.hypot(spread)).max(0.0),
            high: (value + above.hypot(spread)).min(1.0),
        };
        Ok(Estimate { value, interval, n })
    }

    /// How it was made.
    pub fn method(&self) -> &'static str {
        match self.kind {
            Kind::Mean => "mean over sighted runs weighted by P_seen, percentile bootstrap over replicates",
            Kind::Among => "share of the sighted runs that were asked, weighted by P_seen, wilson",
            Kind::Joint => "P_seen × share of the sighted runs, wilson",
        }
    }

    fn weights(&self) -> impl Iterator<Item = f64> + '_ {
        self.runs.iter().map(|(p_seen, _)| *p_seen)
    }

    /// Kish's effective number of runs.
    fn effective(&self) -> f64 {
        sum(self.weights()).powi(2) / sum(self.weights().map(|p| p * p))
    }

    /// Wilson's interval of the share among the sighted.
    fn shares(&self, level: OpenProbability) -> Interval {
        let among = sum(self.runs.iter().map(|(p, x)| p * x)) / sum(self.weights());
        score(among, self.effective(), level)
    }

    /// Standard error of the mean P_seen.
    fn seen_error(&self) -> Option<f64> {
        let weights: Vec<f64> = self.weights().collect();
        Some((variance(&weights)? / weights.len() as f64).sqrt())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    const LEVEL: OpenProbability = OpenProbability::known(0.95);

    fn runs(kind: Kind, runs: &[(f64, f64)]) -> Weighted {
        Weighted { kind, runs: runs.to_vec() }
    }

    #[test]
    fn equal_weights_are_the_plain_numbers_times_p_seen() {
        let twenty: Vec<(f64, f64)> = (0..20).map(|i| (0.01, f64::from(u8::from(i < 5)))).collect();
        let joint = runs(Kind::Joint, &twenty).estimate(1, LEVEL).unwrap();
        let among = runs(Kind::Among, &twenty).estimate(1, LEVEL).unwrap();
        let plain = crate::foundation::wilson::wilson(5, 20, LEVEL).unwrap();
        assert!((among.value - 0.25).abs() < 1e-15 && (joint.value - 0.0025).abs() < 1e-15);
        for (one, other, factor) in [
            (among.interval.low, plain.low, 1.0),
            (among.interval.high, plain.high, 1.0),
            (joint.interval.low, plain.low, 0.01),
            (joint.interval.high, plain.high, 0.01),
        ] {
            assert!((one - factor * other).abs() < 1e-14, "{one} {other}");
        }
    }

    #[test]
    fn a_run_counts_by_how_likely_it_was() {
        let two = [(0.3, 1.0), (0.1, 0.0)];
        assert_eq!(runs(Kind::Mean, &two).value(), Some(0.3 / 0.4));
        assert_eq!(runs(Kind::Among, &two).value(), Some(0.3 / 0.4));
        assert!(
            (runs(Kind::Joint, &two).value().unwrap() - 0.15).abs() < 1e-15,
            "the mean of P_seen·1(it did)"
        );
        let mixed: Vec<(f64, f64)> =
            (0..30).map(|i| (0.05 + 0.03 * f64::from(i % 3), f64::from(i % 2))).collect();
        let even: Vec<(f64, f64)> = (0..30).map(|i| (0.08, f64::from(i % 2))).collect();
        let width = |all: &[(f64, f64)]| {
            let Interval { low, high } = runs(Kind::Joint, all).estimate(1, LEVEL).unwrap().interval;
            high - low
        };
        assert!(width(&mixed) > width(&even), "weights that differ cost precision");
    }

    #[test]
    fn nothing_and_everything_still_have_an_interval_and_an_error() {
        for x in [0.0, 1.0] {
            let all = runs(Kind::Joint, &[(0.2, x); 12]);
            let Estimate { value, interval, .. } = all.estimate(1, LEVEL).unwrap();
            assert!(interval.high - interval.low > 0.01 && all.error().unwrap() > 0.0);
            assert!(interval.low <= value && value <= interval.high && interval.high <= 0.2 + 1e-12);
        }
        assert!(runs(Kind::Joint, &[]).estimate(1, LEVEL).is_err());
        assert_eq!((runs(Kind::Mean, &[]).value(), runs(Kind::Mean, &[(0.1, 1.0)]).error()), (None, None));
    }

    #[test]
    fn the_error_of_a_mean_is_that_of_the_plain_one_where_weights_are_equal() {
        let values: Vec<f64> = (0..9).map(|i| f64::from(i * i)).collect();
        let equal: Vec<(f64, f64)> = values.iter().map(|x| (0.25, *x)).collect();
        let plain = (variance(&values).unwrap() / 9.0).sqrt();
        assert!((runs(Kind::Mean, &equal).error().unwrap() / plain - 1.0).abs() < 1e-12);
    }
}
