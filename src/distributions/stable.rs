//! α-stable laws: the limits of sums whose terms have no variance.

use super::stable_integral::Standard;
use super::words::half_and_sign;
use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive, Skew, Stability};
use crate::foundation::special::sin_cos;
use rand::Rng as _;
use rand_distr::{Distribution as _, Exp1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::{FRAC_2_PI, FRAC_PI_2, PI};

/// α-stable in Nolan's S1 parametrisation (the most common one; scipy's `S1`), by its characteristic function:
///
/// - ln E exp(itX) = −σ^α·|t|^α·(1 − iβ·sign(t)·tan(πα/2)) + iμt for α ≠ 1
/// - ln E exp(itX) = −σ·|t|·(1 + iβ·(2/π)·sign(t)·ln |t|) + iμt for α = 1
///
/// `alpha` = 2 is a normal with standard deviation √2·`scale`, 1 with `beta` = 0 a Cauchy, ½ with `beta` = 1 a
/// Lévy. Near `alpha` = 1 with `beta` ≠ 0, S1 itself is discontinuous: digits are lost like 10⁻¹⁶/|α − 1|. A
/// small `alpha` reaches beyond the largest number: those draws are ±∞, as the law itself says they may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stable {
    /// Index of stability α, in (0, 2].
    pub alpha: Stability,
    /// Skewness β, from −1 (left) to 1 (right).
    pub beta: Skew,
    /// Location μ: the mean where α > 1.
    pub location: Finite,
    /// Scale σ.
    pub scale: Positive,
}

impl Default for Stable {
    fn default() -> Self {
        Self {
            alpha: Stability::known(1.5),
            beta: Skew::known(0.0),
            location: Finite::known(0.0),
            scale: Positive::known(1.0),
        }
    }
}

impl Stable {
    fn standard(&self) -> Standard {
        Standard::new(self.alpha.get(), self.beta.get())
    }
    /// Where the standard law's 0 lies: μ, moved by (2/π)βσ·ln σ for α = 1.
    fn shift(&self) -> f64 {
        let scale = self.scale.get();
        let moved =
            if self.alpha.get() == 1.0 { FRAC_2_PI * self.beta.get() * scale * scale.ln() } else { 0.0 };
        self.location.get() + moved
    }
    fn standardize(&self, x: f64) -> f64 {
        (x - self.shift()) / self.scale.get()
    }
}

/// What a draw needs and does not change from draw to draw.
struct Sampler {
    alpha: f64,
    beta: f64,
    /// atan(β tan(πα/2)).
    angle: f64,
    /// (1 + β² tan²(πα/2))^(1/(2α)).
    size: f64,
    /// 1/α.
    inverse: f64,
}

impl Sampler {
    fn new(alpha: f64, beta: f64) -> Self {
        let skew = beta * (FRAC_PI_2 * alpha).tan();
        let size = skew.hypot(1.0).powf(1.0 / alpha);
        Self { alpha, beta, angle: skew.atan(), size, inverse: 1.0 / alpha }
    }

    /// Chambers, Mallows & Stuck (1976), with the corrections of Weron (1996).
    #[inline]
    fn draw(&self, rng: &mut Stream) -> f64 {
        // θ uniform in (−π/2, π/2), by its distance to the nearer end: cos θ keeps its digits there.
        let (half, sign) = half_and_sign(rng.next_u64());
        let (cos, abs_sin) = sin_cos(PI * half);
        let theta = sign * (FRAC_PI_2 - PI * half);
        let w: f64 = Exp1.sample(rng);
        if self.alpha == 1.0 {
            let tan = sign * abs_sin / cos;
            let slope = FRAC_PI_2 + self.beta * theta;
            return FRAC_2_PI * (slope * tan - self.beta * (FRAC_PI_2 * w * cos / slope).ln());
        }
        let (turned_sin, turned_cos) = sin_cos(self.alpha * theta + self.angle);
        // cos(θ − turned), which is 0 at an end of the support; rounding may carry it just below.
        let inner = (cos * turned_cos + sign * abs_sin * turned_sin).max(1e-18);
        let magnitude = ((inner / (w * cos)).ln() * self.inverse).exp() * (w / inner);
        if turned_sin == 0.0 { 0.0 } else { self.size * turned_sin * magnitude }
    }
}

impl Distribution for Stable {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let sampler = Sampler::new(self.alpha.get(), self.beta.get());
        let (shift, scale) = (self.shift(), self.scale.get());
        for x in out {
            *x = shift + scale * sampler.draw(rng);
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        self.standard().tails(self.standardize(x)).ln_pdf - self.scale.get().ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        self.standard().tails(self.standardize(x)).cdf
    }
    fn sf(&self, x: f64) -> f64 {
        self.standard().tails(self.standardize(x)).sf
    }
    fn quantile(&self, p: f64) -> f64 {
        self.shift() - self.scale.get() * self.standard().reflected().upper_quantile(p)
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        self.shift() + self.scale.get() * self.standard().upper_quantile(p)
    }
    fn mean(&self) -> Option<f64> {
        (self.alpha.get() > 1.0).then(|| self.location.get())
    }
    fn variance(&self) -> Option<f64> {
        (self.alpha.get() == 2.0).then(|| 2.0 * self.scale.get().powi(2)).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        match (self.alpha.get(), self.beta.get()) {
            (2.0, _) => Tail::Light,
            (alpha, -1.0) if alpha < 1.0 => Tail::Bounded,
            (_, -1.0) => Tail::Light,
            (index, _) => Tail::Regular { index },
        }
    }
    fn is_integrated(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        for shape in [
            "alpha=1.5",
            "alpha=1.8,beta=0.5",
            "alpha=2",
            "alpha=1",
            "alpha=1,beta=0.5",
            "alpha=1,beta=-1",
            "alpha=0.5,beta=1",
            "alpha=0.5,beta=-1",
            "alpha=0.7,beta=0.3",
            "alpha=1.2,beta=-1",
            "alpha=1.05,beta=0.9",
            "alpha=0.2",
        ] {
            testing::conforms(&format!("stable:{shape}"));
        }
        testing::conforms("stable:alpha=1,beta=0.5,scale=3,location=2");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "stable:alpha=1.5,scale=2",
            [1.099108948109321, -1.0225382503130356, 1.0853242599380886],
        );
        testing::pinned(
            "stable:alpha=1,beta=0.5",
            [1.8468539074518269, -0.013194521070568444, 1.079768036134626],
        );
    }

    #[test]
    fn known_special_cases_come_out_of_the_integral() {
        let at = |spec: &str, x: f64| {
            let law = testing::law(spec);
            (law.part().cdf(x), law.part().sf(x), law.part().ln_pdf(x).exp())
        };
        let same = |a: (f64, f64, f64), b: (f64, f64, f64)| {
            // 10⁻¹⁰, since far out in the normal's tail g is some hundreds and its rounding shows.
            testing::close(a.0, b.0, 1e-10);
            testing::close(a.1, b.1, 1e-10);
            testing::close(a.2, b.2, 1e-10);
        };
        for x in [1e-3, 0.4, 2.0, 9.0, 30.0] {
            same(at("stable:alpha=0.5,beta=1", x), at("levy", x));
        }
        for x in [-20.0, -3.0, -0.1, 0.0, 1.0, 5.0, 40.0] {
            same(at("stable:alpha=2", x), at("normal:sd=1.4142135623730951", x));
        }
        for x in [-1e5, -3.0, 0.0, 0.1, 40.0] {
            same(at("stable:alpha=1", x), at("student_t:df=1", x));
        }
    }
}
