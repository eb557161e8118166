//! Student's t law with any degrees of freedom: the heavy-tailed error whose index is a dial.

use super::invert::decreasing_root;
use super::words::half_and_sign;
use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive};
use crate::foundation::special::{gamma_half_ratio, normal_ln_sf, normal_upper_quantile, sin_cos};
use rand::Rng as _;
use rand_distr::{Distribution as _, Exp1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::{LN_2, PI};

/// Student's t: `location` + `scale`·T with ν = `df` degrees of freedom, which is also the tail index. T has the density f(t) = Γ((ν + 1)/2)/(Γ(ν/2)·√(πν))·(1 + t²/ν)^(−(ν + 1)/2).
///
/// A small `df` reaches beyond the largest number: those draws are ±∞, as the law itself says they may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StudentT {
    /// Degrees of freedom ν: moments exist below it.
    pub df: Positive,
    /// Median.
    pub location: Finite,
    /// Scale; the standard deviation is `scale`·√(ν/(ν−2)) for ν > 2.
    pub scale: Positive,
}

impl Default for StudentT {
    fn default() -> Self {
        Self { df: Positive::known(2.0), location: Finite::known(0.0), scale: Positive::known(1.0) }
    }
}

/// Below it all mass is beyond the largest number, and logarithms of the degrees themselves are lost.
const LEAST: f64 = 1e-300;
/// From here on the expansion of Hill (1970) about the normal is exact to rounding.
const NEARLY_NORMAL: f64 = 1e6;

/// ln(1 + t²/ν) and t²/ν/(1 + t²/ν), without overflow of t².
fn spread(t: f64, df: f64) -> (f64, f64) {
    let ratio = t / df.sqrt();
    if ratio < 1e150 {
        let square = ratio * ratio;
        (square.ln_1p(), square / (1.0 + square))
    } else {
        (2.0 * t.ln() - df.ln(), 1.0)
    }
}

/// The standard normal z with the same upper tail as t (Hill 1970, CACM algorithm 395), for large ν.
fn normal_equivalent(t: f64, df: f64) -> f64 {
    let a = df - 0.5;
    let b = 48.0 * a * a;
    let y = a * spread(t, df).0;
    let correction = ((((-0.4 * y - 3.3) * y - 24.0) * y - 85.5) / (0.8 * y * y + 100.0 + b) + y + 3.0) / b;
    // Where the correction overflows it is lost beside 1.
    if correction.is_finite() { (correction + 1.0) * y.sqrt() } else { y.sqrt() }
}

/// ln of the standard density, for t ≥ 0.
fn standard_ln_pdf(t: f64, df: f64) -> f64 {
    let (log, _) = spread(t, df);
    let power = if df * log == f64::INFINITY { f64::INFINITY } else { 0.5 * (df + 1.0) * log };
    let product = PI * df;
    let scale = if product.is_finite() { product.ln() } else { PI.ln() + df.ln() };
    gamma_half_ratio(0.5 * df).ln() - 0.5 * scale - power
}

/// ln P(T > t) for t ≥ 0: I_x(ν/2, ½)/2 with x = ν/(ν + t²), in logarithms so that the far tail keeps its digits.
fn standard_ln_sf(t: f64, df: f64) -> f64 {
    if t == f64::INFINITY {
        return f64::NEG_INFINITY;
    }
    if df > NEARLY_NORMAL {
        return normal_ln_sf(normal_equivalent(t, df));
    }
    let a = 0.5 * df;
    let (log, y) = spread(t, df);
    // x^a·√(1−x)/B(a, ½), common to both forms.
    let ln_front = -a * log + 0.5 * y.ln() + gamma_half_ratio(a).ln() - 0.5 * PI.ln();
    if (a + 0.5) * y > 0.75 || y > 0.5 {
        ln_front - tail_fraction(a, y).ln() - LN_2
    } else {
        // Near the centre: one half less the mass between 0 and t.
        (-2.0 * ln_front.exp() * central_series(a, y)).ln_1p() - LN_2
    }
}

