//! The quantilizer: the reference conditioned on its top q by the proxy.
//!
//! Taylor 2016, *Quantilizers: A Safer Alternative to Maximizers for Limited Optimization* (AAAI workshop on AI, Ethics
//! and Society). π/π₀ is at most 1/q, so that KL(π‖π₀) ≤ ln 1/q and any non-negative cost grows at most 1/q-fold.

use super::Reweighting;
use super::ordered::{Group, ordered, reweighted};
use crate::record::Outcomes;
use crate::theory::TheoryError;
use crate::theory::error::require;

/// The reference given its top `q` by U, in every prompt; the outcomes at the edge are taken in the proportion that
/// makes the mass exactly q.
///
/// # Errors
/// `q` outside (0, 1], or a broken table.
pub fn quantilizer(table: &Outcomes, q: f64) -> Result<Reweighting, TheoryError> {
    share(q)?;
    let prompts = ordered(table)?;
    Ok(reweighted(&prompts, table, None, |_, Group { mass, above, .. }| {
        let taken = ((q - above) / mass).min(1.0);
        if taken > 0.0 { taken.ln() - q.ln() } else { f64::NEG_INFINITY }
    }))
}

/// The most that a quantilizer's expected cost can be: E_π\[c\] ≤ E_π₀\[c\]/q for every cost c ≥ 0.
///
/// `reference_cost` is E_π₀\[c\], in the cost's unit.
///
/// # Errors
/// A cost below 0 or not finite, `q` outside (0, 1], or a bound that is not a number.
pub fn quantilizer_cost_bound(reference_cost: f64, q: f64) -> Result<f64, TheoryError> {
    let valid = reference_cost >= 0.0 && reference_cost.is_finite();
    require("the reference's expected cost", reference_cost, valid, "a finite number, 0 or above,")?;
    let bound = reference_cost / share(q)?;
    require("the cost bound", bound, bound.is_finite(), "a larger mass q")
}

fn share(q: f64) -> Result<f64, TheoryError> {
    require("the mass q", q, q > 0.0 && q <= 1.0, "a number above 0 and at most 1")
}

#[cfg(test)]
mod tests {
    use super::super::testing::{masses, table};
    use super::*;

    #[test]
    fn the_edge_is_split() {
        let table = table(&[0.4, 0.1, 0.1, 0.3, 0.1], &[0.0, 2.0, 2.0, 1.0, 3.0]);
        let found = masses(&quantilizer(&table, 0.2).unwrap(), &table);
        for (found, want) in found.iter().zip([0.0, 0.25, 0.25, 0.0, 0.5]) {
            assert!((found - want).abs() < 1e-15, "{found} against {want}");
        }
    }

    #[test]
    fn all_of_the_mass_is_the_reference() {
        let table = table(&[0.4, 0.1, 0.2, 0.3], &[0.0, 2.0, 2.0, 1.0]);
        assert!(quantilizer(&table, 1.0).unwrap().log_ratio.iter().all(|r| r.abs() < 1e-15));
    }

    #[test]
    fn costs_and_divergence_stay_within_their_bounds() {
        let mass: Vec<f64> = (1..=40).map(|i| f64::from(i) / 820.0).collect();
        let reward: Vec<f64> = (0..40).map(|i| f64::from(i * 17 % 40)).collect();
        let table = table(&mass, &reward);
        let (mut last_kl, mut last_proxy) = (f64::INFINITY, f64::INFINITY);
        for q in [1e-6, 1e-3, 0.024, 0.1, 0.5, 0.9, 1.0] {
            let policy = quantilizer(&table, q).unwrap();
            let moments = policy.moments(&table).unwrap();
            assert!(moments.kl <= (1.0 / q).ln() + 1e-14 && moments.kl <= last_kl + 1e-14, "{q}");
            assert!(moments.proxy <= last_proxy + 1e-13, "{q}");
            (last_kl, last_proxy) = (moments.kl, moments.proxy);
            // The costs that are 1 at one outcome.
            for (expected, reference) in masses(&policy, &table).into_iter().zip(&mass) {
                let bound = quantilizer_cost_bound(*reference, q).unwrap();
                assert!(expected <= bound * (1.0 + 1e-13), "q = {q}: {expected} above {bound}");
            }
        }
    }

    #[test]
    fn masses_outside_the_unit_interval_are_refused() {
        let table = table(&[1.0], &[0.0]);
        for q in [0.0, -0.1, 1.1, f64::NAN, f64::INFINITY] {
            let message = quantilizer(&table, q).unwrap_err().to_string();
            assert!(message.contains(&format!("the mass q is {q};")), "{message}");
        }
        assert!(quantilizer_cost_bound(-1.0, 0.5).is_err() && quantilizer_cost_bound(1e300, 1e-20).is_err());
    }
}
