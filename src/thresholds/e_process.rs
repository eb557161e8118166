//! Do alarms come more often than they should? A test that may be looked at after every step.
//!
//! A threshold set at a nominal rate is exceeded at a true rate that nobody knows: calibration of n rows whose k-th largest
//! score is the threshold leaves it at most Beta(k, n + 1 − k) distributed (Vovk 2012, *Conditional validity of inductive
//! conformal predictors*). So the test is against its upper bound p₀ at confidence 1 − α/2, and the other half of α is
//! spent on evidence. A bettor who multiplies his capital by p₁/p₀ at each alarm and by (1 − p₁)/(1 − p₀) at each row
//! without one, p₁ > p₀, does not gain on average while the rate stays at or below p₀. The e-value is the capital of a
//! mixture of bettors: over p₁, on a geometric grid, and over the step at which they begin, with weights 1/(t(t + 1)), so
//! that a late onset is not drowned by the quiet before it. By Ville's inequality it ever reaches 2/α with probability at
//! most α/2 (Waudby-Smith & Ramdas 2024, *JRSS B* 86:1; Shafer & Vovk 2019).

use super::alert_rate::calibrated_rank;
use super::monitor::{Alarm, Monitor, Promise, Rows, Watcher};
use super::{calibrated_threshold, comparable, proper_rate};
use crate::foundation::binomial;
use crate::foundation::failure::Status;
use crate::foundation::numeric::log_sum_exp;
use crate::foundation::root::crossing;
use crate::foundation::scalar::OpenProbability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ratio of neighbouring alternatives p₁.
const GRID: f64 = 1.5;

/// One alarm for the run, where scores exceed the threshold of `quantile` more often than they should: once E = Σ w(p₁, t)·Π (p₁/p₀)^a·((1 − p₁)/(1 − p₀))^(1 − a) ≥ 2/α.
///
/// The product is over the rollouts from step t on, with a = 1 where the score exceeds the threshold and 0 elsewhere; the sum over starts t, with weights 1/(t·(t + 1)), and over
/// rates p₁ = 1.5·p₀, 1.5²·p₀ … up to ½, alike. p₀ is what the true rate can be at most: the upper bound, at confidence 1 − α/2, of Beta(k, n + 1 − k), k = ⌊(n + 1)·rate⌋ the rank of the
/// threshold among n reference scores. While the rate is at most p₀, E ever reaches 2/α with probability at most α/2 (Ville's inequality).
///
/// The null: rollouts are independent of each other. Refuses with [`Status::Resolution`] where the reference is too small for the rate.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EProcess {
    /// Probability of ever raising an alarm while the rate holds.
    pub alpha: OpenProbability,
}

impl Default for EProcess {
    fn default() -> Self {
        Self { alpha: OpenProbability::known(0.05) }
    }
}

impl Monitor for EProcess {
    fn promise(&self) -> Promise {
        Promise::Run
    }
    fn start(&self, reference: Rows<'_>, rate: f64) -> Result<Box<dyn Watcher>, Status> {
        Ok(Box::new(EProcessWatcher::new(reference.scores, rate, self.alpha.get())?))
    }
}

impl Watcher for EProcessWatcher {
    fn watch(&mut self, rows: Rows<'_>, alarms: &mut Vec<Alarm>) -> Result<(), Status> {
        let raised = self.alarm;
        let now = self.step(rows.scores)?.alarm;
        if now && !raised {
            let row = rows.scores.len().saturating_sub(1);
            alarms.push(Alarm { row, p_value: None, threshold: Some(self.threshold) });
        }
        Ok(())
    }
    fn threshold(&self) -> Option<f64> {
        Some(self.threshold)
    }
}

/// What is known after a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// ln of the e-value: at most 0 on average while the rate holds.
    pub ln_e_value: f64,
    /// Rows above the threshold at this step.
    pub exceedances: usize,
    /// Whether the e-value has reached the alarm level, now or before.
    pub alarm: bool,
}

/// An anytime-valid test that scores exceed a calibrated threshold more often than its nominal rate.
///
/// The null: calibration rows are independent draws of one law, and whatever came before, a row of the stream exceeds the
/// threshold with no greater probability than a draw of that law would. The probability of ever raising an alarm is
/// then at most α, over calibration and stream, whenever one stops to look. Rows that share a prompt are not independent:
/// give one row a prompt, or scores taken within prompts.
#[derive(Debug, Clone)]
pub struct EProcessWatcher {
    threshold: f64,
    rate_bound: f64,
    ln_alarm: f64,
    /// ln(p₁/p₀), ln((1 − p₁)/(1 − p₀)) and ln of the capital of those who have begun.
    bettors: Vec<(f64, f64, f64)>,
    steps: u64,
    alarm: bool,
}

