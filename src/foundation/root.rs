//! Brent's root finder (Brent 1973, *Algorithms for Minimization without Derivatives*, ch. 4).

/// A root of `f` between `a` and `b`, to within `tolerance`, given f(a) and f(b) of opposite signs.
///
/// Where the signs agree, or a value is NaN, the end with the smaller |f| comes back.
pub fn root(
    mut f: impl FnMut(f64) -> f64,
    (mut a, mut fa): (f64, f64),
    (mut b, mut fb): (f64, f64),
    tolerance: f64,
) -> f64 {
    let (mut c, mut fc) = (a, fa);
    let (mut step, mut previous) = (b - a, b - a);
    for _ in 0..100 {
        if fc.abs() < fb.abs() {
            (a, b, c) = (b, c, b);
            (fa, fb, fc) = (fb, fc, fb);
        }
        let margin = 2.0 * f64::EPSILON * b.abs() + 0.5 * tolerance;
        let middle = 0.5 * (c - b);
        if middle.abs() <= margin || fb == 0.0 {
            return b;
        }
        let interpolated = interpolate((a, fa), (b, fb), (c, fc));
        let usable = previous.abs() >= margin
            && fa.abs() > fb.abs()
            && interpolated.is_some_and(|d| {
                d * middle > 0.0 && d.abs() < (1.5 * middle.abs() - 0.5 * margin).min(0.5 * previous.abs())
            });
        previous = if usable { step } else { middle };
        step = interpolated.filter(|_| usable).unwrap_or(middle);
        (a, fa) = (b, fb);
        b += if step.abs() > margin { step } else { margin.copysign(middle) };
        fb = f(b);
        if (fb > 0.0) == (fc > 0.0) {
            (c, fc) = (a, fa);
            (step, previous) = (b - a, b - a);
        }
    }
    b
}

/// Where `f` crosses zero between `low` and `high`, to the last digits; `None` where the ends have the same sign or NaN.
pub fn crossing(low: f64, high: f64, mut f: impl FnMut(f64) -> f64) -> Option<f64> {
    let (at_low, at_high) = (f(low), f(high));
    let crosses = at_low == 0.0 || at_high == 0.0 || (at_low < 0.0) != (at_high < 0.0);
    if at_low.is_nan() || at_high.is_nan() || !crosses {
        return None;
    }
    if at_low == 0.0 {
        return Some(low);
    }
    Some(root(f, (low, at_low), (high, at_high), 0.0))
}

/// Step from `b` by inverse quadratic interpolation, or by the secant where only two points differ.
fn interpolate((a, fa): (f64, f64), (b, fb): (f64, f64), (c, fc): (f64, f64)) -> Option<f64> {
    let s = fb / fa;
    let (p, q) = if a == c {
        ((c - b) * s, 1.0 - s)
    } else {
        let (q, r) = (fa / fc, fb / fc);
        (s * ((c - b) * q * (q - r) - (b - a) * (r - 1.0)), (q - 1.0) * (r - 1.0) * (s - 1.0))
    };
    let step = -p / q;
    step.is_finite().then_some(step)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_roots_quickly() {
        let mut calls = 0;
        let f = |x: f64| x.cos() - x;
        let found = root(
            |x| {
                calls += 1;
                f(x)
            },
            (0.0, f(0.0)),
            (1.0, f(1.0)),
            1e-14,
        );
        assert!((found - 0.739_085_133_215_160_6).abs() < 1e-14, "{found}");
        assert!(calls <= 9, "{calls} evaluations");
    }

    #[test]
    fn a_crossing_needs_a_change_of_sign() {
        assert_eq!(crossing(0.0, 1.0, |x| x + 1.0), None);
        assert_eq!(crossing(0.0, 1.0, |_| f64::NAN), None);
        assert_eq!(crossing(0.0, 1.0, |x| x), Some(0.0));
        let found = crossing(0.0, 800.0, |x| 1e-9 - (-x).exp()).unwrap();
        assert!((found - 9.0 * 10f64.ln()).abs() < 1e-13, "{found}");
    }

    #[test]
    fn survives_a_step_function() {
        let f = |x: f64| if x < 0.3 { -1.0 } else { 1.0 };
        assert!((root(f, (0.0, -1.0), (1.0, 1.0), 1e-12) - 0.3).abs() < 1e-11);
    }
}