/// x^a·√y/B(a, ½) over I_x(a, ½) with x = 1 − y: the continued fraction of Didonato & Morris (1992, eq. 9), which
/// works on y and so does not cancel where x is close to 1. Evaluated by Lentz's method.
fn tail_fraction(a: f64, y: f64) -> f64 {
    let b = 0.5;
    let x = 1.0 - y;
    let excess = (a + b) * y - b + 1.0;
    let denominator = |n: f64| {
        n + n * (b - n) * x / (a + 2.0 * n - 1.0) + (a + n) / (a + 2.0 * n + 1.0) * (excess + n * (1.0 + y))
    };
    let away = |v: f64| if v.abs() < 1e-300 { 1e-300 } else { v };
    let mut fraction = a / (a + 1.0) * excess;
    let (mut c, mut d) = (fraction, 0.0);
    for n in 1..5_000 {
        let n = f64::from(n);
        let numerator = (a + n - 1.0) * (a + b + n - 1.0) / (a + 2.0 * n - 1.0).powi(2) * n * (b - n) * x * x;
        d = 1.0 / away(denominator(n) + numerator * d);
        c = away(denominator(n) + numerator / c);
        fraction *= c * d;
        if (c * d - 1.0).abs() <= f64::EPSILON {
            break;
        }
    }
    fraction
}

/// 2F1(a + ½, 1; 3/2; y): the power series of I_y(½, a) beyond its first factor, every term positive.
fn central_series(a: f64, y: f64) -> f64 {
    let (mut term, mut sum, mut n) = (1.0, 1.0, 0.0);
    while term > 1e-17 * sum {
        term *= (a + 0.5 + n) / (1.5 + n) * y;
        sum += term;
        n += 1.0;
    }
    sum
}

/// P(T > t) for any t.
fn standard_sf(t: f64, df: f64) -> f64 {
    if t >= 0.0 { standard_ln_sf(t, df).exp() } else { 1.0 - standard_ln_sf(-t, df).exp() }
}

/// The t with P(T > t) = p.
fn standard_upper_quantile(p: f64, df: f64) -> f64 {
    match p {
        p if !(0.0..=1.0).contains(&p) => f64::NAN,
        0.0 => f64::INFINITY,
        0.5 => 0.0,
        p if p > 0.5 => -standard_upper_quantile(1.0 - p, df),
        p if df == 1.0 => cotangent(p),
        p if df == 2.0 => two_df(p),
        p => solve_upper_quantile(p, df),
    }
}

/// Closed form for ν = 1 and p ≤ ½: cot πp.
fn cotangent(p: f64) -> f64 {
    let (sin, cos) = sin_cos(PI * p);
    cos / sin
}

/// Closed form for ν = 2 and p ≤ ½.
fn two_df(p: f64) -> f64 {
    (1.0 - 2.0 * p) / (2.0 * p * (1.0 - p)).sqrt()
}

/// Newton on ln P(T > eˢ), which is concave and falls with slope −ν in the tail.
fn solve_upper_quantile(p: f64, df: f64) -> f64 {
    let ln_p = p.ln();
    if standard_ln_sf(f64::MAX, df) > ln_p {
        return f64::INFINITY;
    }
    let a = 0.5 * df;
    // t at which the leading power ½·(ν/t²)^a/(a·B(a, ½)) equals p: always beyond the root.
    let ln_power = gamma_half_ratio(a).ln() - 0.5 * PI.ln() - a.ln() - LN_2;
    let beyond = 0.5 * df.ln() + (ln_power - ln_p) / df;
    // t ≥ z for the normal z, and the slope of the cdf is steepest at the centre.
    let z = normal_upper_quantile(p);
    let steepest = standard_ln_pdf(0.0, df).exp();
    let before = ((0.5 - p) / steepest).max(z).ln();
    if before >= beyond {
        return before.exp();
    }
    let start = if df > 30.0 { before } else { beyond };
    let s = decreasing_root(before - 1e-9, beyond + 1e-9, start, |s| {
        let t = s.exp();
        let ln_sf = standard_ln_sf(t, df);
        (ln_sf - ln_p, -(s + standard_ln_pdf(t, df) - ln_sf).exp())
    });
    s.exp()
}

impl StudentT {
    /// Degrees of freedom as they are computed with.
    fn df(&self) -> f64 {
        self.df.get().max(LEAST)
    }

    fn standard(&self, x: f64) -> f64 {
        (x - self.location.get()) / self.scale.get()
    }
}

