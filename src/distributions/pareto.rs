//! The Pareto law of type I: a pure power of x.

use super::partial::weighted;
use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::Positive;
use rand_distr::{Distribution as _, Exp1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Pareto of type I: P(X > x) = (`scale`/x)^`index` above `scale`.
///
/// A small index reaches beyond the largest number: those draws are +∞, as the law itself says they may be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Pareto {
    /// Tail index α: moments exist below it.
    pub index: Positive,
    /// Smallest value x_m.
    pub scale: Positive,
}

impl Default for Pareto {
    fn default() -> Self {
        Self { index: Positive::known(1.5), scale: Positive::known(1.0) }
    }
}

impl Pareto {
    /// ln((x/scale)^index): the exponential variable that x stands for.
    fn hazard(&self, x: f64) -> f64 {
        let scale = self.scale.get();
        if x <= scale {
            return 0.0;
        }
        let excess = (x - scale) / scale;
        self.index.get() * if excess < 1.0 { excess.ln_1p() } else { x.ln() - scale.ln() }
    }
    fn at_hazard(&self, e: f64) -> f64 {
        self.scale.get() * (e / self.index.get()).exp()
    }
}

impl Distribution for Pareto {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (scale, exponent) = (self.scale.get(), 1.0 / self.index.get());
        for x in out {
            let e: f64 = Exp1.sample(rng);
            *x = scale * (e * exponent).exp();
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        if x < self.scale.get() || x == f64::INFINITY {
            f64::NEG_INFINITY
        } else {
            self.index.get().ln() - self.hazard(x) - x.ln()
        }
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
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        let index = self.index.get();
        Some(if x > self.scale.get() {
            weighted(self.sf(x), x) * (index / (index - 1.0))
        } else {
            self.mean()?
        })
        .filter(|m| index > 1.0 && m.is_finite())
    }
    fn quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_hazard(-(-p).ln_1p()) } else { f64::NAN }
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_hazard(-p.ln()) } else { f64::NAN }
    }
    fn mean(&self) -> Option<f64> {
        let index = self.index.get();
        (index > 1.0).then(|| self.scale.get() * (index / (index - 1.0))).filter(|m| m.is_finite())
    }
    fn variance(&self) -> Option<f64> {
        let index = self.index.get();
        let standard = index / (index - 2.0) / (index - 1.0).powi(2);
        (index > 2.0).then(|| self.scale.get().powi(2) * standard).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        Tail::Regular { index: self.index.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("pareto");
        testing::conforms("pareto:index=0.5,scale=3");
        testing::conforms("pareto:index=8,scale=1e6");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "pareto:index=1.5,scale=2",
            [3.373553653614519, 2.1865133471024762, 2.714845456853377],
        );
    }

    #[test]
    fn a_small_index_overflows_honestly() {
        let law = Pareto { index: Positive::known(1e-3), ..Pareto::default() };
        let draws = testing::draws(&law, 1000);
        assert!(draws.iter().any(|x| x.is_infinite()) && draws.iter().all(|x| *x >= 1.0));
        assert_eq!(law.upper_quantile(1e-300), f64::INFINITY);
        assert_eq!(law.sf(f64::INFINITY), 0.0);
        assert_eq!(law.mean(), None);
    }
}
