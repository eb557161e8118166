//! Rollouts after a reference by whole groups, and which of them hold a text.
//!
//! They are chosen step by step, each step by its own draw, and of many steps one in two, in four … is kept: a log that is read while it
//! grows gives the same ones as the finished log.

use super::centre::Centre;
use super::list::Scored;
use super::newest::TOLD;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::monitor::grouping::grouped;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Rollouts that are kept; of each step by whole groups until there are so many, and of a group at most.
const MOST: usize = 1 << 14;
const OF_STEP: usize = 64;
const OF_GROUP: usize = 256;
/// Rollouts of a step among which they are chosen.
pub(super) const MANY: usize = 1 << 16;

/// Which of the texts a completion holds.
pub(in crate::monitor) type Holds = [bool; TOLD];

/// A rollout that is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Own {
    number: u64,
    reward: f64,
    prompt: u64,
    outcome: u64,
    /// Those that it is compared with have the same.
    stratum: usize,
}

/// A step of which some are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OfStep {
    place: u64,
    step: u64,
    rollouts: Vec<Own>,
}

/// Rollouts after a reference.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::monitor) struct Strata {
    steps: Vec<OfStep>,
    kept: usize,
    strata: usize,
    /// Steps that came, of which one in `2^halved` is kept.
    came: u64,
    halved: u32,
}

/// A rollout that is kept, with the texts that its completion holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Seen {
    pub step: u64,
    pub stratum: usize,
    pub reward: f64,
    pub prompt: u64,
    pub outcome: u64,
    pub holds: Holds,
}

impl Strata {
    /// Counts a step; whether it is one of those that are kept.
    pub fn comes(&mut self) -> bool {
        self.came += 1;
        self.is_kept(self.came - 1)
    }

    fn is_kept(&self, place: u64) -> bool {
        place.is_multiple_of(1 << self.halved)
    }

    /// The rollouts of a step that was said to be kept; the numbers of those whose completions are wanted, with their places. `groups` and
    /// `prompts` may be empty, where they are not known.
    pub fn see(&mut self, scored: &[Scored], groups: &[u64], prompts: &[u64]) -> Vec<(u64, usize)> {
        let scored = scored.get(..MANY).unwrap_or(scored);
        let groups = groups.get(..scored.len()).unwrap_or_default();
        let Some(step) = scored.first().map(|rollout| rollout.step) else { return Vec::new() };
        let mut wanted = Vec::new();
        let mut rollouts = Vec::new();
        for group in drawn(step, scored.len(), groups) {
            self.strata += 1;
            for at in group {
                let Some(rollout) = scored.get(at) else { continue };
                rollouts.push(Own {
                    number: rollout.row,
                    reward: rollout.reward,
                    // Where prompts are not known, each rollout may have its own.
                    prompt: prompts.get(at).copied().unwrap_or(rollout.row),
                    outcome: rollout.outcome,
                    stratum: self.strata,
                });
                wanted.push((rollout.row, at));
            }
        }
        self.kept += rollouts.len();
        self.steps.push(OfStep { place: self.came.saturating_sub(1), step, rollouts });
        wanted
    }

    /// Whether more are kept than should be.
    pub fn is_full(&self) -> bool {
        self.kept > MOST && self.steps.len() > 1
    }

    /// Lets every second step go; the numbers of its rollouts.
    pub fn halve(&mut self) -> Vec<u64> {
        self.halved = (self.halved + 1).min(u64::BITS - 1);
        let stride = 1 << self.halved;
        let (kept, gone): (Vec<OfStep>, Vec<OfStep>) =
            std::mem::take(&mut self.steps).into_iter().partition(|of| of.place.is_multiple_of(stride));
        self.steps = kept;
        self.kept = self.steps.iter().map(|of| of.rollouts.len()).sum();
        gone.iter().flat_map(|of| &of.rollouts).map(|own| own.number).collect()
    }

    /// The numbers of the rollouts that are kept.
    pub fn numbers(&self) -> impl Iterator<Item = u64> {
        self.steps.iter().flat_map(|of| of.rollouts.iter().map(|own| own.number))
    }

    /// Those of which it is known what their completions hold.
    pub(super) fn seen(&self, holds: &HashMap<u64, Holds>) -> Vec<Seen> {
        let of_step = |of: &OfStep| {
            let one = |own: &Own| {
                let Own { reward, prompt, outcome, stratum, .. } = *own;
                let holds = *holds.get(&own.number)?;
                Some(Seen { step: of.step, stratum, reward, prompt, outcome, holds })
            };
            of.rollouts.iter().filter_map(one).collect::<Vec<Seen>>()
        };
        self.steps.iter().flat_map(of_step).collect()
    }
}

/// Rows of a step by group, drawn until there are enough; where there are no groups, that many of the step.
fn drawn(step: u64, rows: usize, groups: &[u64]) -> Vec<Vec<usize>> {
    let mut stream = SeedTree::new(0, 0).stream(Purpose::Audit, (1 << 50) + step);
    if Centre::of(groups) == Centre::Step {
        return vec![stream.draw((0..rows).collect(), OF_STEP)];
    }
    let groups = grouped(groups);
    let many = groups.len();
    let mut left = OF_STEP;
    let mut drawn = stream.draw(groups, many);
    drawn.retain(|group| {
        let taken = left > 0;
        left = left.saturating_sub(group.len());
        taken
    });
    drawn.into_iter().map(|group| stream.draw(group, OF_GROUP)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(step: u64, rows: u64) -> Vec<Scored> {
        let one =
            |row| Scored { row: 1000 * step + row, step, reward: row as f64, centre: 0.0, outcome: row };
        (0..rows).map(one).collect()
    }

    #[test]
    fn whole_groups_of_each_step_are_kept_and_of_many_steps_fewer() {
        let mut strata = Strata::default();
        let groups: Vec<u64> = (0..160).map(|row| row / 8).collect();
        let mut gone = 0;
        for at in 0..2000 {
            if strata.comes() {
                let wanted = strata.see(&step(at, 160), &groups, &[]);
                assert_eq!(wanted.len(), 64);
                let of: std::collections::BTreeSet<usize> = wanted.iter().map(|(_, at)| at / 8).collect();
                assert_eq!(of.len(), 8, "whole groups");
            }
            while strata.is_full() {
                gone += strata.halve().len();
            }
        }
        let numbers: Vec<u64> = strata.numbers().collect();
        assert!(numbers.len() <= MOST && numbers.len() > MOST / 4 && gone > 0, "{}", numbers.len());
        let holds = numbers.iter().map(|number| (*number, [true; TOLD])).collect();
        let seen = strata.seen(&holds);
        assert_eq!(seen.len(), numbers.len());
        assert!(seen.chunk_by(|a, b| a.stratum == b.stratum).all(|group| group.len() == 8));
        assert!(seen.iter().any(|own| own.step > 1900) && seen.iter().any(|own| own.step < 100));
        assert_eq!(strata.seen(&HashMap::new()), []);
    }

    #[test]
    fn without_groups_some_of_a_step_are_kept() {
        let mut strata = Strata::default();
        assert!(strata.comes());
        assert_eq!(strata.see(&step(0, 500), &[], &[]).len(), OF_STEP);
        assert!(strata.see(&[], &[], &[]).is_empty());
        // Two groups of very many.
        let groups: Vec<u64> = (0..4000).map(|row| row % 2).collect();
        assert_eq!(strata.see(&step(1, 4000), &groups, &[]).len(), OF_GROUP);
    }
}
