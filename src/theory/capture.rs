//! What an exploit of a given size takes of the proxy's gain at a KL budget.
//!
//! As in [`super::frontier`]: a bulk N(0, 1) of mass 1 − q and an atom of mass q and proxy u. The tilt of strength λ moves the
//! bulk to mean λ and gives the atom p = logistic(ln(q/(1 − q)) + λu − λ²/2); its KL, p·ln(p/q) + (1 − p)·(ln((1 − p)/(1 − q))
//! + λ²/2), grows with λ, so a budget has one λ.

use super::TheoryError;
use super::error::{open_share, positive, require};
use crate::foundation::root::crossing;

/// The optimum under a KL budget where an exploit is to be had.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Capture {
    /// p: mass of the exploit after.
    pub mass_after: f64,
    /// λ: mean of the bulk after, in its standard deviations.
    pub bulk_mean: f64,
    /// Share of E\[U\] that the exploit supplies.
    pub share: f64,
}

/// The optimum at KL = `kl` nats for an exploit of prior `mass` and proxy `size`, in standard deviations above the bulk's mean.
///
/// # Errors
/// A mass outside (0, 1), a size that is not finite, a KL that is no finite number above 0.
pub fn capture(mass: f64, size: f64, kl: f64) -> Result<Capture, TheoryError> {
    open_share("mass", mass)?;
    require("size", size, size.is_finite(), "a finite number")?;
    positive("kl", kl)?;
    let prior = mass.ln() - (-mass).ln_1p();
    let at = |tilt: f64| {
        let logit = prior + tilt * size - 0.5 * tilt * tilt;
        let (p, rest) = (1.0 / (1.0 + (-logit).exp()), 1.0 / (1.0 + logit.exp()));
        // ln p and ln(1 − p), without losing the digits of either.
        let (ln_p, ln_rest) = (-(-logit).exp().ln_1p(), -logit.exp().ln_1p());
        let (ln_p, ln_rest) = if logit < -700.0 {
            (logit, 0.0)
        } else if logit > 700.0 {
            (0.0, -logit)
        } else {
            (ln_p, ln_rest)
        };
        let divergence = p * (ln_p - mass.ln()) + rest * (ln_rest - (-mass).ln_1p() + 0.5 * tilt * tilt);
        (p, rest, divergence)
    };
    let mut strong = (2.0 * kl).sqrt();
    while at(strong).2 < kl {
        strong *= 2.0;
    }
    let tilt = crossing(0.0, strong, |tilt| at(tilt).2 - kl).ok_or_else(|| {
        TheoryError::argument("kl", kl, "a KL that an optimum of this mass and size can reach")
    })?;
    let (p, rest, _) = at(tilt);
    let (atom, bulk) = (p * size, rest * tilt);
    Ok(Capture { mass_after: p, bulk_mean: tilt, share: atom / (atom + bulk) })
}

#[cfg(test)]
mod tests {
    use super::super::frontier::t_star_exact;
    use super::*;

    #[test]
    fn half_is_taken_at_the_frontier() {
        for mass in [1e-2, 1e-4, 1e-6] {
            for kl in [0.01, 0.1, 1.0, 3.0] {
                let half = t_star_exact(mass, kl).unwrap();
                let found = capture(mass, half.size, kl).unwrap();
                assert!((found.share - 0.5).abs() < 1e-9, "{mass} {kl}: {}", found.share);
                assert!((found.mass_after / half.mass_after - 1.0).abs() < 1e-9);
            }
        }
    }

    #[test]
    fn a_larger_exploit_takes_more_and_a_small_one_next_to_nothing() {
        let shares: Vec<f64> =
            [2.0, 4.0, 8.0, 16.0, 400.0].iter().map(|u| capture(1e-4, *u, 0.5).unwrap().share).collect();
        assert!(shares.windows(2).all(|pair| pair[0] < pair[1]), "{shares:?}");
        assert!(shares[0] < 0.01 && shares[4] > 0.9, "{shares:?}");
    }

    #[test]
    fn without_an_exploit_worth_having_the_bulk_is_a_tilted_normal() {
        let found = capture(1e-12, 1.0, 0.5).unwrap();
        assert!((found.bulk_mean - 1.0).abs() < 1e-9, "{found:?}");
    }

    #[test]
    fn extremes_are_answers_or_errors_and_never_nan() {
        for mass in [1e-300, 1e-9, 0.5, 0.999_999] {
            for size in [-1e6, 0.0, 1e-9, 30.0, 1e9] {
                for kl in [1e-9, 1.0, 500.0] {
                    if let Ok(found) = capture(mass, size, kl) {
                        assert!(
                            found.share.is_finite() && found.mass_after.is_finite(),
                            "{mass} {size} {kl}: {found:?}"
                        );
                    }
                }
            }
        }
        for (mass, size, kl) in [(0.0, 1.0, 1.0), (1.0, 1.0, 1.0), (0.1, f64::NAN, 1.0), (0.1, 1.0, 0.0)] {
            assert!(capture(mass, size, kl).is_err());
        }
    }
}
