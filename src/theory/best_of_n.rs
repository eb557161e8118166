//! Best of n: draw n from the reference and keep the one with the largest proxy.
//!
//! With F and f of U = V + X under the reference, the kept one's proxy has density n·F(u)^(n−1)·f(u), so that E\[V\] = ∫
//! n·F^(n−1)·f·E\[V | U = u\] du and KL = ln n − (n − 1)/n, exact where U is continuous (Hilton & Gao 2022; Beirami et al.
//! 2024, arXiv 2401.01879). Nothing is sampled: panels run from both far tails to the centre, the mass beyond summed as
//! they go, so that F^(n−1) keeps its digits for any real n. Beyond the outermost panel one jump made U large: V's and
//! X's partial expectations, which n can weigh no further.

use super::TheoryError;
use super::convolution::Sum;
use super::error::require;
use super::table::best_of_n_kl_bound;
use crate::distributions::Distribution;
use crate::foundation::quadrature::QuadratureError;

/// Best of n, exactly. KL in nats, expectations in units of reward.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct BestOfN {
    /// Number of draws.
    pub n: f64,
    /// KL(best of n‖reference) = ln n − (n − 1)/n.
    pub kl: f64,
    /// E\[V\]; `None` where V has no mean.
    pub utility: Option<f64>,
    /// E\[X\]; `None` where X has no mean.
    pub error: Option<f64>,
    /// E\[U\]; `None` where V or X has no mean.
    pub proxy: Option<f64>,
}

/// Nodes of a panel.
const NODES: usize = 12;
/// Panels beyond which a side is given up.
const MOST_PANELS: usize = 2000;
/// Points at which the two densities are integrated beyond which both sides are given up: some seconds.
const MOST_POINTS: u64 = 50_000_000;
/// What a point costs where a density is itself an integral, in points of closed forms.
const INTEGRATED: u64 = 100;
/// What a panel's two highest terms may add to a mean, in spreads.
const TOLERANCE: f64 = 1e-6;
/// Where a side begins: the mass beyond, as a share of what the best of n notices.
const FARTHEST: f64 = 1e-11;
/// Mass that a panel spans, as a factor: 10^1.5.
const SPAN: f64 = 31.622_776_601_683_79;

/// The best of `n`, a real number from 1 to 10⁷, for independent V and X; to about 10⁻⁸ spreads.
///
/// # Errors
/// n outside its range, or a law whose density is too steep to be integrated.
pub fn best_of_n(
    utility: &dyn Distribution,
    error: &dyn Distribution,
    n: f64,
) -> Result<BestOfN, TheoryError> {
    require("n", n, (1.0..=1e7).contains(&n), "a number from 1 to 10,000,000")?;
    let kl = best_of_n_kl_bound(n)?;
    let means = (utility.mean(), error.mean());
    let answer = |utility: f64, error: f64| BestOfN {
        n,
        kl,
        utility: means.0.map(|_| utility),
        error: means.1.map(|_| error),
        proxy: means.0.and(means.1).map(|_| utility + error),
    };
    if n == 1.0 {
        return Ok(answer(means.0.unwrap_or_default(), means.1.unwrap_or_default()));
    }
    let rough = |why: String| TheoryError::Law {
        argument: "utility and error",
        law: format!("{utility:?} + {error:?}"),
        reason: format!(
            "cannot be integrated to the asked accuracy ({why}): the density is too steep somewhere"
        ),
    };
    let sum = Sum::new(utility, error);
    let masses = sum.masses().map_err(|e| rough(e.to_string()))?;
    if !masses.iter().all(|mass| (mass - 1.0).abs() < 1e-6) {
        return Err(rough(format!("their densities integrate to {masses:?}")));
    }
    let rule = Rule::new();
    let walk = |upper: bool| Walk::new(utility, error, &sum, &rule, n, upper).run();
    let above = walk(true).map_err(|e| rough(e.to_string()))?;
    let mut moments = above.moments;
    // What lies below the centre is never the best where even half the mass would not be.
    if n * (-above.mass).ln_1p() > -40.0 {
        let below = walk(false).map_err(|e| rough(e.to_string()))?;
        for (sum, more) in moments.iter_mut().zip(below.moments) {
            *sum += more;
        }
        let missing = above.mass + below.mass - 1.0;
        let complete = missing.abs() < 1e-5;
        if !complete {
            return Err(rough(format!("{missing:e} of the mass is missing")));
        }
    }
    let [mass, v, x] = moments;
    let finite = (means.0.is_none() || v.is_finite()) && (means.1.is_none() || x.is_finite());
    let whole = (mass - 1.0).abs() < 1e-5;
    if !whole || !finite {
        return Err(rough(format!("the masses sum to {mass}")));
    }
    Ok(answer(v / mass, x / mass))
}

