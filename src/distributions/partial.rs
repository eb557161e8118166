//! Partial expectations E\[X; X > t\] of the laws that have no closed form for them.
//!
//! E\[X; X > t\] = t·P(X > t) + ∫ₜ^∞ P(X > x) dx, or E\[X\] less the same of the lower tail where that is the smaller one. The
//! tail is integrated in ln of the distance to t, in units of the tail's own median excess; beyond the largest numbers
//! a power tail of index α holds x·P(X > x)/(α − 1) more (Karamata's theorem).

use super::Distribution;
use crate::foundation::quadrature::integrate;

/// weight·value, 0 where the weight is 0 whatever the value.
pub(super) fn weighted(weight: f64, value: f64) -> f64 {
    if weight == 0.0 { 0.0 } else { weight * value }
}

/// E\[X; X > t\] by quadrature; `None` without a mean, or where the tail is too rough to be integrated.
pub(super) fn upper_expectation<D: Distribution + ?Sized>(law: &D, t: f64) -> Option<f64> {
    let mean = law.mean()?;
    let (above, below) = (law.sf(t), law.cdf(t));
    if above <= below {
        let tail = Tail { mass: above, sign: 1.0, unit: (law.upper_quantile(0.5 * above) - t).abs() };
        let area = tail.area(t, weighted(above, t.abs()), |x| law.sf(x))?;
        Some(weighted(above, t) + area)
    } else {
        let tail = Tail { mass: below, sign: -1.0, unit: (law.quantile(0.5 * below) - t).abs() };
        let area = tail.area(t, mean.abs(), |x| law.cdf(x))?;
        Some(mean - (weighted(below, t) - area))
    }
}

/// A tail beyond a point.
struct Tail {
    mass: f64,
    /// 1 where it goes upwards, −1 downwards.
    sign: f64,
    /// How far on half of it is left.
    unit: f64,
}

impl Tail {
    /// ∫ of the tail probability beyond t, which will be added to something as large as `size`.
    fn area(&self, t: f64, size: f64, tail: impl Fn(f64) -> f64) -> Option<f64> {
        let &Self { mass, sign, unit } = self;
        if mass == 0.0 || unit == 0.0 {
            return Some(0.0);
        }
        // The distance to t is unit·(e^y − 1), up to numbers whose logarithm is `LAST`.
        const LAST: f64 = 690.0;
        let end = LAST - unit.max(t.abs()).ln();
        if end <= 1.0 {
            return power_tail(t, &tail);
        }
        let at = |y: f64| t + sign * ((y + unit.ln()).exp() - unit);
        let mut edges = vec![0.0];
        edges.extend((0..12).map(|k| 0.7 * 2f64.powi(k)).take_while(|y| *y < end));
        edges.push(end);
        // Close to an end of the support, t itself is known to fewer digits than this area is small.
        let tolerance = 1e-12 * (size / (mass * unit)).clamp(1.0, 1e10);
        let area = integrate(&edges, tolerance, |y| [tail(at(y)) * (y + unit.ln()).exp()]).ok()?.value[0];
        Some(area + power_tail(at(end), &tail)?).filter(|a| a.is_finite())
    }
}

/// ∫ beyond t of a tail that is a power of |t|; `None` where it diverges.
fn power_tail(t: f64, tail: impl Fn(f64) -> f64) -> Option<f64> {
    let (last, half) = (tail(t), tail(0.5 * t));
    if last == 0.0 {
        return Some(0.0);
    }
    let index = (half / last).log2();
    (index > 1.0).then(|| last * t.abs() / (index - 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn quadrature_agrees_with_the_closed_forms() {
        for spec in [
            "normal:mean=2,sd=3",
            "laplace:location=1,scale=2",
            "exponential:scale=4",
            "log_normal:mu=1,sigma=1.5",
            "student_t:df=1.05,location=3",
            "student_t:df=3,scale=2",
            "pareto:index=1.5",
            "generalized_pareto:xi=0.5,location=2",
            "generalized_pareto:xi=-0.4",
            "uniform:low=-1,high=3",
        ] {
            let spec = testing::law(spec);
            let law = spec.part();
            for p in [1e-100, 1e-12, 1e-3, 0.3, 0.7, 0.999, 1.0 - 1e-12] {
                let t = law.upper_quantile(p);
                let closed = law.upper_expectation(t).unwrap();
                let summed = upper_expectation(law, t).unwrap_or_else(|| panic!("{spec} at {t}"));
                let scale = closed.abs() + 1e-3 * f64::from(u8::from(p > 0.2));
                assert!((closed - summed).abs() <= 3e-11 * scale, "{spec} at {t}: {closed:e}, {summed:e}");
            }
            assert_eq!(law.upper_expectation(f64::INFINITY), Some(0.0), "{spec}");
        }
    }

    // Reference values: mpmath, Γ(1 + 1/k, (t/scale)^k)·scale.
    #[test]
    fn laws_without_a_closed_form_have_a_partial_expectation() {
        let weibull = |t: f64| testing::law("weibull:shape=0.5,scale=2").part().upper_expectation(t).unwrap();
        // Γ(3, z) = (z² + 2z + 2)·e^(−z).
        for t in [-1.0, 0.0, 0.02, 2.0, 800.0, 2e5] {
            let z = (f64::max(t, 0.0) / 2.0).sqrt();
            testing::close(weibull(t), 2.0 * (z * z + 2.0 * z + 2.0) * (-z).exp(), 1e-11);
        }
        // A stable law with α = 2 is a normal with standard deviation √2.
        let (stable, normal) = (testing::law("stable:alpha=2"), testing::law("normal:sd=1.4142135623730951"));
        for t in [-2.0, 0.0, 1.0, 4.0] {
            let want = normal.part().upper_expectation(t).unwrap();
            testing::close(stable.part().upper_expectation(t).unwrap(), want, 1e-10);
        }
        assert_eq!(testing::law("levy").part().upper_expectation(1.0), None);
        assert_eq!(testing::law("student_t:df=1").part().upper_expectation(1.0), None);
    }
}
