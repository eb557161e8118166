//! Rewards of a few values (0 and 1, or two levels with noise): no value stands out, but the rate at which a high one is paid does.
//!
//! Rates are compared exactly: given how many passed in all, how many of them are later ones is hypergeometric (Fisher 1934). The
//! rollouts of a group share their prompt, so counts are divided by the design effect 1 + (m − 1)ρ, ρ the correlation within groups
//! (Kish 1965).

use crate::foundation::format::count;
use crate::foundation::special::ln_choose;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Most distinct rewards that are few.
pub(super) const FEW: usize = 10;
/// Probability of naming a step or a prompt where nothing changed.
const LEVEL: f64 = 0.01;
/// Times by which the odds of passing must have grown.
const GROWN: f64 = 1.5;
/// Prompts that are followed.
const PROMPTS: usize = 1 << 20;

/// Rewards for each distinct value, at least, if those are few.
const REPEATED: usize = 5;

/// Distinct values, up to one more than are few.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(in crate::monitor) struct Values {
    distinct: Vec<f64>,
    seen: usize,
}

impl Values {
    pub fn see(&mut self, reward: f64) {
        self.seen += 1;
        if self.distinct.len() <= FEW && !self.distinct.contains(&reward) {
            self.distinct.push(reward);
        }
    }

    /// Halfway between the lowest and the highest, if there are few.
    pub fn halfway(&self) -> Option<f64> {
        let low = self.distinct.iter().copied().fold(f64::INFINITY, f64::min);
        let high = self.distinct.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        (self.few().is_some() && low < high).then_some(low + 0.5 * (high - low))
    }

    /// How many, if they are few.
    pub fn few(&self) -> Option<usize> {
        let distinct = self.distinct.len();
        (distinct <= FEW && (distinct <= 1 || self.seen >= REPEATED * distinct)).then_some(distinct)
    }
}

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
    /// Prompts that were followed.
    pub prompts: usize,
}

/// From a step on more rollouts pass than before.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rise {
    /// The step.
    pub from_step: u64,
    /// Share that passes from there on.
    pub rate: f64,
    /// Against the reference, with all steps considered.
    pub p_value: f64,
}

/// A prompt none of whose rollouts passed before a step, and all of them from there on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Jump {
    /// The first step of which its rollouts pass.
    pub step: u64,
    /// Its rollouts before.
    pub before: usize,
    /// Its rollouts from there on.
    pub after: usize,
    /// Probability that those that pass come last, with all prompts considered.
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

/// The counts of a log, step by step.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(in crate::monitor) struct Passes {
    /// Rewards above this pass; none while there is but one reward.
    above: Option<f64>,
    steps: Vec<(u64, usize, usize, bool)>,
    prompts: HashMap<u64, Prompt>,
    /// Σm, Σm², Σx, Σx²/m and number of groups.
    groups: [f64; 5],
}

#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Prompt {
    failed: usize,
    passed: usize,
    first: Option<(u64, u64)>,
    broken: bool,
    /// Steps that had it and in which it failed, and passed.
    visits: (usize, usize),
    /// Whether its jump was told.
    told: bool,
}

