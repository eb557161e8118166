//! Tails of the χ² and F laws, and of χ² its quantiles.

use crate::foundation::root::crossing;
use statrs::function::beta::checked_beta_reg;
use statrs::function::gamma::{checked_gamma_lr, checked_gamma_ur};

/// P(χ² ≤ x) with `d` degrees of freedom.
pub(super) fn cdf(d: f64, x: f64) -> f64 {
    if x <= 0.0 { 0.0 } else { checked_gamma_lr(0.5 * d, 0.5 * x).unwrap_or(1.0) }
}

/// P(χ² > x) with `d` degrees of freedom.
pub(super) fn sf(d: f64, x: f64) -> f64 {
    if x <= 0.0 { 1.0 } else { checked_gamma_ur(0.5 * d, 0.5 * x).unwrap_or(0.0) }
}

/// The x with P(χ² ≤ x) = `p`, for `p` below 1.
pub(super) fn quantile(d: f64, p: f64) -> f64 {
    let mut high = d.max(1.0);
    while cdf(d, high) < p && high.is_finite() {
        high *= 2.0;
    }
    crossing(0.0, high, |x| cdf(d, x) - p).unwrap_or(high)
}

/// P(F > x) with `d1` and `d2` degrees of freedom.
pub(super) fn f_sf(d1: f64, d2: f64, x: f64) -> f64 {
    checked_beta_reg(0.5 * d2, 0.5 * d1, d2 / (d2 + d1 * x.max(0.0))).unwrap_or(0.0)
}

/// Factor that makes the covariance of the `share` of normal rows nearest to the centre consistent for all of them
/// (Croux & Haesbroeck 1999, eq. 4.2).
pub(super) fn consistency(d: f64, share: f64) -> f64 {
    if share >= 1.0 { 1.0 } else { share / cdf(d + 2.0, quantile(d, share)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got / want - 1.0).abs() < tolerance, "{got:e} is not {want:e}");
    }

    // Reference values: scipy 1.17.
    #[test]
    fn tails_agree_with_scipy() {
        close(sf(6.0, 1.0), 0.9856123220330293, 1e-12);
        close(sf(6.0, 30.0), 3.930844818448459e-05, 1e-12);
        close(sf(8.0, 200.0), 6.389887702238276e-39, 1e-12);
        close(sf(64.0, 150.0), 7.3276748528037015e-09, 1e-12);
        close(quantile(6.0, 0.975), 14.44937533544792, 1e-12);
        close(quantile(1.0, 0.5), 0.454936423119572, 1e-12);
        close(quantile(21.0, 0.9), 29.61508943618274, 1e-12);
        close(f_sf(6.0, 994.0, 2.0), 0.06304588901018779, 1e-9);
        close(f_sf(6.0, 994.0, 20.0), 3.7361951368449896e-22, 1e-9);
        close(f_sf(8.0, 99992.0, 5.0), 3.2130754015419065e-06, 1e-9);
        close(f_sf(30.0, 40.0, 1.1), 0.3843996829233063, 1e-9);
        close(consistency(6.0, 0.975), 1.0492657231950313, 1e-12);
    }

    #[test]
    fn ends_are_safe() {
        assert_eq!((sf(3.0, 0.0), sf(3.0, f64::INFINITY), sf(3.0, 1e300)), (1.0, 0.0, 0.0));
        assert_eq!((f_sf(3.0, 9.0, 0.0), f_sf(3.0, 9.0, f64::MAX)), (1.0, 0.0));
        assert_eq!((cdf(3.0, 0.0), consistency(3.0, 1.0)), (0.0, 1.0));
    }
}
