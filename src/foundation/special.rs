//! Special functions to full double precision: the normal law out to its far tails, Γ(a+½)/Γ(a).
//!
//! statrs' erfc is good to about 10⁻¹⁰ only (its interval constants are cut short), so the normal tail stands on an
//! expansion of its own.

use statrs::function::erf::{erf_inv, erfc_inv};
use statrs::function::gamma::ln_gamma;
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI, SQRT_2};

/// (z + 5)·exp(z²/2)·P(Z > z) on z ≥ 0 as a Chebyshev series in (z − 5)/(z + 5), after Schonfelder (1978); the
/// coefficients were computed at 50 digits and end where they fall below 2·10⁻¹⁷.
const MILLS: [f64; 24] = [
    1.0849974311281507,
    -0.9451212330235238,
    0.3395428248397067,
    -0.10080114900127923,
    0.02434161739194819,
    -0.0045780677530837645,
    0.0005962634793872587,
    -3.0034572403998326e-05,
    -6.9582080289731465e-06,
    1.6616222750752958e-06,
    -4.290591277534993e-08,
    -3.778472668407595e-08,
    4.656555405437076e-09,
    7.26731898119583e-10,
    -1.876070956044788e-10,
    -1.3548475355194436e-11,
    6.754835393421318e-12,
    2.8389774843955563e-13,
    -2.470501242837e-13,
    -9.045031546724195e-15,
    9.451160470487844e-15,
    4.824922073332497e-16,
    -3.7452977100599564e-16,
    -3.1738537383334686e-17,
];

/// x·x as an unevaluated sum of its rounded value and the rounding error (Dekker 1971); |x| below 1e150.
fn square(x: f64) -> (f64, f64) {
    let split = 134_217_729.0 * x;
    let high = split - (split - x);
    let low = x - high;
    let product = x * x;
    (product, ((high * high - product) + 2.0 * high * low) + low * low)
}

/// exp(z²/2)·P(Z > z) for z ≥ 0.
fn normal_mills(z: f64) -> f64 {
    let t = (z - 5.0) / (z + 5.0);
    let (mut b1, mut b2) = (0.0, 0.0);
    for coefficient in MILLS[1..].iter().rev() {
        (b1, b2) = (2.0 * t * b1 - b2 + coefficient, b1);
    }
    (t * b1 - b2 + MILLS[0]) / (z + 5.0)
}

/// P(Z > z) for a standard normal Z, accurate to about 10⁻¹⁵ relative down to the smallest normal number.
pub fn normal_sf(z: f64) -> f64 {
    if z < 0.0 {
        return 1.0 - normal_sf(-z);
    }
    if z > 39.0 {
        return 0.0;
    }
    let mills = normal_mills(z);
    // What rounding took from z² would be up to 10⁻¹³ of the result.
    let (product, rounding) = square(z);
    (-0.5 * product).exp() * (mills - 0.5 * rounding * mills)
}

/// ln P(Z > z) for a standard normal Z, also where the probability is below the smallest number.
pub fn normal_ln_sf(z: f64) -> f64 {
    match z {
        z if z < 0.0 => (-normal_sf(-z)).ln_1p(),
        z if z > 1e100 => -0.5 * z * z,
        z => normal_mills(z).ln() - 0.5 * z * z,
    }
}

/// P(|Z| ≤ z) for a standard normal Z and z ≥ 0: the mass around the centre, accurate for small z.
pub fn normal_central(z: f64) -> f64 {
    if z > 1.5 {
        return 1.0 - 2.0 * normal_sf(z);
    }
    // 2φ(z)·Σ z^(2n+1)/(2n+1)!!, every term positive.
    let (mut term, mut sum, mut odd) = (z, z, 1.0);
    while term > 1e-17 * sum {
        odd += 2.0;
        term *= z * z / odd;
        sum += term;
    }
    2.0 * normal_ln_pdf(z).exp() * sum
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
    let mut z = SQRT_2 * erfc_inv(2.0 * p);
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
    let z = SQRT_2 * erf_inv(p);
    z - (normal_central(z) - p) / (2.0 * normal_ln_pdf(z).exp())
}

