//! Rewards of a few values: an exploit is a share of prompts whose rollouts all pass from the onset on.

use super::{CONFIDENCE, Plan, Reference};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::foundation::wilson::{Proportion, proportion};
use crate::monitor::{Stop, pass_rate, passes_above};
use crate::record::{InSteps, Observed};
use std::collections::{BTreeSet, HashSet};

/// Rows that are read at once.
const READ: usize = 1 << 14;
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
/// [`Status::Missing`] without prompts, [`Status::TooFew`] where no rollout lies at or after the onset; [`Stop::Failure`] where the
/// log cannot be read.
pub fn spike_shares(
    log: &dyn InSteps,
    reference: &Reference<'_>,
    shares: &[f64],
    plan: &Plan,
) -> Result<Option<Shares>, Stop> {
    let normal = || (reference.log, reference.rows.clone());
    let Some(above) = passes_above([normal(), (log, 0..log.len())])? else { return Ok(None) };
    let at = |step: u64| {
        log.spans().iter().find(|span| span.step >= step).map_or(log.len(), |span| span.rows.start)
    };
    let (onset, judged) = (at(plan.onset), at(plan.audited_from)..log.len());
    let rates = |change: &dyn Fn(&mut Observed)| pass_rate(normal(), (log, judged.clone()), above, change);
    let rises_already = rates(&|_| ())?.rise.is_some();
    let (mut known, mut highest) = (HashSet::new(), f64::NEG_INFINITY);
    for from in (0..log.len()).step_by(READ) {
        let rows = log.rows(from..from + READ)?;
        if rows.prompt.len() != rows.len() {
            return Err(Status::Missing { column: "prompt".to_owned() }.into());
        }
        known.extend(rows.prompt.iter().skip(onset.saturating_sub(from)));
        highest = rows.proxy.iter().copied().fold(highest, f64::max);
    }
    if known.is_empty() {
        return Err(Status::TooFew { what: "rollouts from the onset on", have: 0, need: 1 }.into());
    }
    let mut prompts: Vec<u64> = known.into_iter().collect();
    prompts.sort_unstable();
    let shares = if shares.is_empty() { &SHARES } else { shares };
    let counts: BTreeSet<usize> = (shares.iter())
        .map(|share| ((share * prompts.len() as f64).round() as usize).clamp(1, prompts.len()))
        .collect();
    let mut cells = Vec::with_capacity(counts.len());
    for count in counts {
        let mut found = 0;
        for repeat in 0..plan.repeats {
            let planted = drawn(&prompts, count, plan.seed, repeat);
            let rates = rates(&|batch| {
                let exploited = (batch.step.iter().zip(&batch.prompt))
                    .map(|(step, prompt)| *step >= plan.onset && planted.contains(prompt));
                for (reward, _) in batch.proxy.iter_mut().zip(exploited).filter(|(_, exploited)| *exploited) {
                    *reward = highest;
                }
            })?;
            let mut jumped = false;
            for jump in &rates.jumps {
                let row = jump.row as usize;
                jumped |= log.rows(row..row + 1)?.prompt.iter().any(|prompt| planted.contains(prompt));
            }
            found += u64::from(jumped || rates.rise.is_some() && !rises_already);
        }
        let share = count as f64 / prompts.len() as f64;
        cells.push(ShareCell { share, prompts: count, found: proportion(found, plan.repeats, CONFIDENCE)? });
    }
    Ok(Some(Shares { prompts: prompts.len(), above, rises_already, cells }))
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
        spike_shares(log, &Reference::all(&reference), shares, &plan).unwrap().unwrap()
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
        let run = |log: &Observed, reference: &Observed, plan: &Plan| {
            spike_shares(log, &Reference::all(reference), &[], plan)
        };
        assert!(run(&continuous, &continuous, &plan()).unwrap().is_none());
        let late = Plan { onset: 99, audited_from: 99, ..plan() };
        assert!(matches!(run(&log, &log, &late), Err(Stop::Status(Status::TooFew { .. }))));
        let bare = Observed { prompt: Vec::new(), ..log.clone() };
        assert!(matches!(run(&bare, &log, &plan()), Err(Stop::Status(Status::Missing { .. }))));
    }
}