impl EProcessWatcher {
    /// Sets the threshold that calibration gives at `rate`, and what true rate that may mean.
    ///
    /// # Errors
    /// [`Status::Resolution`] where the calibration rows are too few for `rate`, or leave a true rate of one half
    /// possible; [`Status::Undefined`] of NaN, or of `rate` or `alpha` outside (0, 1).
    pub fn new(calibration: &[f64], rate: f64, alpha: f64) -> Result<Self, Status> {
        proper_rate(alpha)?;
        let threshold = calibrated_threshold(calibration, rate)?;
        let rank = calibrated_rank(calibration, rate)?;
        let n = calibration.len();
        let too_coarse = Status::Resolution { have: n, need: n.saturating_add(1) };
        let rate_bound = beta_upper(n, rank, 0.5 * alpha).ok_or(too_coarse.clone())?;
        let mut bettors = Vec::new();
        let mut alternative = GRID * rate_bound;
        while alternative < 1.0 && (bettors.is_empty() || alternative <= 0.5) {
            let lose = (-alternative).ln_1p() - (-rate_bound).ln_1p();
            bettors.push(((alternative / rate_bound).ln(), lose, f64::NEG_INFINITY));
            alternative *= GRID;
        }
        if bettors.is_empty() {
            return Err(too_coarse);
        }
        Ok(Self { threshold, rate_bound, ln_alarm: (2.0 / alpha).ln(), bettors, steps: 0, alarm: false })
    }

    /// Takes in the scores of the next step, all of them.
    ///
    /// # Errors
    /// [`Status::Undefined`] of NaN, which changes nothing.
    pub fn step(&mut self, scores: &[f64]) -> Result<Evidence, Status> {
        comparable(scores)?;
        let exceedances = scores.iter().filter(|score| **score > self.threshold).count();
        let (hits, misses) = (exceedances as f64, (scores.len() - exceedances) as f64);
        self.steps += 1;
        let t = self.steps as f64;
        let ln_beginning = -(t * (t + 1.0)).ln();
        for (win, lose, ln_capital) in &mut self.bettors {
            *ln_capital = log_sum_exp(&[*ln_capital, ln_beginning]) + hits * *win + misses * *lose;
        }
        let ln_e_value = self.ln_e_value();
        self.alarm |= ln_e_value >= self.ln_alarm;
        Ok(Evidence { ln_e_value, exceedances, alarm: self.alarm })
    }

    /// ln of the capital: of those who have begun, and of those who wait with what is left.
    fn ln_e_value(&self) -> f64 {
        let share = (self.bettors.len() as f64).ln();
        let waiting = -(self.steps as f64 + 1.0).ln();
        let capitals = || self.bettors.iter().map(|bettor| bettor.2 - share).chain([waiting]);
        let largest = capitals().fold(waiting, f64::max);
        largest + capitals().map(|capital| (capital - largest).exp()).sum::<f64>().ln()
    }

    /// The calibrated threshold that is watched.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// p₀: the rate that the test is against, an upper bound on the threshold's true rate at confidence 1 − α/2.
    pub fn rate_bound(&self) -> f64 {
        self.rate_bound
    }

    /// ln of the e-value at which the alarm is raised: ln(2/α).
    pub fn ln_alarm(&self) -> f64 {
        self.ln_alarm
    }
}

