//! How many of the largest values to use: the double bootstrap.
//!
//! Two estimators of ξ that differ in their bias are compared on resamples of sizes n₁ and n₂ = n₁²/n. The mean squared difference is
//! smallest at k₁ and k₂; the k that minimises the asymptotic mean squared error on the whole sample is then
//! (k₁²/k₂)·((V/V̄)·(b̄/b)²)^(1/(1−2ρ)), with V and b the variance and the bias of the estimator, V̄ and b̄ those of the
//! difference, and ρ = ln k₁/(2·ln(k₁/n₁)) for the second-order parameter.
//!
//! | estimator | compared with | factor | source |
//! |---|---|---|---|
//! | Hill, M₁ | M₂ − 2·M₁² = 0 | (ρ/(1−ρ))² | Danielsson, de Haan, Peng & de Vries 2001, *J. Multivariate Analysis* 76:226 |
//! | moment | √(M₂/2) + 1 − ⅔/(1 − M₁M₂/M₃) | (ρ/(1−ρ))² | Draisma, de Haan, Peng & Pereira 1999, *Extremes* 2:367 |
//! | kernel, biweight | triweight kernel | (143/3)·(ρ/(7−ρ))² | Groeneboom, Lopuhaä & de Wolf 2003, *Annals of Statistics* 31:1956 |
//!
//! The factors are those for ξ > 0 (the kernel's for its first part). For ξ ≤ 0 they are kept: k is then of the right order and not the
//! best of it. Mⱼ is the mean of (ln Xᵢ − ln X₍ₖ₊₁₎)ʲ over i ≤ k.
//!
//! The difference of two estimators is small also where their biases cross, far into the centre of the sample. An estimate that is more
//! than three standard errors off the one from the upper quarter of its values is such a crossing: the search goes on with smaller k.
//! (This check is ours, in the manner of Drees & Kaufmann 1998, *Stochastic Processes and their Applications* 75:149.)
//!
//! All of this stands on logarithms, so only positive values are resampled; and nothing in it says how uncertain k itself is. On an exact
//! power law every k is unbiased, the difference has no sharp minimum, and k depends on the resamples: use enough of them.

use super::kernel::{ALPHA, BIWEIGHT, Sums, TRIWEIGHT};
use super::{Estimate, MIN_EXCESSES, hill, kernel, moment};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Family, Stream};

/// Share of n to which n₂ comes, as long as n₁ is not capped.
const SECOND: f64 = 0.5;
/// Largest n₁, as long as that is above n^¾: larger samples are not resampled in full.
const LARGEST: f64 = 100_000.0;
/// Fewest positive values that are resampled.
const MIN_VALUES: usize = 100;
/// By how much of a resample the lower end of the search moves up where k₂ > k₁.
const MOVE: f64 = 0.005;
/// To what share of a k₁ whose estimate the tail contradicts the search goes back.
const SHRINK: f64 = 0.9;

/// The estimates at their own k.
#[derive(Debug, Clone, PartialEq)]
pub struct DoubleBootstrap {
    /// Hill's estimator.
    pub hill: Result<Tuned, Status>,
    /// The moment estimator.
    pub moment: Result<Tuned, Status>,
    /// The kernel estimator.
    pub kernel: Result<Tuned, Status>,
}

/// An estimate at a k that was chosen for it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tuned {
    /// The estimate; its interval takes k as given and knows of no bias.
    pub estimate: Estimate,
    /// Size of the larger resamples, and the k with the smallest mean squared difference there.
    pub first: (usize, usize),
    /// The same of the smaller resamples.
    pub second: (usize, usize),
}

