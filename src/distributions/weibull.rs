//! The Weibull law: a stretched exponential below shape 1, light-tailed above.

use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::Positive;
use crate::foundation::special::gamma;
use rand_distr::{Distribution as _, Exp1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Weibull: P(X > x) = exp(−(x/`scale`)^`shape`).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Weibull {
    /// Exponent of the tail: below 1 stretched (heavy), 1 exponential, above 1 light.
    pub shape: Positive,
    /// The point exceeded with probability 1/e.
    pub scale: Positive,
}

impl Default for Weibull {
    fn default() -> Self {
        Self { shape: Positive::known(0.5), scale: Positive::known(1.0) }
    }
}

impl Weibull {
    /// (x/scale)^shape: the exponential variable that x stands for.
    fn hazard(&self, x: f64) -> f64 {
        (x.max(0.0) / self.scale.get()).powf(self.shape.get())
    }
    fn at_hazard(&self, e: f64) -> f64 {
        self.scale.get() * e.powf(1.0 / self.shape.get())
    }
    /// E[(X/scale)^k].
    fn raw_moment(&self, k: f64) -> f64 {
        gamma(1.0 + k / self.shape.get())
    }
}

impl Distribution for Weibull {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (scale, exponent) = (self.scale.get(), 1.0 / self.shape.get());
        for x in out {
            let e: f64 = Exp1.sample(rng);
            *x = scale * e.powf(exponent);
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        if x < 0.0 || x == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        let (shape, scale) = (self.shape.get(), self.scale.get());
        let power = if shape == 1.0 { 0.0 } else { (shape - 1.0) * (x / scale).ln() };
        let hazard = self.hazard(x);
        if hazard == f64::INFINITY { f64::NEG_INFINITY } else { (shape / scale).ln() + power - hazard }
    }
    fn cdf(&self, x: f64) -> f64 {
        -(-self.hazard(x)).exp_m1()
    }
    fn sf(&self, x: f64) -> f64 {
        (-self.hazard(x)).exp()
    }
    fn ln_sf(&self, x: f64) -> f64 {
        -self.hazard(x)
    }
    fn quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_hazard(-(-p).ln_1p()) } else { f64::NAN }
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_hazard(-p.ln()) } else { f64::NAN }
    }
    fn mean(&self) -> Option<f64> {
        Some(self.scale.get() * self.raw_moment(1.0)).filter(|m| m.is_finite())
    }
    fn variance(&self) -> Option<f64> {
        let centred = self.raw_moment(2.0) - self.raw_moment(1.0).powi(2);
        Some(self.scale.get().powi(2) * centred).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        match self.shape.get() {
            shape if shape < 1.0 => Tail::Subexponential,
            1.0 => Tail::Exponential { rate: 1.0 / self.scale.get() },
            _ => Tail::Light,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("weibull");
        testing::conforms("weibull:shape=1,scale=3");
        testing::conforms("weibull:shape=2.5,scale=0.1");
        testing::conforms("weibull:shape=0.01");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "weibull:shape=0.5,scale=2",
            [1.2300310558608, 0.03577359017503899, 0.420227701204582],
        );
    }

    #[test]
    fn the_density_at_zero_follows_the_shape() {
        let at_zero = |shape| Weibull { shape: Positive::known(shape), ..Weibull::default() }.ln_pdf(0.0);
        assert_eq!(at_zero(0.5), f64::INFINITY);
        assert_eq!(at_zero(1.0), 0.0);
        assert_eq!(at_zero(2.0), f64::NEG_INFINITY);
    }
}
