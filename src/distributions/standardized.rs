//! Placeholder until the standardised laws are merged.

use super::{Distribution, DistributionSpec, Tail};
use crate::foundation::rng::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How an error is moved and scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standardize {
    /// As it is.
    #[default]
    None,
    /// Mean 0, standard deviation 1.
    Sd,
    /// Median 0, interquartile range of N(0, 1).
    Iqr,
}
/// E
#[derive(Debug, thiserror::Error)]
#[error("x")]
pub struct StandardizeError;
/// S
#[derive(Debug)]
pub struct Standardized(DistributionSpec);
impl Standardized {
    /// n
    pub fn new(law: DistributionSpec, _s: Standardize) -> Result<Self, StandardizeError> {
        Ok(Self(law))
    }
}
impl Distribution for Standardized {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        self.0.part().fill(out, rng)
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        self.0.part().ln_pdf(x)
    }
    fn cdf(&self, x: f64) -> f64 {
        self.0.part().cdf(x)
    }
    fn sf(&self, x: f64) -> f64 {
        self.0.part().sf(x)
    }
    fn quantile(&self, p: f64) -> f64 {
        self.0.part().quantile(p)
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        self.0.part().upper_quantile(p)
    }
    fn mean(&self) -> Option<f64> {
        None
    }
    fn variance(&self) -> Option<f64> {
        None
    }
    fn tail(&self) -> Tail {
        Tail::Light
    }
}
