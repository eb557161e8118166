//! A positive function made cheap: ln f as Chebyshev series on pieces of asinh(t).
//!
//! asinh is linear near 0 and a logarithm far out, where tails are straight. A piece is halved until the last two of
//! its 16 coefficients are below the tolerance, which bounds the relative error of f for the smooth functions at hand
//! (Trefethen 2013, *Approximation Theory and Approximation Practice*, ch. 8). A piece that is as narrow as a piece may
//! be and not below it, at a kink or where f itself has fewer digits, gives no values.

use super::TheoryError;
use std::f64::consts::PI;

const TERMS: usize = 16;
/// Pieces are not halved below this width in asinh(t).
const NARROWEST: f64 = 1e-4;
/// Pieces beyond which nothing is halved: what needs more has no digits to be found.
const MOST_PIECES: usize = 2000;

#[derive(Debug, Clone)]
struct Piece {
    low: f64,
    high: f64,
    coefficients: [f64; TERMS],
    is_resolved: bool,
}

/// ln f between two points.
#[derive(Debug, Clone)]
pub(super) struct Interpolant {
    pieces: Vec<Piece>,
}

impl Interpolant {
    /// Of `f`, which is positive between `low` and `high`; `tolerance` is for the last coefficients of ln f.
    ///
    /// # Errors
    /// Whatever `f` refuses.
    pub(super) fn new(
        (low, high): (f64, f64),
        tolerance: f64,
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
            let piece = Piece::new((low, high), tolerance, &f)?;
            let is_last = high - low < NARROWEST || pieces.len() + waiting.len() >= MOST_PIECES;
            if piece.is_resolved || is_last {
                pieces.push(piece);
            } else {
                let middle = 0.5 * (low + high);
                waiting.push((middle, high));
                waiting.push((low, middle));
            }
        }
        Ok(Self { pieces })
    }

    /// f(t); `None` outside of the two points, and where f is not resolved.
    pub(super) fn at(&self, t: f64) -> Option<f64> {
        let y = t.asinh();
        let piece = self.pieces.get(self.pieces.partition_point(|p| p.high < y))?;
        (y >= piece.low && piece.is_resolved).then(|| piece.at(y).exp())
    }

    /// The two points, as asinh(t).
    pub(super) fn ends(&self) -> Option<(f64, f64)> {
        Some((self.pieces.first()?.low, self.pieces.last()?.high))
    }
}

impl Piece {
    fn new(
        (low, high): (f64, f64),
        tolerance: f64,
        f: &impl Fn(f64) -> Result<f64, TheoryError>,
    ) -> Result<Self, TheoryError> {
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
        let [first, .., before, last] = coefficients;
        let is_resolved = before.abs() + last.abs() < tolerance * (1.0 + 0.01 * first.abs());
        Ok(Self { low, high, coefficients, is_resolved })
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
            let table = Interpolant::new((-20.0, 80.0), 1e-9, |t| Ok(f(t))).unwrap();
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
    fn no_value_is_given_at_a_kink() {
        let table = Interpolant::new((-4.0, 4.0), 1e-9, |t| Ok(1.0 + (t - 1.0).max(0.0))).unwrap();
        assert_eq!(table.at(1.0), None);
        for (t, f) in [(0.9, 1.0), (1.1, 1.1), (3.0, 3.0)] {
            assert!((table.at(t).unwrap() - f).abs() < 1e-8, "{t}");
        }
    }

    #[test]
    fn what_f_refuses_comes_back() {
        let fault = || TheoryError::argument("t", 1.0, "none");
        assert_eq!(Interpolant::new((0.0, 1.0), 1e-9, |_| Err(fault())).unwrap_err(), fault());
    }
}
