//! The law of U = V + X for independent V and X: its density, and what V and X are where it is.
//!
//! f(u) = ∫ f_V(v)·f_X(u − v) dv, and with a factor v or u − v under the integral f(u)·E\[V | U = u\] and f(u)·E\[X | U =
//! u\]. The line is cut halfway between the centre of V and that of u − X; either side is integrated in its own law's
//! variable, so that neither centre is lost to rounding when the other law puts u far out.

use super::ladder::{Ladder, edges};
use crate::distributions::Distribution;
use crate::foundation::quadrature::{QuadratureError, integrate, integrate_panels};
use std::cell::Cell;

/// Error of the density and its moments, as a share of them.
const TOLERANCE: f64 = 1e-8;
/// The same where rounding allows no better.
const CLOSE_TO_AN_END: f64 = 1e-3;
/// ln of a share of a density that is left out.
const NOTHING: f64 = -36.0;

/// Two independent laws to be added.
#[derive(Debug)]
pub(super) struct Sum<'a> {
    utility: &'a dyn Distribution,
    error: &'a dyn Distribution,
    of_utility: Ladder,
    of_error: Ladder,
    /// Points at which densities were integrated so far.
    spent: Cell<u64>,
}

/// One of the two laws, in whose variable is integrated.
struct Side<'a> {
    law: &'a dyn Distribution,
    ladder: &'a Ladder,
}

impl<'a> Sum<'a> {
    pub fn new(utility: &'a dyn Distribution, error: &'a dyn Distribution) -> Self {
        let (of_utility, of_error) = (Ladder::new(utility), Ladder::new(error));
        Self { utility, error, of_utility, of_error, spent: Cell::new(0) }
    }

    /// Points at which densities were integrated so far: what the answer has cost.
    pub fn spent(&self) -> u64 {
        self.spent.get()
    }

    /// Interquartile ranges of V and X.
    pub fn spreads(&self) -> (f64, f64) {
        (self.of_utility.spread, self.of_error.spread)
    }

    /// Medians of V and X.
    pub fn centres(&self) -> (f64, f64) {
        (self.of_utility.centre, self.of_error.centre)
    }

    /// Sum of the medians.
    pub fn centre(&self) -> f64 {
        self.of_utility.centre + self.of_error.centre
    }

    /// Lower and upper end of the support.
    pub fn support(&self) -> (f64, f64) {
        let (v, x) = (self.of_utility.support, self.of_error.support);
        (v.0 + x.0, v.1 + x.1)
    }

    /// What V's and X's densities integrate to: 1, unless one is too steep to be integrated.
    pub fn masses(&self) -> Result<[f64; 2], QuadratureError> {
        let mass = |law: &dyn Distribution, ladder: &Ladder| {
            let (Some(&first), Some(&last)) = (ladder.core.first(), ladder.core.last()) else {
                return Ok(0.0);
            };
            let cuts = edges(ladder.core.clone(), (first, last), &[(ladder.centre, ladder.spread)]);
            integrate(&cuts, TOLERANCE, |y| [law.ln_pdf(y).exp()]).map(|i| i.value[0])
        };
        Ok([mass(self.utility, &self.of_utility)?, mass(self.error, &self.of_error)?])
    }

    /// P(U ≤ u), to 10⁻¹⁶ and 10⁻⁹ of itself.
    pub fn cdf(&self, u: f64) -> Result<f64, QuadratureError> {
        let v = &self.of_utility;
        let mut points = v.core.to_vec();
        points.extend(self.of_error.core.iter().map(|x| u - x));
        let ends = |points: &[f64]| Some((*points.first()?, *points.last()?));
        let Some(range) = ends(&v.core) else { return Ok(0.0) };
        let centres = [(v.centre, v.spread), (u - self.of_error.centre, self.of_error.spread)];
        let cuts = edges(points, range, &centres);
        let integrand = |y: f64| [self.utility.ln_pdf(y).exp() * self.error.cdf(u - y)];
        let integral = integrate(&cuts, TOLERANCE, integrand)
            .or_else(|_| integrate(&cuts, CLOSE_TO_AN_END, integrand))?;
        Ok(integral.value[0])
    }

