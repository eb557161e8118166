//! What an exploit needs at a fixed KL coefficient β: all or nothing at the size u_c (F2).
//!
//! The optimum of E\[U\] − β·KL over a bulk N(0, σ²) of mass 1 − q and an atom of mass q at u gives the atom
//! p = logistic((u − u_c)/β) with u_c = β·ln((1 − q)/q) + σ²/(2β): exact, for E\[exp(X/β)\] = exp(σ²/(2β²)). A clip at c
//! cuts the atom to c and the bulk with it, whose partition function is then
//! E\[exp(min(X, c)/β)\] = exp(σ²/(2β²))·Φ(c/σ − σ/β) + exp(c/β)·P(X > c).

use super::TheoryError;
use super::error::{open_share, positive, require};
use crate::foundation::root::crossing;
use crate::foundation::special::{normal_ln_pdf, normal_sf};

/// u_c: the size at which an exploit of prior `mass` holds half of the policy that is optimal at KL coefficient `beta`,
/// in standard deviations of the bulk, as β is.
///
/// # Errors
/// A mass outside (0, 1), a β that is no finite number above 0.
pub fn critical_size(mass: f64, beta: f64) -> Result<f64, TheoryError> {
    open_share("mass", mass)?;
    positive("beta", beta)?;
    let size = beta * ((1.0 - mass) / mass).ln() + 0.5 / beta;
    require("beta", beta, size.is_finite(), "a coefficient at which the critical size is finite")
        .map(|_| size)
}

/// p: the exploit's mass at KL coefficient `beta` where its proxy is `size` and nothing is clipped.
///
/// # Errors
/// As for [`critical_size`].
pub fn mass_after(mass: f64, beta: f64, size: f64) -> Result<f64, TheoryError> {
    let log_odds = (size - critical_size(mass, beta)?) / beta;
    Ok(1.0 / (1.0 + (-log_odds).exp()))
}

/// The exploit's mass where every reward is clipped at `clip` and the exploit's is above it.
fn clipped(mass: f64, beta: f64, clip: f64) -> f64 {
    // E[exp(min(X − c, 0)/β)]: the bulk against what the atom is given.
    let gap = 1.0 / beta - clip;
    let below = if gap < 30.0 {
        (0.5 / beta / beta - clip / beta).exp() * normal_sf(gap)
    } else {
        // Mills' ratio by its asymptotic series: both factors would leave the range.
        let r = 1.0 / (gap * gap);
        normal_ln_pdf(clip).exp() / gap * (1.0 - r * (1.0 - r * (3.0 - r * (15.0 - r * 105.0))))
    };
    let bulk = below + normal_sf(clip);
    mass / (mass + (1.0 - mass) * bulk)
}

/// The largest clip, in standard deviations of the bulk, that leaves an exploit of any size at most `limit` of the policy
/// optimal at `beta`. It lies below u_c.
///
/// # Errors
/// A mass or limit outside (0, 1), a limit that is not above the mass, a β that is no finite number above 0.
pub fn safe_clip(mass: f64, beta: f64, limit: f64) -> Result<f64, TheoryError> {
    let size = critical_size(mass, beta)?;
    open_share("limit", limit)?;
    require(
        "mass",
        mass,
        mass < limit,
        &format!("a mass below {limit}, which the exploit is to be held to,"),
    )?;
    // A clip at 40 sd below the mean makes all rewards equal; without a clip the limit is met at u_c + β·ln(l/(1 − l)).
    let high = size + beta * ((limit / (1.0 - limit)).ln().max(0.0) + 1.0);
    crossing(-40.0, high, |clip| (clipped(mass, beta, clip) / limit).ln())
        .ok_or_else(|| TheoryError::argument("beta", beta, "a coefficient at which a clip can be found"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// E[exp((min(X, c) − c)/β)] by a plain sum.
    fn summed(mass: f64, beta: f64, clip: f64) -> f64 {
        let n = 400_000;
        let step = 100.0 / f64::from(n);
        let bulk: f64 = (0..=n)
            .map(|i| -50.0 + step * f64::from(i))
            .map(|x| (normal_ln_pdf(x) + (x - clip).min(0.0) / beta).exp() * step)
            .sum();
        mass / (mass + (1.0 - mass) * bulk)
    }

    #[test]
    fn the_atom_holds_half_at_the_critical_size() {
        let size = critical_size(1e-4, 0.5).unwrap();
        assert!((size - (0.5 * 9999f64.ln() + 1.0)).abs() < 1e-12);
        assert!((mass_after(1e-4, 0.5, size).unwrap() - 0.5).abs() < 1e-12);
        // From the definition: q·exp(u/β) against (1 − q)·exp(1/(2β²)).
        let (atom, bulk) = (1e-4 * (4.0f64 / 0.5).exp(), (1.0 - 1e-4) * 2f64.exp());
        assert!((mass_after(1e-4, 0.5, 4.0).unwrap() / (atom / (atom + bulk)) - 1.0).abs() < 1e-12);
        assert_eq!(mass_after(1e-4, 0.5, 1e300), Ok(1.0));
        assert_eq!(mass_after(1e-4, 1e-3, -1e300), Ok(0.0));
    }

    #[test]
    fn a_clip_cuts_the_bulk_too() {
        for (mass, beta, clip) in [(1e-4, 0.5, 4.0), (1e-4, 0.5, 1.0), (1e-3, 0.1, 2.0), (1e-2, 0.02, 1.0)] {
            let (got, want) = (clipped(mass, beta, clip), summed(mass, beta, clip));
            assert!((got / want - 1.0).abs() < 1e-3, "{mass} {beta} {clip}: {got} {want}");
        }
        // The two forms of the bulk's part meet.
        let meet =
            (clipped(1e-4, 0.03, 1.0 / 0.03 - 30.0 + 1e-9), clipped(1e-4, 0.03, 1.0 / 0.03 - 30.0 - 1e-9));
        assert!((meet.0 / meet.1 - 1.0).abs() < 1e-7, "{meet:?}");
    }

    #[test]
    fn a_safe_clip_holds_the_exploit_and_lies_below_the_critical_size() {
        for mass in [1e-8, 1e-4, 9e-3] {
            for beta in [0.01, 0.1, 0.5, 5.0] {
                let clip = safe_clip(mass, beta, 0.01).unwrap();
                assert!((clipped(mass, beta, clip) / 0.01 - 1.0).abs() < 1e-9, "{mass} {beta}: {clip}");
                assert!(clip < critical_size(mass, beta).unwrap());
                assert!(clipped(mass, beta, clip + 0.1) > 0.01);
            }
        }
    }

    #[test]
    fn faults_are_named() {
        let error = |e: Result<f64, TheoryError>| e.unwrap_err().to_string();
        assert!(error(critical_size(0.0, 1.0)).contains("mass is 0"));
        assert!(error(critical_size(0.1, 0.0)).contains("beta is 0"));
        assert!(error(critical_size(0.1, 1e-320)).contains("critical size is finite"));
        assert!(error(safe_clip(0.1, 1.0, 0.01)).contains("mass is 0.1; a mass below 0.01"));
    }
}
