//! The Lévy law: one over a squared normal, a one-sided stable law with index ½.

use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive};
use crate::foundation::special::{normal_central, normal_central_quantile, normal_sf, normal_upper_quantile};
use rand_distr::{Distribution as _, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// Lévy: μ + c/Z² for a standard normal Z, μ = `location`, c = `scale`; P(X > x) = 2·Φ(√(c/(x − μ))) − 1 for x > μ, about √(2c/(π·x)) far out. Neither mean nor variance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Levy {
    /// Lower end of the support.
    pub location: Finite,
    /// Scale.
    pub scale: Positive,
}

impl Default for Levy {
    fn default() -> Self {
        Self { location: Finite::known(0.0), scale: Positive::known(1.0) }
    }
}

impl Levy {
    /// The |z| that x stands for; +∞ at and below the location.
    fn standard(&self, x: f64) -> f64 {
        let excess = x - self.location.get();
        if excess > 0.0 { (self.scale.get() / excess).sqrt() } else { f64::INFINITY }
    }
    fn at_standard(&self, z: f64) -> f64 {
        self.location.get() + self.scale.get() / z / z
    }
}

impl Distribution for Levy {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (location, scale) = (self.location.get(), self.scale.get());
        for x in out {
            let z: f64 = StandardNormal.sample(rng);
            *x = location + scale / (z * z);
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        let z = self.standard(x);
        if z == 0.0 || z == f64::INFINITY || z * z == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        3.0 * z.ln() - 0.5 * z * z - self.scale.get().ln() - 0.5 * (2.0 * PI).ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        2.0 * normal_sf(self.standard(x))
    }
    fn sf(&self, x: f64) -> f64 {
        normal_central(self.standard(x))
    }
    fn quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_standard(normal_upper_quantile(0.5 * p)) } else { f64::NAN }
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_standard(normal_central_quantile(p)) } else { f64::NAN }
    }
    fn mean(&self) -> Option<f64> {
        None
    }
    fn variance(&self) -> Option<f64> {
        None
    }
    fn tail(&self) -> Tail {
        Tail::Regular { index: 0.5 }
    }
}

#[cfg(test)]
mod tests {
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("levy");
        testing::conforms("levy:location=-1,scale=0.3");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "levy:location=1,scale=2",
            [111.31594170295973, 6.458264889492552, 5.057825748346557],
        );
    }
}
