//! Rewards of a few values (0 and 1, or two levels with noise): no value stands out, but the rate at which a high one is paid does.
//!
//! The rate of the log is judged by its [`rise`](super::rise), single prompts by their [`visits`](super::visits). The rollouts of a
//! group share their prompt, so for the rise they count less, by the design effect 1 + (m − 1)ρ, ρ the correlation within groups
//! (Kish 1965).

use super::rise::{self, Counts, Rise, Step};
use super::visits::{Found, Jump, Kind, LEVEL, Others, Prompt, Visit};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Prompts that are followed.
const PROMPTS: usize = 1 << 20;

/// What is said of pass rates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PassRate {
    /// Rewards above this pass.
    pub above: f64,
    /// Share of the reference that passes, and of how many rollouts.
    pub reference: (f64, usize),
    /// Share of all later rollouts that passes, and of how many.
    pub later: (f64, usize),
    /// A rise, if one is shown.
    pub rise: Option<Rise>,
    /// Prompts that go from never to always.
    pub jumps: Vec<Jump>,
    /// Prompts that do so too, in too few steps to show it: the p-value is that of independent rollouts.
    pub near: Vec<Jump>,
    /// Prompts that were followed.
    pub prompts: usize,
    /// Rollouts of prompts that were not: there were too many before them.
    pub not_followed: usize,
}

/// The counts of a log, step by step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::monitor) struct Passes {
    /// Rewards above this pass; none while there is but one reward.
    above: Option<f64>,
    steps: Vec<Step>,
    prompts: HashMap<u64, Prompt>,
    most: usize,
    not_followed: usize,
    others: Others,
    /// Σm, Σm², Σx, Σx²/m and number of groups.
    groups: [f64; 5],
}

/// The rollouts of a step.
pub(in crate::monitor) struct Rows<'a> {
    pub step: u64,
    pub first_row: u64,
    pub rewards: &'a [f64],
    /// Empty where prompts are not known.
    pub prompts: &'a [u64],
    pub reference: bool,
}

impl Passes {
    /// `None`: all rewards so far are one, and [`Passes::divide`] is to come.
    pub fn new(above: Option<f64>) -> Self {
        Self {
            above,
            steps: Vec::new(),
            prompts: HashMap::new(),
            most: PROMPTS,
            not_followed: 0,
            others: Others::default(),
            groups: [0.0; 5],
        }
    }

    /// Whether it is known which rewards pass.
    pub fn divides(&self) -> bool {
        self.above.is_some()
    }

    /// Rewards above `above` pass from now on; whether those before did.
    pub fn divide(&mut self, above: f64, before: bool) {
        self.above = Some(above);
        if !before {
            return;
        }
        self.steps.iter_mut().for_each(|step| step.passed = step.rollouts);
        self.prompts.values_mut().for_each(Prompt::reverse);
        // All of n groups passed: Σx = Σm, Σx²/m = Σm.
        let [n, _, passed, between, _] = &mut self.groups;
        (*passed, *between) = (*n, *n);
    }

    pub fn see(&mut self, rows: &Rows<'_>) {
        let passes = |reward: &f64| self.above.is_some_and(|above| *reward > above);
        let passed = rows.rewards.iter().filter(|reward| passes(reward)).count();
        let Rows { step, reference, .. } = *rows;
        self.steps.push(Step { step, rollouts: rows.rewards.len(), passed, reference });
        let mut of_step: HashMap<u64, (usize, usize, u64)> = HashMap::new();
        for (i, (reward, prompt)) in rows.rewards.iter().zip(rows.prompts).enumerate() {
            let own = of_step.entry(*prompt).or_insert((0, 0, rows.first_row + i as u64));
            own.0 += 1;
            own.1 += usize::from(passes(reward));
        }
        let mut of_step: Vec<(u64, (usize, usize, u64))> = of_step.into_iter().collect();
        of_step.sort_unstable();
        let mut kinds = [0; 3];
        of_step.iter().for_each(|(_, (n, x, _))| kinds[Kind::of(*n, *x) as usize] += 1);
        let others = of_step.len().saturating_sub(1);
        for (prompt, (n, x, row)) in of_step {
            let (m, passed) = (n as f64, x as f64);
            for (sum, term) in self.groups.iter_mut().zip([m, m * m, passed, passed * passed / m, 1.0]) {
                *sum += term;
            }
            if self.prompts.len() >= self.most && !self.prompts.contains_key(&prompt) {
                self.not_followed += n;
                continue;
            }
            let before = self.prompts.get(&prompt).copied();
            let alike = kinds[Kind::of(n, x) as usize] - 1;
            let nth = self.prompts.len() as u32 + 1;
            let known = self.prompts.entry(prompt).or_insert_with(|| Prompt::new(nth));
            known.see(&Visit { step: rows.step, row, rollouts: n, passed: x, others, alike });
            self.others.see(before.as_ref(), known);
        }
    }