impl Distribution for StudentT {
    /// ν = 1 and ν = 2 from one word each by their closed quantile; above, a normal over the root of a χ²; between
    /// and below, the polar form of Bailey (1994).
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (df, location, scale) = (self.df(), self.location.get(), self.scale.get());
        if df == 2.0 {
            for x in out {
                let (half, sign) = half_and_sign(rng.next_u64());
                *x = location + scale * sign * two_df(half);
            }
        } else if df == 1.0 {
            for x in out {
                let (half, sign) = half_and_sign(rng.next_u64());
                *x = location + scale * sign * cotangent(half);
            }
        } else if let Some(ratio) = rand_distr::StudentT::new(df).ok().filter(|_| df > 2.0) {
            for x in out {
                *x = location + scale * ratio.sample(rng);
            }
        } else {
            // The ratio's χ² underflows for few degrees of freedom; an exponential keeps the tail's digits.
            let rate = 2.0 / df;
            for x in out {
                let e: f64 = Exp1.sample(rng);
                let (half, sign) = half_and_sign(rng.next_u64());
                *x = location + scale * sign * sin_cos(PI * half).1 * (df * (rate * e).exp_m1()).sqrt();
            }
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        standard_ln_pdf(self.standard(x).abs(), self.df()) - self.scale.get().ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        standard_sf(-self.standard(x), self.df())
    }
    fn sf(&self, x: f64) -> f64 {
        standard_sf(self.standard(x), self.df())
    }
    fn ln_sf(&self, x: f64) -> f64 {
        let (t, df) = (self.standard(x), self.df());
        if t >= 0.0 { standard_ln_sf(t, df) } else { (-standard_ln_sf(-t, df).exp()).ln_1p() }
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        let (t, df) = (self.standard(x).abs(), self.df());
        if t == f64::INFINITY {
            return self.mean().map(|mean| if x > 0.0 { 0.0 } else { mean });
        }
        // f(t)·(ν + t²)/(ν − 1): the derivative of the density is −(ν + 1)·t/(ν + t²) of it.
        let standard = (standard_ln_pdf(t, df) + spread(t, df).0 + df.ln()).exp() / (df - 1.0);
        (df > 1.0)
            .then(|| self.location.get() * self.sf(x) + self.scale.get() * standard)
            .filter(|m| m.is_finite())
    }
    fn quantile(&self, p: f64) -> f64 {
        self.location.get() - self.scale.get() * standard_upper_quantile(p, self.df())
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        self.location.get() + self.scale.get() * standard_upper_quantile(p, self.df())
    }
    fn mean(&self) -> Option<f64> {
        (self.df.get() > 1.0).then(|| self.location.get())
    }
    fn variance(&self) -> Option<f64> {
        let df = self.df();
        (df > 2.0).then(|| self.scale.get().powi(2) * (df / (df - 2.0))).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        Tail::Regular { index: self.df.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        for df in ["0.05", "0.5", "1", "1.5", "2", "3", "5", "30", "1e4", "1e9"] {
            testing::conforms(&format!("student_t:df={df}"));
        }
        testing::conforms("student_t:df=2.5,location=7,scale=0.01");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "student_t:df=1,scale=2",
            [1.7187810123944942, -6.894441182713809, -4.385789685651485],
        );
        testing::pinned("student_t:df=2,scale=2", [1.43300860971195, -4.056046605277319, -3.000149077302274]);
        testing::pinned(
            "student_t:df=3,scale=2",
            [0.4163970149248855, -2.89278266947416, 2.4097687790990263],
        );
    }

    #[test]
    fn closed_forms_agree_with_the_solver() {
        for p in [1e-300, 1e-20, 1e-3, 0.2, 0.49] {
            testing::close(solve_upper_quantile(p, 2.0), two_df(p), 1e-12);
            testing::close(solve_upper_quantile(p, 1.0), 1.0 / (PI * p).tan(), 1e-12);
        }
    }

    #[test]
    fn the_nearly_normal_expansion_meets_the_fraction() {
        for t in [1e-3, 0.5, 3.0, 20.0, 37.0] {
            let seam = NEARLY_NORMAL;
            let (below, above) = (standard_ln_sf(t, seam), standard_ln_sf(t, seam + 1e-9));
            assert!((below - above).abs() < 1e-12 * (1.0 + below.abs()), "t = {t}: {below} and {above}");
        }
    }
}
