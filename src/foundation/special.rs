//! Special functions where statrs loses digits: the far normal tail, Γ(a+½)/Γ(a).

use statrs::function::erf;
use statrs::function::gamma::ln_gamma;
use std::f64::consts::{FRAC_1_SQRT_2, PI, SQRT_2};

/// x·x as an unevaluated sum of its rounded value and the rounding error (Dekker 1971); |x| below 1e150.
fn square(x: f64) -> (f64, f64) {
    let split = 134_217_729.0 * x;
    let high = split - (split - x);
    let low = x - high;
    let product = x * x;
    (product, ((high * high - product) + 2.0 * high * low) + low * low)
}

/// P(Z > z) for a standard normal Z, accurate to 1e-15 relative down to the smallest normal number.
///
/// The exponent −z²/2 is corrected for what rounding z/√2 and its square lost: up to 10⁻¹³ of the result.
pub fn normal_sf(z: f64) -> f64 {
    let y = z * FRAC_1_SQRT_2;
    let tail = 0.5 * erf::erfc(y);
    if !(0.5..30.0).contains(&y) {
        return tail;
    }
    let (product, rounding) = square(z);
    tail * (1.0 + ((y * y - 0.5 * product) - 0.5 * rounding))
}

/// P(|Z| ≤ z) for a standard normal Z and z ≥ 0: the mass around the centre, accurate for small z.
pub fn normal_central(z: f64) -> f64 {
    erf::erf(z * FRAC_1_SQRT_2)
}

/// Natural logarithm of the standard normal density.
pub fn normal_ln_pdf(z: f64) -> f64 {
    -0.5 * z * z - 0.5 * (2.0 * PI).ln()
}

/// The z with P(Z > z) = `p`: ±∞ at the ends, NaN outside [0, 1].
///
/// statrs' inverse, polished by two Halley steps on [`normal_sf`].
pub fn normal_upper_quantile(p: f64) -> f64 {
    if !(0.0..=1.0).contains(&p) {
        return f64::NAN;
    }
    if p > 0.5 {
        return -normal_upper_quantile(1.0 - p);
    }
    let mut z = SQRT_2 * erf::erfc_inv(2.0 * p);
    for _ in 0..2 {
        let newton = (normal_sf(z) - p) / normal_ln_pdf(z).exp();
        if newton.is_finite() {
            z += newton / (1.0 - 0.5 * z * newton);
        }
    }
    z
}

/// The z ≥ 0 with P(|Z| ≤ z) = `p`, accurate for small `p`.
pub fn normal_central_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return normal_upper_quantile(0.5 * (1.0 - p));
    }
    let z = SQRT_2 * erf::erf_inv(p);
    z - (normal_central(z) - p) / (2.0 * normal_ln_pdf(z).exp())
}

/// Γ(a + ½)/Γ(a) for a > 0, without the cancellation of two large ln Γ.
///
/// Shifted up to a ≥ 32 by the recurrence, then the asymptotic series in 1/a (Tricomi & Erdélyi 1951).
pub fn gamma_half_ratio(a: f64) -> f64 {
    let mut shifted = a;
    let mut factor = 1.0;
    while shifted < 32.0 {
        factor *= shifted / (shifted + 0.5);
        shifted += 1.0;
    }
    let r = 1.0 / shifted;
    let r2 = r * r;
    let ln_correction = r * (-1.0 / 8.0 + r2 * (1.0 / 192.0 + r2 * (-1.0 / 640.0 + r2 * 17.0 / 14336.0)));
    factor * shifted.sqrt() * ln_correction.exp()
}

/// Γ(x) for x > 0 through its logarithm: +∞ where it overflows.
pub fn gamma(x: f64) -> f64 {
    ln_gamma(x).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(got: f64, want: f64, tolerance: f64) {
        assert!((got / want - 1.0).abs() < tolerance, "{got:e} is not {want:e}");
    }

    // Reference values: mpmath at 40 digits.
    #[test]
    fn the_normal_tail_keeps_its_digits() {
        close(normal_sf(1.0), 0.158655253931457051, 1e-15);
        close(normal_sf(5.0), 2.8665157187919391167e-7, 1e-15);
        close(normal_sf(20.0), 2.7536241186062336951e-89, 1e-15);
        close(normal_sf(37.5), 4.6053530095819548438e-308, 1e-15);
        // Below the smallest normal number only 26 bits are left.
        close(normal_sf(38.0), 2.8854283600687843084e-316, 1e-7);
    }

    #[test]
    fn the_normal_quantile_reaches_the_far_tail() {
        close(normal_upper_quantile(1e-300), 37.047096299361199237, 1e-15);
        close(normal_upper_quantile(1e-100), 21.273453560965324295, 1e-15);
        close(normal_upper_quantile(1e-16), 8.2220822161304356127, 1e-15);
        close(normal_upper_quantile(1e-3), 3.0902323061678135415, 1e-15);
        close(normal_upper_quantile(0.7), -0.52440051270804078404, 1e-14);
        assert_eq!(normal_upper_quantile(0.0), f64::INFINITY);
        assert_eq!(normal_upper_quantile(1.0), f64::NEG_INFINITY);
        assert!(normal_upper_quantile(5e-324).is_finite());
        close(normal_central_quantile(1e-200), 1.2533141373155003e-200, 1e-15);
        close(normal_central_quantile(0.4), 0.52440051270804078404, 1e-14);
    }

    #[test]
    fn the_gamma_ratio_is_exact_at_both_ends() {
        close(gamma_half_ratio(0.005), 0.0088014124011752980109, 2e-15);
        close(gamma_half_ratio(0.25), 0.3379891200336423645, 2e-15);
        close(gamma_half_ratio(1.0), 0.88622692545275801365, 2e-15);
        close(gamma_half_ratio(50.0), 7.0534125148769133255, 2e-15);
        close(gamma_half_ratio(1e6), 999.9998750000078125, 2e-15);
    }
}
