//! The benign reward N(0, 1) + noise: its upper tail, and the exploit's beside it.
//!
//! S_bulk(t) = ∫ φ(z)·S_noise(t − z) dz by adaptive quadrature. The pieces of the integral end at the noise's quantiles
//! as seen from t, so that narrow noise, kinks and ends of a support all lie on edges. Left of −9 the integrand adds
//! less than 10⁻¹⁸ of S_bulk, for S_bulk(t) ≥ ½·S_noise(t); right of 9 above t − median it does for S_bulk(t) ≥
//! ½·P(Z > t − median).

use super::TheoryError;
use super::interpolant::Interpolant;
use super::noise::Noise;
use crate::distributions::DistributionSpec;
use crate::foundation::quadrature::integrate;
use crate::foundation::root::crossing;
use crate::foundation::special::{normal_ln_pdf, normal_sf, normal_upper_quantile};
use std::sync::OnceLock;

/// Relative error of S_bulk.
const TOLERANCE: f64 = 1e-10;
/// Last coefficients of the quick tail.
const QUICK: f64 = 1e-9;

/// Benign rewards and what is added to every reward.
#[derive(Debug, Clone)]
pub(super) struct NoisyBulk {
    noise: Option<Noise>,
    quick: OnceLock<Interpolant>,
}

impl NoisyBulk {
    /// N(0, 1) with `noise` added; without any the rewards are exact.
    ///
    /// # Errors
    /// Noise so heavy or so wide that its quantiles are not finite numbers.
    pub(super) fn new(noise: Option<&DistributionSpec>) -> Result<Self, TheoryError> {
        Ok(Self { noise: noise.map(Noise::new).transpose()?, quick: OnceLock::new() })
    }

    /// Whether there is no noise, so that all exploits have the same reward.
    pub(super) fn is_exact(&self) -> bool {
        self.noise.is_none()
    }

    /// P(noise > x); a step at 0 where there is none.
    pub(super) fn noise_sf(&self, x: f64) -> f64 {
        match &self.noise {
            Some(noise) => noise.sf(x),
            None => f64::from(u8::from(x < 0.0)),
        }
    }

    /// The point above which a share `p` of the noise lies.
    pub(super) fn noise_upper_quantile(&self, p: f64) -> f64 {
        self.noise.as_ref().map_or(0.0, |noise| noise.upper_quantile(p))
    }

    /// P(N(0, 1) + noise > t).
    ///
    /// # Errors
    /// Noise whose tail the quadrature cannot follow.
    pub(super) fn sf(&self, t: f64) -> Result<f64, TheoryError> {
        let Some(noise) = &self.noise else { return Ok(normal_sf(t)) };
        let right = (t - noise.median() + 9.0).clamp(9.0, 40.0);
        let mut edges = vec![-9.0, -4.0, -1.5, 1.5, 4.0, 9.0, right];
        edges.extend(noise.cuts().iter().map(|x| t - x).filter(|z| *z > -9.0 && *z < right));
        edges.sort_by(f64::total_cmp);
        let sum = integrate(&edges, TOLERANCE, |z| [normal_ln_pdf(z).exp() * noise.sf(t - z)]);
        sum.map(|s| s.value[0].min(1.0)).map_err(|e| TheoryError::Law {
            argument: "noise",
            law: noise.law().to_string(),
            reason: format!("cannot be added to a normal: {e}"),
        })
    }

    /// The same to eight digits, in a small part of the time once it was called.
    ///
    /// # Errors
    /// As for [`NoisyBulk::sf`].
    pub(super) fn quick_sf(&self, t: f64) -> Result<f64, TheoryError> {
        if self.is_exact() {
            return Ok(normal_sf(t));
        }
        let table = match self.quick.get() {
            Some(table) => table,
            None => {
                let lowest = self.noise_upper_quantile(1.0 - 1e-9) - 7.0;
                let highest = (self.noise_upper_quantile(1e-15) + 9.0).min(1e100);
                let made = Interpolant::new((lowest, highest), QUICK, |t| self.sf(t))?;
                self.quick.get_or_init(|| made)
            }
        };
        table.at(t).map_or_else(|| self.sf(t), Ok)
    }

