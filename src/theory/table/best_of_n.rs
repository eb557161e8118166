//! Best-of-n: of n draws from the reference the one with the largest proxy, as an exact policy.
//!
//! The outcomes of a group of equal U share F(u)ⁿ − F(u⁻)ⁿ in proportion to π₀ (ties are broken at random). For laws
//! without ties KL(π‖π₀) = ln n − (n − 1)/n, and on a table it is at most that: Beirami et al. 2024, arXiv 2401.01879.

use super::Reweighting;
use super::ordered::{Group, ordered, reweighted};
use crate::record::Outcomes;
use crate::theory::TheoryError;
use crate::theory::error::require;

/// The policy of the best of `n` draws, the same n for every prompt; `n` may be any real number of at least 1.
///
/// # Errors
/// `n` below 1 or not finite, or a broken table.
pub fn best_of_n(table: &Outcomes, n: f64) -> Result<Reweighting, TheoryError> {
    draws(n)?;
    let prompts = ordered(table)?;
    Ok(reweighted(&prompts, table, None, |_, group| log_ratio(group, n)))
}

/// ln((Fⁿ − (F − m)ⁿ)/m) for a group of mass m, where F is the mass at or below it.
fn log_ratio(group: &Group, n: f64) -> f64 {
    let Group { mass, above, below, .. } = *group;
    // Whichever side is small keeps its digits.
    let (up_to, log_up_to) =
        if above < 0.5 { (1.0 - above, (-above).ln_1p()) } else { (below + mass, (below + mass).ln()) };
    let log_rest = (-(mass / up_to).min(1.0)).ln_1p();
    n * log_up_to + (-(n * log_rest).exp_m1()).ln() - mass.ln()
}

/// KL(best of n ‖ reference) of a law without ties, in nats: ln n − (n − 1)/n. On a table, an upper bound.
///
/// # Errors
/// `n` below 1 or not finite.
pub fn best_of_n_kl_bound(n: f64) -> Result<f64, TheoryError> {
    draws(n)?;
    // With y = (n − 1)/n: −ln(1 − y) − y, whose first terms cancel where y is small.
    let y = (n - 1.0) / n;
    if y > 0.25 {
        return Ok(n.ln() - y);
    }
    let (mut power, mut sum, mut k) = (y * y, 0.0, 2.0);
    while power > 1e-17 * sum {
        sum += power / k;
        power *= y;
        k += 1.0;
    }
    Ok(sum)
}

fn draws(n: f64) -> Result<f64, TheoryError> {
    require("the number of draws n", n, n >= 1.0 && n.is_finite(), "a finite number of at least 1")
}

#[cfg(test)]
mod tests {
    use super::super::testing::table;
    use super::*;

    #[test]
    fn two_draws_of_three_outcomes_are_counted_by_hand() {
        // Pairs: the best is the third unless both draws miss it; the first only if both are the first.
        let table = table(&[0.2, 0.3, 0.5], &[1.0, 2.0, 3.0]);
        let policy = best_of_n(&table, 2.0).unwrap();
        let mass = |cell: usize| (policy.log_ratio[cell] + table.ref_log_prob[cell]).exp();
        for (cell, want) in [0.04, 0.21, 0.75].into_iter().enumerate() {
            assert!((mass(cell) - want).abs() < 1e-15, "{cell}: {}", mass(cell));
        }
    }

    #[test]
    fn one_draw_is_the_reference_and_ties_stay_in_proportion() {
        let table = table(&[0.1, 0.2, 0.3, 0.4], &[5.0, 5.0, 5.0, 5.0]);
        for n in [1.0, 7.5, 1e9] {
            assert!(best_of_n(&table, n).unwrap().log_ratio.iter().all(|r| r.abs() < 1e-15), "{n}");
        }
    }

    // An atom of 1e-12 at the top: n·q of the mass while that is small, all of it in the end, and no digit lost between.
    #[test]
    fn rare_outcomes_keep_their_digits() {
        let q: f64 = 1e-12;
        let table = table(&[1.0 - q, q], &[0.0, 1.0]);
        for n in [1.0, 2.0, 1e7, 1e12, 1e14] {
            let want = -(n * (-q).ln_1p()).exp_m1();
            let found = (best_of_n(&table, n).unwrap().log_ratio[1] + q.ln()).exp();
            assert!((found / want - 1.0).abs() < 1e-12, "n = {n}: {found:e} against {want:e}");
        }
    }

    #[test]
    fn the_bound_is_accurate_near_one() {
        // mpmath: ln n − (n − 1)/n.
        for (n, want) in [
            (1.0 + 2f64.powi(-30), 4.336_808_684_556_727e-19),
            (1.25, 0.023_143_551_314_209_756),
            (2.0, 0.193_147_180_559_945_3),
            (16384.0, 8.704_121_562_995_484),
        ] {
            let found = best_of_n_kl_bound(n).unwrap();
            assert!((found / want - 1.0).abs() < 1e-14, "{n}: {found:e}");
        }
        assert_eq!(best_of_n_kl_bound(1.0), Ok(0.0));
        for n in [0.5, 0.0, f64::NAN, f64::INFINITY] {
            let message = best_of_n_kl_bound(n).unwrap_err().to_string();
            assert!(message.contains(&format!("n is {n}; a finite number of at least 1")), "{message}");
        }
    }
}
