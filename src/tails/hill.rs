//! Hill's estimator (Hill 1975, *Annals of Statistics* 3:1163).

use super::Estimate;
use crate::foundation::failure::Status;
use crate::foundation::numeric;

/// Hill's ξ from the `k` largest of `descending` values: the mean of ln Xᵢ − ln X₍ₖ₊₁₎ over i ≤ k.
///
/// The interval is the asymptotic ξ(1 ± 1.96/√k). Always positive: it cannot show ξ ≤ 0. Not invariant under a
/// shift of the values.
///
/// # Errors
/// [`Status::TooFew`] unless 1 ≤ k < n; [`Status::Undefined`] unless X₍ₖ₊₁₎ > 0 and X₁ is finite;
/// [`Status::AllTied`] where the k + 1 largest are equal.
pub fn hill(descending: &[f64], k: usize) -> Result<Estimate, Status> {
    let (largest, threshold) = log_tail(descending, k)?;
    let xi = numeric::sum(largest.iter().map(|x| log_excess(*x, threshold))) / k as f64;
    Ok(Estimate::normal(xi, xi * xi, k))
}

/// ln x − ln u, through the ratio where x is close to u so that no digits cancel.
#[inline]
pub(super) fn log_excess(x: f64, threshold: f64) -> f64 {
    let relative = (x - threshold) / threshold;
    if relative < 0.5 { relative.ln_1p() } else { x.ln() - threshold.ln() }
}

/// The k largest and X₍ₖ₊₁₎, where logarithms of all of them exist and differ.
pub(super) fn log_tail(descending: &[f64], k: usize) -> Result<(&[f64], f64), Status> {
    let too_few = Status::TooFew { what: "values", have: descending.len(), need: k.saturating_add(1) };
    if k == 0 {
        return Err(Status::TooFew { what: "excesses", have: 0, need: 1 });
    }
    let (Some(&threshold), Some(&max)) = (descending.get(k), descending.first()) else {
        return Err(too_few);
    };
    if !(threshold > 0.0 && max.is_finite()) {
        return Err(Status::Undefined {
            reason: "the estimator takes logarithms: the threshold must be positive and the largest value finite",
        });
    }
    if max == threshold {
        return Err(Status::AllTied);
    }
    Ok((&descending[..k], threshold))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hill_of_a_geometric_ladder_is_exact() {
        // Xᵢ = e^(4−i): ln excesses over X₄ are 3, 2, 1.
        let ladder: Vec<f64> = (0..5).map(|i| (4.0 - f64::from(i)).exp()).collect();
        let estimate = hill(&ladder, 3).unwrap();
        assert!((estimate.xi - 2.0).abs() < 1e-14);
        assert!((estimate.ci_high - 2.0 * (1.0 + 1.959963984540054 / 3f64.sqrt())).abs() < 1e-12);
    }

    #[test]
    fn degenerate_input_is_a_status() {
        assert!(matches!(hill(&[2.0, 1.0], 2), Err(Status::TooFew { have: 2, need: 3, .. })));
        assert!(matches!(hill(&[2.0, 1.0], 0), Err(Status::TooFew { .. })));
        assert!(matches!(hill(&[2.0, 1.0, -1.0], 2), Err(Status::Undefined { .. })));
        assert!(matches!(hill(&[f64::INFINITY, 1.0], 1), Err(Status::Undefined { .. })));
        assert_eq!(hill(&[3.0, 3.0, 3.0, 1.0], 2), Err(Status::AllTied));
    }
}
