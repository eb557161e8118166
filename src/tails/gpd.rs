//! The generalised Pareto law fitted to excesses by maximum likelihood.
//!
//! Sources: Pickands 1975; Davison & Smith 1990, *JRSS B* 52:393; Grimshaw 1993, *Technometrics* 35:185.

use super::MIN_EXCESSES;
use super::gpd_law::Gpd;
use super::gpd_profile::{Point, Profile};
use super::gpd_search::{interval, maximum};
use crate::foundation::failure::Status;

/// A fitted generalised Pareto tail: P(X > x | X > threshold) = (1 + ξ(x − threshold)/σ)^(−1/ξ).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GpdFit {
    /// Shape ξ.
    pub xi: f64,
    /// Lower end of the 95% profile-likelihood interval of ξ; −1 where the interval reaches the edge of the model.
    pub ci_low: f64,
    /// Upper end of that interval.
    pub ci_high: f64,
    /// Number of excesses.
    pub k: usize,
    /// Scale σ, in the unit of the values.
    pub scale: f64,
    /// The threshold that was exceeded.
    pub threshold: f64,
    /// Log-likelihood of the excesses at the maximum, in nats.
    pub log_likelihood: f64,
}

impl GpdFit {
    /// The law of the excesses.
    pub fn law(&self) -> Gpd {
        Gpd { xi: self.xi, scale: self.scale }
    }

    /// −ln P(X > x | X > threshold): 0 at and below the threshold, ∞ from a finite end point on.
    pub fn neg_ln_sf(&self, x: f64) -> f64 {
        self.law().neg_ln_sf(x - self.threshold)
    }

    /// P(X > x | X > threshold).
    pub fn sf(&self, x: f64) -> f64 {
        (-self.neg_ln_sf(x)).exp()
    }

    /// P(X > x), where a share `tail_fraction` of the values lies above the threshold.
    pub fn p_value(&self, x: f64, tail_fraction: f64) -> f64 {
        tail_fraction * self.sf(x)
    }

    /// The x with −ln P(X > x | X > threshold) = `neg_ln_sf`; +∞ where f64 cannot hold it.
    pub fn upper_quantile(&self, neg_ln_sf: f64) -> f64 {
        self.threshold + self.law().upper_quantile(neg_ln_sf)
    }

    /// Where the tail ends, if ξ < 0.
    pub fn end_point(&self) -> Option<f64> {
        (self.xi < 0.0).then(|| self.threshold - self.scale / self.xi)
    }

    /// Log-density of an excess at x > threshold; −∞ outside the support.
    pub fn ln_pdf(&self, x: f64) -> f64 {
        let tail = self.neg_ln_sf(x);
        if x <= self.threshold || tail == f64::INFINITY {
            return f64::NEG_INFINITY;
        }
        -self.scale.ln() - tail * (1.0 + self.xi)
    }
}

/// Fits the values above `threshold`; the rest is ignored, in any order.
///
/// # Errors
/// As [`fit_excesses`].
pub fn fit_gpd(values: &[f64], threshold: f64) -> Result<GpdFit, Status> {
    fit_excesses(&excesses_of(values, threshold), threshold)
}

/// Shape ξ of the values above `threshold` as [`fit_gpd`] gives it, without the search for its interval.
///
/// # Errors
/// As [`fit_excesses`].
pub fn gpd_shape(values: &[f64], threshold: f64) -> Result<f64, Status> {
    profiled(&excesses_of(values, threshold)).map(|peak| peak.best.xi)
}

fn excesses_of(values: &[f64], threshold: f64) -> Vec<f64> {
    values.iter().filter(|x| **x > threshold).map(|x| x - threshold).collect()
}

/// Fits positive excesses over `threshold` by maximum likelihood, with a profile-likelihood interval for ξ.
///
/// The whole profile over ξ ∈ (−1, ∞) is searched, then the best of its local maxima refined.
///
/// # Errors
/// [`Status::TooFew`] below [`MIN_EXCESSES`]; [`Status::AllTied`]; [`Status::Undefined`] where an excess is not
/// positive and finite; [`Status::Unbounded`] where there is no local maximum: the likelihood rises all the way to ξ =
/// −1, beyond which it grows without bound.
pub fn fit_excesses(excesses: &[f64], threshold: f64) -> Result<GpdFit, Status> {
    let k = excesses.len();
    let Peak { profile, max, v, best } = profiled(excesses)?;
    let (ci_low, ci_high) = interval(&profile, v, best);
    Ok(GpdFit {
        xi: best.xi,
        ci_low,
        ci_high,
        k,
        scale: best.scale * max,
        threshold,
        log_likelihood: k as f64 * (best.mean_ln_likelihood - max.ln()),
    })
}

