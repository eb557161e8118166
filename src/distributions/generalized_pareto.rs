//! The generalised Pareto law: what excesses over a high threshold converge to.

use super::partial::weighted;
use super::{Distribution, Tail};
use crate::foundation::rng::Stream;
use crate::foundation::scalar::{Finite, Positive};
use rand_distr::{Distribution as _, Exp1};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Generalised Pareto: P(X > x) = (1 + `xi`·z)^(−1/`xi`) with z = (x − `location`)/`scale` ≥ 0.
///
/// ξ > 0 is heavy (index 1/ξ), ξ = 0 exponential, ξ < 0 bounded at `location` − `scale`/ξ.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct GeneralizedPareto {
    /// Extreme-value index, of any sign.
    pub xi: Finite,
    /// Scale.
    pub scale: Positive,
    /// Lower end of the support: the threshold.
    pub location: Finite,
}

impl Default for GeneralizedPareto {
    fn default() -> Self {
        Self { xi: Finite::known(0.5), scale: Positive::known(1.0), location: Finite::known(0.0) }
    }
}

/// ln(1 + y)/y·z with y = ξz, which is z where ξ vanishes; +∞ at and above the upper end.
fn hazard(xi: f64, z: f64) -> f64 {
    let y = xi * z;
    if z <= 0.0 {
        0.0
    } else if y <= -1.0 || z == f64::INFINITY {
        f64::INFINITY
    } else if y.abs() < 1e-9 {
        z * (1.0 - 0.5 * y)
    } else if y == f64::INFINITY {
        (xi.ln() + z.ln()) / xi
    } else {
        y.ln_1p() / xi
    }
}

/// The z at which the hazard is e: expm1(ξe)/ξ.
fn at_hazard(xi: f64, e: f64) -> f64 {
    if xi == 0.0 {
        return e;
    }
    let y = xi * e;
    if y.abs() < 1e-9 { e * (1.0 + 0.5 * y) } else { y.exp_m1() / xi }
}

impl GeneralizedPareto {
    fn standard(&self, x: f64) -> f64 {
        (x - self.location.get()) / self.scale.get()
    }
    fn at_hazard(&self, e: f64) -> f64 {
        self.location.get() + self.scale.get() * at_hazard(self.xi.get(), e)
    }
}

impl Distribution for GeneralizedPareto {
    fn fill(&self, out: &mut [f64], rng: &mut Stream) {
        let (xi, scale, location) = (self.xi.get(), self.scale.get(), self.location.get());
        for x in out {
            let e: f64 = Exp1.sample(rng);
            *x = location + scale * at_hazard(xi, e);
        }
    }
    fn ln_pdf(&self, x: f64) -> f64 {
        let (xi, z) = (self.xi.get(), self.standard(x));
        let ln_scale = self.scale.get().ln();
        let y = xi * z;
        if z < 0.0 || y < -1.0 || z == f64::INFINITY {
            f64::NEG_INFINITY
        } else if y == -1.0 {
            // The upper end: the density vanishes there for ξ > −1, is flat at −1, grows without bound below.
            match xi {
                -1.0 => -ln_scale,
                xi if xi < -1.0 => f64::INFINITY,
                _ => f64::NEG_INFINITY,
            }
        } else {
            -(1.0 + xi) * hazard(xi, z) - ln_scale
        }
    }
    fn cdf(&self, x: f64) -> f64 {
        -(-hazard(self.xi.get(), self.standard(x))).exp_m1()
    }
    fn sf(&self, x: f64) -> f64 {
        (-hazard(self.xi.get(), self.standard(x))).exp()
    }
    fn ln_sf(&self, x: f64) -> f64 {
        -hazard(self.xi.get(), self.standard(x))
    }
    fn upper_expectation(&self, x: f64) -> Option<f64> {
        let (xi, mean) = (self.xi.get(), self.mean()?);
        let excess = (x - self.location.get()).max(0.0) / (1.0 - xi);
        Some(weighted(self.sf(x), mean + excess)).filter(|m| m.is_finite())
    }
    fn quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_hazard(-(-p).ln_1p()) } else { f64::NAN }
    }
    fn upper_quantile(&self, p: f64) -> f64 {
        if (0.0..=1.0).contains(&p) { self.at_hazard(-p.ln()) } else { f64::NAN }
    }
    fn mean(&self) -> Option<f64> {
        let xi = self.xi.get();
        (xi < 1.0).then(|| self.location.get() + self.scale.get() / (1.0 - xi)).filter(|m| m.is_finite())
    }
    fn variance(&self) -> Option<f64> {
        let xi = self.xi.get();
        let sd = self.scale.get() / (1.0 - xi);
        (xi < 0.5).then(|| sd * sd / (1.0 - 2.0 * xi)).filter(|v| v.is_finite())
    }
    fn tail(&self) -> Tail {
        match self.xi.get() {
            xi if xi > 0.0 => Tail::Regular { index: 1.0 / xi },
            0.0 => Tail::Exponential { rate: 1.0 / self.scale.get() },
            _ => Tail::Bounded,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::testing;

    #[test]
    fn conforms() {
        for xi in ["0.5", "3", "0.1", "1e-12", "0", "-1e-12", "-0.2", "-1", "-2.5"] {
            testing::conforms(&format!("generalized_pareto:xi={xi},scale=2,location=-1"));
        }
    }

    #[test]
    fn draws_are_value_stable() {
        testing::pinned(
            "generalized_pareto:xi=0.5,scale=2",
            [1.9204294574089846, 0.27662917274686954, 1.0303282883089095],
        );
    }

    #[test]
    fn the_law_is_continuous_in_xi_at_zero() {
        let at = |xi| GeneralizedPareto { xi: Finite::known(xi), ..GeneralizedPareto::default() };
        for z in [1e-8, 0.3, 20.0, 600.0] {
            let exponential = at(0.0);
            for xi in [1e-16, -1e-16, 1e-300] {
                testing::close(at(xi).sf(z), exponential.sf(z), 1e-10);
                testing::close(at(xi).upper_quantile(1e-3), exponential.upper_quantile(1e-3), 1e-10);
            }
            // One part in 10⁹ of ξz is the seam between the series and the logarithm.
            testing::close(at(0.999_999e-9 / z).sf(z), at(1.000_001e-9 / z).sf(z), 1e-12);
        }
    }
}