    /// Up to `most` of these prompts that have a jump by now, each told once: at the vth look at the nth prompt with p below
    /// 1% / (v(v + 1) · 2n(1 + ln n)²), as there will be more of both.
    pub fn jumped(&mut self, prompts: &[u64], most: usize) -> Vec<(u64, Jump)> {
        let mut jumped = Vec::new();
        for name in prompts {
            if jumped.len() >= most {
                break;
            }
            let Some(prompt) = self.prompts.get_mut(name).filter(|prompt| !prompt.told) else { continue };
            let share = prompt.share() / self.others.prompts() as f64;
            let jump = prompt.jump(&self.others);
            if let Some(jump) = jump.filter(|jump| jump.p_value * share <= LEVEL) {
                prompt.told = true;
                jumped.push((*name, jump));
            }
        }
        jumped
    }

    /// Whether this prompt has a jump so far.
    pub fn has_jumped(&self, prompt: u64) -> bool {
        self.prompts.get(&prompt).is_some_and(|prompt| prompt.jump(&self.others).is_some())
    }

    /// 1 + (m₀ − 1)ρ, ρ by the analysis of variance.
    fn design_effect(&self) -> f64 {
        let [n, squares, passed, between, groups] = self.groups;
        if groups == 0.0 {
            return rise::step_effect(&self.steps);
        }
        if groups < 2.0 || n <= groups {
            return 1.0;
        }
        let size = (n - squares / n) / (groups - 1.0);
        let among = (between - passed * passed / n) / (groups - 1.0);
        let within = (passed - between) / (n - groups);
        let rho = (among - within) / (among + (size - 1.0) * within);
        if rho.is_finite() { 1.0 + (squares / n - 1.0) * rho.clamp(0.0, 1.0) } else { 1.0 }
    }

    pub fn finish(self) -> PassRate {
        let (reference, later): (Vec<Step>, Vec<Step>) =
            self.steps.iter().copied().partition(|step| step.reference);
        let (mut jumps, mut near) = (Vec::new(), Vec::new());
        for found in self.prompts.values().filter_map(|prompt| prompt.found(&self.others)) {
            match found {
                Found::Shown(jump) => jumps.push(jump),
                Found::Near(jump) => near.push(jump),
            }
        }
        for found in [&mut jumps, &mut near] {
            found.sort_by_key(|jump| (jump.step, jump.row));
        }
        PassRate {
            above: self.above.unwrap_or(f64::MAX),
            reference: Counts::of(&reference).rate(),
            later: Counts::of(&later).rate(),
            rise: rise::rise(&reference, &later, self.design_effect()),
            jumps,
            near,
            prompts: self.prompts.len(),
            not_followed: self.not_followed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rollouts_of_prompts_beyond_those_that_are_followed_are_counted() {
        let mut passes = Passes { most: 4, ..Passes::new(Some(0.5)) };
        for step in 0..3 {
            let (rewards, prompts) = ([0.0; 12], [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
            let (rewards, prompts) = (&rewards[..], &prompts[..]);
            passes.see(&Rows { step, first_row: 12 * step, rewards, prompts, reference: step == 0 });
        }
        let found = passes.finish();
        assert_eq!((found.prompts, found.not_followed), (4, 12));
    }
}