/// Chooses k for Hill, moment and kernel on `descending` values from `resamples` resamples of each size, and estimates there.
///
/// Resample r of the larger size takes stream 2r of `streams`, of the smaller one stream 2r + 1.
///
/// # Errors
/// Each estimator holds [`Status::TooFew`] of fewer than 100 positive values or of a chosen k under [`MIN_EXCESSES`],
/// [`Status::Undefined`] where the minima do not agree (k₂ > k₁ for every lower end of the search) or a value is infinite, and whatever
/// the estimator itself refuses.
pub fn double_bootstrap(descending: &[f64], resamples: usize, streams: &Family) -> DoubleBootstrap {
    let positive = &descending[..descending.partition_point(|x| *x > 0.0)];
    let refused = |status: Status| DoubleBootstrap {
        hill: Err(status.clone()),
        moment: Err(status.clone()),
        kernel: Err(status),
    };
    let n = positive.len();
    if n < MIN_VALUES {
        return refused(Status::TooFew { what: "positive values", have: n, need: MIN_VALUES });
    }
    if positive[0].is_infinite() {
        return refused(Status::Undefined { reason: "the largest value is infinite" });
    }
    let logs: Vec<f64> = positive.iter().map(|x| x.ln()).collect();
    let (first, second) = sizes(n);
    let powers: Vec<f64> = (0..=first).map(|i| (i as f64).powf(ALPHA)).collect();
    let mut resampler = Resampler { logs: &logs, powers: &powers, counts: vec![0; n] };
    let curves = [(first, 0), (second, 1)].map(|(size, offset)| {
        let mut curves = Curves::new(size);
        for r in 0..resamples {
            resampler.add(&mut streams.at(2 * r as u64 + offset), size, &mut curves);
        }
        curves
    });
    let tuned = |which: usize, factor: fn(f64) -> f64, estimate: Estimator| {
        let halves = [&curves[0].of[which], &curves[1].of[which]];
        let mut reach = 1.0;
        loop {
            let (k1, k2) = minima(halves, (first, second), reach, resamples)?;
            let k = combined(k1, k2, first, factor).min(n - 1);
            if k < MIN_EXCESSES {
                return Err(Status::TooFew { what: "excesses", have: k, need: MIN_EXCESSES });
            }
            let found = estimate(positive, k)?;
            if agrees(&found, estimate(positive, k / 4).ok()) {
                return Ok(Tuned { estimate: found, first: (first, k1), second: (second, k2) });
            }
            reach = SHRINK * k1 as f64 / first as f64;
        }
    };
    DoubleBootstrap {
        hill: tuned(0, hill_factor, hill),
        moment: tuned(1, hill_factor, moment),
        kernel: tuned(2, kernel_factor, kernel),
    }
}

type Estimator = fn(&[f64], usize) -> Result<Estimate, Status>;

/// Whether an estimate is within three standard errors of the one from the upper quarter of its values.
fn agrees(estimate: &Estimate, quarter: Option<Estimate>) -> bool {
    quarter.is_none_or(|q| (estimate.xi - q.xi).abs() <= 3.0 / super::Z95 * (q.ci_high - q.xi))
}

/// n₁ and n₂ = n₁²/n.
fn sizes(n: usize) -> (usize, usize) {
    let n = n as f64;
    let first = (SECOND.sqrt() * n).min(LARGEST.max(n.powf(0.75))).floor();
    (first as usize, (first * first / n) as usize)
}

fn hill_factor(rho: f64) -> f64 {
    (rho / (1.0 - rho)).powi(2)
}

fn kernel_factor(rho: f64) -> f64 {
    143.0 / 3.0 * (rho / (7.0 - rho)).powi(2)
}

/// The k for the whole sample.
fn combined(k1: usize, k2: usize, n1: usize, factor: fn(f64) -> f64) -> usize {
    let (k1, k2, n1) = (k1 as f64, k2 as f64, n1 as f64);
    // k₁ = n₁ would be ρ = −∞, where the power of any factor is 1.
    let factor = if k1 < n1 {
        let rho = k1.ln() / (2.0 * (k1 / n1).ln());
        factor(rho).powf(1.0 / (1.0 - 2.0 * rho))
    } else {
        1.0
    };
    (k1 * k1 / k2 * factor) as usize
}

