//! The kernel estimator (Groeneboom, Lopuhaä & de Wolf 2003, *Annals of Statistics* 31:1956), whose first part is that of
//! Csörgő, Deheuvels & Mason 1985 (*Annals of Statistics* 13:1050).
//!
//! With v = i/k, log-spacings dᵢ = ln Xᵢ − ln Xᵢ₊₁ and a kernel K on [0, 1] it is Σ v·K(v)·dᵢ − 1 + q₂/q₁, where q₁ = Σ vᵅ·K(v)·dᵢ
//! and q₂ weighs by the derivative of vᵅ⁺¹·K(v). The first sum is ξ where ξ > 0 and 0 else; q₂/q₁ is 1 where ξ > 0 and 1 + ξ
//! else. Kernels are polynomials in v², so all bandwidths k come from a few running sums of powers of i times dᵢ.

use super::Estimate;
use super::hill::{log_excess, log_tail};
use crate::foundation::failure::Status;

/// The exponent α of Groeneboom et al.; above ½, or the variance is infinite.
pub(super) const ALPHA: f64 = 0.6;
/// Terms of the longest kernel.
const TERMS: usize = 4;

/// A kernel Σ aⱼ·v²ʲ on [0, 1], with integral 1 and no value and no slope at 1.
pub(super) type Kernel = [f64; TERMS];
/// (15/8)(1 − v²)², with which the index is estimated.
pub(super) const BIWEIGHT: Kernel = [1.875, -3.75, 1.875, 0.0];
/// (35/16)(1 − v²)³, the second opinion of the double bootstrap.
pub(super) const TRIWEIGHT: Kernel = [2.1875, -6.5625, 6.5625, -2.1875];

/// ξ from the log-spacings of the `k` largest of `descending` values with the biweight kernel, the bandwidth being k/n.
///
/// Any sign of ξ. It weighs the order statistics down to nothing towards the k-th, so that it moves smoothly with k, and k is
/// comparable to about half as many of Hill's. The interval is asymptotically normal; its variance is the integral of the
/// squared influence function, as in theorem 3.1 of Groeneboom et al.
///
/// # Errors
/// As [`super::hill()`]; [`Status::Undefined`] also where the k largest are all equal.
pub fn kernel(descending: &[f64], k: usize) -> Result<Estimate, Status> {
    let (largest, threshold) = log_tail(descending, k)?;
    let mut sums = Sums::default();
    for (i, &x) in largest.iter().enumerate() {
        let next = largest.get(i + 1).copied().unwrap_or(threshold);
        let place = (i + 1) as f64 / k as f64;
        sums.add(place, place.powf(ALPHA), log_excess(x, next));
    }
    let xi = sums.estimate(&BIWEIGHT, 1.0);
    if !xi.is_finite() {
        return Err(Status::Undefined {
            reason: "the largest values are all equal, so their spacings say nothing",
        });
    }
    Ok(Estimate::normal(xi, asymptotic_variance(xi), k))
}

/// Σ iᵖ·dᵢ for p = 1, 3, 5, 7 and for p = α, α + 2, α + 4, α + 6.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sums {
    first: [f64; TERMS],
    ratio: [f64; TERMS],
}

impl Sums {
    /// Takes dᵢ.
    #[inline]
    pub fn add(&mut self, i: f64, i_to_alpha: f64, spacing: f64) {
        let (mut first, mut ratio) = (i * spacing, i_to_alpha * spacing);
        for j in 0..TERMS {
            self.first[j] += first;
            self.ratio[j] += ratio;
            (first, ratio) = (first * i * i, ratio * i * i);
        }
    }

    /// The estimate at bandwidth k, given as 1/k, from the spacings taken so far, which must be those down to k; NaN where all are 0.
    #[inline]
    pub fn estimate(&self, kernel: &Kernel, inverse_k: f64) -> f64 {
        let (mut positive, mut q1, mut q2) = (0.0, 0.0, 0.0);
        let (mut scale, shrink) = (1.0, inverse_k * inverse_k);
        for (j, a) in kernel.iter().enumerate() {
            positive += a * self.first[j] * scale;
            let term = a * self.ratio[j] * scale;
            q1 += term;
            q2 += (ALPHA + 1.0 + 2.0 * j as f64) * term;
            scale *= shrink;
        }
        positive * inverse_k - 1.0 + q2 / q1
    }
}

