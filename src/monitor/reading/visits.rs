//! Prompts that go from never passing to always, visit by visit: of the rollouts that a step has of a prompt all fail, all pass, or some do.
//!
//! Where nothing changes, the visits of a prompt may come in any order, however the rollouts of one visit go together: that f visits
//! in which all fail come before p in which all pass has a probability of 1 / C(f + p, p) at most. That no visit is mixed is improbable
//! as well. Of visits in which some rollout passes, all do in a share r; of those in which some fails, all do in a share s. Other
//! prompts that have visits of both kinds say how large these are, and the larger counts for the fewer of f and p. Where there is no
//! such prompt, rᵖ counts by the prompts that fail as a whole at times, and sᶠ by those that pass so.
//!
//! What all prompts do at once is no news of one of them: the visits must be improbable too if each went as the other prompts of its
//! step did (by the estimator of Krichevsky & Trofimov 1981).

use crate::foundation::format::count;
use crate::foundation::special::ln_choose;
use serde::{Deserialize, Serialize};

/// Probability of naming a prompt where nothing changed.
pub(super) const LEVEL: f64 = 0.01;
/// Visits that are added to those that are not mixed: shares are larger where little was seen.
const ADDED: f64 = 5.0;

/// A prompt none of whose rollouts passed before a step, and all of them from there on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jump {
    /// The first step of which its rollouts pass.
    pub step: u64,
    /// Its rollouts before.
    pub before: usize,
    /// Its rollouts from there on.
    pub after: usize,
    /// Probability that its visits come so, with all prompts considered.
    pub p_value: f64,
    /// The row of the log that passed first.
    pub row: u64,
}

impl Jump {
    /// In words: "of a prompt of which …".
    pub(in crate::monitor) fn said(&self) -> String {
        let (before, after) = (count(self.before), count(self.after));
        format!("of a prompt of which 0 of {before} passed before and all {after} since")
    }
}

/// What became of the rollouts of a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
    failed: usize,
    passed: usize,
    /// Step and row of the first visit in which a rollout passes.
    first: Option<(u64, u64)>,
    /// Visits in which all fail, some do, and all pass.
    visits: [u32; 3],
    /// Whether a visit in which all pass came after one in which all fail, and the other way round.
    rose: bool,
    fell: bool,
    /// ln of the probability that the other prompts of their steps give to these visits.
    ln_alike: f64,
    /// Whether its jump was told.
    pub told: bool,
}

impl Prompt {
    pub fn see(&mut self, visit: &Visit) {
        let [failed, mixed, passed] = &mut self.visits;
        match Kind::of(visit.rollouts, visit.passed) {
            Kind::Failed => {
                self.fell |= *passed > 0;
                *failed += 1;
            }
            Kind::Mixed => *mixed += 1,
            Kind::Passed => {
                self.rose |= *failed > 0;
                *passed += 1;
            }
        }
        self.failed += visit.rollouts - visit.passed;
        self.passed += visit.passed;
        if visit.passed > 0 {
            self.first.get_or_insert((visit.step, visit.row));
        }
        self.ln_alike += ((visit.alike as f64 + 0.5) / (visit.others as f64 + 1.0)).ln();
    }

    /// All that was seen to fail passed.
    pub fn reverse(&mut self) {
        std::mem::swap(&mut self.failed, &mut self.passed);
        self.visits.reverse();
    }

    /// How often it was seen.
    pub fn looks(&self) -> u32 {
        self.visits.iter().sum()
    }

    /// Whether its visits are of both kinds, none of them mixed, and change from one kind to the other once.
    fn changes_once(&self) -> bool {
        let [failed, mixed, passed] = self.visits;
        failed > 0 && mixed == 0 && passed > 0 && self.rose != self.fell
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
        let [failed, _, passed] = self.visits;
        let (before, after) = (self.failed, self.passed);
        let in_order = others.ln_unmixed(failed, passed) - ln_choose((failed + passed).into(), passed.into());
        let alone = -ln_choose((before + after) as u64, after as u64);
        let p_of = |ln_p: f64| ((others.prompts as f64).ln() + ln_p).exp();
        let (p_value, p_alone) = (p_of(in_order.max(self.ln_alike)), p_of(alone));
        let jump = |p_value| Jump { step, before, after, p_value, row };
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

/// How often the rollouts of a visit go together, over all prompts but those that go from never to always. Those that go from
/// always to never count twice: where nothing changes, there are as many of either.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Others {
    prompts: usize,
    /// Visits in which all fail, some do, and all pass, of prompts that have visits of both kinds.
    both: [u64; 3],
    /// Mixed visits of prompts that have a visit in which all fail, and in which all pass.
    mixed: [u64; 2],
}

impl Others {
    /// A prompt was `before` (nothing, if it is new) and is `after`.
    pub fn see(&mut self, before: Option<&Prompt>, after: &Prompt) {
        self.prompts += usize::from(before.is_none());
        let sums = self.both.iter_mut().chain(&mut self.mixed);
        let before = before.map_or([0; 5], Self::counts);
        for ((sum, before), after) in sums.zip(before).zip(Self::counts(after)) {
            *sum = (*sum + after).saturating_sub(before);
        }
    }

    fn counts(prompt: &Prompt) -> [u64; 5] {
        let times = match prompt.changes_once() {
            true if prompt.rose => 0,
            true => 2,
            false => 1,
        };
        let [failed, mixed, passed] = prompt.visits.map(|visits| times * u64::from(visits));
        match (failed > 0, passed > 0) {
            (true, true) => [failed, mixed, passed, mixed, mixed],
            (true, false) => [0, 0, 0, mixed, 0],
            (false, true) => [0, 0, 0, 0, mixed],
            (false, false) => [0; 5],
        }
    }

    /// ln of the probability that none of the visits is mixed.
    fn ln_unmixed(&self, failed: u32, passed: u32) -> f64 {
        let ln_share = |whole: u64, mixed: u64| {
            let whole = whole as f64 + ADDED;
            (whole / (whole + mixed as f64)).ln()
        };
        let [fail, some, pass] = self.both;
        let (failed, fewer, passed) = (f64::from(failed), f64::from(failed.min(passed)), f64::from(passed));
        if fail > 0 {
            return fewer * ln_share(fail, some).max(ln_share(pass, some));
        }
        let [of_failing, of_passing] = self.mixed;
        (passed * ln_share(0, of_failing)).min(failed * ln_share(0, of_passing))
    }
}
