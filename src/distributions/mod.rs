//! Probability laws for utilities, errors and noise: one family a file, one row in the registry.
//!
//! rand_distr samples what it has; what it lacks (α-stable, generalised Pareto, mixtures) is written here.
//! Every family knows its density, both tails (the upper one directly, so that it keeps its digits), its
//! quantiles, the moments that exist, and how heavy its tail is.

mod exponential;
mod generalized_pareto;
mod invert;
mod laplace;
mod levy;
mod log_normal;
mod mixture;
mod normal;
mod pareto;
mod partial;
mod spec;
mod stable;
mod stable_integral;
mod standardized;
mod student_t;
#[cfg(test)]
mod testing;
mod uniform;
mod weibull;
mod words;

pub use exponential::Exponential;
pub use generalized_pareto::GeneralizedPareto;
pub use laplace::Laplace;
pub use levy::Levy;
pub use log_normal::LogNormal;
pub use mixture::{Component, Mixture, MixtureError};
pub use normal::Normal;
pub use pareto::Pareto;
pub use spec::SpecError;
pub use stable::Stable;
pub use standardized::{Standardize, StandardizeError, Standardized};
pub use student_t::StudentT;
pub use uniform::{Uniform, UniformError};
pub use weibull::Weibull;

use crate::foundation::rng::Stream;
use std::fmt::Debug;

/// How heavy the upper tail of a law is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tail {
    /// Nothing above a finite point.
    Bounded,
    /// Lighter than any exponential: E\[exp(sX)\] < ∞ for every s.
    Light,
    /// Exponential: E\[exp(sX)\] < ∞ up to a finite rate.
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
    /// ln P(X > x), also where the probability is below the smallest positive number if the law knows its logarithm.
    fn ln_sf(&self, x: f64) -> f64 {
        self.sf(x).ln()
    }
    /// The partial expectation E\[X; X > x\] = E\[X·1{X > x}\], by its closed form where the law has one, else by
    /// quadrature of the tails; `None` where the law has no mean.
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        partial::upper_expectation(self, x)
    }
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
    /// Whether a probability takes an integral, so that who asks for thousands does well to tabulate them.
    fn is_integrated(&self) -> bool {
        false
    }
}

crate::registry! {
    /// A law, as written in a config: `{ student_t = { df = 2 } }`, or on the command line: `student_t:df=2`.
    pub enum DistributionSpec => dyn Distribution {
        "normal" => Normal: "Gaussian with mean and standard deviation", "Johnson, Kotz & Balakrishnan 1994, ch. 13";
        "laplace" => Laplace: "double exponential with location and scale", "Johnson, Kotz & Balakrishnan 1995, ch. 24";
        "exponential" => Exponential: "exponential with its mean as scale: the edge of heaviness", "Johnson, Kotz & Balakrishnan 1994, ch. 19";
        "log_normal" => LogNormal: "exponential of a normal: heavy with all moments", "Johnson, Kotz & Balakrishnan 1994, ch. 14";
        "weibull" => Weibull: "stretched exponential below shape 1, light above", "Johnson, Kotz & Balakrishnan 1994, ch. 21";
        "student_t" => StudentT: "Student's t with any degrees of freedom, which are its tail index", "Bailey 1994, Math. Comp. 62";
        "pareto" => Pareto: "pure power tail above a smallest value (type I)", "Johnson, Kotz & Balakrishnan 1994, ch. 20";
        "levy" => Levy: "one-sided stable law with index 1/2", "Nolan 2020, Univariate Stable Distributions";
        "stable" => Stable: "α-stable in Nolan's S1 parametrisation", "Chambers, Mallows & Stuck 1976; Nolan 1997";
        "generalized_pareto" => GeneralizedPareto: "excesses over a high threshold, ξ of any sign", "Pickands 1975; Coles 2001, ch. 4";
        "mixture" => Mixture: "weighted mixture of laws", "McLachlan & Peel 2000";
        "uniform" => Uniform: "uniform between two ends", "Johnson, Kotz & Balakrishnan 1995, ch. 26";
    }
}
