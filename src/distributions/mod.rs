//! Probability laws for utilities, errors and noise: one family a file, one row in the registry.
//!
//! rand_distr samples what it has; what it lacks (α-stable, generalised Pareto, mixtures) is written here.
//! Every family knows its density, both tails (the upper one directly, so that it keeps its digits), its
//! quantiles, the moments that exist, and how heavy its tail is.

mod normal;
mod standardized;

pub use normal::Normal;
pub use standardized::{Standardize, StandardizeError, Standardized};

use crate::foundation::rng::Stream;
use std::fmt::Debug;

/// How heavy the upper tail of a law is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tail {
    /// Nothing above a finite point.
    Bounded,
    /// Lighter than any exponential: E[exp(sX)] < ∞ for every s.
    Light,
    /// Exponential: E[exp(sX)] < ∞ up to a finite rate.
    Exponential {
        /// The largest rate, per unit of x.
        rate: f64,
    },
    /// Heavier than any exponential, yet all moments exist (lognormal, stretched exponential).
    Subexponential,
    /// Regularly varying: P(X > x) falls like x^(−index); moments exist below the index.
    Regular {
        /// α = 1/ξ.
        index: f64,
    },
}

impl Tail {
    /// Whether exponential tilting diverges at every rate, the condition of catastrophic Goodhart (T1).
    pub fn is_heavy(self) -> bool {
        matches!(self, Self::Subexponential | Self::Regular { .. })
    }

    /// Extreme-value index ξ = 1/α: 0 for light, exponential and subexponential tails, `None` where bounded.
    pub fn xi(self) -> Option<f64> {
        match self {
            Self::Bounded => None,
            Self::Regular { index } => Some(1.0 / index),
            Self::Light | Self::Exponential { .. } | Self::Subexponential => Some(0.0),
        }
    }
}

/// A univariate law.
pub trait Distribution: Debug + Send + Sync {
    /// Fills `out` with independent draws. ±∞ is possible where a tail is heavy enough to overflow.
    fn fill(&self, out: &mut [f64], rng: &mut Stream);
    /// One draw.
    fn sample(&self, rng: &mut Stream) -> f64 {
        let mut one = [0.0];
        self.fill(&mut one, rng);
        one[0]
    }
    /// Natural logarithm of the density; −∞ outside the support.
    fn ln_pdf(&self, x: f64) -> f64;
    /// P(X ≤ x).
    fn cdf(&self, x: f64) -> f64;
    /// P(X > x), computed directly: accurate down to the smallest positive number.
    fn sf(&self, x: f64) -> f64;
    /// The point below which a share `p` of the mass lies; the ends of the support at 0 and 1, NaN outside [0, 1].
    fn quantile(&self, p: f64) -> f64;
    /// The point above which a share `p` of the mass lies: `quantile(1 − p)` without losing digits for small `p`.
    fn upper_quantile(&self, p: f64) -> f64;
    /// The mean, where it exists.
    fn mean(&self) -> Option<f64>;
    /// The variance, where it exists and is finite.
    fn variance(&self) -> Option<f64>;
    /// How heavy the upper tail is.
    fn tail(&self) -> Tail;
}

crate::registry! {
    /// A law, as written in a config: `{ student_t = { df = 2 } }`, or on the command line: `student_t:df=2`.
    pub enum DistributionSpec => dyn Distribution {
        "normal" => Normal: "Gaussian with mean and standard deviation", "Johnson, Kotz & Balakrishnan 1994, ch. 13";
    }
}
