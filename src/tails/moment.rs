//! The moment estimator (Dekkers, Einmahl & de Haan 1989, *Annals of Statistics* 17:1833).

use super::Estimate;
use super::hill::{log_excess, log_tail};
use crate::foundation::failure::Status;
use crate::foundation::numeric::CompensatedSum;

/// ξ = M₁ + 1 − ½/(1 − M₁²/M₂) from the `k` largest of `descending` values, Mⱼ the mean of (ln Xᵢ − ln X₍ₖ₊₁₎)ʲ.
///
/// Unlike Hill's it can be negative. The interval is asymptotically normal with variance 1 + ξ² for ξ ≥ 0 and
/// (1−ξ)²(1−2ξ)(1−ξ+6ξ²)/((1−3ξ)(1−4ξ)) for ξ < 0 (de Haan & Ferreira 2006, theorem 3.5.4).
///
/// # Errors
/// As [`super::hill()`]; [`Status::Undefined`] also where M₁² = M₂ (one excess, or excesses all equal).
pub fn moment(descending: &[f64], k: usize) -> Result<Estimate, Status> {
    let (largest, threshold) = log_tail(descending, k)?;
    let (mut first, mut second) = (CompensatedSum::default(), CompensatedSum::default());
    for &x in largest {
        let excess = log_excess(x, threshold);
        first.add(excess);
        second.add(excess * excess);
    }
    let m1 = first.value() / k as f64;
    let m2 = second.value() / k as f64;
    let spread = m2 - m1 * m1;
    if spread <= 4.0 * f64::EPSILON * m2 {
        return Err(Status::Undefined {
            reason: "the excesses are all equal, so their log-moments say nothing",
        });
    }
    let xi = m1 + 1.0 - 0.5 * m2 / spread;
    Ok(Estimate::normal(xi, asymptotic_variance(xi), k))
}

fn asymptotic_variance(xi: f64) -> f64 {
    if xi >= 0.0 {
        1.0 + xi * xi
    } else {
        (1.0 - xi).powi(2) * (1.0 - 2.0 * xi) * (1.0 - xi + 6.0 * xi * xi)
            / ((1.0 - 3.0 * xi) * (1.0 - 4.0 * xi))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variance_is_continuous_at_zero() {
        assert!((asymptotic_variance(-1e-9) - 1.0).abs() < 1e-8);
        assert_eq!(asymptotic_variance(0.0), 1.0);
    }

    #[test]
    fn equal_excesses_say_nothing() {
        assert!(matches!(moment(&[3.0, 3.0, 3.0, 1.0], 3), Err(Status::Undefined { .. })));
        assert!(matches!(moment(&[3.0, 2.0, 1.0], 1), Err(Status::Undefined { .. })));
    }

    #[test]
    fn a_bounded_tail_comes_out_negative() {
        // Quantiles of 2 − U: uniform below the end point 2, so ξ = −1.
        let values: Vec<f64> = (0..2000).map(|i| 2.0 - (f64::from(i) + 0.5) / 2000.0).collect();
        let estimate = moment(&values, 200).unwrap();
        assert!((estimate.xi + 1.0).abs() < 0.1, "{estimate:?}");
    }
}