    /// f(u), f(u)·E\[V | U = u\] and f(u)·E\[X | U = u\].
    pub fn density(&self, u: f64) -> Result<[f64; 3], QuadratureError> {
        let v = Side { law: self.utility, ladder: &self.of_utility };
        let x = Side { law: self.error, ladder: &self.of_error };
        let excess = u - self.centre();
        let (v_ends, x_ends) = (self.of_utility.support, self.of_error.support);
        let (first, last) = (v_ends.0.max(u - x_ends.1), v_ends.1.min(u - x_ends.0));
        let (low, high) = self.support();
        if u <= low || u >= high {
            return Ok([0.0; 3]);
        }
        let halfway = self.of_utility.centre + 0.5 * excess;
        let middle = 0.5 * (first + last);
        let inside = (halfway > first && halfway < last) || !middle.is_finite();
        let cut = if inside { halfway.max(first).min(last) } else { middle };
        let (x_first, x_last) = (x_ends.0.max(u - v_ends.1), x_ends.1.min(u - v_ends.0));
        // V's side of the cut, the one with V's centre, lies below it where u is above the centre. A law that ends on the
        // other side keeps its end, where its density may be singular: all of the line if it alone ends there.
        let ends =
            if excess >= 0.0 { [v_ends.1, x_ends.1] } else { [v_ends.0, x_ends.0] }.map(f64::is_finite);
        let ranges = match ends {
            [true, false] => [Some((first, last)), None],
            [false, true] => [None, Some((x_first, x_last))],
            [both, _] if (excess >= 0.0) != both => [Some((first, cut)), Some((x_first, u - cut))],
            _ => [Some((cut, last)), Some((u - cut, x_last))],
        };
        let mut total = [0.0; 3];
        for ((own, other), range) in [(&v, &x), (&x, &v)].into_iter().zip(ranges) {
            let Some(range) = range.filter(|(low, high)| low < high) else { continue };
            let [density, mine, rest] = half(own, other, u, range, &self.spent)?;
            let parts = if std::ptr::eq(own, &v) { [density, mine, rest] } else { [density, rest, mine] };
            for (sum, part) in total.iter_mut().zip(parts) {
                *sum += part;
            }
        }
        Ok(total)
    }
}

