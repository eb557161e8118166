//! KL between two coin flips: what it costs to move the mass of a set from q to p and leave the rest as it was.
//!
//! KL(p‖q) = p·ln(p/q) + (1 − p)·ln((1 − p)/(1 − q)) = q·k((p − q)/q) + (1 − q)·k(−(p − q)/(1 − q)) with
//! k(x) = (1 + x)·ln(1 + x) − x ≥ 0: no term cancels another, however close p and q are.

use super::TheoryError;
use super::error::{open_share, require};
use crate::foundation::root::crossing;

/// (1 + x)·ln(1 + x) − x for x ≥ −1.
fn excess(x: f64) -> f64 {
    if x == -1.0 {
        return 1.0;
    }
    if x.abs() > 0.05 {
        return (1.0 + x) * x.ln_1p() - x;
    }
    // Σ (−1)^k·x^k/(k(k − 1)) from k = 2.
    (2..14).rev().fold(0.0, |sum, k| (sum + 1.0 / f64::from(k * (k - 1))) * -x) * -x
}

/// KL(p‖q) of two masses of one set, in nats, for 0 ≤ p ≤ 1 and 0 < q < 1.
///
/// # Errors
/// A mass outside its range.
pub fn binary_kl(p: f64, q: f64) -> Result<f64, TheoryError> {
    open_share("prior mass", q)?;
    require("mass", p, (0.0..=1.0).contains(&p), "a number from 0 to 1")?;
    Ok(kl(p, q))
}

fn kl(p: f64, q: f64) -> f64 {
    let ratio = (p - q) / q;
    let up = if ratio.is_finite() { q * excess(ratio) } else { p * (p.ln() - q.ln()) - (p - q) };
    up + (1.0 - q) * excess((q - p) / (1.0 - q))
}

/// The mass above q with KL(mass‖q) = `budget` nats.
///
/// # Errors
/// q outside (0, 1), or a budget that is not between 0 and −ln q, at which the set holds everything.
pub fn mass_at_kl(q: f64, budget: f64) -> Result<f64, TheoryError> {
    open_share("prior mass", q)?;
    let most = -q.ln();
    let range = || format!("a number above 0 and below {most}, the KL at which the set holds all mass,");
    if !(budget > 0.0 && budget < most) {
        return Err(TheoryError::argument("kl", budget, range()));
    }
    // Close to q the KL is quadratic in ln p − ln q, so that its root is what is smooth there.
    let found = crossing(q.ln(), 0.0, |ln_p| kl(ln_p.exp().min(1.0), q).max(0.0).sqrt() - budget.sqrt());
    found.map(f64::exp).ok_or_else(|| TheoryError::argument("kl", budget, range()))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Reference values: mpmath at 50 digits.
    #[test]
    fn close_and_far_masses_keep_their_digits() {
        for (p, q, want) in REFERENCE {
            let got = binary_kl(p, q).unwrap();
            assert!((got / want - 1.0).abs() < 3e-15, "KL({p}, {q}) = {got:e}, not {want:e}");
        }
        assert_eq!(binary_kl(0.3, 0.3), Ok(0.0));
        assert_eq!(binary_kl(1.0, 0.5), Ok(2f64.ln()));
    }
    const REFERENCE: [(f64, f64, f64); 8] = [
        (0.5, 0.25, 0.14384103622589045),
        (1e-3, 1e-300, 0.6828682727859816),
        (0.3, 0.3000001, 2.3809520787462532e-14),
        (0.99999999, 1e-10, 23.025850505475137),
        (1e-12, 1.1e-12, 4.689820195680138e-15),
        (0.01, 0.5, 0.637145646205098),
        (1e-300, 0.25, 0.2876820724517809),
        (0.6, 0.55, 0.005093611931224464),
    ];

    #[test]
    fn the_mass_spends_its_budget_exactly() {
        for q in [1e-300, 1e-18, 1e-4, 0.3, 0.999] {
            let mut before = q;
            for share in [1e-6, 1e-3, 0.1, 0.5, 0.99] {
                let budget = -share * f64::ln(q);
                let mass = mass_at_kl(q, budget).unwrap();
                assert!((kl(mass, q) / budget - 1.0).abs() < 1e-7, "{q}, {budget}: {mass}");
                assert!(mass > before);
                before = mass;
            }
        }
        assert!((mass_at_kl(1e-300, 0.5).unwrap() / 0.0007325396595278392 - 1.0).abs() < 1e-13);
    }

    #[test]
    fn what_cannot_be_reached_is_refused() {
        for (q, budget) in [(0.1, 2.31), (0.1, 0.0), (0.1, f64::NAN), (0.0, 1.0), (1.0, 1.0), (f64::NAN, 1.0)]
        {
            assert!(mass_at_kl(q, budget).is_err(), "{q}, {budget}");
        }
        let message = mass_at_kl(0.1, 2.31).unwrap_err().to_string();
        assert!(message.contains("2.31") && message.contains("2.302585"), "{message}");
        assert!(binary_kl(1.1, 0.5).is_err() && binary_kl(0.5, f64::NAN).is_err());
    }
}
