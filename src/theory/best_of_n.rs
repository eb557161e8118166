//! Best of n: draw n from the reference and keep the one with the largest proxy.
//!
//! With F and f of U = V + X under the reference, the kept one's proxy has density n·F(u)^(n−1)·f(u), so that E\[V\] = ∫
//! n·F^(n−1)·f·E\[V | U = u\] du and KL = ln n − (n − 1)/n, exact where U is continuous (Hilton & Gao 2022; Beirami et al.
//! 2024, arXiv 2401.01879). Nothing is sampled: panels run from both far tails to the centre, the mass beyond summed as
//! they go, so that F^(n−1) keeps its digits for any real n. Beyond the outermost panel one jump made U large: V's and
//! X's partial expectations, which n can weigh no further.

use super::TheoryError;
use super::convolution::Sum;
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
const NODES: usize = 10;
/// What a panel's two highest terms may add to a mean, in spreads.
const TOLERANCE: f64 = 1e-7;
/// Where a side begins: the mass beyond, as a share of what the best of n notices.
const FARTHEST: f64 = 1e-11;
/// Mass that a panel spans, as a factor: 10^1.5.
const SPAN: f64 = 31.622_776_601_683_79;

/// ln n − (n − 1)/n, the KL of the best of n against the reference, in nats.
///
/// # Errors
/// n below 1, or above 10⁷.
pub fn best_of_n_kl(n: f64) -> Result<f64, TheoryError> {
    super::error::require("n", n, (1.0..=1e7).contains(&n), "a number from 1 to 10,000,000")?;
    let d = n - 1.0;
    // ln(1 + d) − d/(1 + d) = d²/2 − 2d³/3 + …
    Ok(if d < 1e-5 { d * d * (0.5 - 2.0 / 3.0 * d) } else { d.ln_1p() - d / n })
}

/// The best of `n`, a real number from 1 to 10⁷, for independent V and X; to about 10⁻⁸ spreads.
///
/// # Errors
/// n outside its range, or a law whose density is too steep to be integrated.
pub fn best_of_n(
    utility: &dyn Distribution,
    error: &dyn Distribution,
    n: f64,
) -> Result<BestOfN, TheoryError> {
    let kl = best_of_n_kl(n)?;
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
        if !(missing.abs() < 1e-7) {
            return Err(rough(format!("{missing:e} of the mass is missing")));
        }
    }
    let [mass, v, x] = moments;
    let finite = (means.0.is_none() || v.is_finite()) && (means.1.is_none() || x.is_finite());
    if !((mass - 1.0).abs() < 1e-6) || !finite {
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
    side: Side,
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
        Self { laws: [utility, error], sum, rule, n, upper, side }
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
        // F^n is nothing below the first; a heavy lower tail may still matter where n is close to 1.
        let mut p = (1e-17f64.ln() / self.n).exp().max(1e-13).min(0.25);
        let (v, x) = self.sum.spreads();
        while p > 1e-280 {
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
                self.panel(from, to, 0)?;
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
        if !(jumps > 0.0 && mass > 0.0 && mass < 1.0) {
            return Ok(());
        }
        let best = if self.upper { -(self.n * (-mass).ln_1p()).exp_m1() } else { (self.n * mass.ln()).exp() };
        let mean = |law: &dyn Distribution| law.mean().unwrap_or_default();
        let of_utility = self.expectation(utility, point - x) + mean(utility) * by_error;
        let of_error = self.expectation(error, point - v) + mean(error) * by_utility;
        self.side = Side { mass, moments: [best, best * (of_utility / jumps), best * (of_error / jumps)] };
        Ok(())
    }

    /// Adds the panel between an outer and an inner point, in halves where it is not smooth enough.
    fn panel(&mut self, outer: f64, inner: f64, depth: u32) -> Result<(), QuadratureError> {
        let (centre, half) = (0.5 * (outer + inner), 0.5 * (outer - inner));
        let mut densities = [[0.0; 3]; NODES];
        for (density, node) in densities.iter_mut().zip(self.rule.nodes) {
            *density = self.sum.density(centre + half * node)?;
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
        let smooth = (0..3).all(|i| {
            let known = i == 0 || self.laws[i - 1].mean().is_some();
            let highest: f64 = self.rule.highest.iter().map(|row| over(row, i).abs()).sum();
            !known || highest <= TOLERANCE * (scales[i] + self.side.moments[i].abs())
        });
        if !smooth && depth < 40 && width > 1e-12 * centre.abs() {
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

    fn law(spec: &str) -> DistributionSpec {
        spec.parse().unwrap()
    }
    fn best(utility: &str, error: &str, n: f64) -> BestOfN {
        best_of_n(law(utility).part(), law(error).part(), n).unwrap()
    }

    #[test]
    #[ignore]
    fn look() {
        for (v, x) in [
            ("normal", "student_t:df=3"),
            ("normal", "levy"),
            ("normal", "normal"),
            ("normal:sd=2", "normal"),
            ("normal:sd=2", "student_t:df=3,scale=0.5773502691896258"),
        ] {
            for n in [16.0, 256.0, 4096.0, 65536.0, 1e7] {
                let start = std::time::Instant::now();
                let got = best(v, x, n);
                println!("{v} {x} {n}: {:?} {:.2} ms", got, start.elapsed().as_secs_f64() * 1e3);
            }
        }
    }
}
