//! Rollouts as a watched log takes them, what it is told of them, and what it says of a step.

use crate::foundation::order::median;
use crate::monitor::reading::{Centre, GatheredRows, PassRows, Scored};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Share of the steps that the reference may be at most: one in so many.
const ONE_IN: u64 = 10;

/// What a watched log may cost, and what it begins with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WatchSettings {
    /// Benign rollouts that are expected on the list in the end, the reference's own top included.
    pub benign: f64,
    /// Steps that are the reference: ten, or a tenth of the steps where these are told and fewer.
    pub reference_steps: u64,
    /// Steps that there will be. Where it is not known, 100 for each of the reference.
    pub steps: Option<u64>,
    /// With whom rollouts are compared; where it is not said, the first step decides ([`Centre::of`]).
    pub centre: Option<Centre>,
}

impl Default for WatchSettings {
    fn default() -> Self {
        Self { benign: 20.0, reference_steps: 10, steps: None, centre: None }
    }
}

impl WatchSettings {
    /// Steps that are the reference in fact.
    pub(super) fn reference(&self) -> u64 {
        let tenth = self.steps.map_or(u64::MAX, |steps| steps.div_ceil(ONE_IN));
        self.reference_steps.min(tenth).max(1)
    }
}

/// A rollout that was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    /// Its reward.
    pub reward: f64,
    /// Equal for rollouts of one group.
    pub group: u64,
    /// Equal for rollouts of one prompt.
    pub prompt: u64,
    /// Equal for equal completions of the same prompt.
    pub outcome: u64,
    /// The number of its file, and its row and line there.
    pub file: usize,
    /// Row of data in that file, from 0.
    pub row: usize,
    /// Line of a text file, from 1.
    pub line: Option<u64>,
}

/// What a log says of itself.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Facts {
    /// The reward's columns, with their weights.
    pub reward: String,
    /// Where steps come from.
    pub step: String,
    /// Where groups come from.
    pub group: String,
    /// Which column's texts are those of the model, or that none were read.
    #[serde(default)]
    pub texts: Option<String>,
    /// Whether rollouts name a group or a prompt, and a prompt.
    pub groups: bool,
    /// Whether they name a prompt.
    pub prompts: bool,
    /// Rows without a reward.
    pub rows_left_out: usize,
    /// Files that were read.
    pub files: Vec<PathBuf>,
    /// Files that were found and not read, with the reason.
    pub files_left_out: Vec<String>,
    /// Rollouts that were there before.
    pub duplicates: usize,
}

/// A step that was judged.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// The step.
    pub step: u64,
    /// Its rollouts, each counted once.
    pub rollouts: usize,
    /// Whether it belongs to the reference.
    pub reference: bool,
    /// Share of them whose reward reaches the lowest of those that stand apart so far.
    pub share: f64,
    /// Its rollouts whose texts are to be told ([`Watch::tell`](super::Watch::tell)).
    pub wanted: Vec<Wanted>,
    /// What must be known to read this rightly, of a step that was told: that it came again or late, or lacks rewards.
    pub notes: Vec<String>,
}

/// A rollout whose text is to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// Its number in the log.
    pub number: u64,
    /// The rollout.
    pub row: Row,
}

/// The rollouts at these places, each with its number.
pub(super) fn wanted(rows: &[(Row, u64)], at: Vec<(u64, usize)>) -> Vec<Wanted> {
    at.into_iter().filter_map(|(number, at)| Some(Wanted { number, row: rows.get(at)?.0.clone() })).collect()
}

/// Hands the rows of a step out as the gathering wants them. `in_groups`: they are compared with their groups.
pub(super) fn hand_out(
    step: u64,
    rows: &[(Row, u64)],
    scored: &[Scored],
    facts: &Facts,
    in_groups: bool,
    hand: &mut dyn FnMut(&GatheredRows<'_>),
) {
    let rewards: Vec<f64> = rows.iter().map(|(row, _)| row.reward).collect();
    let prompts: Vec<u64> =
        if facts.prompts { rows.iter().map(|(row, _)| row.prompt).collect() } else { Vec::new() };
    let groups: Vec<u64> = rows.iter().filter(|_| in_groups).map(|(row, _)| row.group).collect();
    if let Some(median) = median(&rewards) {
        hand(&GatheredRows { step, median, scored, rewards: &rewards, prompts: &prompts, groups: &groups });
    }
}

/// The rewards and prompts of a step, for pass rates.
pub(super) struct OfStep {
    step: u64,
    first_row: u64,
    rewards: Vec<f64>,
    prompts: Vec<u64>,
    reference: bool,
}

/// The rewards and prompts of a step, for pass rates.
pub(super) fn of_step(step: u64, rows: &[(Row, u64)], facts: &Facts, reference: bool) -> OfStep {
    OfStep {
        step,
        first_row: rows.first().map_or(0, |(_, number)| *number),
        rewards: rows.iter().map(|(row, _)| row.reward).collect(),
        prompts: if facts.prompts { rows.iter().map(|(row, _)| row.prompt).collect() } else { Vec::new() },
        reference,
    }
}

impl OfStep {
    /// As pass rates take them.
    pub fn rows(&self) -> PassRows<'_> {
        PassRows {
            step: self.step,
            first_row: self.first_row,
            rewards: &self.rewards,
            prompts: &self.prompts,
            reference: self.reference,
        }
    }
}