/// The highest point of a profile, at v; excesses are in units of `max`.
struct Peak {
    profile: Profile,
    max: f64,
    v: f64,
    best: Point,
}

fn profiled(excesses: &[f64]) -> Result<Peak, Status> {
    let k = excesses.len();
    if k < MIN_EXCESSES {
        return Err(Status::TooFew { what: "excesses", have: k, need: MIN_EXCESSES });
    }
    let (mut min, mut max) = (f64::INFINITY, 0.0f64);
    for &y in excesses {
        if !(y > 0.0 && y.is_finite()) {
            return Err(Status::Undefined { reason: "an excess is not a positive finite number" });
        }
        (min, max) = (min.min(y), max.max(y));
    }
    if min == max {
        return Err(Status::AllTied);
    }
    if min / max < f64::MIN_POSITIVE {
        return Err(Status::Undefined {
            reason: "the excesses differ by more orders of magnitude than f64 holds",
        });
    }
    let profile = Profile::new(excesses.iter().copied(), max);
    let (v, best) = maximum(&profile).ok_or(Status::Unbounded)?;
    Ok(Peak { profile, max, v, best })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    /// Exact quantiles of the law with shape ξ and scale 2.
    fn quantiles(xi: f64, n: usize) -> Vec<f64> {
        (1..=n)
            .map(|i| {
                let e = -((i as f64 - 0.5) / n as f64).ln();
                2.0 * if xi == 0.0 { e } else { (xi * e).exp_m1() / xi }
            })
            .collect()
    }

    #[test]
    fn recovers_shape_and_scale_on_both_sides_of_zero() {
        for xi in [-0.4, -0.1, -1e-6, 0.0, 1e-6, 0.3, 1.0, 3.0] {
            for n in [2000, 9000] {
                let fit = fit_excesses(&quantiles(xi, n), 5.0).unwrap();
                assert!((fit.xi - xi).abs() < 0.01 && (fit.scale - 2.0).abs() < 0.02, "{xi}: {fit:?}");
                assert!(fit.ci_low < xi && xi < fit.ci_high, "{xi}: {fit:?}");
                let half = 1.96 * (1.0 + xi) / (n as f64).sqrt();
                if xi > -0.3 {
                    assert!((fit.ci_high - fit.ci_low) / (2.0 * half) - 1.0 < 0.15, "{xi}: {fit:?}");
                }
            }
        }
    }

    #[test]
    fn the_fit_is_the_maximum_of_the_likelihood() {
        let y = quantiles(0.2, 60);
        let fit = fit_excesses(&y, 0.0).unwrap();
        assert_eq!(gpd_shape(&y, 0.0), Ok(fit.xi));
        let at = |xi: f64, scale: f64| {
            let other = GpdFit { xi, scale, ..fit };
            y.iter().map(|&y| other.ln_pdf(y)).sum::<f64>()
        };
        assert!((at(fit.xi, fit.scale) - fit.log_likelihood).abs() < 1e-9);
        for (dx, ds) in [(1e-3, 0.0), (-1e-3, 0.0), (0.0, 1e-3), (0.0, -1e-3)] {
            assert!(at(fit.xi + dx, fit.scale + ds) < fit.log_likelihood);
        }
        // the interval's ends: best over scale loses half of 3.84
        for end in [fit.ci_low, fit.ci_high] {
            let best = (1..40_000).map(|i| at(end, f64::from(i) * 2e-4)).fold(f64::MIN, f64::max);
            assert!((fit.log_likelihood - best - 3.841_459 / 2.0).abs() < 1e-3, "{end}: {best}");
        }
    }

    #[test]
    fn the_law_is_continuous_at_zero_and_ends_where_it_should() {
        let fit = |xi| GpdFit {
            xi,
            ci_low: xi,
            ci_high: xi,
            k: 10,
            scale: 2.0,
            threshold: 1.0,
            log_likelihood: 0.0,
        };
        for x in [1.5, 3.0, 40.0] {
            assert!((fit(1e-10).sf(x) / fit(0.0).sf(x) - 1.0).abs() < 1e-7);
            assert!((fit(-1e-10).ln_pdf(x) - fit(0.0).ln_pdf(x)).abs() < 1e-6);
        }
        let bounded = fit(-0.5);
        assert_eq!(bounded.end_point(), Some(5.0));
        assert_eq!((bounded.sf(5.0), bounded.sf(9.0), bounded.sf(-3.0)), (0.0, 0.0, 1.0));
        for xi in [-0.5, 0.0, 1e-12, 0.7] {
            let fit = fit(xi);
            assert!((fit.neg_ln_sf(fit.upper_quantile(3.0)) - 3.0).abs() < 1e-12);
        }
    }

    /// max over σ of the log-likelihood, by golden section on ln σ.
    fn profile_by_brute_force(y: &[f64], xi: f64) -> f64 {
        let max = y.iter().copied().fold(0.0, f64::max);
        let at = |ln_scale: f64| -> f64 {
            let scale = ln_scale.exp();
            y.iter().map(|y| -ln_scale - (1.0 + 1.0 / xi) * (xi * y / scale).ln_1p()).sum()
        };
        let (mut a, mut b) = (if xi < 0.0 { (-xi * max).ln() + 1e-12 } else { -15.0 }, 15.0);
        for _ in 0..90 {
            let (c, d) = (b - 0.618_034 * (b - a), a + 0.618_034 * (b - a));
            if at(c) > at(d) { b = d } else { a = c }
        }
        at(0.5 * (a + b))
    }

    /// Short samples of a law that ends abruptly: some have a local maximum, the others rise all the way to ξ = −1.
    #[test]
    fn refuses_exactly_where_there_is_no_local_maximum() {
        let (mut fitted, mut refused) = (0, 0);
        for index in 0..60 {
            let mut stream = SeedTree::new(1, 0).stream(Purpose::Bootstrap, index);
            let y: Vec<f64> = (0..12).map(|_| 1.0 - stream.open_unit().powf(0.7)).collect();
            match fit_excesses(&y, 0.0) {
                Ok(fit) => {
                    fitted += 1;
                    for xi in [fit.xi - 0.01, fit.xi + 0.01].into_iter().filter(|xi| *xi > -0.999) {
                        assert!(profile_by_brute_force(&y, xi) < fit.log_likelihood, "{fit:?}");
                    }
                }
                Err(status) => {
                    refused += 1;
                    assert_eq!(status, Status::Unbounded);
                    let profile: Vec<f64> =
                        (1..80).map(|i| profile_by_brute_force(&y, f64::from(i) * 0.025 - 0.9876)).collect();
                    assert!(profile.windows(2).all(|pair| pair[0] > pair[1] - 0.01), "{profile:?}");
                }
            }
        }
        assert!(fitted >= 10 && refused >= 10, "{fitted} {refused}");
    }

    #[test]
    fn refusals_are_statuses() {
        let refused = |y: &[f64]| fit_excesses(y, 0.0).unwrap_err();
        assert!(matches!(refused(&[1.0; 9]), Status::TooFew { have: 9, need: 10, .. }));
        assert_eq!(refused(&[1.0; 20]), Status::AllTied);
        assert!(matches!(refused(&[f64::INFINITY; 20]), Status::Undefined { .. }));
        // density rising to an abrupt end: ξ below −1
        let rising: Vec<f64> = (1..=200).map(|i| (f64::from(i) / 200.0).powf(0.2)).collect();
        assert_eq!(refused(&rising), Status::Unbounded);
        // one value at the edge of f64 among ordinary ones
        let mut extreme = quantiles(0.1, 50);
        extreme.push(f64::MAX);
        let fit = fit_excesses(&extreme, 0.0);
        assert!(
            fit.is_err() || fit.is_ok_and(|f| f.xi.is_finite() && f.ci_high.is_finite() && f.scale > 0.0)
        );
    }
}
