//! Rewards of a few values: an exploit is a share of prompts whose rollouts all pass from the onset on.

use super::{CONFIDENCE, Plan};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::metrics::wilson::{Proportion, proportion};
use crate::monitor::pass_rate;
use crate::record::Observed;
use std::collections::{BTreeSet, HashMap};

/// Shares of prompts where none is given.
const SHARES: [f64; 7] = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5];

/// One share of prompts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ShareCell {
    /// Share of the prompts from the onset on.
    pub share: f64,
    /// How many prompts that is.
    pub prompts: usize,
    /// Repeats in which it was found: a rise of the pass rate, or a planted prompt that goes from never to always.
    pub found: Proportion,
}

/// What a log of few-valued rewards says.
#[derive(Debug, Clone, PartialEq)]
pub struct Shares {
    /// Prompts from the onset on.
    pub prompts: usize,
    /// Rewards above this pass.
    pub above: f64,
    /// Whether the pass rate rises in the log as it is, so that only jumps of single prompts count as found.
    pub rises_already: bool,
    /// By share, ascending.
    pub cells: Vec<ShareCell>,
}

impl Shares {
    /// The smallest share that is found with this probability or more.
    pub fn smallest(&self, target: f64) -> Option<&ShareCell> {
        self.cells.iter().find(|cell| cell.found.value >= target)
    }
}

/// Plants exploits in a log whose rewards take ten values or fewer: all rollouts of a share of the prompts get the highest reward from
/// the onset on. `None` where there are more values, or one alone.
///
/// The rows of `log` and `reference` are in step order; shares that come to the same number of prompts are planted once.
///
/// # Errors
/// [`Status::Missing`] without prompts, [`Status::TooFew`] where no rollout lies at or after the onset.
pub fn spike_shares(
    log: &Observed,
    reference: &Observed,
    shares: &[f64],
    plan: &Plan,
) -> Option<Result<Shares, Status>> {
    let plain = pass_rate(reference, log, plan.audited_from)?;
    Some(plant(log, reference, shares, plan, plain.above, plain.rise.is_some()))
}

fn plant(
    log: &Observed,
    reference: &Observed,
    shares: &[f64],
    plan: &Plan,
    above: f64,
    rises_already: bool,
) -> Result<Shares, Status> {
    if log.prompt.len() != log.len() {
        return Err(Status::Missing { column: "prompt".to_owned() });
    }
    let onset = log.step.partition_point(|step| *step < plan.onset);
    let mut rows_of: HashMap<u64, Vec<usize>> = HashMap::new();
    for (row, prompt) in log.prompt.iter().enumerate().skip(onset) {
        rows_of.entry(*prompt).or_default().push(row);
    }
    if rows_of.is_empty() {
        return Err(Status::TooFew { what: "rollouts from the onset on", have: 0, need: 1 });
    }
    let mut prompts: Vec<u64> = rows_of.keys().copied().collect();
    prompts.sort_unstable();
    let highest = log.proxy.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let shares = if shares.is_empty() { &SHARES } else { shares };
    let counts: BTreeSet<usize> = (shares.iter())
        .map(|share| ((share * prompts.len() as f64).round() as usize).clamp(1, prompts.len()))
        .collect();
    let mut cells = Vec::with_capacity(counts.len());
    for count in counts {
        let mut found = 0;
        for repeat in 0..plan.repeats {
            let planted = drawn(&prompts, count, plan.seed, repeat);
            let mut work = log.clone();
            for row in planted.iter().filter_map(|prompt| rows_of.get(prompt)).flatten() {
                if let Some(reward) = work.proxy.get_mut(*row) {
                    *reward = highest;
                }
            }
            let Some(rates) = pass_rate(reference, &work, plan.audited_from) else { continue };
            let jumped = rates.jumps.iter().any(|jump| {
                work.prompt.get(jump.row as usize).is_some_and(|prompt| planted.contains(prompt))
            });
            found += u64::from(jumped || rates.rise.is_some() && !rises_already);
        }
        let share = count as f64 / prompts.len() as f64;
        cells.push(ShareCell { share, prompts: count, found: proportion(found, plan.repeats, CONFIDENCE)? });
    }
    Ok(Shares { prompts: prompts.len(), above, rises_already, cells })
}

/// `count` of the prompts; a larger count draws the same and more.
fn drawn(prompts: &[u64], count: usize, seed: u64, repeat: u64) -> BTreeSet<u64> {
    let mut rng = SeedTree::new(seed, repeat).stream(Purpose::Exploit, 1);
    let mut order: Vec<(f64, u64)> = prompts.iter().map(|prompt| (rng.open_unit(), *prompt)).collect();
    order.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
    order.into_iter().take(count).map(|(_, prompt)| prompt).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::{log, plan};
    use super::*;

    /// 40 steps of 64 prompts with 4 rollouts each, of which each passes with probability `rate`.
    fn coins(rate: f64) -> Observed {
        let mut rng = SeedTree::new(2, 0).stream(Purpose::Bootstrap, 0);
        let n = 40 * 256u64;
        let whole = log(40, 256, 2);
        Observed {
            proxy: (0..n).map(|_| f64::from(u8::from(rng.open_unit() < rate))).collect(),
            prompt: (0..n).map(|row| row / 4 % 64).collect(),
            ..whole
        }
    }

    fn run(log: &Observed, shares: &[f64]) -> Shares {
        let plan = Plan { onset: 20, audited_from: 20, repeats: 20, ..plan() };
        let reference = log.select(&(0..20 * 256).collect::<Vec<usize>>());
        spike_shares(log, &reference, shares, &plan).unwrap().unwrap()
    }

    #[test]
    fn a_share_of_prompts_that_always_pass_is_found_from_some_share_on() {
        let found = run(&coins(0.4), &[0.001, 0.05, 0.3]);
        assert_eq!(found.cells.iter().map(|cell| cell.prompts).collect::<Vec<_>>(), [1, 3, 19]);
        assert!(!found.rises_already && found.above == 0.5 && found.prompts == 64);
        assert!(found.cells[0].found.value < 0.5 && found.cells[2].found.value == 1.0, "{found:?}");
        assert_eq!(
            found.smallest(0.9).map(|cell| cell.prompts),
            found.cells.iter().find(|c| c.found.value >= 0.9).map(|c| c.prompts)
        );
        // Where prompts never pass, one that always does is found by itself.
        let hard = run(&coins(0.0005), &[0.001]);
        assert!(hard.cells[0].found.value > 0.9, "{hard:?}");
    }

    #[test]
    fn other_rewards_are_none_of_its_business() {
        let log = coins(0.4);
        let continuous = Observed { proxy: (0..log.len()).map(|row| row as f64).collect(), ..log.clone() };
        assert!(spike_shares(&continuous, &continuous, &[], &plan()).is_none());
        let late = Plan { onset: 99, audited_from: 99, ..plan() };
        assert!(matches!(spike_shares(&log, &log, &[], &late), Some(Err(Status::TooFew { .. }))));
        let bare = Observed { prompt: Vec::new(), ..log.clone() };
        assert!(matches!(spike_shares(&bare, &log, &[], &plan()), Some(Err(Status::Missing { .. }))));
    }
}