/// Gauss–Legendre on [−1, 1], with what it says about each node's outer side.
struct Rule {
    nodes: [f64; NODES],
    weights: [f64; NODES],
    /// Row i: weights of ∫ from node i to 1.
    outside: [[f64; NODES]; NODES],
    /// Weights of the two highest Legendre coefficients.
    highest: [[f64; NODES]; 2],
}

/// P₀ … P_NODES at x.
fn legendre(x: f64) -> [f64; NODES + 1] {
    let mut p = [1.0; NODES + 1];
    p[1] = x;
    for k in 1..NODES {
        let j = k as f64;
        p[k + 1] = ((2.0 * j + 1.0) * x * p[k] - j * p[k - 1]) / (j + 1.0);
    }
    p
}

impl Rule {
    fn new() -> Self {
        let mut rule = Self {
            nodes: [0.0; NODES],
            weights: [0.0; NODES],
            outside: [[0.0; NODES]; NODES],
            highest: [[0.0; NODES]; 2],
        };
        let m = NODES as f64;
        for i in 0..NODES {
            let mut x = -((i as f64 + 0.75) / (m + 0.5) * std::f64::consts::PI).cos();
            let slope = |x: f64, p: &[f64; NODES + 1]| m * (x * p[NODES] - p[NODES - 1]) / (x * x - 1.0);
            for _ in 0..20 {
                let p = legendre(x);
                x -= p[NODES] / slope(x, &p);
            }
            rule.nodes[i] = x;
            rule.weights[i] = 2.0 / ((1.0 - x * x) * slope(x, &legendre(x)).powi(2));
        }
        let at = rule.nodes.map(legendre);
        // Coefficient j of the interpolant is (j + ½)·Σ wₖPⱼ(xₖ)fₖ, and ∫ₓ¹ Pⱼ = (Pⱼ₋₁(x) − Pⱼ₊₁(x))/(2j + 1).
        for k in 0..NODES {
            for i in 0..NODES {
                let mut share = 0.5 * (1.0 - rule.nodes[i]);
                for j in 1..NODES {
                    share += 0.5 * at[k][j] * (at[i][j - 1] - at[i][j + 1]);
                }
                rule.outside[i][k] = rule.weights[k] * share;
            }
            for (row, j) in [NODES - 2, NODES - 1].into_iter().enumerate() {
                rule.highest[row][k] = (j as f64 + 0.5) * rule.weights[k] * at[k][j];
            }
        }
        rule
    }
}

/// u = centre + unit·sinh s: linear in the bulk, logarithmic far out, where any power of u is an exponential of s.
#[derive(Clone, Copy)]
struct Map {
    centre: f64,
    unit: f64,
}

impl Map {
    fn u(self, s: f64) -> f64 {
        self.centre + self.unit * s.sinh()
    }
    fn s(self, u: f64) -> f64 {
        ((u - self.centre) / self.unit).asinh()
    }
    fn slope(self, s: f64) -> f64 {
        self.unit * s.cosh()
    }
}

/// What one side of the centre holds.
struct Side {
    /// Mass of the reference.
    mass: f64,
    /// Mass, V and X of the best of n.
    moments: [f64; 3],
}

/// A walk from a far tail to the centre.
struct Walk<'a> {
    laws: [&'a dyn Distribution; 2],
    sum: &'a Sum<'a>,
    rule: &'a Rule,
    n: f64,
    upper: bool,
    map: Map,
    side: Side,
    panels: usize,
}

impl<'a> Walk<'a> {
    fn new(
        utility: &'a dyn Distribution,
        error: &'a dyn Distribution,
        sum: &'a Sum<'a>,
        rule: &'a Rule,
        n: f64,
        upper: bool,
    ) -> Self {
        let side = Side { mass: 0.0, moments: [0.0; 3] };
        let (v, x) = sum.spreads();
        let map = Map { centre: sum.centre(), unit: v + x };
        Self { laws: [utility, error], sum, rule, n, upper, map, side, panels: 0 }
    }

