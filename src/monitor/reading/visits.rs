//! Prompts that go from never passing to always, visit by visit: of the rollouts that a step has of a prompt all fail, all pass, or some do.
//!
//! Where nothing changes, the visits of a prompt may come in any order, however the rollouts of one visit go together: that f visits
//! in which all fail come before p in which all pass, and at most one mixed visit between them, has a probability of f! m! p! / n! at
//! most. Where no visit is mixed that is improbable as well: by what share of the other prompts that have visits of both kinds have no
//! mixed one.
//!
//! What all prompts do at once is no news of one of them: the visits must be improbable too if each went as the other prompts of its
//! step did (by the estimator of Krichevsky & Trofimov 1981).

use crate::foundation::format::count;
use crate::foundation::special::ln_choose;
use serde::{Deserialize, Serialize};

/// Probability of naming a prompt where nothing changed.
pub(super) const LEVEL: f64 = 0.01;
/// Mixed visits that may lie between those in which all fail and those in which all pass: more are a prompt that is learnt.
const BETWEEN: u32 = 1;

/// A prompt none of whose rollouts passed before a step, and all of them from there on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jump {
    /// The first step of which its rollouts pass.
    pub step: u64,
    /// Its rollouts before.
    pub before: usize,
    /// Its rollouts from there on, without those of a step between in which some pass.
    pub after: usize,
    /// Of that step, if there is one: the rollouts that pass, and all.
    pub between: (usize, usize),
    /// Probability that its visits come so, with all prompts considered.
    pub p_value: f64,
    /// The row of the log that passed first.
    pub row: u64,
}

impl Jump {
    /// In words: "of a prompt of which …".
    pub(in crate::monitor) fn said(&self) -> String {
        let (before, after) = (count(self.before), count(self.after));
        let between = match self.between {
            (_, 0) => String::new(),
            (passed, all) => format!(", {passed} of {all} in the step between"),
        };
        format!("of a prompt of which 0 of {before} passed before{between} and all {after} since")
    }
}

/// What became of the rollouts of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) enum Kind {
    Failed,
    Mixed,
    Passed,
}

impl Kind {
    /// Of `rollouts`, of which `passed` pass.
    pub fn of(rollouts: usize, passed: usize) -> Self {
        match passed {
            0 => Self::Failed,
            _ if passed == rollouts => Self::Passed,
            _ => Self::Mixed,
        }
    }
}

/// The rollouts of a prompt in a step.
pub(super) struct Visit {
    pub step: u64,
    /// The row of the first of them.
    pub row: u64,
    pub rollouts: usize,
    pub passed: usize,
    /// Other prompts of the step, and those of them of which the same became.
    pub others: usize,
    pub alike: usize,
}

/// What is known of a prompt.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(super) struct Prompt {
    /// Rollouts of visits in which all fail, and in which all pass.
    failed: usize,
    passed: usize,
    /// Of the mixed visits: the rollouts that pass, and all.
    mixed: (usize, usize),
    /// Step and row of the first visit in which a rollout passes.
    first: Option<(u64, u64)>,
    /// Visits in which all fail, some do, and all pass.
    visits: [u32; 3],
    /// The last visit, and whether one ever went better than the visit before, or worse.
    last: Option<Kind>,
    rose: bool,
    fell: bool,
    /// ln of the probability that the other prompts of their steps give to the visits that are not mixed.
    ln_alike: f64,
    /// Whether its jump was told.
    pub told: bool,
    /// Its number among all prompts, in the order in which they came, from 1.
    nth: u32,
}

impl Prompt {
    /// The nth prompt of a log.
    pub fn new(nth: u32) -> Self {
        Self { nth, ..Self::default() }
    }

    /// By what its probability is multiplied at the vth look at the nth prompt: v(v + 1) · 2n(1 + ln n)², so that all looks at all prompts
    /// that may ever come have one level together.
    pub fn share(&self) -> f64 {
        let (looks, nth) = (f64::from(self.looks()), f64::from(self.nth));
        looks * (looks + 1.0) * 2.0 * nth * (1.0 + nth.ln()).powi(2)
    }

    pub fn see(&mut self, visit: &Visit) {
        let kind = Kind::of(visit.rollouts, visit.passed);
        self.rose |= self.last.is_some_and(|last| kind > last);
        self.fell |= self.last.is_some_and(|last| kind < last);
        self.last = Some(kind);
        self.visits[kind as usize] += 1;
        match kind {
            Kind::Failed => self.failed += visit.rollouts,
            Kind::Mixed => self.mixed = (self.mixed.0 + visit.passed, self.mixed.1 + visit.rollouts),
            Kind::Passed => self.passed += visit.rollouts,
        }
        if visit.passed > 0 {
            self.first.get_or_insert((visit.step, visit.row));
        }
        if kind != Kind::Mixed {
            self.ln_alike += ((visit.alike as f64 + 0.5) / (visit.others as f64 + 1.0)).ln();
        }
    }