/// Γ(a + ½)/Γ(a) for a > 0, without the cancellation of two large ln Γ.
///
/// Shifted up to a ≥ 12 by the recurrence, then the asymptotic series in 1/a (Tricomi & Erdélyi 1951).
pub fn gamma_half_ratio(a: f64) -> f64 {
    let mut shifted = a;
    // One division at the end: neither product passes 12!.
    let (mut above, mut below) = (1.0, 1.0);
    while shifted < 12.0 {
        above *= shifted;
        below *= shifted + 0.5;
        shifted += 1.0;
    }
    let factor = above / below;
    let r = 1.0 / shifted;
    let r2 = r * r;
    let ln_correction = r
        * (-1.0 / 8.0
            + r2 * (1.0 / 192.0
                + r2 * (-1.0 / 640.0
                    + r2 * (17.0 / 14336.0 + r2 * (-31.0 / 18432.0 + r2 * 691.0 / 180224.0)))));
    factor * shifted.sqrt() * ln_correction.exp()
}

/// Γ(x) for x > 0 through its logarithm: +∞ where it overflows.
pub fn gamma(x: f64) -> f64 {
    ln_gamma(x).exp()
}

/// ln of the number of ways to choose `k` of `n`; −∞ where there are none.
pub fn ln_choose(n: u64, k: u64) -> f64 {
    if k > n {
        return f64::NEG_INFINITY;
    }
    if k == 0 || k == n {
        return 0.0;
    }
    ln_gamma(n as f64 + 1.0) - ln_gamma(k as f64 + 1.0) - ln_gamma((n - k) as f64 + 1.0)
}

/// sin x and cos x for |x| below 100, to 2·10⁻¹⁶ absolute: inlined into a sampler's loop, where calls to the C
/// library take most of the time.
///
/// Reduced by multiples of π/2 in two parts (Cody & Waite 1980), then Taylor series on [−π/4, π/4].
#[inline]
pub(crate) fn sin_cos(x: f64) -> (f64, f64) {
    // Adding 1.5·2⁵² rounds to an integer, which is then found in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // π/2 with its lowest 20 bits cut off, so that small multiples are exact, and the rest.
    const HALF_PI_HIGH: f64 = f64::from_bits(FRAC_PI_2.to_bits() & !0xF_FFFF);
    const HALF_PI_LOW: f64 = (FRAC_PI_2 - HALF_PI_HIGH) + 6.123_233_995_736_766e-17;
    let shifted = x * FRAC_2_PI + ROUND;
    let quadrant = shifted.to_bits();
    let n = shifted - ROUND;
    let r = (x - n * HALF_PI_HIGH) - n * HALF_PI_LOW;
    let q = r * r;
    let (mut odd, mut even) = (SIN[0], COS[0]);
    for i in 1..8 {
        odd = odd * q + SIN[i];
        even = even * q + COS[i];
    }
    let (sin, cos) = (r * odd, 1.0 + q * even);
    // Odd quadrants swap the two; 2 and 3 turn the sine's sign, 1 and 2 the cosine's. A branch would be mispredicted
    // at every second draw.
    let swap = (sin.to_bits() ^ cos.to_bits()) & (quadrant & 1).wrapping_neg();
    let sin = sin.to_bits() ^ swap ^ ((quadrant & 2) << 62);
    let cos = cos.to_bits() ^ swap ^ ((quadrant.wrapping_add(1) & 2) << 62);
    (f64::from_bits(sin), f64::from_bits(cos))
}