    /// n·F^(n−1), given the mass beyond a point on this side.
    fn weight(&self, mass: f64) -> f64 {
        let mass = mass.min(1.0);
        let ln_cdf = if self.upper { (-mass).ln_1p() } else { mass.ln() };
        self.n * ((self.n - 1.0) * ln_cdf).exp()
    }

    /// The sum of both laws' quantiles: beyond it lies at most twice the mass p.
    fn point(&self, p: f64) -> f64 {
        let quantile =
            |law: &dyn Distribution| if self.upper { law.upper_quantile(p) } else { law.quantile(p) };
        let support = self.sum.support();
        let u = quantile(self.laws[0]) + quantile(self.laws[1]);
        u.clamp(support.0.max(-1e300), support.1.min(1e300))
    }

    /// E\[law; beyond\] on this side.
    fn expectation(&self, law: &dyn Distribution, point: f64) -> f64 {
        let upper = law.upper_expectation(point).unwrap_or_default();
        if self.upper { upper } else { law.mean().unwrap_or_default() - upper }
    }

    /// The mass with which the walk begins.
    fn first(&self) -> f64 {
        if self.upper {
            return FARTHEST / self.n;
        }
        // F^n is nothing below the first; a heavy lower tail may still matter where n is close to 1. At a finite end u
        // itself runs out of digits.
        let bounded = self.sum.support().0.is_finite();
        let mut p = (1e-17f64.ln() / self.n).exp().clamp(if bounded { 1e-10 } else { 1e-13 }, 0.25);
        let (v, x) = self.sum.spreads();
        while !bounded && p > 1e-280 {
            let reach = |law: &dyn Distribution| self.expectation(law, law.quantile(p)).abs();
            let matters =
                |law: &dyn Distribution, spread: f64| law.mean().is_some() && reach(law) > FARTHEST * spread;
            let noticed = (self.n * p.powf(self.n - 1.0)).min(1.0);
            if noticed < 1e-17 || !(matters(self.laws[0], v / noticed) || matters(self.laws[1], x / noticed))
            {
                break;
            }
            p *= 1e-8;
        }
        p
    }

    fn run(mut self) -> Result<Side, QuadratureError> {
        let mut p = self.first();
        let mut from = self.point(p);
        self.begin(from)?;
        let centre = self.sum.centre();
        while from != centre {
            p *= SPAN;
            let to = if p < 0.5 { self.point(p) } else { centre };
            let inward = if self.upper { to < from } else { to > from };
            if inward {
                self.panel(self.map.s(from), self.map.s(to), 0)?;
                from = to;
            } else if p >= 0.5 {
                break;
            }
            if self.upper && self.n * self.side.mass > 45.0 {
                break;
            }
        }
        Ok(self.side)
    }

    /// What lies beyond the first point: there, one of the two made U what it is.
    fn begin(&mut self, point: f64) -> Result<(), QuadratureError> {
        let [utility, error] = self.laws;
        let (v, x) = (self.sum.centres().0, self.sum.centres().1);
        let beyond = |law: &dyn Distribution, u: f64| if self.upper { law.sf(u) } else { law.cdf(u) };
        let (by_utility, by_error) = (beyond(utility, point - x), beyond(error, point - v));
        let jumps = by_utility + by_error;
        // From below the walk may begin in the bulk, where many small steps made U what it is.
        let mass = if self.upper { jumps } else { self.sum.cdf(point)? };
        if !(mass > 0.0 && mass < 1.0) {
            return Ok(());
        }
        let best = if self.upper { -(self.n * (-mass).ln_1p()).exp_m1() } else { (self.n * mass.ln()).exp() };
        let mean = |law: &dyn Distribution| law.mean().unwrap_or_default();
        let of_utility = self.expectation(utility, point - x) + mean(utility) * by_error;
        let of_error = self.expectation(error, point - v) + mean(error) * by_utility;
        // At a bounded end neither law can do it alone, and the mass is next to nothing.
        let given = if jumps > 0.0 { [of_utility / jumps, of_error / jumps] } else { [v, x] };
        self.side = Side { mass, moments: [best, best * given[0], best * given[1]] };
        Ok(())
    }