/// Where both curves are smallest, k₂ ≤ k₁.
///
/// A minimum among the first few k that larger resamples do not share is not one of the asymptotic error: the lower ends move up until
/// the two agree.
fn minima(
    curves: [&Curve; 2],
    sizes: (usize, usize),
    reach: f64,
    resamples: usize,
) -> Result<(usize, usize), Status> {
    let last = |size: usize| ((reach * size as f64) as usize).min(size - 1);
    let step = |size: usize| ((MOVE * size as f64) as usize).max(1);
    let mut from = (MIN_EXCESSES, MIN_EXCESSES);
    loop {
        let places = (
            curves[0].lowest(from.0, last(sizes.0), resamples),
            curves[1].lowest(from.1, last(sizes.1), resamples),
        );
        match places {
            (Some(k1), Some(k2)) if k2 <= k1 => return Ok((k1, k2)),
            (Some(_), Some(_)) => from = (from.0 + step(sizes.0), from.1 + step(sizes.1)),
            _ => {
                return Err(Status::Undefined {
                    reason: "the double bootstrap found no k: its two minima never agree",
                });
            }
        }
    }
}

/// Sums over resamples at every k.
struct Curve {
    sum: Vec<f64>,
    resamples: Vec<u32>,
}

impl Curve {
    fn new(size: usize) -> Self {
        Self { sum: vec![0.0; size], resamples: vec![0; size] }
    }

    fn add(&mut self, k: usize, difference: f64) {
        let squared = difference * difference;
        if squared.is_finite() {
            self.sum[k] += squared;
            self.resamples[k] += 1;
        }
    }

    /// The k in [from, to] with the smallest mean, among those at which half of the resamples have a value.
    fn lowest(&self, from: usize, to: usize, resamples: usize) -> Option<usize> {
        (from..=to.min(self.sum.len().saturating_sub(1)))
            .filter(|k| 2 * self.resamples[*k] as usize >= resamples && self.resamples[*k] > 0)
            .map(|k| (k, self.sum[k] / f64::from(self.resamples[k])))
            .min_by(|a, b| a.1.total_cmp(&b.1))
            .map(|(k, _)| k)
    }
}

/// Hill, moment, kernel.
struct Curves {
    of: [Curve; 3],
}

impl Curves {
    fn new(size: usize) -> Self {
        Self { of: [Curve::new(size), Curve::new(size), Curve::new(size)] }
    }
}

/// Draws resamples as counts of the sorted values, so that nothing is sorted twice.
struct Resampler<'a> {
    logs: &'a [f64],
    powers: &'a [f64],
    counts: Vec<u32>,
}

impl Resampler<'_> {
    fn add(&mut self, stream: &mut Stream, size: usize, curves: &mut Curves) {
        self.counts.fill(0);
        for _ in 0..size {
            self.counts[stream.below(self.logs.len() as u64) as usize] += 1;
        }
        let mut walk = Walk::default();
        let mut drawn = self.counts.iter().zip(self.logs).filter(|(count, _)| **count > 0);
        let Some((&count, &log)) = drawn.next() else { return };
        let (mut left, mut here) = (count, log);
        for k in 1..size {
            let spacing = if left > 1 {
                left -= 1;
                0.0
            } else {
                let Some((&count, &log)) = drawn.next() else { return };
                let spacing = here - log;
                (left, here) = (count, log);
                spacing
            };
            walk.step(k as f64, self.powers[k], spacing);
            walk.add_to(k, curves);
        }
    }
}

/// Sums over the k largest of a resample, all relative to the next one.
#[derive(Default)]
struct Walk {
    /// Σ (ln Xᵢ − ln X₍ₖ₊₁₎)ʲ for j = 1, 2, 3.
    excess: [f64; 3],
    kernel: Sums,
    k: f64,
}

impl Walk {
    /// Goes on to the next k, from the k-th largest down by `spacing`.
    #[inline]
    fn step(&mut self, k: f64, k_to_alpha: f64, spacing: f64) {
        let d = spacing;
        let [a, b, c] = self.excess;
        // (x + d)ʲ summed over the k values, of which the k-th has x = 0.
        self.excess = [a + k * d, b + d * (2.0 * a + k * d), c + d * (3.0 * b + d * (3.0 * a + k * d))];
        self.kernel.add(k, k_to_alpha, d);
        self.k = k;
    }