impl Prompt {
    /// Its jump, if it has one; all prompts are considered. `as_one`: the rollouts of a step pass or fail together.
    fn jump(&self, prompts: usize, as_one: bool) -> Option<Jump> {
        let (step, row) = self.first.filter(|_| !self.broken && self.failed > 0)?;
        let (before, after) = (self.failed, self.passed);
        let (fails, passes) = if as_one { self.visits } else { (before, after) };
        let ln_p = (prompts as f64).ln() - ln_choose((fails + passes) as u64, passes as u64);
        let p_value = ln_p.exp();
        (p_value <= LEVEL).then_some(Jump { step, before, after, p_value, row })
    }
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
        Self { above, steps: Vec::new(), prompts: HashMap::new(), groups: [0.0; 5] }
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
        self.steps.iter_mut().for_each(|(_, rollouts, passed, _)| *passed = *rollouts);
        for prompt in self.prompts.values_mut() {
            std::mem::swap(&mut prompt.failed, &mut prompt.passed);
            prompt.visits = (prompt.visits.1, prompt.visits.0);
        }
        // All of n groups passed: Σx = Σm, Σx²/m = Σm.
        let [n, _, passed, between, _] = &mut self.groups;
        (*passed, *between) = (*n, *n);
    }

    pub fn see(&mut self, rows: &Rows<'_>) {
        let passes = |reward: &f64| self.above.is_some_and(|above| *reward > above);
        let passed = rows.rewards.iter().filter(|reward| passes(reward)).count();
        self.steps.push((rows.step, rows.rewards.len(), passed, rows.reference));
        let mut of_step: HashMap<u64, (usize, usize, u64)> = HashMap::new();
        for (i, (reward, prompt)) in rows.rewards.iter().zip(rows.prompts).enumerate() {
            let own = of_step.entry(*prompt).or_insert((0, 0, rows.first_row + i as u64));
            own.0 += 1;
            own.1 += usize::from(passes(reward));
        }
        let mut of_step: Vec<(u64, (usize, usize, u64))> = of_step.into_iter().collect();
        of_step.sort_unstable();
        for (prompt, (n, x, row)) in of_step {
            let (m, passed) = (n as f64, x as f64);
            for (sum, term) in self.groups.iter_mut().zip([m, m * m, passed, passed * passed / m, 1.0]) {
                *sum += term;
            }
            if self.prompts.len() >= PROMPTS && !self.prompts.contains_key(&prompt) {
                continue;
            }
            let known = self.prompts.entry(prompt).or_default();
            known.broken |= x > 0 && x < n || x == 0 && known.passed > 0;
            known.failed += n - x;
            known.passed += x;
            (known.visits.0, known.visits.1) =
                (known.visits.0 + usize::from(x == 0), known.visits.1 + usize::from(x > 0));
            if x > 0 {
                known.first.get_or_insert((rows.step, row));
            }
        }
    }

    /// Up to `most` of these prompts that have a jump by now, each told once: at the vth look at a prompt with p below 1% / v(v + 1), as
    /// there will be more.
    pub fn jumped(&mut self, prompts: &[u64], most: usize) -> Vec<(u64, Jump)> {
        let (all, as_one) = (self.prompts.len(), self.pass_as_one());
        let mut jumped = Vec::new();
        for name in prompts {
            if jumped.len() >= most {
                break;
            }
            let Some(prompt) = self.prompts.get_mut(name).filter(|prompt| !prompt.told) else { continue };
            let looks = (prompt.visits.0 + prompt.visits.1) as f64;
            let jump = prompt.jump(all, as_one);
            if let Some(jump) = jump.filter(|jump| jump.p_value * looks * (looks + 1.0) <= LEVEL) {
                prompt.told = true;
                jumped.push((*name, jump));
            }
        }
        jumped
    }

    /// Whether this prompt has a jump so far.
    pub fn has_jumped(&self, prompt: u64) -> bool {
        let known = self.prompts.get(&prompt);
        known.is_some_and(|prompt| prompt.jump(self.prompts.len(), self.pass_as_one()).is_some())
    }

    /// Whether no step has a rollout of a prompt that passes beside one that fails.
    fn pass_as_one(&self) -> bool {
        let [_, _, passed, between, _] = self.groups;
        passed - between <= 1e-9 * passed
    }

    /// 1 + (m₀ − 1)ρ, ρ by the analysis of variance.
    fn design_effect(&self) -> f64 {
        let [n, squares, passed, between, groups] = self.groups;
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
        let sum = |reference: bool| {
            let of = self.steps.iter().filter(|step| step.3 == reference);
            of.fold((0, 0), |(n, x), step| (n + step.1, x + step.2))
        };
        let rate = |(n, x): (usize, usize)| (x as f64 / n.max(1) as f64, n);
        let (reference, later) = (sum(true), sum(false));
        let effect = self.design_effect();
        let steps: Vec<_> = self.steps.iter().filter(|step| !step.3).collect();
        let all = (reference.0 + later.0, reference.1 + later.1);
        // The step at which the log is best cut in two.
        let likelihood = |(n, x): (usize, usize)| {
            let (n, x) = (n as f64, x as f64);
            let term = |count: f64| if count > 0.0 { count * (count / n).ln() } else { 0.0 };
            term(x) + term(n - x)
        };
        let mut best: Option<(f64, u64, (usize, usize))> = None;
        let mut after = (0, 0);
        for (step, rollouts, passed, _) in steps.iter().rev() {
            after = (after.0 + rollouts, after.1 + passed);
            let gain = likelihood(after) + likelihood((all.0 - after.0, all.1 - after.1));
            let grown = rate(after).0 > rate(reference).0;
            if grown && best.is_none_or(|(most, ..)| gain > most) {
                best = Some((gain, *step, after));
            }
        }
        let rise = best.and_then(|(_, from_step, after)| {
            let [n0, x0, n1, x1] =
                [reference.0, reference.1, after.0, after.1].map(|count| (count as f64 / effect).round());
            let odds = |n: f64, x: f64| (x + 0.5) / (n - x + 0.5);
            let p_value = (later_tail(n0, x0, n1, x1) * steps.len() as f64).min(1.0);
            let shown = p_value <= LEVEL && odds(n1, x1) >= GROWN * odds(n0, x0);
            shown.then(|| Rise { from_step, rate: rate(after).0, p_value })
        });
        let (prompts, as_one) = (self.prompts.len(), self.pass_as_one());
        let mut jumps: Vec<Jump> =
            self.prompts.values().filter_map(|prompt| prompt.jump(prompts, as_one)).collect();
        jumps.sort_by_key(|jump| (jump.step, jump.row));
        PassRate {
            above: self.above.unwrap_or(f64::MAX),
            reference: rate(reference),
            later: rate(later),
            rise,
            jumps,
            prompts,
        }
    }
}

