//! The series behind the classical tail plots, as numbers; drawing happens elsewhere.
//!
//! Source: Embrechts, Klüppelberg & Mikosch, *Modelling Extremal Events*, Springer 1997, ch. 6; Coles 2001, ch. 4.

use super::hill::log_tail;
use super::{Estimate, GpdFit, fit_gpd};
use crate::foundation::failure::Status;
use crate::foundation::numeric::CompensatedSum;
use statrs::distribution::{Beta, ContinuousCDF};

/// Hill's ξ for every k.
#[derive(Debug, Clone, PartialEq)]
pub struct HillPlot {
    xi: Vec<f64>,
}

impl HillPlot {
    /// ξ at k = 1, 2, …; it ends before the first value that has no logarithm.
    pub fn xi(&self) -> &[f64] {
        &self.xi
    }

    /// The estimate with its interval at `k`, counted from 1.
    pub fn at(&self, k: usize) -> Option<Estimate> {
        let &xi = self.xi.get(k.checked_sub(1)?)?;
        Some(Estimate::normal(xi, xi * xi, k))
    }

    /// All estimates, k ascending.
    pub fn iter(&self) -> impl Iterator<Item = Estimate> {
        (1..=self.xi.len()).filter_map(|k| self.at(k))
    }
}

/// Terms that are summed plainly.
const BLOCK: usize = 128;

/// Hill's ξ from the k largest of `descending` values for every k < n, in one pass.
///
/// # Errors
/// As [`super::hill()`] at k = 1, but equal largest values give ξ = 0 there instead of a refusal.
pub fn hill_plot(descending: &[f64]) -> Result<HillPlot, Status> {
    match log_tail(descending, 1) {
        Ok(_) | Err(Status::AllTied) => {}
        Err(status) => return Err(status),
    }
    let positive = descending.partition_point(|x| *x > 0.0);
    // Σ (ln Xᵢ − ln X₍ₖ₊₁₎) over i ≤ k grows by k times the k-th log-spacing: no term is negative, so none cancels.
    let values = &descending[..positive];
    let mut xi = Vec::with_capacity(positive);
    let (mut before, mut k) = (CompensatedSum::default(), 0.0);
    let mut spacings = [0.0; BLOCK];
    for (block, next) in values.chunks(BLOCK).zip(values.get(1..).unwrap_or_default().chunks(BLOCK)) {
        for ((spacing, x), below) in spacings.iter_mut().zip(block).zip(next) {
            *spacing = log_spacing(*x, *below);
        }
        let (base, mut within) = (before.value(), 0.0);
        for spacing in &spacings[..next.len()] {
            k += 1.0;
            within += k * spacing;
            xi.push((base + within) / k);
        }
        before.add(within);
    }
    Ok(HillPlot { xi })
}

/// ln x − ln y for x ≥ y > 0.
///
/// Neighbours among sorted values are close, and there 2·artanh z at z = (x − y)/(x + y) needs three terms.
#[inline]
fn log_spacing(x: f64, y: f64) -> f64 {
    // Halved, or the sum of two large ones would be infinite.
    let z = (0.5 * x - 0.5 * y) / (0.5 * x + 0.5 * y);
    if z < 2e-3 {
        let square = z * z;
        z * (2.0 + square * (2.0 / 3.0 + square * 0.4))
    } else {
        super::hill::log_excess(x, y)
    }
}

/// A point of the mean-excess plot.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Excess {
    /// Threshold u.
    pub threshold: f64,
    /// Mean of x − u over x > u.
    pub mean: f64,
    /// Lower end of its 95% interval (normal, from the sample variance; too narrow where ξ > ½).
    pub ci_low: f64,
    /// Upper end.
    pub ci_high: f64,
    /// Number of excesses.
    pub k: usize,
}

