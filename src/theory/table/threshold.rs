//! Policies that know one threshold of the proxy: the reference above it, and the construction of theorem T1.

use super::{Reweighting, check};
use crate::foundation::numeric::{CompensatedSum, log_sum_exp};
use crate::record::Outcomes;
use crate::theory::TheoryError;
use crate::theory::error::require;

/// The reference given U ≥ `threshold`, in every prompt: the conditional law of theorems 5 and 6 of Kwa, Thomas &
/// Garriga-Alonso 2024 (arXiv 2407.14503).
///
/// # Errors
/// A threshold that is not finite, or with no mass at or above it in some prompt; a broken table.
pub fn condition(table: &Outcomes, threshold: f64) -> Result<Reweighting, TheoryError> {
    let selected = |proxy: f64| proxy >= threshold;
    raised(table, threshold, selected, |_, mass| Ok((-mass.ln(), f64::NEG_INFINITY)))
}

/// The policy of T1: the mass of U > `threshold` raised to a = threshold^(−exponent), the shape of the reference kept on
/// either side, in every prompt.
///
/// Under a heavy-tailed reference E\[U\] grows without bound in the threshold while KL(π‖π₀) → 0: Kwa, Thomas &
/// Garriga-Alonso 2024 (arXiv 2407.14503), theorem 1 and its proof.
///
/// # Errors
/// `threshold` is not above 1 or `exponent` not above 0, so that a would not lie strictly between 0 and 1; nothing is
/// above the threshold; more than a is there already; a broken table.
pub fn construction(table: &Outcomes, threshold: f64, exponent: f64) -> Result<Reweighting, TheoryError> {
    require("the exponent", exponent, exponent > 0.0 && exponent.is_finite(), "a finite number above 0")?;
    let raised_to = threshold.powf(-exponent);
    let range = "a number above 1 whose power −exponent is below 1 and above 0";
    let valid = threshold > 1.0 && raised_to > 0.0 && raised_to < 1.0;
    require("the threshold", threshold, valid, range)?;
    let selected = |proxy: f64| proxy > threshold;
    raised(table, threshold, selected, |prompt, mass| {
        if mass > raised_to {
            let law = format!("the reference of prompt {prompt}");
            let reason = format!(
                "has mass {mass} above {threshold} already, more than the {raised_to} to which the construction \
                 would raise it; choose a larger threshold or a smaller exponent"
            );
            return Err(TheoryError::Law { argument: "the threshold", law, reason });
        }
        Ok(((raised_to / mass).ln(), (-raised_to).ln_1p() - (-mass).ln_1p()))
    })
}

/// The policy with one ln(π/π₀) for the selected outcomes of a prompt and one for the others, given their mass.
fn raised(
    table: &Outcomes,
    threshold: f64,
    selected: impl Fn(f64) -> bool,
    ratios: impl Fn(usize, f64) -> Result<(f64, f64), TheoryError>,
) -> Result<Reweighting, TheoryError> {
    require("the threshold", threshold, threshold.is_finite(), "a finite number")?;
    check(table)?;
    let mut log_ratio = Vec::with_capacity(table.len());
    for prompt in 0..table.prompts {
        let row = prompt * table.outcomes..(prompt + 1) * table.outcomes;
        let log_mass = log_sum_exp(&table.ref_log_prob[row.clone()]);
        let inside = |cell: &usize| selected(table.proxy(*cell));
        let mass = |cells: &mut dyn Iterator<Item = usize>| {
            cells.map(|cell| (table.ref_log_prob[cell] - log_mass).exp()).collect::<CompensatedSum>().value()
        };
        let mass =
            if row.clone().all(|cell| inside(&cell)) { 1.0 } else { mass(&mut row.clone().filter(inside)) };
        if mass == 0.0 {
            let largest = row.map(|cell| table.proxy(cell)).fold(f64::NEG_INFINITY, f64::max);
            let law = format!("the reference of prompt {prompt}");
            let reason = format!("has no mass beyond {threshold}; its largest proxy is {largest}");
            return Err(TheoryError::Law { argument: "the threshold", law, reason });
        }
        let (within, without) = ratios(prompt, mass)?;
        log_ratio.extend(row.map(|cell| if inside(&cell) { within } else { without }));
    }
    Ok(Reweighting { log_ratio, multiplier: None })
}

#[cfg(test)]
mod tests {
    use super::super::testing::{masses, table};
    use super::*;

    fn close(found: &[f64], want: &[f64]) {
        assert_eq!(found.len(), want.len());
        assert!(found.iter().zip(want).all(|(f, w)| (f - w).abs() < 1e-15), "{found:?} against {want:?}");
    }

    #[test]
    fn conditioning_keeps_proportions() {
        let table = table(&[0.2, 0.3, 0.1, 0.4], &[1.0, 5.0, 9.0, 2.0]);
        close(&masses(&condition(&table, 5.0).unwrap(), &table), &[0.0, 0.75, 0.25, 0.0]);
        close(&condition(&table, -3.0).unwrap().log_ratio, &[0.0; 4]);
        let kl = condition(&table, 9.0).unwrap().moments(&table).unwrap().kl;
        assert!((kl - 10f64.ln()).abs() < 1e-14, "{kl}");
        let message = condition(&table, 9.5).unwrap_err().to_string();
        assert_eq!(
            message,
            "the threshold: the reference of prompt 0 has no mass beyond 9.5; its largest proxy is 9"
        );
        assert!(condition(&table, f64::NAN).is_err() && condition(&table, f64::INFINITY).is_err());
    }

    #[test]
    fn the_construction_raises_the_mass_to_the_power() {
        let table = table(&[0.9, 0.06, 0.04], &[0.0, 20.0, 30.0]);
        let a = 16f64.powf(-0.5);
        let policy = construction(&table, 16.0, 0.5).unwrap();
        close(&masses(&policy, &table), &[1.0 - a, 0.6 * a, 0.4 * a]);
        let kl = a * (a / 0.1).ln() + (1.0 - a) * ((1.0 - a) / 0.9).ln();
        assert!((policy.moments(&table).unwrap().kl - kl).abs() < 1e-15);
    }

    #[test]
    fn what_cannot_be_raised_is_refused() {
        let table = table(&[0.5, 0.5], &[0.0, 20.0]);
        for (threshold, exponent, part) in [
            (16.0, 0.5, "has mass 0.5 above 16 already, more than the 0.25"),
            (20.0, 0.1, "has no mass beyond 20; its largest proxy is 20"),
            (1.0, 0.5, "the threshold is 1; a number above 1 whose power"),
            (0.5, 0.5, "the threshold is 0.5;"),
            (-2.0, 2.0, "the threshold is -2;"),
            (f64::INFINITY, 0.5, "the threshold is inf;"),
            (f64::NAN, 0.5, "the threshold is NaN;"),
            (16.0, 0.0, "the exponent is 0; a finite number above 0"),
        ] {
            let message = construction(&table, threshold, exponent).unwrap_err().to_string();
            assert!(message.contains(part), "{message}");
        }
    }
}
