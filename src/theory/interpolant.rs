//! A positive function made cheap: ln f as Chebyshev series on pieces of asinh(t).
//!
//! asinh is linear near 0 and a logarithm far out, where tails are straight. A piece is halved until the last two of
//! its 16 coefficients are below the tolerance, which bounds the relative error of f for the smooth functions at hand
//! (Trefethen 2013, *Approximation Theory and Approximation Practice*, ch. 8).

use super::TheoryError;
use std::f64::consts::PI;

const TERMS: usize = 16;
/// Last coefficients of ln f that are small enough.
const TOLERANCE: f64 = 1e-9;
/// Pieces are not halved below this width in asinh(t).
const NARROWEST: f64 = 1e-4;

#[derive(Debug, Clone)]
struct Piece {
    low: f64,
    high: f64,
    coefficients: [f64; TERMS],
}

/// ln f between two points.
#[derive(Debug, Clone)]
pub(super) struct Interpolant {
    pieces: Vec<Piece>,
}

impl Interpolant {
    /// Of `f`, which is positive between `low` and `high`.
    ///
    /// # Errors
    /// Whatever `f` refuses.
    pub(super) fn new(
        (low, high): (f64, f64),
        f: impl Fn(f64) -> Result<f64, TheoryError>,
    ) -> Result<Self, TheoryError> {
        let (low, high) = (low.asinh(), high.asinh());
        let first = (high - low).ceil().max(1.0);
        let at = |i: f64| low + (high - low) * i / first;
        // From right to left on the stack, so that pieces come out in ascending order.
        let mut waiting: Vec<(f64, f64)> =
            (0..first as usize).rev().map(|i| (at(i as f64), at(i as f64 + 1.0))).collect();
        let mut pieces = Vec::with_capacity(waiting.len() * 2);
        while let Some((low, high)) = waiting.pop() {
            let piece = Piece::new(low, high, &f)?;
            if piece.is_resolved() || high - low < NARROWEST {
                pieces.push(piece);
            } else {
                let middle = 0.5 * (low + high);
                waiting.push((middle, high));
                waiting.push((low, middle));
            }
        }
        Ok(Self { pieces })
    }

    /// f(t); `None` outside of the two points.
    pub(super) fn at(&self, t: f64) -> Option<f64> {
        let y = t.asinh();
        let piece = self.pieces.get(self.pieces.partition_point(|p| p.high < y))?;
        (y >= piece.low).then(|| piece.at(y).exp())
    }
}

impl Piece {
    fn new(low: f64, high: f64, f: &impl Fn(f64) -> Result<f64, TheoryError>) -> Result<Self, TheoryError> {
        let angle = |j: usize| PI * (j as f64 + 0.5) / TERMS as f64;
        let mut values = [0.0; TERMS];
        for (j, value) in values.iter_mut().enumerate() {
            let y = 0.5 * (low + high) + 0.5 * (high - low) * angle(j).cos();
            *value = f(y.sinh())?.max(f64::MIN_POSITIVE).ln();
        }
        let mut coefficients = [0.0; TERMS];
        for (k, coefficient) in coefficients.iter_mut().enumerate() {
            let sum: f64 = values.iter().enumerate().map(|(j, v)| v * (k as f64 * angle(j)).cos()).sum();
            *coefficient = sum * if k == 0 { 1.0 } else { 2.0 } / TERMS as f64;
        }
        Ok(Self { low, high, coefficients })
    }

    fn is_resolved(&self) -> bool {
        let [.., before, last] = self.coefficients;
        before.abs() + last.abs() < TOLERANCE * (1.0 + 0.01 * self.coefficients[0].abs())
    }

    /// Clenshaw's sum.
    fn at(&self, y: f64) -> f64 {
        let x = (2.0 * y - self.low - self.high) / (self.high - self.low);
        let (mut b1, mut b2) = (0.0, 0.0);
        for coefficient in self.coefficients[1..].iter().rev() {
            (b1, b2) = (2.0 * x * b1 - b2 + coefficient, b1);
        }
        x * b1 - b2 + self.coefficients[0]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::special::normal_sf;

    #[test]
    fn tails_of_any_shape_keep_nine_digits() {
        type Case = (&'static str, fn(f64) -> f64);
        let cases: [Case; 4] = [
            ("normal", |t| normal_sf(t / 3.0)),
            ("power", |t| 1.0 / (1.0 + t.max(0.0) * t.max(0.0))),
            ("far edge", |t| normal_sf(t - 50.0)),
            ("constant", |_| 0.25),
        ];
        for (name, f) in cases {
            let table = Interpolant::new((-20.0, 80.0), |t| Ok(f(t))).unwrap();
            for i in 0..=5000 {
                let t = -19.99 + 0.02 * f64::from(i);
                let t = t.min(79.99);
                let got = table.at(t).unwrap();
                assert!((got / f(t) - 1.0).abs() < 2e-8, "{name} at {t}: {got:e} {:e}", f(t));
            }
            assert_eq!((table.at(-21.0), table.at(81.0)), (None, None), "{name}");
        }
    }

    #[test]
    fn what_f_refuses_comes_back() {
        let fault = || TheoryError::argument("t", 1.0, "none");
        assert_eq!(Interpolant::new((0.0, 1.0), |_| Err(fault())).unwrap_err(), fault());
    }
}
