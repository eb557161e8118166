//! The lognormal law: all moments exist, yet every exponential tilt diverges.

use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive};
use crate::foundation::special::{normal_ln_pdf, normal_ln_sf, normal_sf, normal_upper_quantile};
use rand_distr::{Distribution as _, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Lognormal: the exponential of a normal with mean μ = `mu` and standard deviation σ = `sigma`, P(X > x) = 1 − Φ((ln x − μ)/σ) for x > 0. Its mean is exp(μ + σ²/2).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LogNormal {
    /// Mean of ln x.
    pub mu: Finite,
    /// Standard deviation of ln x.
    pub sigma: Positive,
}

impl Default for LogNormal {
    fn default() -> Self {
        Self { mu: Finite::known(0.0), sigma: Positive::known(1.0) }
    }
}

impl LogNormal {
    /// The z that x > 0 stands for; −∞ at and below 0.
    fn standard(&self, x: f64) -> f64 {
        if x > 0.0 { (x.ln() - self.mu.get()) / self.sigma.get() } else { f64::NEG_INFINITY }
    }
}

impl Distribution for LogNormal {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (mu, sigma) = (self.mu.get(), self.sigma.get());
        for x in out {
            let z: f64 = StandardNormal.sample(rng);
            *x = (mu + sigma * z).exp();
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        let z = self.standard(x);
        if z.is_finite() { normal_ln_pdf(z) - self.sigma.get().ln() - x.ln() } else { f64::NEG_INFINITY }
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
        Some(self.mean()? * normal_sf(self.standard(x) - self.sigma.get()))
    }
    fn quantile(&self, p: f64) -> f64 {
        (self.mu.get() - self.sigma.get() * normal_upper_quantile(p)).exp()
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        (self.mu.get() + self.sigma.get() * normal_upper_quantile(p)).exp()
    }
    fn mean(&self) -> Option<f64> {
        Some((self.mu.get() + 0.5 * self.sigma.get().powi(2)).exp()).filter(|m| m.is_finite())
    }
    fn variance(&self) -> Option<f64> {
        let s2 = self.sigma.get().powi(2);
        let log = 2.0 * self.mu.get() + s2;
        Some(s2.exp_m1() * log.exp()).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        Tail::Subexponential
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("log_normal");
        testing::conforms("log_normal:mu=-2,sigma=0.25");
        testing::conforms("log_normal:sigma=30");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "log_normal:mu=1,sigma=2",
            [3.5583376738462524, 0.8100596079915656, 0.6675768047238461],
        );
    }

    #[test]
    fn moments_beyond_the_largest_number_are_none() {
        let law = LogNormal { sigma: Positive::known(40.0), ..LogNormal::default() };
        assert_eq!((law.mean(), law.variance()), (None, None));
        assert_eq!(law.upper_quantile(1e-300), f64::INFINITY);
    }
}
