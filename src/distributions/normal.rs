//! The normal law, the light-tailed yardstick.

use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive};
use rand_distr::{Distribution as _, StandardNormal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::function::erf::{erfc, erfc_inv};
use std::f64::consts::{PI, SQRT_2};

/// Normal with `mean` and standard deviation `sd`.
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

impl Distribution for Normal {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        for x in out {
            let z: f64 = StandardNormal.sample(rng);
            *x = self.mean.get() + self.sd.get() * z;
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        let z = (x - self.mean.get()) / self.sd.get();
        -0.5 * z * z - self.sd.get().ln() - 0.5 * (2.0 * PI).ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        0.5 * erfc(-(x - self.mean.get()) / (self.sd.get() * SQRT_2))
    }
    fn sf(&self, x: f64) -> f64 {
        0.5 * erfc((x - self.mean.get()) / (self.sd.get() * SQRT_2))
    }
    fn quantile(&self, p: f64) -> f64 {
        self.mean.get() - self.sd.get() * SQRT_2 * erfc_inv(2.0 * p)
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        self.mean.get() + self.sd.get() * SQRT_2 * erfc_inv(2.0 * p)
    }
    fn mean(&self) -> Option<f64> {
        Some(self.mean.get())
    }
    fn variance(&self) -> Option<f64> {
        Some(self.sd.get().powi(2))
    }
    fn tail(&self) -> Tail {
        Tail::Light
    }
}
