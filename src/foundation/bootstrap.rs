//! Intervals over replicates: the percentile bootstrap, and exact ones for quantiles.
//!
//! What they cover and what they do not:
//! - Replicates are resampled, never rows: all arms and steps of a replicate move together, so a comparison of arms
//!   stays paired and a benchmark clusters on the replicate.
//! - The percentile bootstrap covers a little less than it says where replicates are few (a normal mean, nominal 95%:
//!   about 84% at 5 replicates, 90% at 10, 94% at 50). Below [`MIN_REPLICATES`] it is refused.
//! - It does not repair a quantity that is either near one value or near another: on 8 bimodal replicates it covers
//!   35–83%. Count such runs and use a Wilson interval.
//! - It does not repair the mean of a law without variance: nominal 95% becomes 75% at Pareto 1.5 and 50% at Pareto
//!   1.2 with n = 1000. Use a median with [`quantile_interval`], which holds for every law.
//!
//! Sources: Efron & Tibshirani 1993, *An Introduction to the Bootstrap*, §13.3; David & Nagaraja 2003, *Order
//! Statistics*, §7.1.

use super::binomial;
use super::failure::Status;
use super::order;
use super::rng::{Purpose, SeedTree};
use super::scalar::OpenProbability;

/// The fewest replicates that [`Bootstrap::interval`] accepts.
pub const MIN_REPLICATES: usize = 5;

/// The two ends of a confidence interval; never NaN, `low` ≤ `high`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

impl Interval {
    /// Whether `value` lies within, ends included.
    pub fn contains(self, value: f64) -> bool {
        self.low <= value && value <= self.high
    }
}

/// A number with its interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The estimate from all data.
    pub value: f64,
    /// Its confidence interval.
    pub interval: Interval,
    /// Independent units behind it: distinct replicates, or values.
    pub n: usize,
}

/// A percentile bootstrap over replicates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bootstrap {
    /// Seed of the resamples; the same seed and data give the same bytes.
    pub seed: u64,
    /// Number of resamples; at least 2/(1 − confidence) − 1 are needed.
    pub resamples: u64,
    /// Nominal coverage.
    pub confidence: OpenProbability,
}

impl Bootstrap {
    /// 2000 resamples at 95%.
    pub fn new(seed: u64) -> Self {
        Self { seed, resamples: 2000, confidence: OpenProbability::known(0.95) }
    }

    /// Interval of a statistic of rows that belong to replicates.
    ///
    /// `replicate` holds the replicate id of each row, in any order. `statistic` gets row numbers, those of a replicate
    /// drawn twice appearing twice, and looks its columns up itself. A resample without a value (`None`, or not finite) counts as below
    /// everything at the lower end and above everything at the upper end, so it can only widen the interval.
    ///
    /// Fails with [`Status::TooFew`] below [`MIN_REPLICATES`] replicates or where the resamples do not reach the
    /// tails, and with [`Status::Undefined`] where the statistic has no value on the data or on too many resamples.
    pub fn interval(
        &self,
        replicate: &[u64],
        mut statistic: impl FnMut(&[usize]) -> Option<f64>,
    ) -> Result<Estimate, Status> {
        let groups = by_replicate(replicate);
        let n = groups.len();
        if n < MIN_REPLICATES {
            return Err(Status::TooFew { what: "replicates", have: n, need: MIN_REPLICATES });
        }
        let tail = (1.0 - self.confidence.get()) / 2.0;
        // Efron & Tibshirani's k = ⌊(B + 1)·tail⌋; the nudge forgives the rounding of 1 − confidence.
        let cut = ((self.resamples as f64 + 1.0) * tail * (1.0 + 1e-12)) as u64;
        if cut == 0 {
            let need = (1.0 / tail).ceil() as usize - 1;
            return Err(Status::TooFew { what: "resamples", have: self.resamples as usize, need });
        }
        let mut defined = |rows: &[usize]| statistic(rows).filter(|x| x.is_finite());
        let all: Vec<usize> = groups.concat();
        let value = defined(&all).ok_or(Status::Undefined { reason: "the statistic has no value" })?;

        let streams = SeedTree::new(self.seed, 0).family(Purpose::Bootstrap);
        let mut drawn = Vec::new();
        let mut rows = Vec::with_capacity(all.len());
        for resample in 0..self.resamples {
            let mut stream = streams.at(resample);
            rows.clear();
            for _ in 0..n {
                rows.extend_from_slice(&groups[stream.below(n as u64) as usize]);
            }
            drawn.extend(defined(&rows));
        }
        drawn.sort_unstable_by(f64::total_cmp);
        let missing = self.resamples as usize - drawn.len();
        let cut = cut as usize;
        let inner = cut.checked_sub(1 + missing);
        match inner.and_then(|k| Some((*drawn.get(k)?, *drawn.get(drawn.len().checked_sub(1 + k)?)?))) {
            Some((low, high)) => Ok(Estimate { value, interval: Interval { low, high }, n }),
            None => Err(Status::Undefined { reason: "the statistic has no value on too many resamples" }),
        }
    }
}

