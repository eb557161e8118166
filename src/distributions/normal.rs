//! The normal law, the light-tailed yardstick.

use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive};
use crate::foundation::special::{normal_ln_pdf, normal_ln_sf, normal_sf, normal_upper_quantile};
use rand_distr::{Distribution as _, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Normal with mean μ = `mean` and standard deviation σ = `sd`: density f(x) = exp(−(x − μ)²/(2σ²))/(σ·√(2π)), P(X > x) = 1 − Φ((x − μ)/σ).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Normal {
    /// Mean.
    pub mean: Finite,
    /// Standard deviation.
    pub sd: Positive,
}

impl Default for Normal {
    fn default() -> Self {
        Self { mean: Finite::known(0.0), sd: Positive::known(1.0) }
    }
}

impl Normal {
    fn standard(&self, x: f64) -> f64 {
        (x - self.mean.get()) / self.sd.get()
    }
}

impl Distribution for Normal {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (mean, sd) = (self.mean.get(), self.sd.get());
        for x in out {
            let z: f64 = StandardNormal.sample(rng);
            *x = mean + sd * z;
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        normal_ln_pdf(self.standard(x)) - self.sd.get().ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        normal_sf(-self.standard(x))
    }
    fn sf(&self, x: f64) -> f64 {
        normal_sf(self.standard(x))
    }
    fn ln_sf(&self, x: f64) -> f64 {
        normal_ln_sf(self.standard(x))
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        Some(self.mean.get() * self.sf(x) + self.sd.get() * normal_ln_pdf(self.standard(x)).exp())
    }
    fn quantile(&self, p: f64) -> f64 {
        self.mean.get() - self.sd.get() * normal_upper_quantile(p)
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        self.mean.get() + self.sd.get() * normal_upper_quantile(p)
    }
    fn mean(&self) -> Option<f64> {
        Some(self.mean.get())
    }
    fn variance(&self) -> Option<f64> {
        Some(self.sd.get().powi(2)).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        Tail::Light
    }
}

#[cfg(test)]
mod tests {
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("normal");
        testing::conforms("normal:mean=-3,sd=0.2");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned("normal:mean=1,sd=2", [1.2692934902621116, -0.21064744391022816, -0.404100832070303]);
    }
}