    /// The reward above which a share `share` of all rollouts lies, where an exploit of prior `mass` has the proxy
    /// `proxy` plus noise: (1 − q)·S_bulk(τ) + q·S_noise(τ − u) = share. With it, the share of the exploits above.
    pub(super) fn threshold(&self, mass: f64, proxy: f64, share: f64) -> Result<(f64, f64), TheoryError> {
        if self.is_exact() {
            let benign = (1.0 - mass) * normal_sf(proxy);
            let (above, of_bulk) = match (share - benign) / mass {
                ..=0.0 => (0.0, share / (1.0 - mass)),
                1.0.. => (1.0, (share - mass) / (1.0 - mass)),
                // All exploits stand at the threshold itself, and some of them are above it.
                part => return Ok((proxy, part)),
            };
            return Ok((normal_upper_quantile(of_bulk), above));
        }
        // Each of the two laws has at most half of `share` above the one, and enough above the other.
        let ends = |z: f64, x: f64| (z + x, proxy + x);
        let high = ends(normal_upper_quantile(share / 4.0), self.noise_upper_quantile(share / 4.0));
        let rest = (1.0 - share) / 4.0;
        let low = ends(-normal_upper_quantile(rest), self.noise_upper_quantile(1.0 - rest));
        // The noise may reach over many powers of ten.
        let (low, high) = (low.0.min(low.1).asinh(), high.0.max(high.1).asinh());
        let mut fault = None;
        let excess = |y: f64| {
            let t = y.sinh();
            let bulk = self.sf(t).unwrap_or_else(|e| {
                fault = Some(e);
                f64::NAN
            });
            (((1.0 - mass) * bulk + mass * self.noise_sf(t - proxy)) / share).ln()
        };
        let found = crossing(low - 1e-9, high + 1e-9, excess);
        match (found, fault) {
            (Some(y), None) => Ok((y.sinh(), self.noise_sf(y.sinh() - proxy))),
            (_, Some(fault)) => Err(fault),
            (None, None) => {
                Err(TheoryError::argument("budget", share, "a share of the rollouts with a threshold"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(noise: &str) -> NoisyBulk {
        NoisyBulk::new(Some(&noise.parse().unwrap())).unwrap()
    }

    #[test]
    fn normal_noise_gives_a_wider_normal() {
        for (sd, t) in
            [(1.0, 0.3), (1.0, 12.0), (3.0, -4.0), (3.0, 30.0), (1e-6, 2.0), (1e6, 2e6), (0.05, 25.0)]
        {
            let got = bulk(&format!("normal:sd={sd}")).sf(t).unwrap();
            let want = normal_sf(t / f64::hypot(1.0, sd));
            assert!((got / want - 1.0).abs() < 1e-9, "{sd} {t}: {got:e} {want:e}");
        }
    }

    #[test]
    fn kinks_and_ends_are_followed() {
        // Exponential noise: exp(½ − t)·Φ(t − 1) + P(Z > t).
        for t in [-2.0f64, 0.5, 5.0, 30.0, 300.0] {
            let want = (0.5 - t).exp() * normal_sf(1.0 - t) + normal_sf(t);
            let got = bulk("exponential").sf(t).unwrap();
            assert!((got / want - 1.0).abs() < 1e-9, "{t}: {got:e} {want:e}");
        }
        // Uniform on (0, 4): ¼·∫ P(Z > t − x) dx, with ∫ P(Z > y) dy = y·P(Z > y) − φ(y).
        let primitive = |y: f64| y * normal_sf(y) - normal_ln_pdf(y).exp();
        for t in [-1.0, 2.0, 5.0] {
            let want = (primitive(t) - primitive(t - 4.0)) / 4.0;
            let got = bulk("uniform:low=0,high=4").sf(t).unwrap();
            assert!((got / want - 1.0).abs() < 1e-9, "{t}: {got:e} {want:e}");
        }
    }

    #[test]
    fn a_heavy_tail_is_that_of_its_noise() {
        for law in ["student_t:df=1.5,scale=3", "levy", "pareto:index=0.5", "stable:alpha=1.5,beta=0"] {
            let bulk = bulk(law);
            let ratio = bulk.sf(1e6).unwrap() / bulk.noise_sf(1e6);
            assert!((ratio - 1.0).abs() < 1e-6, "{law}: {ratio}");
        }
    }

    #[test]
    fn the_quick_tail_is_the_tail() {
        for law in
            ["student_t:df=3", "uniform:low=-40,high=40", "levy", "normal:sd=0.01", "exponential:scale=1e4"]
        {
            let bulk = bulk(law);
            for i in -200..=200 {
                let t = 1.07f64.powi(i) * if i % 2 == 0 { 1.0 } else { -1.0 };
                let (quick, slow) = (bulk.quick_sf(t).unwrap(), bulk.sf(t).unwrap());
                assert!((quick - slow).abs() <= 1e-8 * slow, "{law} at {t}: {quick:e} {slow:e}");
            }
        }
    }

    #[test]
    fn the_threshold_has_its_share_above() {
        for law in [
            "student_t:df=3",
            "normal:sd=0.001",
            "levy",
            "exponential",
            "pareto:index=0.3",
            "laplace:scale=2",
        ] {
            for (mass, proxy, share) in
                [(1e-4, 20.0, 1e-3), (0.3, 2.0, 0.2), (1e-9, 1e4, 1e-8), (1e-2, -5.0, 0.9)]
            {
                let bulk = bulk(law);
                let (t, above) = bulk.threshold(mass, proxy, share).unwrap();
                let total = (1.0 - mass) * bulk.sf(t).unwrap() + mass * above;
                assert!((total / share - 1.0).abs() < 1e-8, "{law} {mass}: {total:e} above {t}");
            }
        }
    }

    #[test]
    fn without_noise_exploits_may_stand_at_the_threshold() {
        let exact = NoisyBulk::new(None).unwrap();
        assert_eq!(exact.threshold(1e-3, 10.0, 5e-4), Ok((10.0, 0.5 - 999.0 * normal_sf(10.0))));
        let (below, all) = exact.threshold(1e-3, 10.0, 1e-2).unwrap();
        assert!(all == 1.0 && (0.999 * normal_sf(below) + 1e-3 - 1e-2).abs() < 1e-12);
        let (above, none) = exact.threshold(1e-3, 1.0, 1e-2).unwrap();
        assert!(none == 0.0 && (0.999 * normal_sf(above) - 1e-2).abs() < 1e-12);
    }

    #[test]
    fn noise_out_of_range_is_refused() {
        let message = NoisyBulk::new(Some(&"pareto:index=0.01".parse().unwrap())).unwrap_err().to_string();
        assert!(message.starts_with("noise: pareto:index=0.01") && message.contains("quantile"), "{message}");
    }
}
