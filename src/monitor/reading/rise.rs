//! From some step on more rollouts pass than in the reference, or than in all steps before it.
//!
//! Rates are compared exactly: given how many passed in all, how many of them are later ones is hypergeometric (Fisher 1934). Counts are
//! divided by a design effect, for rollouts that share a prompt or a step are not independent.

use super::visits::LEVEL;
use crate::foundation::special::ln_choose;
use serde::{Deserialize, Serialize};

/// Times by which the odds of passing must have grown.
const GROWN: f64 = 1.5;

/// From a step on more rollouts pass than before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rise {
    /// The step.
    pub from_step: u64,
    /// Share that passes from there on.
    pub rate: f64,
    /// Share that passes of what they are compared with.
    pub before: f64,
    /// Whether that is the reference, and not all rollouts before the step.
    pub of_reference: bool,
    /// Probability of so many by chance, with all steps and both comparisons considered.
    pub p_value: f64,
}

/// The counts of a step.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Step {
    pub step: u64,
    pub rollouts: usize,
    pub passed: usize,
    pub reference: bool,
}

/// Rollouts, and those of them that pass.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Counts {
    rollouts: f64,
    passed: f64,
}

impl Counts {
    pub fn of(steps: &[Step]) -> Self {
        steps.iter().fold(Self::default(), |counts, step| counts.with(step))
    }

    fn with(self, step: &Step) -> Self {
        Self { rollouts: self.rollouts + step.rollouts as f64, passed: self.passed + step.passed as f64 }
    }

    fn without(self, other: Self) -> Self {
        Self { rollouts: self.rollouts - other.rollouts, passed: self.passed - other.passed }
    }

    /// The share that passes, and of how many.
    pub fn rate(self) -> (f64, usize) {
        (self.passed / self.rollouts.max(1.0), self.rollouts as usize)
    }

    fn odds(self) -> f64 {
        (self.passed + 0.5) / (self.rollouts - self.passed + 0.5)
    }

    fn ln_likelihood(self) -> f64 {
        let term = |count: f64| if count > 0.0 { count * (count / self.rollouts).ln() } else { 0.0 };
        term(self.passed) + term(self.rollouts - self.passed)
    }

    /// As many as there would be if they were independent.
    fn over(self, effect: f64) -> Self {
        Self { rollouts: (self.rollouts / effect).round(), passed: (self.passed / effect).round() }
    }
}

/// The step at which the log is best cut in two, if more rollouts pass from there on than in the reference, or than in all steps before:
/// a reference is short, and may have passed more often by chance.
pub(super) fn rise(reference: &[Step], later: &[Step], effect: f64) -> Option<Rise> {
    let known = Counts::of(reference);
    let all = later.iter().fold(known, Counts::with);
    let risen = |of_reference: bool| {
        let mut best: Option<(f64, u64, Counts, Counts)> = None;
        let mut after = Counts::default();
        for step in later.iter().rev() {
            after = after.with(step);
            let gain = after.ln_likelihood() + all.without(after).ln_likelihood();
            let before = if of_reference { known } else { all.without(after) };
            let grown = after.rate().0 > before.rate().0;
            if grown && best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, step.step, after, before));
            }
        }
        let (_, from_step, after, before) = best?;
        let (n0, n1) = (before.over(effect), after.over(effect));
        let tail = later_tail(n0.rollouts, n0.passed, n1.rollouts, n1.passed);
        let p_value = (2.0 * tail * later.len() as f64).min(1.0);
        let shown = p_value <= LEVEL && n1.odds() >= GROWN * n0.odds();
        let (rate, before) = (after.rate().0, before.rate().0);
        shown.then_some(Rise { from_step, rate, before, of_reference, p_value })
    };
    risen(true).or_else(|| risen(false))
}

