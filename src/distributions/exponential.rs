//! The exponential law: the boundary at which catastrophic Goodhart begins.

use super::partial::weighted;
use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::Positive;
use rand_distr::{Distribution as _, Exp1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Exponential with mean `scale` (rate 1/`scale`): P(X > x) = exp(−x/`scale`) for x ≥ 0.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Exponential {
    /// Mean and standard deviation: one over the rate.
    pub scale: Positive,
}

impl Default for Exponential {
    fn default() -> Self {
        Self { scale: Positive::known(1.0) }
    }
}

impl Distribution for Exponential {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let scale = self.scale.get();
        for x in out {
            let e: f64 = Exp1.sample(rng);
            *x = scale * e;
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        if x < 0.0 { f64::NEG_INFINITY } else { -x / self.scale.get() - self.scale.get().ln() }
    }
    fn cdf(&self, x: f64) -> f64 {
        -(-x.max(0.0) / self.scale.get()).exp_m1()
    }
    fn sf(&self, x: f64) -> f64 {
        (-x.max(0.0) / self.scale.get()).exp()
    }
    fn ln_sf(&self, x: f64) -> f64 {
        -x.max(0.0) / self.scale.get()
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        Some(weighted(self.sf(x), x.max(0.0) + self.scale.get()))
    }
    fn quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.scale.get() * -(-p).ln_1p() } else { f64::NAN }
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.scale.get() * -p.ln() } else { f64::NAN }
    }
    fn mean(&self) -> Option<f64> {
        Some(self.scale.get())
    }
    fn variance(&self) -> Option<f64> {
        Some(self.scale.get().powi(2)).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        Tail::Exponential { rate: 1.0 / self.scale.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("exponential");
        testing::conforms("exponential:scale=1e-3");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned("exponential:scale=2", [1.56845851450448, 0.26748304684610946, 0.9167635477096393]);
    }

    #[test]
    fn both_ends_keep_their_digits() {
        let law = Exponential::default();
        testing::close(law.cdf(1e-300), 1e-300, 1e-15);
        testing::close(law.quantile(1e-300), 1e-300, 1e-15);
        testing::close(law.upper_quantile(1e-300), 690.7755278982137, 1e-15);
    }
}