/// ∫ f_own(y)·f_other(u − y)·(1, y, u − y) dy over a range of `own`'s variable that ends at the cut on one side.
fn half(
    own: &Side<'_>,
    other: &Side<'_>,
    u: f64,
    range: (f64, f64),
    spent: &Cell<u64>,
) -> Result<[f64; 3], QuadratureError> {
    let ln_density = |y: f64| {
        let mine = own.law.ln_pdf(y);
        if mine == f64::NEG_INFINITY { mine } else { mine + other.law.ln_pdf(u - y) }
    };
    let (Some(&first), Some(&last)) = (own.ladder.core.first(), own.ladder.core.last()) else {
        return Ok([0.0; 3]);
    };
    // An open end is the end of the core for now.
    let low = if range.0.is_finite() { range.0 } else { first.min(range.1) };
    let high = if range.1.is_finite() { range.1 } else { last.max(range.0) };
    let mut points: Vec<f64> = own.ladder.core.to_vec();
    points.extend(other.ladder.core.iter().map(|x| u - x));
    let centres = [(own.ladder.centre, own.ladder.spread), (u - other.ladder.centre, other.ladder.spread)];
    let mut cuts: Vec<(f64, f64)> =
        edges(points, (low, high), &centres).into_iter().map(|y| (y, ln_density(y))).collect();
    // Two densities that are numbers may have a product that is not.
    let shift = cuts.iter().map(|cut| cut.1).filter(|l| l.is_finite()).fold(f64::NEG_INFINITY, f64::max);
    if shift < -1e4 {
        return Ok([0.0; 3]);
    }
    // ln of what a panel could hold, of the mass or of a mean, if its density were that of one point throughout.
    let share = |y: f64, ln_density: f64, width: f64| {
        ln_density + width.ln() + 2.0 * ((y - own.ladder.centre) / own.ladder.spread).abs().ln_1p()
    };
    let in_the_middle = |pair: &[(f64, f64)]| {
        let middle = 0.5 * (pair[0].0 + pair[1].0);
        (middle, ln_density(middle))
    };
    let width = |pair: &[(f64, f64)]| pair[1].0 - pair[0].0;
    let held = cuts.windows(2).map(|pair| in_the_middle(pair).1 + width(pair).ln());
    let enough = held.filter(|l| l.is_finite()).fold(f64::NEG_INFINITY, f64::max) + NOTHING;
    // Out from the core into open tails, until nothing counts.
    for (open, outermost, direction) in [
        (range.0.is_infinite(), cuts.first().copied(), -1.0),
        (range.1.is_infinite(), cuts.last().copied(), 1.0),
    ] {
        let mut last = outermost.filter(|_| open);
        while let Some((y, _)) = last.filter(|(y, l)| {
            share(*y, *l, 3.0 * (y - own.ladder.centre).abs() + own.ladder.spread) > enough && y.abs() < 1e300
        }) {
            let next =
                own.ladder.centre + 4.0 * direction * (y - own.ladder.centre).abs().max(own.ladder.spread);
            let next = (next, ln_density(next));
            if direction > 0.0 {
                cuts.push(next)
            } else {
                cuts.insert(0, next)
            }
            last = Some(next);
        }
    }
    let panels = || {
        cuts.windows(2).filter_map(|pair| {
            let counts = |(y, l): (f64, f64)| share(y, l, width(pair)) > enough;
            (counts(pair[0]) || counts(pair[1]) || counts(in_the_middle(pair)))
                .then_some((pair[0].0, pair[1].0))
        })
    };
    let integrand = |y: f64| {
        spent.set(spent.get() + 1);
        let density = (ln_density(y) - shift).exp();
        if density == 0.0 { [0.0; 3] } else { [density, density * y, density * (u - y)] }
    };
    // Within a few digits of an end of the support u − y has no more than those; whoever sums over u checks the mass.
    let integral = integrate_panels(panels(), TOLERANCE, integrand)
        .or_else(|_| integrate_panels(panels(), CLOSE_TO_AN_END, integrand))?;
    Ok(integral.value.map(|v| v * shift.exp()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::special::normal_ln_pdf;

    fn law(spec: &str) -> DistributionSpec {
        spec.parse().unwrap()
    }

    #[test]
    fn two_normals_add_to_a_normal() {
        for (sd_v, sd_x) in [(1.0, 1.0), (2.0, 1e-3), (1e-3, 2.0)] {
            let (v, x) = (law(&format!("normal:mean=3,sd={sd_v}")), law(&format!("normal:sd={sd_x}")));
            let sum = Sum::new(v.part(), x.part());
            let variance: f64 = sd_v * sd_v + sd_x * sd_x;
            for z in [-9.0, -2.0, 0.0, 0.3, 4.0, 12.0] {
                let u = 3.0 + z * variance.sqrt();
                let [density, utility, _] = sum.density(u).unwrap();
                let want = normal_ln_pdf(z).exp() / variance.sqrt();
                assert!(
                    (density / want - 1.0).abs() < 1e-11,
                    "{sd_v}, {sd_x}, {z}: {density:e}, not {want:e}"
                );
                let given = 3.0 + sd_v * sd_v / variance * (u - 3.0);
                assert!((utility / density - given).abs() < 1e-10 * (1.0 + given.abs()), "{utility}");
            }
        }
    }

    #[test]
    fn cauchy_laws_add_to_a_cauchy_law_however_far_out() {
        let (v, x) = (law("student_t:df=1"), law("student_t:df=1,scale=3"));
        let sum = Sum::new(v.part(), x.part());
        for u in [-1e20, -5.0, 0.0, 2.0, 1e9, 1e80] {
            let got = sum.density(u).unwrap()[0];
            let want = 4.0 / std::f64::consts::PI / (16.0 + u * u);
            assert!((got / want - 1.0).abs() < 1e-10, "{u}: {got:e}, not {want:e}");
        }
    }

    #[test]
    fn bounded_and_singular_laws_keep_to_their_support() {
        let (v, x) = (law("uniform"), law("uniform:low=0,high=2"));
        let sum = Sum::new(v.part(), x.part());
        for (u, want) in [(-0.1, 0.0), (0.5, 0.25), (1.5, 0.5), (2.75, 0.125), (3.1, 0.0)] {
            assert!((sum.density(u).unwrap()[0] - want).abs() < 1e-14, "{u}");
        }
        // Two Weibull laws of shape ½ at the lower end: the Beta integral of their two singularities, π/4.
        let (v, x) = (law("weibull:shape=0.5"), law("weibull:shape=0.5"));
        let got = Sum::new(v.part(), x.part()).density(1e-12).unwrap()[0];
        assert!((got / std::f64::consts::FRAC_PI_4 - 1.0).abs() < 1e-5, "{got}");
    }
}
