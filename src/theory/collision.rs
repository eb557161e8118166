//! Telling a zero-shot exploit from actions alone, when its outcomes are unknown: by seeing one twice.
//!
//! Deployment samples fall into the exploit set with probability p, uniformly over its m outcomes. The chance that n
//! samples hold no outcome of the set twice is Σ_k C(n, k)·p^k·(1 − p)^(n−k)·m!/((m − k)!·m^k), the birthday problem with a
//! binomial number of guests. Where a Poisson number of samples is drawn instead, the m counts are independent and this
//! is ((1 + λ)·e^(−λ))^m with λ = np/m; for large m both tend to n = √(2m·ln 1/δ)/p (F12).

use super::TheoryError;
use super::error::{open_share, require};
use crate::foundation::numeric::CompensatedSum;
use crate::foundation::root::crossing;

/// Outcomes up to which the binomial sum is taken; beyond, the Poisson form is within 10⁻³ of it.
const COUNTED: f64 = 1e5;

/// Samples until an outcome of the exploit set was seen twice with probability `confidence`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Collision {
    /// The fewest samples: exact up to 10⁵ outcomes, beyond by the Poisson form.
    pub samples: f64,
    /// √(2m·ln 1/δ)/p, which needs m ≥ 100.
    pub approximation: f64,
}

/// The collision test against an exploit set of `outcomes` that holds `mass` of the deployed policy.
///
/// # Errors
/// An argument outside its range, by name.
pub fn collision(mass: f64, outcomes: f64, confidence: f64) -> Result<Collision, TheoryError> {
    open_share("mass-after", mass)?;
    open_share("confidence", confidence)?;
    let range = "a whole number of 1 or more, at most 1e15,";
    require("outcomes", outcomes, (1.0..=1e15).contains(&outcomes) && outcomes.fract() == 0.0, range)?;
    // ln δ.
    let missed = (-confidence).ln_1p();
    let approximation = (-2.0 * outcomes * missed).sqrt() / mass;
    let fault = || TheoryError::argument("mass-after", mass, "a mass that is met within 1e15 samples");
    // (1 + λ)·e^(−λ) falls from 1 to 0; −m·(ln(1 + λ) − λ) = −ln δ.
    let gap = |ln_rate: f64| {
        let rate = ln_rate.exp();
        let loss = if rate < 1e-4 { rate * rate * (0.5 - rate / 3.0) } else { rate - rate.ln_1p() };
        (outcomes * loss / -missed).ln()
    };
    let rate = crossing(-60.0, 60.0, gap).ok_or_else(fault)?.exp();
    let poisson = rate * outcomes / mass;
    if poisson > 1e15 {
        return Err(fault());
    }
    let samples = if outcomes > COUNTED { poisson.ceil() } else { counted(mass, outcomes, missed, poisson) };
    Ok(Collision { samples, approximation })
}

/// The fewest samples whose chance of no collision is at most e^`missed`, by halving an interval around a guess.
fn counted(mass: f64, outcomes: f64, missed: f64, guess: f64) -> f64 {
    let enough = |n: f64| ln_no_collision(n, mass, outcomes) <= missed;
    // One sample never collides.
    let (mut low, mut high) = ((guess * 0.5).floor().max(1.0), (guess * 1.5).ceil() + 2.0);
    if enough(low) {
        low = 1.0;
    }
    while !enough(high) {
        low = high;
        high *= 2.0;
    }
    while high - low > 1.0 {
        let middle = (0.5 * (low + high)).floor();
        if enough(middle) { high = middle } else { low = middle }
    }
    high
}

/// ln P(no outcome of the set twice in n samples): the terms, which rise and fall, relative to the largest so far.
fn ln_no_collision(n: f64, mass: f64, outcomes: f64) -> f64 {
    let odds = mass / (1.0 - mass) / outcomes;
    let (mut ln_peak, mut term) = (n * (-mass).ln_1p(), 1.0);
    let mut total = CompensatedSum::default();
    total.add(1.0);
    let mut k = 0.0;
    while k < n.min(outcomes) {
        term *= (n - k) * (outcomes - k) * odds / (k + 1.0);
        k += 1.0;
        if term > 1e200 {
            // Rescaled: what was summed shrinks with it.
            ln_peak += term.ln();
            let before = total.value() / term;
            total = CompensatedSum::default();
            total.add(before);
            term = 1.0;
        }
        total.add(term);
        if term < 1e-20 * total.value() {
            break;
        }
    }
    ln_peak + total.value().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_birthday_problem() {
        // 23 guests, 365 days: 50.7%; 22: 47.6%. All samples are exploits.
        let certain = |n: f64| 1.0 - ln_no_collision(n, 1.0 - 1e-13, 365.0).exp();
        assert!((certain(23.0) - 0.507297).abs() < 1e-6 && (certain(22.0) - 0.475695).abs() < 1e-6);
        assert_eq!(collision(1.0 - 1e-13, 365.0, 0.5).unwrap().samples, 23.0);
    }

    #[test]
    fn one_outcome_is_met_twice() {
        // P(at most 1 of n) = (1 − p)^n + np(1 − p)^(n−1).
        let samples = collision(0.01, 1.0, 0.95).unwrap().samples;
        let left = |n: f64| 0.99f64.powf(n) + n * 0.01 * 0.99f64.powf(n - 1.0);
        assert!(left(samples) <= 0.05 && left(samples - 1.0) > 0.05, "{samples}");
    }

    #[test]
    fn the_sum_has_no_rounding_in_it() {
        // The same sum by mpmath at 30 digits.
        for (outcomes, want) in [(1.0, 473.0), (10.0, 984.0), (100.0, 2650.0), (1000.0, 7939.0)] {
            assert_eq!(collision(0.01, outcomes, 0.95).unwrap().samples, want, "{outcomes}");
        }
    }

    #[test]
    fn many_outcomes_follow_the_root_and_the_poisson_form() {
        for (outcomes, tolerance) in
            [(100.0, 0.09), (1e3, 0.03), (1e4, 0.01), (1e5, 3e-3), (1e6, 1e-3), (1e12, 1e-3)]
        {
            let found = collision(0.01, outcomes, 0.95).unwrap();
            assert!((found.samples / found.approximation - 1.0).abs() < tolerance, "{outcomes}: {found:?}");
        }
        // Where the sum ends and the Poisson form begins.
        let (sum, form) = (collision(0.01, 1e5, 0.95).unwrap(), collision(0.01, 100_001.0, 0.95).unwrap());
        assert!((sum.samples / form.samples - 1.0).abs() < 1e-3, "{sum:?} {form:?}");
    }

    #[test]
    fn the_sum_survives_large_counts() {
        // Against the Poisson form, which differs by O(p/√m) here.
        let (n, mass, outcomes) = (3e9, 1e-6, 1e5);
        let rate: f64 = n * mass / outcomes;
        let poisson = outcomes * (rate.ln_1p() - rate);
        assert!((ln_no_collision(n, mass, outcomes) / poisson - 1.0).abs() < 1e-4);
    }

    #[test]
    fn faults_are_named() {
        let error = |p, m, c| collision(p, m, c).unwrap_err().to_string();
        assert!(error(0.0, 1.0, 0.9).contains("mass-after is 0"));
        assert!(error(0.1, 0.0, 0.9).contains("outcomes is 0"));
        assert!(error(0.1, 1.5, 0.9).contains("outcomes is 1.5"));
        assert!(error(0.1, 1.0, 1.0).contains("confidence is 1"));
        assert!(error(1e-300, 1.0, 0.9).contains("1e15 samples"));
    }
}
