//! A law moved and scaled, so that families can be compared at the same centre and spread.

use super::{Distribution, DistributionSpec, Tail};
use crate::foundation::order::NORMAL_IQR;
use crate::foundation::rng::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// To what a law is brought before it is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Standardize {
    /// As it is written.
    #[default]
    None,
    /// Mean 0, standard deviation 1.
    Sd,
    /// Median 0, interquartile range that of a standard normal: exists for every law.
    Iqr,
}

/// Why a law cannot be standardised.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum StandardizeError {
    /// The law has no variance.
    #[error("{law} has no finite variance, so it cannot be scaled to standard deviation 1: use \"iqr\"")]
    NoVariance {
        /// The law, as written on the command line.
        law: String,
    },
    /// The centre or the spread is not a usable number.
    #[error(
        "{law} has centre {centre} and spread {spread}: these cannot be standardised; change its parameters"
    )]
    Unusable {
        /// The law, as written on the command line.
        law: String,
        /// Mean or median.
        centre: f64,
        /// Standard deviation or interquartile range.
        spread: f64,
    },
}

/// (X − centre)/unit for a law X: itself a [`Distribution`].
#[derive(Debug, Clone, PartialEq)]
pub struct Standardized {
    law: DistributionSpec,
    centre: f64,
    unit: f64,
}

impl Standardized {
    /// Brings `law` to the centre and spread that `how` asks for.
    pub fn new(law: DistributionSpec, how: Standardize) -> Result<Self, StandardizeError> {
        let part = law.part();
        let (centre, unit) = match how {
            Standardize::None => (0.0, 1.0),
            Standardize::Sd => match (part.mean(), part.variance()) {
                (Some(mean), Some(variance)) => (mean, variance.sqrt()),
                _ => return Err(StandardizeError::NoVariance { law: law.to_string() }),
            },
            Standardize::Iqr => {
                let range = part.upper_quantile(0.25) - part.quantile(0.25);
                (part.quantile(0.5), range / NORMAL_IQR)
            }
        };
        if centre.is_finite() && unit.is_normal() && unit > 0.0 && (1.0 / unit).is_normal() {
            Ok(Self { law, centre, unit })
        } else {
            Err(StandardizeError::Unusable { law: law.to_string(), centre, spread: unit })
        }
    }

    /// The law as it was written.
    pub fn law(&self) -> &DistributionSpec {
        &self.law
    }

    fn inner(&self, y: f64) -> f64 {
        self.centre + self.unit * y
    }
    fn outer(&self, x: f64) -> f64 {
        (x - self.centre) / self.unit
    }
}

impl Distribution for Standardized {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        self.law.part().fill(out, rng);
        if (self.centre, self.unit) != (0.0, 1.0) {
            for x in out {
                *x = self.outer(*x);
            }
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        self.law.part().ln_pdf(self.inner(x)) + self.unit.ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        self.law.part().cdf(self.inner(x))
    }
    fn sf(&self, x: f64) -> f64 {
        self.law.part().sf(self.inner(x))
    }
    fn ln_sf(&self, x: f64) -> f64 {
        self.law.part().ln_sf(self.inner(x))
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        let inner = self.law.part().upper_expectation(self.inner(x))?;
        Some((inner - self.centre * self.sf(x)) / self.unit).filter(|m| m.is_finite())
    }
    fn quantile(&self, p: f64) -> f64 {
        self.outer(self.law.part().quantile(p))
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        self.outer(self.law.part().upper_quantile(p))
    }
    fn mean(&self) -> Option<f64> {
        self.law.part().mean().map(|mean| self.outer(mean))
    }
    fn variance(&self) -> Option<f64> {
        self.law.part().variance().map(|v| v / self.unit / self.unit).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        match self.law.part().tail() {
            Tail::Exponential { rate } => Tail::Exponential { rate: rate * self.unit },
            tail => tail,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    fn standardized(spec: &str, how: Standardize) -> Standardized {
        Standardized::new(testing::law(spec), how).unwrap()
    }

    #[test]
    fn conforms() {
        testing::conforms_to(&standardized("student_t:df=2,location=5,scale=3", Standardize::Iqr));
        testing::conforms_to(&standardized("log_normal", Standardize::Sd));
        testing::conforms_to(&standardized("pareto", Standardize::None));
    }

    #[test]
    fn sd_gives_mean_0_and_sd_1() {
        let law = standardized("weibull:shape=0.5,scale=7", Standardize::Sd);
        assert!(law.mean().unwrap().abs() < 1e-15);
        testing::close(law.variance().unwrap(), 1.0, 1e-15);
    }

    #[test]
    fn iqr_gives_median_0_and_the_normal_range() {
        for spec in ["student_t:df=1.5", "pareto:index=0.5", "levy", "exponential:scale=9", "normal:mean=4"] {
            let law = standardized(spec, Standardize::Iqr);
            assert!(law.quantile(0.5).abs() < 1e-14, "{spec}");
            testing::close(law.upper_quantile(0.25) - law.quantile(0.25), NORMAL_IQR, 1e-13);
        }
        let exponential = standardized("exponential", Standardize::Iqr);
        let Tail::Exponential { rate } = exponential.tail() else { panic!("{:?}", exponential.tail()) };
        testing::close(rate, 3f64.ln() / NORMAL_IQR, 1e-15);
    }

    #[test]
    fn no_variance_points_to_iqr() {
        let error =
            Standardized::new(testing::law("student_t:df=2"), Standardize::Sd).unwrap_err().to_string();
        assert!(
            error.contains("student_t:df=2,location=0,scale=1") && error.contains("use \"iqr\""),
            "{error}"
        );
        let error = Standardized::new(testing::law("pareto:index=0.001"), Standardize::Iqr).unwrap_err();
        assert!(matches!(error, StandardizeError::Unusable { .. }), "{error}");
    }
}