/// Row numbers by replicate, replicates ascending.
fn by_replicate(replicate: &[u64]) -> Vec<Vec<usize>> {
    let mut rows: Vec<usize> = (0..replicate.len()).collect();
    rows.sort_by_key(|&row| replicate[row]);
    rows.chunk_by(|&a, &b| replicate[a] == replicate[b]).map(<[usize]>::to_vec).collect()
}

/// Interval of the `p`-quantile from two order statistics: distribution-free, so also right for heavy tails.
///
/// The ends are the values of ranks l and u with P(B < l) ≤ (1 − confidence)/2 and P(B ≥ u) ≤ (1 − confidence)/2 for
/// B ~ Binomial(n, p): coverage is at least nominal for every law. The estimate is the type-7 quantile. Ends may be ±∞
/// if values are. Fails with [`Status::TooFew`] where not even the extremes reach the level (a 95% interval of a median
/// needs 6 values) and with [`Status::Undefined`] on NaN.
pub fn quantile_interval(
    values: &[f64],
    p: OpenProbability,
    confidence: OpenProbability,
) -> Result<Estimate, Status> {
    if values.iter().any(|x| x.is_nan()) {
        return Err(Status::Undefined { reason: "a value is not a number" });
    }
    let (p, n) = (p.get(), values.len());
    let tail = (1.0 - confidence.get()) / 2.0;
    let too_few = || {
        let need = (tail.ln() / p.max(1.0 - p).ln()).ceil() as usize;
        Status::TooFew { what: "values", have: n, need }
    };
    let trials = n as u64;
    // Largest l with P(B ≤ l − 1) ≤ tail: the cdf rises in l, so bisect.
    let low = last_true(n, |l| binomial::cdf(trials, p, l as u64 - 1) <= tail).ok_or_else(too_few)?;
    // By symmetry the upper rank, counted from the top, is the largest m with P(B > n − m) ≤ tail.
    let high = last_true(n, |m| binomial::sf(trials, p, trials - m as u64) <= tail).ok_or_else(too_few)?;
    let ascending = order::sorted(values);
    let value = order::quantile_sorted(&ascending, p).ok_or_else(too_few)?;
    let interval = Interval { low: ascending[low - 1], high: ascending[n - high] };
    Ok(Estimate { value, interval, n })
}

/// Largest rank in 1..=n at which `holds`, which is true up to some rank and false beyond; `None` if at none.
fn last_true(n: usize, holds: impl Fn(usize) -> bool) -> Option<usize> {
    let (mut good, mut bad) = (0, n + 1);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if holds(middle) { good = middle } else { bad = middle }
    }
    (good > 0).then_some(good)
}

#[cfg(test)]
mod tests {
    use super::super::numeric;
    use super::*;