/// k times the variance: the integral over v of the squared influence of the spacing at v.
///
/// That is ξ·K(v) + (vᵅK(v))′/∫vᵅ⁻¹K for ξ ≥ 0 and v^(−ξ)(vᵅK(v))′/∫v^(α−ξ−1)K for ξ < 0.
fn asymptotic_variance(xi: f64) -> f64 {
    let below = xi.min(0.0);
    let power = |j: usize| ALPHA - below + 2.0 * j as f64;
    let mass: f64 = BIWEIGHT.iter().enumerate().map(|(j, a)| a / power(j)).sum();
    let mut influence = Vec::with_capacity(2 * TERMS);
    for (j, a) in BIWEIGHT.iter().enumerate() {
        influence.push((a * xi.max(0.0), 2.0 * j as f64));
        influence.push((a * (ALPHA + 2.0 * j as f64) / mass, power(j) - 1.0));
    }
    let product =
        |&(a, p): &(f64, f64)| influence.iter().map(move |(b, q)| a * b / (p + q + 1.0)).sum::<f64>();
    influence.iter().map(product).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    #[test]
    fn it_is_the_sum_of_its_definition() {
        let values: Vec<f64> = (1..=60).map(|i| f64::from(i).powf(-0.8) + 1.0 / f64::from(i)).collect();
        let k = 40;
        let (mut positive, mut q1, mut q2) = (0.0, 0.0, 0.0);
        for i in 1..=k {
            let (v, d) = (i as f64 / k as f64, (values[i - 1] / values[i]).ln());
            let (w, slope) = (1.0 - v * v, -2.0 * v);
            let (kernel, derivative) = (1.875 * w * w, 1.875 * 2.0 * w * slope);
            positive += v * kernel * d;
            q1 += v.powf(ALPHA) * kernel * d;
            q2 += ((ALPHA + 1.0) * v.powf(ALPHA) * kernel + v.powf(ALPHA + 1.0) * derivative) * d;
        }
        let estimate = kernel(&values, k).unwrap();
        assert!((estimate.xi - (positive - 1.0 + q2 / q1)).abs() < 1e-12, "{estimate:?}");
        let mut running = Sums::default();
        for i in 1..=k {
            let i_ = i as f64;
            running.add(i_, i_.powf(ALPHA), (values[i - 1] / values[i]).ln());
        }
        assert!((running.estimate(&BIWEIGHT, 1.0 / k as f64) - estimate.xi).abs() < 1e-11);
    }

    #[test]
    fn kernels_have_mass_one_and_end_softly() {
        for kernel in [BIWEIGHT, TRIWEIGHT] {
            let term = |f: fn(f64) -> f64| {
                kernel.iter().enumerate().map(|(j, a)| a * f(2.0 * j as f64)).sum::<f64>()
            };
            assert!((term(|p| 1.0 / (p + 1.0)) - 1.0).abs() < 1e-14);
            assert!(term(|_| 1.0).abs() < 1e-14 && term(|p| p).abs() < 1e-14);
        }
    }

    /// 2000 samples of 4000 values at k = 400: the standard deviation of the estimates has a relative error of 1.6%, and the asymptotic one
    /// must be within 10% (six of them, less about 3% of finite-sample difference).
    #[test]
    fn centre_and_spread_are_as_stated_on_both_sides_of_zero() {
        for xi in [1.0, 0.4, -0.3] {
            let (n, k, samples) = (4000, 400, 2000u64);
            let estimates: Vec<f64> = (0..samples)
                .map(|index| {
                    let mut stream = SeedTree::new(11, 0).stream(Purpose::Bootstrap, index);
                    let mut values: Vec<f64> = (0..n)
                        .map(|_| {
                            let u = stream.open_unit();
                            if xi > 0.0 { u.powf(-xi) } else { 10.0 - u.powf(-xi) }
                        })
                        .collect();
                    values.sort_unstable_by(|a, b| b.total_cmp(a));
                    kernel(&values, k).unwrap().xi
                })
                .collect();
            let mean = estimates.iter().sum::<f64>() / samples as f64;
            let sd = (estimates.iter().map(|e| (e - mean).powi(2)).sum::<f64>() / samples as f64).sqrt();
            let stated = (asymptotic_variance(xi) / k as f64).sqrt();
            assert!(
                (mean - xi).abs() < 0.03 && (sd / stated - 1.0).abs() < 0.1,
                "{xi}: {mean} {sd} {stated}"
            );
        }
    }

    #[test]
    fn degenerate_input_is_a_status() {
        assert!(matches!(kernel(&[2.0, 1.0], 2), Err(Status::TooFew { .. })));
        assert!(matches!(kernel(&[2.0, 1.0, -1.0], 2), Err(Status::Undefined { .. })));
        assert!(matches!(kernel(&[2.0, 2.0, 2.0, 1.0], 3), Err(Status::Undefined { .. })));
        assert_eq!(kernel(&[3.0; 5], 3), Err(Status::AllTied));
    }
}