/// P(at least `x1` of the passes are later ones), of `n0` earlier rollouts of which `x0` pass and `n1` later ones.
fn later_tail(n0: f64, x0: f64, n1: f64, x1: f64) -> f64 {
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
    use crate::foundation::rng::{Purpose, SeedTree, Stream};

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
    fn unchanged_rates_do_not_rise_whatever_the_prompts() {
        // Prompts of rate 0.1 or 0.9, 8 rollouts each, 400 logs: at most 1% and three standard errors.
        let mut stream = SeedTree::new(51, 0).stream(Purpose::Utility, 0);
        let (mut risen, mut jumped, mut on_the_way) = (0, 0, 0);
        for _ in 0..400 {
            let mut passes = Passes::new(Some(0.5));
            let mut told = false;
            for step in 0..30u64 {
                let prompts: Vec<u64> = (0..64).map(|i| step * 8 % 80 + i / 8).collect();
                let rewards: Vec<f64> = (prompts.iter())
                    .map(|prompt| {
                        f64::from(u8::from(stream.open_unit() < if prompt % 3 == 0 { 0.9 } else { 0.1 }))
                    })
                    .collect();
                let first_row = step * 64;
                passes.see(&Rows {
                    step,
                    first_row,
                    rewards: &rewards,
                    prompts: &prompts,
                    reference: step < 3,
                });
                told |= !passes.jumped(&prompts, 5).is_empty();
            }
            on_the_way += usize::from(told);
            let found = passes.finish();
            risen += usize::from(found.rise.is_some());
            jumped += usize::from(!found.jumps.is_empty());
        }
        assert!(risen <= 10 && jumped <= 10, "{risen} {jumped}");
        // 1% and three standard errors, with a look after every step.
        assert!(on_the_way <= 10, "{on_the_way}");
    }

    #[test]
    fn looks_after_every_step_seldom_name_a_prompt() {
        // 1% and three standard errors of 1,000 logs of 100 visits: single rollouts at rates at which jumps come most easily, pairs, and
        // eights that pass or fail together.
        for (prompts, group, rate, together) in [
            (1, 1, 0.01, false),
            (80, 1, 0.014, false),
            (80, 2, 0.01, false),
            (20, 2, 0.1, false),
            (20, 8, 0.5, true),
        ] {
            let mut stream = SeedTree::new(53, 0).stream(Purpose::Utility, prompts + group);
            let mut named = 0;
            for _ in 0..1000 {
                let mut passes = Passes::new(Some(0.5));
                let mut told = false;
                for step in 0..100 {
                    let names: Vec<u64> = (0..prompts * group).map(|i| i / group).collect();
                    let mut last = 0.0;
                    let draw = |i: u64| {
                        if !together || i.is_multiple_of(group) {
                            last = f64::from(u8::from(stream.open_unit() < rate));
                        }
                        last
                    };
                    let rewards: Vec<f64> = (0..prompts * group).map(draw).collect();
                    let first_row = step * prompts * group;
                    passes.see(&Rows {
                        step,
                        first_row,
                        rewards: &rewards,
                        prompts: &names,
                        reference: step < 10,
                    });
                    told |= !passes.jumped(&names, 5).is_empty();
                }
                named += usize::from(told);
            }
            assert!(named <= 19, "{prompts} prompts of {group} at {rate}: {named} of 1000");
        }
    }

    /// In how many of `logs` logs of steps of `prompts` prompts, each of which passes with a rate of its own, a rise is seen.
    fn risen(logs: usize, prompts: u64, rollouts: u64, mut rate: impl FnMut(&mut Stream) -> f64) -> usize {
        let mut stream = SeedTree::new(52, 0).stream(Purpose::Utility, prompts);
        let mut log = || {
            let mut passes = Passes::new(Some(0.5));
            for step in 0..30u64 {
                let (mut rewards, mut names) = (Vec::new(), Vec::new());
                for prompt in 0..prompts {
                    let own = rate(&mut stream);
                    for _ in 0..rollouts {
                        rewards.push(f64::from(u8::from(stream.open_unit() < own)));
                        names.push(step * prompts + prompt);
                    }
                }
                let first_row = step * prompts * rollouts;
                let (rewards, prompts, reference) = (&rewards[..], &names[..], step < 10);
                passes.see(&Rows { step, first_row, rewards, prompts, reference });
            }
            passes.finish().rise.is_some()
        };
        (0..logs).filter(|_| log()).count()
    }

    #[test]
    fn neither_prompts_that_pass_as_one_nor_the_choice_of_the_step_make_a_rise() {
        // 1% and three standard errors: the rollouts of a prompt pass together, or not at all.
        let together = risen(400, 8, 8, |stream| if stream.open_unit() < 0.5 { 0.95 } else { 0.05 });
        assert!(together <= 10, "{together} of 400");
        // All of one rate, so that the best of the twenty steps is all that there is to choose.
        let chosen = risen(2000, 16, 1, |_| 0.5);
        assert!(chosen <= 33, "{chosen} of 2000");
    }

    #[test]
    fn a_rise_and_jumps_are_found() {
        let mut passes = Passes::new(Some(0.5));
        for step in 0..48u64 {
            let rewards: Vec<f64> =
                (0..16).map(|i| f64::from(u8::from(step >= 25 && i < 8 || i % 8 == step % 8))).collect();
            let prompts: Vec<u64> = (0..16).map(|i| if i < 8 { step % 2 } else { 9 }).collect();
            passes.see(&Rows {
                step,
                first_row: 16 * step,
                rewards: &if step < 25 { [vec![0.0; 8], rewards[8..].to_vec()].concat() } else { rewards },
                prompts: &prompts,
                reference: step < 10,
            });
        }
        let found = passes.finish();
        assert_eq!(found.rise.map(|rise| rise.from_step), Some(25));
        assert_eq!(found.jumps.iter().map(|jump| jump.step).collect::<Vec<_>>(), [25, 26]);
        assert_eq!((found.jumps[0].before, found.jumps[0].after), (96, 96));
        assert!(found.jumps[0].p_value < 1e-6);
    }
}