/// Mean excess over every distinct value that at least two values exceed, thresholds descending. Infinite values, and
/// points whose variance overflows, are left out.
///
/// A line that rises with the threshold is a heavy tail with slope ξ/(1 − ξ) for ξ < 1; flat is exponential.
pub fn mean_excess(descending: &[f64]) -> impl Iterator<Item = Excess> + '_ {
    // Welford's recurrences over the values in descending order.
    let (mut mean, mut squares, mut k) = (0.0, 0.0, 0usize);
    descending.iter().enumerate().filter_map(move |(i, &x)| {
        if !x.is_finite() {
            return None;
        }
        let mut point = None;
        if k >= 2 && i > 0 && descending[i - 1] > x {
            let half = super::Z95 * (squares / (k - 1) as f64 / k as f64).sqrt();
            let excess = mean - x;
            let (ci_low, ci_high) = (excess - half, excess + half);
            if ci_low.is_finite() && ci_high.is_finite() {
                point = Some(Excess { threshold: x, mean: excess, ci_low, ci_high, k });
            }
        }
        k += 1;
        let delta = x - mean;
        mean += delta / k as f64;
        squares += delta * (x - mean);
        point
    })
}

/// Points (standard exponential quantile, value), values descending; a straight line is an exponential tail, a curve
/// that bends up a heavy one. Plotting positions (i − ½)/n.
pub fn qq_exponential(descending: &[f64]) -> Vec<(f64, f64)> {
    let n = descending.len() as f64;
    descending.iter().enumerate().map(|(i, &x)| (-((i as f64 + 0.5) / n).ln(), x)).collect()
}

/// Ranks whose band is exact.
const EXACT: usize = 30;

/// An excess on the exponential scale of a fit, −ln P(X > x | X > u).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct QqPoint {
    /// What is expected of its rank where the fit is right.
    pub expected: f64,
    /// What the fit makes of it; infinite beyond the fit's end point.
    pub fitted: f64,
    /// Where 95% of the excesses of its rank would lie: lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// The values above the fit's threshold, descending, on the scale on which the fit makes them standard exponential, at the
/// plotting positions (i − ½)/k: on the diagonal where the fit is right, however heavy the tail.
///
/// The share of the law above the i-th largest of k is Beta(i, k + 1 − i). The band has its exact quantiles for the 30 largest, and that of a
/// normal with the standard deviation √(1/i − 1/(k + 1)) (Rényi 1953) below them.
pub fn qq_gpd(descending: &[f64], fit: &GpdFit) -> Vec<QqPoint> {
    let tail = &descending[..descending.partition_point(|x| *x > fit.threshold)];
    let k = tail.len() as f64;
    let point = |(rank, (expected, x)): (usize, (f64, f64))| {
        let i = (rank + 1) as f64;
        let exact = if rank < EXACT { Beta::new(i, k + 1.0 - i).ok() } else { None };
        let (low, high) = match exact {
            Some(share) => (-share.inverse_cdf(0.975).ln(), -share.inverse_cdf(0.025).ln()),
            None => {
                let half = super::Z95 * (1.0 / i - 1.0 / (k + 1.0)).sqrt();
                ((expected - half).max(0.0), expected + half)
            }
        };
        QqPoint { expected, fitted: fit.neg_ln_sf(x), low, high }
    };
    qq_exponential(tail).into_iter().enumerate().map(point).collect()
}

/// A generalised Pareto fit above one of several thresholds.
#[derive(Debug, Clone, PartialEq)]
pub struct StabilityPoint {
    /// Threshold u.
    pub threshold: f64,
    /// Number of excesses.
    pub k: usize,
    /// The fit. ξ, and the modified scale σ − ξ·u, should not change once u is high enough.
    pub fit: Result<GpdFit, Status>,
}

impl StabilityPoint {
    /// σ − ξ·u, constant in u where the tail is generalised Pareto.
    pub fn modified_scale(&self) -> Option<f64> {
        self.fit.as_ref().ok().map(|fit| fit.scale - fit.xi * fit.threshold)
    }
}