    /// All that was seen to fail passed.
    pub fn reverse(&mut self) {
        std::mem::swap(&mut self.failed, &mut self.passed);
        self.visits.reverse();
        self.last = self.last.map(|_| Kind::Passed);
    }

    /// How often it was seen.
    fn looks(&self) -> u32 {
        self.visits.iter().sum()
    }

    /// Whether its visits are of both kinds, with hardly a mixed one, and change from one to the other once.
    fn changes_once(&self) -> bool {
        let [failed, mixed, passed] = self.visits;
        failed > 0 && mixed <= BETWEEN && passed > 0 && self.rose != self.fell
    }

    /// Its jump, if that is shown.
    pub fn jump(&self, others: &Others) -> Option<Jump> {
        match self.found(others)? {
            Found::Shown(jump) => Some(jump),
            Found::Near(_) => None,
        }
    }

    /// Its jump, shown or nearly so.
    pub fn found(&self, others: &Others) -> Option<Found> {
        let (step, row) = self.first.filter(|_| self.changes_once() && self.rose)?;
        let [failed, mixed, passed] = self.visits;
        let (before, after, between) = (self.failed, self.passed, self.mixed);
        let all = failed + mixed + passed;
        let orders = ln_choose(all.into(), mixed.into()) + ln_choose((failed + passed).into(), passed.into());
        let unmixed = if mixed == 0 { others.ln_unmixed() } else { 0.0 };
        let alone = -ln_choose((before + after) as u64, after as u64);
        let p_of = |ln_p: f64| ((others.prompts as f64).ln() + ln_p).exp();
        let (p_value, p_alone) = (p_of((unmixed - orders).max(self.ln_alike)), p_of(alone));
        let jump = |p_value| Jump { step, before, after, between, p_value, row };
        match p_value <= LEVEL {
            true => Some(Found::Shown(jump(p_value))),
            false => (p_alone <= LEVEL).then(|| Found::Near(jump(p_alone))),
        }
    }
}

/// What the visits of a prompt show.
pub(super) enum Found {
    /// It goes from never passing to always.
    Shown(Jump),
    /// It does, and would be shown to if the rollouts of a visit were independent.
    Near(Jump),
}

/// Prompts that have visits of both kinds, but those that go from never to always. Those that go from always to never count twice: where
/// nothing changes, there are as many of either.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Others {
    prompts: usize,
    both: u64,
    /// Those of them without a mixed visit.
    unmixed: u64,
}

impl Others {
    /// How many prompts there are.
    pub fn prompts(&self) -> usize {
        self.prompts.max(1)
    }

    /// A prompt was `before` (nothing, if it is new) and is `after`.
    pub fn see(&mut self, before: Option<&Prompt>, after: &Prompt) {
        self.prompts += usize::from(before.is_none());
        let (before, after) = (before.map_or((0, 0), Self::counts), Self::counts(after));
        self.both = (self.both + after.0).saturating_sub(before.0);
        self.unmixed = (self.unmixed + after.1).saturating_sub(before.1);
    }

    fn counts(prompt: &Prompt) -> (u64, u64) {
        let [failed, mixed, passed] = prompt.visits;
        let times = match prompt.changes_once() {
            _ if failed == 0 || passed == 0 => 0,
            true if prompt.rose => 0,
            true => 2,
            false => 1,
        };
        (times, if mixed == 0 { times } else { 0 })
    }

    /// ln of the probability that a prompt that has visits of both kinds has no mixed one.
    fn ln_unmixed(&self) -> f64 {
        ((1 + self.unmixed) as f64 / (1 + self.both) as f64).ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_looks_at_all_prompts_that_may_come_have_one_level_together() {
        let looked = |nth: u32, looks: u32| Prompt { visits: [looks, 0, 0], ..Prompt::new(nth) };
        let of_looks: f64 = (1..1000).map(|looks| looked(1, 1).share() / looked(1, looks).share()).sum();
        let of_prompts: f64 = (1..1_000_000).map(|nth| 2.0 / looked(nth, 1).share()).sum();
        assert!(0.5 * of_looks <= 1.0 && (0.8..1.0).contains(&of_prompts), "{of_looks} {of_prompts}");
    }
}
