//! The uniform law: no tail at all.

use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::Finite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Uniform between a = `low` and b = `high`: density f(x) = 1/(b − a) on \[a, b\], P(X > x) = (b − x)/(b − a) there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "Ends")]
pub struct Uniform {
    low: Finite,
    high: Finite,
}

/// The ends as they were written, not yet compared.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, rename = "Uniform")]
struct Ends {
    /// Lower end.
    low: Finite,
    /// Upper end, above `low`.
    high: Finite,
}

impl Default for Ends {
    fn default() -> Self {
        Self { low: Finite::known(0.0), high: Finite::known(1.0) }
    }
}

/// Two ends that do not enclose an interval.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum UniformError {
    /// The lower end is not below the upper end.
    #[error("low = {} is not below high = {}", shown(*low), shown(*high))]
    Empty {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
    /// high − low is beyond the largest number.
    #[error(
        "high - low overflows for low = {}, high = {}: bring the ends closer together", shown(*low), shown(*high)
    )]
    TooWide {
        /// Lower end.
        low: f64,
        /// Upper end.
        high: f64,
    },
}

/// A number that is not hundreds of digits long.
fn shown(x: f64) -> String {
    if x != 0.0 && !(1e-5..1e15).contains(&x.abs()) { format!("{x:e}") } else { x.to_string() }
}

impl Uniform {
    /// Uniform between two finite ends, `low` below `high`.
    pub fn new(low: Finite, high: Finite) -> Result<Self, UniformError> {
        let (a, b) = (low.get(), high.get());
        match b - a {
            width if width <= 0.0 => Err(UniformError::Empty { low: a, high: b }),
            width if width.is_infinite() => Err(UniformError::TooWide { low: a, high: b }),
            _ => Ok(Self { low, high }),
        }
    }

    fn width(&self) -> f64 {
        self.high.get() - self.low.get()
    }
}

impl TryFrom<Ends> for Uniform {
    type Error = UniformError;
    fn try_from(ends: Ends) -> Result<Self, UniformError> {
        Self::new(ends.low, ends.high)
    }
}

impl Distribution for Uniform {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (low, width) = (self.low.get(), self.width());
        for x in out {
            *x = low + width * rng.open_unit();
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        if x < self.low.get() || x > self.high.get() { f64::NEG_INFINITY } else { -self.width().ln() }
    }
    fn cdf(&self, x: f64) -> f64 {
        ((x - self.low.get()) / self.width()).clamp(0.0, 1.0)
    }
    fn sf(&self, x: f64) -> f64 {
        ((self.high.get() - x) / self.width()).clamp(0.0, 1.0)
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        let low = x.clamp(self.low.get(), self.high.get());
        Some(self.sf(x) * (0.5 * low + 0.5 * self.high.get()))
    }
    fn quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) {
            (self.low.get() + p * self.width()).min(self.high.get())
        } else {
            f64::NAN
        }
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) {
            (self.high.get() - p * self.width()).max(self.low.get())
        } else {
            f64::NAN
        }
    }
    fn mean(&self) -> Option<f64> {
        Some(self.low.get() + 0.5 * self.width())
    }
    fn variance(&self) -> Option<f64> {
        Some(self.width().powi(2) / 12.0).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        Tail::Bounded
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("uniform");
        testing::conforms("uniform:low=-5,high=17");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned("uniform:low=1,high=3", [2.0961010979569785, 1.359485572793456, 1.5447522214244231]);
    }

    #[test]
    fn the_ends_must_enclose_an_interval() {
        let message = serde_json::from_str::<Uniform>(r#"{"low": 2}"#).unwrap_err().to_string();
        assert!(message.contains("low = 2 is not below high = 1"), "{message}");
        let wide = r#"{"low": -1e308, "high": 1e308}"#;
        let message = serde_json::from_str::<Uniform>(wide).unwrap_err().to_string();
        assert!(message.contains("overflows"), "{message}");
    }
}