    fn mean_of(values: &[f64]) -> impl FnMut(&[usize]) -> Option<f64> {
        move |rows| numeric::mean(&rows.iter().map(|&r| values[r]).collect::<Vec<_>>())
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_in_any_row_order() {
        let values: Vec<f64> = (0..20).map(|i| (f64::from(i) * 0.7).exp() % 7.3).collect();
        let ids: Vec<u64> = (0..20).collect();
        let one = Bootstrap::new(3).interval(&ids, mean_of(&values)).unwrap();
        assert_eq!(one, Bootstrap::new(3).interval(&ids, mean_of(&values)).unwrap());
        assert_ne!(one.interval, Bootstrap::new(4).interval(&ids, mean_of(&values)).unwrap().interval);
        let back: Vec<f64> = values.iter().rev().copied().collect();
        let back_ids: Vec<u64> = ids.iter().rev().copied().collect();
        assert_eq!(one, Bootstrap::new(3).interval(&back_ids, mean_of(&back)).unwrap());
    }

    #[test]
    fn arms_of_a_replicate_are_resampled_jointly() {
        // Two arms a replicate, differing by exactly 1: paired, the difference of means has no spread at all.
        let ids: Vec<u64> = (0..16).map(|i| i / 2).collect();
        let values: Vec<f64> = (0..16).map(|i| f64::from(i / 2).powi(3) + f64::from(i % 2)).collect();
        let difference = |rows: &[usize]| {
            let arm = |a: usize| rows.iter().filter(|&&r| r % 2 == a).map(|&r| values[r]).collect::<Vec<_>>();
            Some(numeric::mean(&arm(1))? - numeric::mean(&arm(0))?)
        };
        let estimate = Bootstrap::new(1).interval(&ids, difference).unwrap();
        assert!((estimate.interval.low - 1.0).abs() < 1e-9 && (estimate.interval.high - 1.0).abs() < 1e-9);
        assert_eq!(estimate.n, 8);
    }

    #[test]
    fn too_little_data_is_a_status() {
        let few = Bootstrap::new(1).interval(&[0, 0, 1, 1, 2, 2, 3, 3], |_| Some(1.0));
        assert_eq!(few, Err(Status::TooFew { what: "replicates", have: 4, need: 5 }));
        let coarse = Bootstrap { resamples: 38, ..Bootstrap::new(1) };
        let status = coarse.interval(&[0, 1, 2, 3, 4], |_| Some(1.0)).unwrap_err();
        assert_eq!(status, Status::TooFew { what: "resamples", have: 38, need: 39 });
        assert!(Bootstrap { resamples: 39, ..coarse }.interval(&[0, 1, 2, 3, 4], |_| Some(1.0)).is_ok());
        assert!(matches!(
            Bootstrap::new(1).interval(&[0, 1, 2, 3, 4], |_| Some(f64::NAN)),
            Err(Status::Undefined { .. })
        ));
    }

    #[test]
    fn resamples_without_a_value_widen_and_then_refuse() {
        let ids: Vec<u64> = (0..8).collect();
        let values = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0];
        let full = Bootstrap::new(2).interval(&ids, mean_of(&values)).unwrap();
        let mut calls = 0;
        let mut inner = mean_of(&values);
        let some = Bootstrap::new(2).interval(&ids, |rows| {
            calls += 1;
            if calls % 100 == 2 { None } else { inner(rows) }
        });
        let some = some.unwrap();
        assert!(some.interval.low < full.interval.low && some.interval.high > full.interval.high);
        let mut inner = mean_of(&values);
        let mostly = Bootstrap::new(2)
            .interval(&ids, |rows| if rows.contains(&0) || rows.contains(&1) { inner(rows) } else { None });
        assert!(matches!(mostly, Err(Status::Undefined { .. })), "{mostly:?}");
    }

    #[test]
    fn ranks_of_a_median_interval_are_those_of_the_tables() {
        // 95% interval of a median: n = 6 → ranks 1, 6; n = 10 → 2, 9; n = 20 → 6, 15; n = 100 → 40, 61.
        let half = OpenProbability::known(0.5);
        let level = OpenProbability::known(0.95);
        for (n, low, high) in [(6, 1.0, 6.0), (10, 2.0, 9.0), (20, 6.0, 15.0), (100, 40.0, 61.0)] {
            let values: Vec<f64> = (1..=n).rev().map(f64::from).collect();
            let found = quantile_interval(&values, half, level).unwrap();
            assert_eq!((found.interval.low, found.interval.high), (low, high), "n = {n}");
        }
        let five = quantile_interval(&[1.0; 5], half, level);
        assert_eq!(five, Err(Status::TooFew { what: "values", have: 5, need: 6 }));
        // A 99% quantile needs the largest of n to lie above it: .99ⁿ ≤ .025.
        let need = quantile_interval(&[1.0; 5], OpenProbability::known(0.99), level);
        assert_eq!(need, Err(Status::TooFew { what: "values", have: 5, need: 368 }));
    }
}
