//! Solving a monotone equation: quantiles of the laws that have none in closed form.

/// The root of a decreasing function between `low` and `high`, by Newton's method inside a shrinking bracket.
///
/// `f` gives (value, derivative) in logarithmic coordinates (ln of a tail probability against ln x or asinh x),
/// where curvature is moderate: a Newton step below 10⁻⁸ leaves an error below rounding.
pub(super) fn decreasing_root(
    mut low: f64,
    mut high: f64,
    start: f64,
    mut f: impl FnMut(f64) -> (f64, f64),
) -> f64 {
    let mut s = if start > low && start < high { start } else { 0.5 * (low + high) };
    let mut last_step = high - low;
    for _ in 0..200 {
        let (value, slope) = f(s);
        if value == 0.0 {
            return s;
        }
        if value > 0.0 {
            low = s;
        } else {
            high = s;
        }
        let newton = s - value / slope;
        let inside = newton >= low && newton <= high;
        if inside && ((newton - s).abs() < 1e-8 || value.abs() < 4e-16) {
            return newton;
        }
        let next = if inside && (newton - s).abs() < 0.5 * last_step { newton } else { 0.5 * (low + high) };
        last_step = (next - s).abs();
        s = next;
        if last_step <= 2.0 * f64::EPSILON * s.abs() {
            break;
        }
    }
    s
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newton_and_bisection_meet() {
        let root = decreasing_root(0.0, 1e6, 1e6, |s| (2f64.ln() - s.ln_1p(), -1.0 / (1.0 + s)));
        assert!((root - 1.0).abs() < 1e-14, "{root}");
        // A plateau, where Newton alone would leap away.
        let root = decreasing_root(-50.0, 50.0, 40.0, |s| (-(s - 3.0).powi(3), -3.0 * (s - 3.0).powi(2)));
        assert!((root - 3.0).abs() < 2e-3, "{root}");
    }
}