    #[inline]
    fn add_to(&self, k: usize, curves: &mut Curves) {
        let per_value = 1.0 / self.k;
        let [m1, m2, m3] = self.excess.map(|sum| sum * per_value);
        curves.of[0].add(k, m2 - 2.0 * m1 * m1);
        let moment = m1 - 0.5 * m2 / (m2 - m1 * m1);
        let other = (0.5 * m2).sqrt() - 2.0 / 3.0 * m3 / (m3 - m1 * m2);
        curves.of[1].add(k, moment - other);
        curves.of[2]
            .add(k, self.kernel.estimate(&BIWEIGHT, per_value) - self.kernel.estimate(&TRIWEIGHT, per_value));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    #[test]
    fn the_walk_gives_the_moments_of_every_k() {
        let logs = [3.0, 2.5, 2.5, 1.0, 0.2];
        let mut walk = Walk::default();
        for k in 1..logs.len() {
            walk.step(k as f64, (k as f64).powf(ALPHA), logs[k - 1] - logs[k]);
            for j in 1..=3 {
                let direct: f64 = logs[..k].iter().map(|l| (l - logs[k]).powi(j)).sum();
                assert!((walk.excess[j as usize - 1] - direct).abs() < 1e-12, "{k} {j}");
            }
        }
    }

    #[test]
    fn a_resample_has_its_size_and_counts_every_value() {
        let logs: Vec<f64> = (0..50).map(|i| f64::from(-i)).collect();
        let powers: Vec<f64> = (0..=40).map(|i| f64::from(i).powf(ALPHA)).collect();
        let mut resampler = Resampler { logs: &logs, powers: &powers, counts: vec![0; 50] };
        let mut curves = Curves::new(40);
        let mut stream = SeedTree::new(2, 0).stream(Purpose::Bootstrap, 0);
        resampler.add(&mut stream, 40, &mut curves);
        assert_eq!(resampler.counts.iter().sum::<u32>(), 40);
        // Hill's difference has a value at every k; at the last one it is that of the whole resample.
        assert_eq!(curves.of[0].resamples.iter().sum::<u32>(), 39);
        let drawn: Vec<f64> = logs
            .iter()
            .zip(&resampler.counts)
            .flat_map(|(l, c)| std::iter::repeat_n(*l, *c as usize))
            .collect();
        let moment = |j: i32| drawn[..39].iter().map(|l| (l - drawn[39]).powi(j)).sum::<f64>() / 39.0;
        let difference = moment(2) - 2.0 * moment(1).powi(2);
        assert!((curves.of[0].sum[39] - difference * difference).abs() < 1e-9 * curves.of[0].sum[39]);
    }

    #[test]
    fn sizes_and_factors_are_those_of_the_papers() {
        assert_eq!(sizes(5000), (3535, 2499));
        assert_eq!(sizes(10_000_000), (177_827, 3162));
        // ρ = −1 where k₁ = n₁^(2/3): (½)² and (143/3)/64, to the power ⅓.
        let (k1, n1) = (10_000, 1_000_000);
        assert_eq!(combined(k1, k1, n1, hill_factor), (1e4 * 0.25f64.powf(1.0 / 3.0)) as usize);
        assert_eq!(
            combined(k1, 5000, n1, kernel_factor),
            (2e4 * (143.0 / 192.0f64).powf(1.0 / 3.0)) as usize
        );
        assert_eq!(combined(n1, n1, n1, hill_factor), n1);
    }

    /// Generalised Pareto values of ξ = .3 have a negative "index" if the whole sample is used, and for some samples the kernels differ
    /// least there.
    #[test]
    fn where_biases_cross_is_no_minimum() {
        let family = SeedTree::new(2026, 0).family(Purpose::Bootstrap);
        let estimates: Vec<f64> = (0..20)
            .map(|index| {
                let mut stream = family.at(100 + index);
                let mut values: Vec<f64> = (0..4000).map(|_| stream.open_unit().powf(-0.3) - 1.0).collect();
                values.sort_unstable_by(|a, b| b.total_cmp(a));
                assert!(kernel(&values, 3999).unwrap().xi < 0.0);
                let streams = SeedTree::new(index, 0).family(Purpose::Bootstrap);
                double_bootstrap(&values, 100, &streams).kernel.unwrap().estimate.xi
            })
            .collect();
        assert!(estimates.iter().all(|xi| (xi - 0.3).abs() < 0.15), "{estimates:?}");
    }
}