/// The x with P(Beta(k, n + 1 − k) > x) = `tail`.
fn beta_upper(n: usize, k: usize, tail: f64) -> Option<f64> {
    // P(Beta(k, n + 1 − k) ≤ x) is the probability that k or more of n uniform draws lie below x.
    let below = k.checked_sub(1)? as u64;
    crossing(0.0, 1.0, |x| tail - binomial::cdf(n as u64, x, below))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

    const ALPHA: f64 = 0.1;
    const RATE: f64 = 0.01;
    const ROWS: usize = 64;

    fn uniform(rng: &mut Stream, n: usize) -> Vec<f64> {
        (0..n).map(|_| rng.open_unit()).collect()
    }

    /// An honest run, looked at after each of 400 steps: whether the e-process, one that takes the nominal rate for the
    /// true one, and a binomial test repeated at each step raise an alarm.
    fn honest(replicate: u64) -> [bool; 3] {
        let mut rng = SeedTree::new(8, replicate).stream(Purpose::Bootstrap, 0);
        let calibration = uniform(&mut rng, 299);
        let mut fair = EProcessWatcher::new(&calibration, RATE, ALPHA).unwrap();
        let mut trusting = bets_against(RATE, fair.threshold());
        let mut repeated = false;
        let (mut seen, mut above) = (0, 0);
        let mut alarms = [false; 2];
        for _ in 0..400 {
            let scores = uniform(&mut rng, ROWS);
            alarms = [fair.step(&scores).unwrap().alarm, trusting.step(&scores).unwrap().alarm];
            seen += scores.len() as u64;
            above += scores.iter().filter(|s| **s > 1.0 - RATE).count() as u64;
            repeated |= above > 0 && binomial::sf(seen, RATE, above - 1) <= ALPHA;
        }
        [alarms[0], alarms[1], repeated]
    }

    /// An e-process against a given rate.
    fn bets_against(rate: f64, threshold: f64) -> EProcessWatcher {
        let calibration = uniform(&mut SeedTree::new(0, 0).stream(Purpose::Bootstrap, 0), 299);
        let mut process = EProcessWatcher::new(&calibration, RATE, ALPHA).unwrap();
        process.threshold = threshold;
        process.rate_bound = rate;
        process.bettors = (1..9)
            .map(|i| GRID.powi(i) * rate)
            .map(|p| ((p / rate).ln(), (-p).ln_1p() - (-rate).ln_1p(), f64::NEG_INFINITY))
            .collect();
        process
    }

    /// Over 2,000 honest runs the share of alarms may exceed α by three standard errors (.02). Both shortcuts fail: the
    /// nominal rate in the place of its bound, for calibration may have been lucky, and a fixed-sample test after each step.
    #[test]
    fn false_alarms_stay_below_alpha_whenever_one_looks_and_shortcuts_do_not() {
        let mut counts = [0u32; 3];
        for replicate in 0..2000 {
            for (count, alarm) in counts.iter_mut().zip(honest(replicate)) {
                *count += u32::from(alarm);
            }
        }
        let shares = counts.map(|c| f64::from(c) / 2000.0);
        assert!(shares[0] <= ALPHA + 0.02, "{shares:?}");
        assert!(shares[1] > 1.5 * ALPHA, "{shares:?}");
        assert!(shares[2] > 2.5 * ALPHA, "{shares:?}");
    }

    /// From step 200 on one row in ten is above the threshold instead of one in a hundred. Of 100 runs at least 95 raise the
    /// alarm within 40 steps of the onset: 24 exceedances where 2,000 calibration rows allow about four.
    #[test]
    fn a_late_onset_is_found() {
        let mut found = 0;
        for replicate in 0..100 {
            let mut rng = SeedTree::new(9, replicate).stream(Purpose::Bootstrap, 0);
            let mut process = EProcessWatcher::new(&uniform(&mut rng, 2000), RATE, ALPHA).unwrap();
            let mut first = None;
            for step in 0..240 {
                let mut scores = uniform(&mut rng, ROWS);
                if step >= 200 {
                    scores.iter_mut().filter(|s| **s < 0.09).for_each(|s| *s = 2.0);
                }
                if process.step(&scores).unwrap().alarm {
                    first.get_or_insert(step);
                }
            }
            found += usize::from(first.is_some_and(|step| step >= 200));
        }
        assert!(found >= 95, "{found}");
    }

    #[test]
    fn capital_is_a_fair_game_at_the_bound() {
        // E[e] after two steps of two rows, over all outcomes, at a rate of exactly p₀.
        let calibration = uniform(&mut SeedTree::new(1, 0).stream(Purpose::Bootstrap, 0), 500);
        let process = EProcessWatcher::new(&calibration, RATE, ALPHA).unwrap();
        let p = process.rate_bound();
        let mut mean = 0.0;
        for pattern in 0..16u32 {
            let bits: Vec<bool> = (0..4).map(|i| pattern >> i & 1 == 1).collect();
            let scores: Vec<f64> = bits.iter().map(|b| if *b { 2.0 } else { 0.0 }).collect();
            let mut process = process.clone();
            process.step(&scores[..2]).unwrap();
            let end = process.step(&scores[2..]).unwrap();
            mean += bits.iter().map(|b| if *b { p } else { 1.0 - p }).product::<f64>() * end.ln_e_value.exp();
        }
        assert!((mean - 1.0).abs() < 1e-12, "{mean}");
    }

    #[test]
    fn the_bound_is_the_quantile_of_the_beta_law() {
        // Beta(1, n): 1 − tail^(1/n). Beta(n, 1): (1 − tail)^(1/n).
        assert!((beta_upper(99, 1, 0.05).unwrap() - (1.0 - 0.05f64.powf(1.0 / 99.0))).abs() < 1e-12);
        assert!((beta_upper(20, 20, 0.05).unwrap() - 0.95f64.powf(1.0 / 20.0)).abs() < 1e-12);
    }

    #[test]
    fn what_calibration_cannot_carry_is_refused() {
        let refused = |n: usize, rate, alpha| EProcessWatcher::new(&vec![0.5; n], rate, alpha).unwrap_err();
        assert_eq!(refused(98, 0.01, 0.05), Status::Resolution { have: 98, need: 99 });
        assert!(matches!(refused(3, 0.5, 0.05), Status::Resolution { .. }));
        assert!(matches!(refused(999, 0.01, 1.0), Status::Undefined { .. }));
        let mut process = EProcessWatcher::new(&[0.5; 999], 0.01, 0.05).unwrap();
        assert!(process.step(&[f64::NAN]).is_err());
        assert_eq!(process.steps, 0);
        assert_eq!(process.step(&[]).map(|e| (e.exceedances, e.alarm)), Ok((0, false)));
    }
}