/// Fits above the (k+1)-th largest value for `points` values of k, evenly spaced on a log scale from
/// [`super::MIN_EXCESSES`] to `k_max`.
pub fn parameter_stability(descending: &[f64], k_max: usize, points: usize) -> Vec<StabilityPoint> {
    let first = super::MIN_EXCESSES;
    let last = k_max.min(descending.len().saturating_sub(1));
    if last < first || points == 0 {
        return Vec::new();
    }
    let growth = (last as f64 / first as f64).ln() / points.saturating_sub(1).max(1) as f64;
    let mut ks: Vec<usize> = (0..points)
        .map(|i| ((first as f64 * (growth * i as f64).exp()).round() as usize).min(last))
        .collect();
    ks.dedup();
    ks.into_iter()
        .filter_map(|k| {
            let threshold = *descending.get(k)?;
            let above = descending.partition_point(|x| *x > threshold);
            Some(StabilityPoint { threshold, k: above, fit: fit_gpd(&descending[..above], threshold) })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::hill;
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn pareto(n: usize, xi: f64) -> Vec<f64> {
        (1..=n).map(|i| ((i as f64 - 0.5) / n as f64).powf(-xi)).collect()
    }

    #[test]
    fn the_hill_plot_is_hill_at_every_k() {
        let mut values = pareto(500, 0.6);
        values.push(-1.0);
        let plot = hill_plot(&values).unwrap();
        assert_eq!(plot.xi().len(), 499);
        for k in [1, 2, 77, 499] {
            let (a, b) = (plot.at(k).unwrap(), hill(&values, k).unwrap());
            assert!((a.xi - b.xi).abs() < 1e-13 && (a.ci_low - b.ci_low).abs() < 1e-13, "{k}");
        }
        assert_eq!(plot.at(0), None);
        assert_eq!(plot.iter().count(), 499);
        assert!(hill_plot(&[]).is_err() && hill_plot(&[-1.0, -2.0]).is_err());
    }

    #[test]
    fn mean_excess_matches_its_definition() {
        let values = [9.0, 7.0, 7.0, 4.0, 1.0];
        let points = mean_excess(&values).collect::<Vec<_>>();
        assert_eq!(points.iter().map(|p| (p.threshold, p.k)).collect::<Vec<_>>(), vec![(4.0, 3), (1.0, 4)]);
        assert!((points[0].mean - 11.0 / 3.0).abs() < 1e-14);
        assert!((points[1].mean - (8.0 + 6.0 + 6.0 + 3.0) / 4.0).abs() < 1e-14);
    }

    /// 400 samples of 200 exponential excesses: each rank's band holds about 380, with a standard deviation of 4.4; the smallest
    /// ranks, whose normal band is a little narrow, about 370.
    #[test]
    fn the_band_of_the_qq_plot_holds_each_rank() {
        let (k, samples) = (200, 400);
        let fit =
            GpdFit { xi: 0.0, ci_low: 0.0, ci_high: 0.0, k, scale: 1.0, threshold: 0.0, log_likelihood: 0.0 };
        let mut held = vec![0; k];
        for index in 0..samples {
            let mut stream = SeedTree::new(9, 0).stream(Purpose::Bootstrap, index);
            let mut values: Vec<f64> = (0..k).map(|_| -stream.open_unit().ln()).collect();
            values.sort_unstable_by(|a, b| b.total_cmp(a));
            for (count, p) in held.iter_mut().zip(qq_gpd(&values, &fit)) {
                *count += u32::from(p.low <= p.fitted && p.fitted <= p.high);
            }
        }
        assert!(held.iter().all(|count| (360..=396).contains(count)), "{held:?}");
    }

    #[test]
    fn a_pareto_tail_is_stable_and_straight() {
        let values = pareto(20_000, 0.5);
        let points = parameter_stability(&values, 4000, 12);
        assert_eq!((points.first().unwrap().k, points.last().unwrap().k), (10, 4000));
        for point in points.iter().filter(|p| p.k > 200) {
            assert!((point.fit.as_ref().unwrap().xi - 0.5).abs() < 0.03, "{point:?}");
            assert!(point.modified_scale().unwrap().abs() < 0.2, "{point:?}");
        }
        let fit = fit_gpd(&values, values[1000]).unwrap();
        let points = qq_gpd(&values, &fit);
        assert_eq!(points.len(), 1000);
        assert!((points[500].fitted / points[500].expected - 1.0).abs() < 0.02);
        assert!(parameter_stability(&values[..5], 100, 5).is_empty());
    }
}
