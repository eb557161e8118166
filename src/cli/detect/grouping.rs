//! Rewards relative to the rollouts they are compared with.

use crate::foundation::order::median;
use crate::record::Log;
use clap::ValueEnum;
use std::collections::BTreeMap;

/// Fewest rollouts whose median stands for the rest of their group.
pub(super) const MIN_GROUP: usize = 4;

/// Which rollouts are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum GroupBy {
    /// The same prompt, at any step
    Prompt,
    /// The same step, any prompt: takes out the drift of a policy that gets better
    Step,
    /// The same prompt at the same step
    Group,
}

impl GroupBy {
    /// As in a sentence: "its prompt".
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Step => "step",
            Self::Group => "group",
        }
    }
}

/// Replaces each reward by its difference from the median reward of its group. Rollouts in groups of fewer than
/// [`MIN_GROUP`] are taken out. Gives the medians, row by row, and how many rollouts were taken out.
pub(super) fn centre(log: &mut Log, by: GroupBy) -> (Vec<f64>, usize) {
    let keys = match by {
        GroupBy::Prompt => &log.observed.prompt,
        GroupBy::Step => &log.observed.step,
        GroupBy::Group => &log.observed.group,
    };
    let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (row, key) in keys.iter().enumerate() {
        groups.entry(*key).or_default().push(row);
    }
    let mut centres: Vec<Option<f64>> = vec![None; keys.len()];
    for rows in groups.values().filter(|rows| rows.len() >= MIN_GROUP) {
        let rewards: Vec<f64> = rows.iter().map(|&row| log.observed.proxy[row]).collect();
        let centre = median(&rewards);
        rows.iter().for_each(|&row| centres[row] = centre);
    }
    let kept: Vec<usize> = (0..centres.len()).filter(|&row| centres[row].is_some()).collect();
    let alone = centres.len() - kept.len();
    if alone > 0 {
        log.observed = log.observed.select(&kept);
        log.origin = kept.iter().map(|&row| log.origin[row]).collect();
    }
    let centres: Vec<f64> = centres.into_iter().flatten().collect();
    for (reward, centre) in log.observed.proxy.iter_mut().zip(&centres) {
        *reward -= centre;
    }
    (centres, alone)
}
