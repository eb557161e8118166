//! Pickands' estimator (Pickands 1975, *Annals of Statistics* 3:119).

use super::Estimate;
use crate::foundation::failure::Status;
use std::f64::consts::LN_2;

/// ξ = ln((Xₖ − X₂ₖ)/(X₂ₖ − X₄ₖ))/ln 2 of `descending` values, Xₖ the k-th largest.
///
/// Invariant under shift and scale, and noisy. The interval is asymptotically normal with variance
/// ξ²(2^(2ξ+1) + 1)/(2(2^ξ − 1) ln 2)² (de Haan & Ferreira 2006, theorem 3.3.5).
///
/// # Errors
/// [`Status::TooFew`] unless 1 ≤ k ≤ n/4; [`Status::Undefined`] where a difference is 0 or not finite.
pub fn pickands(descending: &[f64], k: usize) -> Result<Estimate, Status> {
    let too_few = Status::TooFew { what: "values", have: descending.len(), need: k.max(1).saturating_mul(4) };
    let at = |rank: usize| rank.checked_sub(1).and_then(|i| descending.get(i)).copied();
    let ranks = (Some(k), k.checked_mul(2), k.checked_mul(4));
    let (Some(a), Some(b), Some(c)) = (ranks.0.and_then(at), ranks.1.and_then(at), ranks.2.and_then(at))
    else {
        return Err(too_few);
    };
    let xi = ((a - b) / (b - c)).ln() / LN_2;
    if !xi.is_finite() {
        return Err(Status::Undefined { reason: "two of the three order statistics are equal or infinite" });
    }
    Ok(Estimate::normal(xi, asymptotic_variance(xi), k))
}

/// ξ²(2^(2ξ+1) + 1)/(2(2^ξ − 1) ln 2)², written with powers of 2^(−|ξ|) so that nothing overflows.
fn asymptotic_variance(xi: f64) -> f64 {
    // ξ/(1 − 2^(−ξ)) for ξ > 0, ξ/(2^ξ − 1) else; both → 1/ln 2 at 0.
    let (shrinking, power) =
        if xi > 0.0 { (xi, 2.0 + (-2.0 * xi).exp2()) } else { (-xi, 2.0 * (2.0 * xi).exp2() + 1.0) };
    let ratio = if shrinking == 0.0 { 1.0 / LN_2 } else { shrinking / -(-shrinking * LN_2).exp_m1() };
    ratio * ratio * power / (2.0 * LN_2).powi(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exact_pareto_quantiles_give_the_index() {
        // X₍ᵢ₎ = i^(−ξ) makes the ratio exactly 2^ξ.
        let values: Vec<f64> = (1..=400).map(|i| f64::from(i).powf(-0.7)).collect();
        assert!((pickands(&values, 100).unwrap().xi - 0.7).abs() < 1e-12);
    }

    #[test]
    fn variance_is_continuous_at_zero() {
        let at_zero = 3.0 / (4.0 * LN_2.powi(4));
        assert!((asymptotic_variance(0.0) - at_zero).abs() < 1e-12);
        assert!((asymptotic_variance(1e-9) - at_zero).abs() < 1e-7);
        assert!((asymptotic_variance(-1e-9) - at_zero).abs() < 1e-7);
        for xi in [-0.7f64, 0.4] {
            let direct =
                xi.powi(2) * ((2.0 * xi + 1.0).exp2() + 1.0) / (2.0 * (xi.exp2() - 1.0) * LN_2).powi(2);
            assert!((asymptotic_variance(xi) / direct - 1.0).abs() < 1e-12);
        }
        assert!(asymptotic_variance(2000.0).is_finite() && asymptotic_variance(-2000.0).is_finite());
    }

    #[test]
    fn ties_and_short_input_are_a_status() {
        assert!(matches!(pickands(&[3.0, 2.0, 1.0], 1), Err(Status::TooFew { have: 3, need: 4, .. })));
        assert!(matches!(pickands(&[3.0; 8], 2), Err(Status::Undefined { .. })));
        assert!(matches!(pickands(&[3.0; 8], 0), Err(Status::TooFew { .. })));
        assert!(matches!(pickands(&[3.0; 8], usize::MAX), Err(Status::TooFew { .. })));
    }
}