/// Times by which the rates of neighbouring steps differ more than those of independent rollouts: where prompts are not known, this
/// is what tells that some share one. A trend adds little to it.
pub(super) fn step_effect(steps: &[Step]) -> f64 {
    let (mut found, mut expected) = (0.0, 0.0);
    for pair in steps.windows(2) {
        let [first, second] = pair else { continue };
        let (own, next) = (Counts::default().with(first), Counts::default().with(second));
        let pooled = own.with(second).rate().0;
        found += (next.rate().0 - own.rate().0).powi(2);
        expected += pooled * (1.0 - pooled) * (1.0 / own.rollouts.max(1.0) + 1.0 / next.rollouts.max(1.0));
    }
    if expected > 0.0 { (found / expected).max(1.0) } else { 1.0 }
}

/// P(at least `x1` of the passes are later ones), of `n0` earlier rollouts of which `x0` pass and `n1` later ones.
pub(super) fn later_tail(n0: f64, x0: f64, n1: f64, x1: f64) -> f64 {
    let (n0, x0, n1, x1) = (n0 as u64, (x0 as u64).min(n0 as u64), n1 as u64, (x1 as u64).min(n1 as u64));
    let passes = x0 + x1;
    let most = passes.min(n1);
    let ln = |i: u64| ln_choose(n1, i) + ln_choose(n0, passes - i) - ln_choose(n0 + n1, passes);
    let mut sum = 0.0;
    let mut term = ln(x1).exp();
    for i in x1..=most {
        sum += term;
        // P(i + 1)/P(i).
        let (missing, left) = ((passes - i) as f64, (n0 + i + 1).saturating_sub(passes) as f64);
        term *= (n1 - i) as f64 / (i + 1) as f64 * missing / left.max(1.0);
        if term < 1e-18 * sum {
            break;
        }
    }
    sum.min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    #[test]
    fn the_tail_is_that_of_fisher() {
        // All ways of choosing which of 7 rollouts pass, 3 of them: the later ones are the last 4.
        let mut counts = [0.0; 5];
        for set in (0u32..1 << 7).filter(|set| set.count_ones() == 3) {
            counts[(set >> 3).count_ones() as usize] += 1.0 / 35.0;
        }
        for later in 0..=3usize {
            let direct: f64 = counts[later..].iter().sum();
            let found = later_tail(3.0, (3 - later) as f64, 4.0, later as f64);
            assert!((found - direct).abs() < 1e-12, "{later}: {found} {direct}");
        }
    }

    #[test]
    fn rollouts_that_share_a_prompt_nobody_names_make_no_rise() {
        // Eight prompts a step of eight rollouts that go together. 1% and three standard errors of 400 logs.
        let mut stream = SeedTree::new(54, 0).stream(Purpose::Utility, 0);
        let risen = (0..400).filter(|_| {
            let steps: Vec<Step> = (0..40)
                .map(|step| {
                    let passed = (0..8).filter(|_| stream.open_unit() < 0.3).count() * 8;
                    Step { step, rollouts: 64, passed, reference: step < 4 }
                })
                .collect();
            rise(&steps[..4], &steps[4..], step_effect(&steps)).is_some()
        });
        let risen = risen.count();
        assert!(risen <= 10, "{risen}");
        let doubled: Vec<Step> = (0..40)
            .map(|step| Step {
                step,
                rollouts: 64,
                passed: if step < 25 { 16 } else { 32 } + step as usize % 3,
                reference: step < 4,
            })
            .collect();
        let found = rise(&doubled[..4], &doubled[4..], step_effect(&doubled));
        assert_eq!(found.map(|rise| (rise.from_step, rise.of_reference)), Some((25, true)));
        // A reference that passed as often by chance.
        let lucky: Vec<Step> =
            doubled.iter().map(|own| if own.step < 4 { Step { passed: 32, ..*own } } else { *own }).collect();
        let found = rise(&lucky[..4], &lucky[4..], step_effect(&lucky));
        assert_eq!(found.map(|rise| (rise.from_step, rise.of_reference)), Some((25, false)));
    }
}
