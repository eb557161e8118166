//! The rollouts of one step, and the level of their rewards.

use super::list::Scored;
use super::shift::{self, Known, Level};
use std::cmp::Ordering;

/// The rollouts of a step, or a piece of them.
pub(in crate::monitor) struct StepRows<'a> {
    pub step: u64,
    pub median: f64,
    pub scored: &'a [Scored],
    pub rewards: &'a [f64],
    pub prompts: &'a [u64],
    /// Equal numbers for rollouts of one group; empty where they are not compared with it.
    pub groups: &'a [u64],
}

/// Adds the rollouts of a step, or a piece of them.
pub(super) fn add_level(levels: &mut Vec<Level>, rows: &StepRows<'_>, known: Option<Known>, reference: bool) {
    let above = |limit: fn(Known) -> f64| {
        known.map_or(0, |known| rows.rewards.iter().filter(|reward| **reward > limit(known)).count())
    };
    let (above_middle, far) = (above(|known| known.middle), above(Known::far));
    let below = known.map_or(0, |known| rows.rewards.iter().filter(|reward| **reward < known.low).count());
    let above = (above(|known| known.highest), above(|known| known.high));
    let tied = known.map_or(0, |known| rows.rewards.iter().filter(|r| **r == known.highest).count());
    let different = known.map_or(0, |known| rows.rewards.iter().filter(|r| **r != known.lowest).count());
    let mode = known.and_then(|known| shift::mode(rows.rewards, known.middle));
    let highest = rows.rewards.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let at_highest = rows.rewards.iter().filter(|reward| **reward == highest).count();
    let n = rows.rewards.len().max(1) as f64;
    let mean = rows.rewards.iter().map(|reward| reward / n).sum();
    match levels.last_mut() {
        Some(last) if last.step == rows.step => {
            let all = (last.rollouts + rows.rewards.len()) as f64;
            // Shares of each, so that no sum of huge rewards is too large.
            last.mean = last.mean * (last.rollouts as f64 / all) + mean * (rows.rewards.len() as f64 / all);
            last.rollouts += rows.rewards.len();
            last.at_highest = match last.highest.total_cmp(&highest) {
                Ordering::Less => at_highest,
                Ordering::Equal => last.at_highest + at_highest,
                Ordering::Greater => last.at_highest,
            };
            last.highest = last.highest.max(highest);
            last.above = (last.above.0 + above.0, last.above.1 + above.1);
            last.above_middle += above_middle;
            last.far += far;
            last.below += below;
            last.tied += tied;
            last.different += different;
            last.mode = match (last.mode, mode) {
                (Some((value, n)), Some((other, more))) if value == other => Some((value, n + more)),
                (last, own) => last.into_iter().chain(own).max_by_key(|(_, n)| *n),
            };
        }
        _ => levels.push(Level {
            step: rows.step,
            rollouts: rows.rewards.len(),
            median: rows.median,
            mean,
            highest,
            above,
            above_middle,
            far,
            below,
            tied,
            at_highest,
            mode,
            different,
            reference,
        }),
    }
}
