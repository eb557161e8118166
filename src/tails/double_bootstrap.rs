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

use super::kernel::ALPHA;
use super::resampling::{Curve, Curves, Resampler};
use super::{Estimate, MIN_EXCESSES, hill, kernel, moment};
use crate::foundation::failure::Status;
use crate::foundation::rng::Family;

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
    let mut resampler = Resampler::new(&logs, &powers);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

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