/// Taylor coefficients (−1)^k/(2k+1)! from k = 7 down to 0.
const SIN: [f64; 8] = taylor(1);
/// Taylor coefficients (−1)^k/(2k)! from k = 8 down to 1.
const COS: [f64; 8] = taylor(2);

const fn taylor(lowest: u64) -> [f64; 8] {
    let mut out = [0.0; 8];
    let mut i = 0;
    while i < 8 {
        let power = lowest + 2 * (7 - i as u64);
        let mut factorial = 1u64;
        let mut k = 2;
        while k <= power {
            factorial *= k;
            k += 1;
        }
        out[i] = if (power / 2).is_multiple_of(2) { 1.0 } else { -1.0 } / factorial as f64;
        i += 1;
    }
    out
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
        close(normal_sf(1.0), 0.15865525393145705, 1e-15);
        close(normal_sf(5.0), 2.866515718791939e-07, 1e-15);
        close(normal_sf(20.0), 2.7536241186062337e-89, 1e-15);
        close(normal_sf(37.5), 4.605353009581955e-308, 1e-15);
        // Arguments whose squares do not fit: 4·10⁻¹⁴ off where the lost part is not put back.
        close(normal_sf(20.7), 1.7318518790197378e-95, 2e-15);
        close(normal_sf(37.3), 8.205494844930773e-305, 2e-15);
        // Below the smallest normal number only 26 bits are left.
        close(normal_sf(38.0), 2.88542835e-316, 1e-7);
    }

    #[test]
    fn the_logarithm_of_the_normal_tail_goes_on_below_the_smallest_number() {
        for z in [-40.0, -3.0, 0.0, 0.7, 5.0, 37.0] {
            assert!((normal_ln_sf(z) - normal_sf(z).ln()).abs() < 1e-13 * (1.0 + z * z), "{z}");
        }
        close(normal_ln_sf(39.5), -784.7208791043176, 1e-15);
        close(normal_ln_sf(1000.0), -500007.8266948121, 1e-15);
        assert_eq!(normal_ln_sf(f64::INFINITY), f64::NEG_INFINITY);
    }

    #[test]
    fn the_normal_quantile_reaches_the_far_tail() {
        close(normal_upper_quantile(1e-300), 37.0470962993612, 1e-15);
        close(normal_upper_quantile(1e-100), 21.273453560965326, 1e-15);
        close(normal_upper_quantile(1e-16), 8.222082216130435, 1e-15);
        close(normal_upper_quantile(1e-3), 3.0902323061678136, 1e-15);
        close(normal_upper_quantile(0.7), -0.5244005127080408, 1e-14);
        assert_eq!(normal_upper_quantile(0.0), f64::INFINITY);
        assert_eq!(normal_upper_quantile(1.0), f64::NEG_INFINITY);
        assert!(normal_upper_quantile(5e-324).is_finite());
        close(normal_central_quantile(1e-200), 1.2533141373155004e-200, 1e-15);
        close(normal_central_quantile(0.4), 0.5244005127080408, 1e-14);
    }

    #[test]
    fn sin_and_cos_agree_with_the_library() {
        for i in -100_000..100_000 {
            let x = f64::from(i) * 1e-4;
            let (sin, cos) = sin_cos(x);
            assert!((sin - x.sin()).abs() < 2.5e-16 && (cos - x.cos()).abs() < 2.5e-16, "{x}: {sin} {cos}");
        }
        assert_eq!(sin_cos(1e-200), (1e-200, 1.0));
    }

    #[test]
    fn the_gamma_ratio_is_exact_at_both_ends() {
        close(gamma_half_ratio(0.005), 0.008801412401175298, 2e-15);
        close(gamma_half_ratio(0.25), 0.33798912003364234, 2e-15);
        close(gamma_half_ratio(1.0), 0.886226925452758, 2e-15);
        close(gamma_half_ratio(50.0), 7.053412514876913, 2e-15);
        close(gamma_half_ratio(1e6), 999.9998750000078, 2e-15);
    }
}
