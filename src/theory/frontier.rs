//! The influence–detectability frontier: how large a rare exploit must be to matter under a KL budget.
//!
//! The reference is a bulk N(0, 1) of mass 1 − q and an exploit (an atom) of mass q and proxy T. The optimum at multiplier
//! 1/λ moves the bulk to mean λ and gives the atom the mass p = logistic(ln(q/(1 − q)) + λT − λ²/2), so that with
//! L = ln((1 − p)/(1 − q))
//!
//! - λT = ln(p/q) − L + λ²/2,
//! - KL = p·ln(p/q) + (1 − p)·(L + λ²/2).
//!
//! The atom supplies half of E\[U\] where pT = (1 − p)λ. Put into KL = ε this gives λ² = (ε − L)/(1.5 − 2p), and what is
//! left is one equation in p with one root between q and 2/3. The *closed form* (F3 of the findings) takes
//! L ≈ −(p − q), which is within 2% for KL ≤ 3.

use super::TheoryError;
use super::error::{positive, require};
use crate::foundation::root::crossing;

/// The exploit's share of the proxy is half of it here.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HalfGain {
    /// T*: proxy of the exploit, in standard deviations of the bulk.
    pub size: f64,
    /// p: mass of the exploit under the optimised policy.
    pub mass_after: f64,
    /// λ: mean of the bulk under the optimised policy, in its standard deviations.
    pub bulk_mean: f64,
}

/// T*(q, ε) by the closed form: L ≈ −(p − q). `mass` in (0, 2/3), `kl` in nats.
///
/// # Errors
/// A mass outside (0, 2/3) or a KL that is no finite number above 0.
pub fn t_star(mass: f64, kl: f64) -> Result<HalfGain, TheoryError> {
    half_gain(mass, kl, |p| mass - p)
}

/// T*(q, ε) of the problem itself, with L = ln((1 − p)/(1 − q)).
///
/// # Errors
/// As for [`t_star`].
pub fn t_star_exact(mass: f64, kl: f64) -> Result<HalfGain, TheoryError> {
    half_gain(mass, kl, |p| (-p).ln_1p() - (-mass).ln_1p())
}

/// Where the atom supplies half, given L(p).
fn half_gain(mass: f64, kl: f64, log_bulk: impl Fn(f64) -> f64) -> Result<HalfGain, TheoryError> {
    let most = 2.0 / 3.0;
    require(
        "mass",
        mass,
        mass > 0.0 && mass < most,
        "a number strictly between 0 and 2/3 (a larger exploit is half of the proxy at any size)",
    )?;
    positive("kl", kl)?;
    let square = |p: f64| (kl - log_bulk(p)) / (1.5 - 2.0 * p);
    // p·λT − (1 − p)·λ², in ln p, for p may be near 1e-300.
    let excess = |ln_p: f64| {
        let p = ln_p.exp();
        p * (ln_p - mass.ln() - log_bulk(p)) - (1.0 - 1.5 * p) * square(p)
    };
    let p = crossing(mass.ln(), most.ln(), excess)
        .map(f64::exp)
        .ok_or_else(|| TheoryError::argument("kl", kl, "a KL that an optimum of this mass can reach"))?;
    let bulk_mean = square(p).sqrt();
    Ok(HalfGain { size: (1.0 - p) * bulk_mean / p, mass_after: p, bulk_mean })
}
