//! The Laplace law: two exponentials back to back, the boundary between light and heavy on both sides.

use super::partial::weighted;
use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive};
use rand::Rng as _;
use rand_distr::{Distribution as _, Exp1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::f64::consts::LN_2;

/// Laplace (double exponential) with median m = `location` and mean absolute deviation b = `scale`: density f(x) = exp(−|x − m|/b)/(2b), P(X > x) = ½·exp(−(x − m)/b) above m.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Laplace {
    /// Median and mean.
    pub location: Finite,
    /// Mean absolute deviation; the standard deviation is √2 times as large.
    pub scale: Positive,
}

impl Default for Laplace {
    fn default() -> Self {
        Self { location: Finite::known(0.0), scale: Positive::known(1.0) }
    }
}

impl Laplace {
    fn standard(&self, x: f64) -> f64 {
        (x - self.location.get()) / self.scale.get()
    }
}

fn standard_sf(z: f64) -> f64 {
    if z > 0.0 { 0.5 * (-z).exp() } else { 1.0 - 0.5 * z.exp() }
}

fn standard_upper_quantile(p: f64) -> f64 {
    match p {
        p if !(0.0..=1.0).contains(&p) => f64::NAN,
        p if p <= 0.5 => -(2.0 * p).ln(),
        p => LN_2 + (1.0 - p).ln(),
    }
}

impl Distribution for Laplace {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (location, scale) = (self.location.get(), self.scale.get());
        for x in out {
            let magnitude: f64 = Exp1.sample(rng);
            let sign = f64::from_bits(1f64.to_bits() | (rng.next_u64() & (1 << 63)));
            *x = location + scale * sign * magnitude;
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        -self.standard(x).abs() - LN_2 - self.scale.get().ln()
    }
    fn cdf(&self, x: f64) -> f64 {
        standard_sf(-self.standard(x))
    }
    fn sf(&self, x: f64) -> f64 {
        standard_sf(self.standard(x))
    }
    fn ln_sf(&self, x: f64) -> f64 {
        let z = self.standard(x);
        if z > 0.0 { -z - LN_2 } else { (-0.5 * z.exp()).ln_1p() }
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        Some(if x > self.location.get() {
            weighted(self.sf(x), x + self.scale.get())
        } else {
            self.location.get() - weighted(self.cdf(x), x - self.scale.get())
        })
    }
    fn quantile(&self, p: f64) -> f64 {
        self.location.get() - self.scale.get() * standard_upper_quantile(p)
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        self.location.get() + self.scale.get() * standard_upper_quantile(p)
    }
    fn mean(&self) -> Option<f64> {
        Some(self.location.get())
    }
    fn variance(&self) -> Option<f64> {
        Some(2.0 * self.scale.get().powi(2)).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        Tail::Exponential { rate: 1.0 / self.scale.get() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        testing::conforms("laplace");
        testing::conforms("laplace:location=4,scale=3");
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "laplace:location=1,scale=2",
            [2.56845851450448, 1.9167635477096394, -5.812560829644443],
        );
    }

    #[test]
    fn far_tails_keep_their_digits() {
        let law = Laplace::default();
        testing::close(law.sf(690.0), 0.5 * (-690f64).exp(), 1e-15);
        testing::close(law.quantile(1e-300), -(690.775_527_898_213_7 - LN_2), 1e-15);
    }
}
