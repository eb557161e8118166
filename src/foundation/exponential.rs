//! An exponential that a compiler can vectorise: no branch, no table, no call.
//!
//! x = n·ln 2 + r with ln 2 in two parts (Cody & Waite 1980), eʳ by its Taylor series on |r| ≤ ½·ln 2, where the first
//! term left out is below 5·10⁻¹⁸, and 2ⁿ put straight into the exponent bits. Multiplications and additions are kept
//! apart, so that every CPU gives the same bits.

use std::f64::consts::{LN_2, LOG2_E};

/// 1/k! from k = 2 up to 13.
const COEFFICIENTS: [f64; 12] = {
    let mut out = [0.0; 12];
    let (mut factorial, mut k) = (1.0, 2);
    while k < 14 {
        factorial *= k as f64;
        out[k - 2] = 1.0 / factorial;
        k += 1;
    }
    out
};

/// eˣ for x ≤ 709 to 2.5·10⁻¹⁶ relative; 0 below −708, NaN of NaN. Above 709 the result has no meaning.
#[inline(always)]
pub(crate) fn exp(x: f64) -> f64 {
    // Adding 1.5·2⁵² rounds to an integer, which is then found in the lowest bits.
    const ROUND: f64 = 6_755_399_441_055_744.0;
    // ln 2 with its lowest 32 bits cut off, so that n·ln 2 is exact for every exponent n, and the rest.
    const LN_2_HIGH: f64 = f64::from_bits(LN_2.to_bits() & !0xFFFF_FFFF);
    const LN_2_LOW: f64 = (LN_2 - LN_2_HIGH) + 2.319_046_813_846_299_6e-17;
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    // (eʳ − 1 − r)/r² by Estrin's scheme: short chains, where Horner's would keep the CPU waiting.
    let (r2, c) = (r * r, &COEFFICIENTS);
    let r4 = r2 * r2;
    let low = (c[0] + c[1] * r) + (c[2] + c[3] * r) * r2;
    let middle = (c[4] + c[5] * r) + (c[6] + c[7] * r) * r2;
    let high = (c[8] + c[9] * r) + (c[10] + c[11] * r) * r2;
    let series = low + (middle + high * r4) * r4;
    let power = f64::from_bits((shifted.to_bits() << 52).wrapping_add(1.0f64.to_bits()));
    let value = (1.0 + (r + r2 * series)) * power;
    if x < -708.0 { 0.0 } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dense_grid_agrees_with_the_library() {
        let mut worst = 0f64;
        for i in 0..2_000_000 {
            // Dense everywhere, and at no round number.
            let x = -708.0 * f64::from(i) / 2_000_000.0 + 1e-7;
            worst = worst.max((exp(x) / x.exp() - 1.0).abs());
            let small = x / 708.0;
            worst = worst.max((exp(small) / small.exp() - 1.0).abs());
        }
        assert!(worst < 4.5e-16, "{worst:e}: two roundings of each");
    }

    // Reference values: mpmath at 40 digits.
    #[test]
    fn forty_digits_agree_to_the_last_bits() {
        for (x, want) in [
            (-0.5, 0.606_530_659_712_633_4),
            (-1.0, 0.367_879_441_171_442_3),
            (-10.25, 3.535_750_085_040_998e-5),
            (-100.0, 3.720_075_976_020_836e-44),
            (-707.5, 5.453_232_991_066_742e-308),
            (709.0, 8.218_407_461_554_972e307),
        ] {
            assert!((exp(x) / want - 1.0).abs() < 2.5e-16, "{x}: {:e}", exp(x));
        }
    }

    #[test]
    fn the_ends_are_safe() {
        assert_eq!((exp(0.0), exp(-0.0), exp(-1e-300)), (1.0, 1.0, 1.0));
        for x in [-708.1, -746.0, -1e6, -1e300, f64::MIN, f64::NEG_INFINITY] {
            assert_eq!(exp(x), 0.0, "{x}");
        }
        assert!(exp(f64::NAN).is_nan() && exp(-f64::NAN).is_nan());
    }
}