    /// Adds the panel between an outer and an inner s, in halves where it is not smooth enough.
    fn panel(&mut self, outer: f64, inner: f64, depth: u32) -> Result<(), QuadratureError> {
        let (centre, half) = (0.5 * (outer + inner), 0.5 * (outer - inner));
        let mut densities = [[0.0; 3]; NODES];
        for (density, node) in densities.iter_mut().zip(self.rule.nodes) {
            let s = centre + half * node;
            let stretch = self.map.slope(s);
            *density = self.sum.density(self.map.u(s))?.map(|d| d * stretch);
        }
        let width = half.abs();
        let mass = |weights: &[f64; NODES]| -> f64 {
            width * weights.iter().zip(&densities).map(|(w, d)| w * d[0]).sum::<f64>()
        };
        let mut weighted = densities;
        for (values, outside) in weighted.iter_mut().zip(&self.rule.outside) {
            let weight = self.weight(self.side.mass + mass(outside));
            values.iter_mut().for_each(|value| *value *= weight);
        }
        let over = |weights: &[f64; NODES], i: usize| -> f64 {
            width * weights.iter().zip(&weighted).map(|(w, values)| w * values[i]).sum::<f64>()
        };
        let (v, x) = self.sum.spreads();
        let scales = [1.0, v, x];
        let highest = |i: usize| -> f64 {
            let sum: f64 = self.rule.highest.iter().map(|row| over(row, i).abs()).sum();
            sum / (scales[i] + self.side.moments[i].abs())
        };
        let smooth = (0..3).all(|i| {
            let known = i == 0 || self.laws[i - 1].mean().is_some();
            !known || highest(i) <= TOLERANCE
        });
        // The mass has to be right also where the best of n does not notice it: it goes on to where it does.
        let smooth = smooth && self.rule.highest.iter().all(|row| mass(row).abs() <= 0.1 * TOLERANCE);
        self.panels += 1;
        let integrated = self.laws.iter().any(|law| law.is_integrated());
        let spent = self.sum.spent().saturating_mul(if integrated { INTEGRATED } else { 1 });
        if self.panels > MOST_PANELS || spent > MOST_POINTS {
            let error = (0..3).map(highest).fold(0.0, f64::max);
            return Err(QuadratureError::NotConverged { error, wanted: TOLERANCE });
        }
        if !smooth && depth < 40 {
            self.panel(outer, centre, depth + 1)?;
            return self.panel(centre, inner, depth + 1);
        }
        for i in 0..3 {
            self.side.moments[i] += over(&self.rule.weights, i);
        }
        self.side.mass += mass(&self.rule.weights);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::quadrature::integrate;
    use crate::foundation::special::{normal_ln_pdf, normal_sf};

    fn law(spec: &str) -> DistributionSpec {
        spec.parse().unwrap()
    }
    fn best(utility: &str, error: &str, n: f64) -> BestOfN {
        best_of_n(law(utility).part(), law(error).part(), n).unwrap()
    }

    fn close(got: Option<f64>, want: f64, tolerance: f64) {
        assert!(got.is_some_and(|got| (got - want).abs() <= tolerance), "{got:?} is not {want}");
    }

    // To the digits of the published table, and of two independent prototypes.
    #[test]
    fn the_figures_of_the_field_come_out() {
        const COUNTS: [f64; 4] = [16.0, 256.0, 4096.0, 65536.0];
        for (utility, error, want) in [
            ("normal", "student_t:df=3", [0.871, 0.550, 0.217, 0.086]),
            ("normal:sd=2", "normal", [3.16, 5.06, 6.49, 7.68]),
            ("normal:sd=2", "student_t:df=3,scale=0.5773502691896258", [3.15, 4.05, 1.94, 0.61]),
        ] {
            for (n, want) in COUNTS.into_iter().zip(want) {
                let tolerance = if utility == "normal" { 6e-4 } else { 6e-3 };
                close(best(utility, error, n).utility, want, tolerance);
            }
        }
        close(best("normal", "levy", 16.0).utility, 0.016, 6e-4);
        close(best("normal", "normal", 16.0).utility, 1.25, 6e-3);
    }

    /// E of the largest of n standard normals.
    fn largest_normal(n: f64) -> f64 {
        let cuts: Vec<f64> = (-10..=10).map(f64::from).collect();
        let integrand = |z: f64| [z * n * ((n - 1.0) * (-normal_sf(z)).ln_1p() + normal_ln_pdf(z)).exp()];
        integrate(&cuts, 1e-13, integrand).unwrap().value[0]
    }

    #[test]
    fn two_normals_share_the_largest_normal_by_their_variances() {
        close(Some(largest_normal(16.0)), 1.765_991_393, 1e-8);
        for n in [1.5, 2.0, 16.0, 1000.5, 65536.0, 1e7] {
            for (sd_v, sd_x) in [(1.0, 1.0), (2.0, 0.01), (0.01, 2.0), (3.0, 4.0)] {
                let got = best(&format!("normal:mean=5,sd={sd_v}"), &format!("normal:mean=-2,sd={sd_x}"), n);
                let top = largest_normal(n) / f64::hypot(sd_v, sd_x);
                close(got.utility, 5.0 + sd_v * sd_v * top, 1e-7 * sd_v);
                close(got.error, -2.0 + sd_x * sd_x * top, 1e-7 * sd_x);
            }
        }
    }

    #[test]
    fn the_better_of_two_sums_of_uniforms() {
        // Half of the mean difference of two triangular variables is 7/30.
        let got = best("uniform", "uniform", 2.0);
        close(got.utility, 0.5 + 7.0 / 60.0, 1e-8);
        close(got.proxy, 1.0 + 7.0 / 30.0, 1e-8);
        // The larger of two sums of two exponentials: E max = 2·2 − E min, and E min = ∫ ((1 + x)·e^(−x))² dx = 5/4.
        close(best("exponential", "exponential", 2.0).utility, 1.375, 1e-7);
    }

    #[test]
    fn one_is_the_prior_and_a_little_more_is_close_to_it() {
        for (utility, error) in
            [("normal:mean=2", "student_t:df=1.5"), ("student_t:df=1.1", "laplace"), ("weibull", "pareto")]
        {
            let (one, more) = (best(utility, error, 1.0), best(utility, error, 1.0 + 1e-7));
            assert_eq!((one.kl, one.utility), (0.0, law(utility).part().mean()));
            close(more.utility, one.utility.unwrap(), 1e-4);
            close(more.error, one.error.unwrap(), 1e-4);
        }
    }

    #[test]
    fn light_errors_let_utility_rise_and_heavy_ones_let_it_fall() {
        let utilities =
            |error: &str| [4.0, 64.0, 1e3, 1e5, 1e7].map(|n| best("normal", error, n).utility.unwrap());
        for error in ["normal", "uniform", "weibull:shape=1.5"] {
            assert!(utilities(error).is_sorted_by(|a, b| a < b), "{error}: {:?}", utilities(error));
        }
        let [_, rest @ ..] = utilities("student_t:df=1.5");
        assert!(rest.is_sorted_by(|a, b| a > b) && rest[3] < 1e-3, "{rest:?}");
    }

    #[test]
    fn exchanging_the_laws_exchanges_the_answers() {
        for (a, b) in [
            ("student_t:df=1.5", "normal:sd=3"),
            ("levy", "student_t:df=2"),
            ("log_normal", "laplace"),
            ("weibull", "pareto"),
        ] {
            for n in [1.7, 30.0, 1e6] {
                let (one, two) = (best(a, b, n), best(b, a, n));
                let swapped = [(one.utility, two.error), (one.error, two.utility)];
                for (left, right) in swapped {
                    assert_eq!(left.is_some(), right.is_some());
                    let gap = left.unwrap_or(0.0) - right.unwrap_or(0.0);
                    assert!(
                        gap.abs() < 1e-6 * (1.0 + left.unwrap_or(0.0).abs()),
                        "{a}, {b}, {n}: {left:?}, {right:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn what_has_no_mean_has_none_and_the_rest_is_refused() {
        let got = best("normal", "student_t:df=1", 100.0);
        assert!(got.utility.is_some() && got.error.is_none() && got.proxy.is_none());
        assert!(best("student_t:df=0.9", "normal", 100.0).error.is_some_and(|x| x.abs() < 0.1));
        let refused =
            |v: &str, x: &str, n: f64| best_of_n(law(v).part(), law(x).part(), n).unwrap_err().to_string();
        for n in [0.5, f64::NAN, 1e8] {
            assert!(refused("normal", "normal", n).contains("from 1 to 10,000,000"));
        }
        assert!(refused("generalized_pareto:xi=-5", "normal", 1e5).contains("too steep"));
        // Scales apart by 299 powers of ten: the work has a limit.
        assert!(refused("exponential:scale=1e300", "levy:scale=20", 2.0).contains("too steep"));
    }
}
