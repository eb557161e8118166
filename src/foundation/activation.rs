//! The activations of a network in single precision, in a form that a compiler can vectorise: no branch, no table, no call.
//!
//! All come down to eˣ − 1 = 2ⁿ·(eʳ − 1) + (2ⁿ − 1) with x = n·ln 2 + r (Cody & Waite 1980) and eʳ − 1 by its Taylor series
//! on |r| ≤ ½·ln 2, where the first term left out is below 6·10⁻⁹. Multiplications and additions are kept apart, so that
//! every CPU gives the same bits.

use std::f32::consts::LOG2_E;

/// 2ⁿ and eʳ − 1 for x from −87 to 88.
#[inline(always)]
fn parts(x: f32) -> (f32, f32) {
    // Adding 1.5·2²³ rounds to an integer, which is then found in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    // ln 2 in twelve bits, so that n·ln 2 is exact for every exponent n, and the rest.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let shifted = x * LOG2_E + ROUND;
    let n = shifted - ROUND;
    let r = (x - n * LN_2_HIGH) - n * LN_2_LOW;
    let r2 = r * r;
    let low = 0.5 + r * (1.0 / 6.0);
    let middle = (1.0 / 24.0) + r * (1.0 / 120.0);
    let high = (1.0 / 720.0) + r * (1.0 / 5040.0);
    let power = f32::from_bits((shifted.to_bits() << 23).wrapping_add(1f32.to_bits()));
    (power, r + r2 * (low + r2 * (middle + r2 * high)))
}

/// eˣ to 2·10⁻⁷ relative; x below −87 counts as −87 and x above 88 as 88; NaN of NaN.
#[inline(always)]
pub(crate) fn exp(x: f32) -> f32 {
    let (power, rest) = parts(x.clamp(-87.0, 88.0));
    power + power * rest
}

/// The logistic function 1/(1 + e⁻ˣ) to 3·10⁻⁷ relative for x above −87; NaN of NaN.
#[inline(always)]
pub(crate) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

/// The hyperbolic tangent, to 3·10⁻⁷ relative also next to 0, and ±1 beyond ±10; NaN of NaN.
#[inline(always)]
pub(crate) fn tanh(x: f32) -> f32 {
    let (power, rest) = parts(2.0 * x.clamp(-10.0, 10.0));
    let less_one = power * rest + (power - 1.0);
    less_one / (less_one + 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Largest relative error on a dense grid without round numbers.
    fn worst(from: f64, to: f64, ours: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> f64 {
        (0..1_000_000).fold(0f64, |worst, i| {
            let x = (from + (to - from) * f64::from(i) / 1e6 + 1e-7) as f32;
            let want = exact(f64::from(x));
            worst.max((f64::from(ours(x)) / want - 1.0).abs())
        })
    }

    #[test]
    fn a_dense_grid_agrees_with_double_precision() {
        let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
        for (from, to) in [(-87.0, 88.0), (-1.0, 1.0), (-1e-3, 1e-3)] {
            assert!(worst(from, to, exp, f64::exp) < 2e-7, "exp on {from} to {to}");
            assert!(worst(from, to, sigmoid, logistic) < 3e-7, "sigmoid on {from} to {to}");
            assert!(worst(from, to, tanh, f64::tanh) < 3e-7, "tanh on {from} to {to}");
        }
    }

    #[test]
    fn the_ends_are_safe() {
        assert_eq!((exp(0.0), sigmoid(0.0), tanh(0.0)), (1.0, 0.5, 0.0));
        for x in [100.0, 1e10, f32::MAX, f32::INFINITY] {
            assert_eq!((sigmoid(x), tanh(x), tanh(-x)), (1.0, 1.0, -1.0), "{x}");
            assert!(sigmoid(-x) < 2e-38 && exp(-x) < 2e-38 && exp(x).is_finite(), "{x}");
        }
        assert!(exp(f32::NAN).is_nan() && sigmoid(f32::NAN).is_nan() && tanh(f32::NAN).is_nan());
    }
}
