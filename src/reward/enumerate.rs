//! All trajectories of a deterministic process, as a table.

use super::coupling::couple;
use super::sequence::{Known, SequenceModel, Walk};
use super::{HackRule, RewardError, RewardSection};
use crate::environments::Move;
use crate::record::Outcomes;

/// Most trajectories that are enumerated: about 100 bytes each, and every one is summed over at every step.
pub const MOST_TRAJECTORIES: usize = 100_000;
/// Trajectories up to which what a policy that acts step by step is worth is summed over all of them at every step.
pub const MOST_SUMMED: usize = 20_000;

/// Enumerates in lexicographic order of the actions; every prompt must have as many trajectories.
pub(super) fn enumerate(
    model: &SequenceModel,
    section: &RewardSection,
    trajectories: usize,
) -> Result<Known, RewardError> {
    let prompts = model.process().prompts();
    let mut rows = Rows { table: empty(prompts, trajectories / prompts), hashes: Vec::new() };
    for prompt in 0..prompts {
        rows.grow(model, &Walk::start(model, prompt), 0.0, &mut Vec::new());
    }
    let Rows { mut table, hashes } = rows;
    if let (true, Some(frozen)) = (section.correlation.get() != 0.0, model.frozen()) {
        let paid = |(error, hash): (&f64, &u64)| error - frozen.draw(*hash).error;
        let before: Vec<f64> = table.error.iter().zip(&hashes).map(paid).collect();
        couple(frozen.law(), section.correlation.get(), &mut table, |cell| frozen.uniform(hashes[cell]));
        // What triggers pay comes on top.
        table.error.iter_mut().zip(before).for_each(|(error, paid)| *error += paid);
    }
    if let Some(cell) = table.error.iter().position(|x| !x.is_finite()) {
        return Err(RewardError::Infinite { cell, value: table.error[cell] });
    }
    // What fired a trigger is marked already.
    let rule = section.hack_rule();
    if rule != HackRule::Planted {
        table.hack.fill(false);
        rule.mark(&mut table, 0);
    }
    let cells = hashes.iter().zip(0..).map(|(hash, cell)| (*hash, cell)).collect();
    Ok(Known { table, hashes, cells })
}

fn empty(prompts: usize, outcomes: usize) -> Outcomes {
    let room = prompts * outcomes;
    Outcomes {
        prompts,
        outcomes,
        ref_log_prob: Vec::with_capacity(room),
        utility: Vec::with_capacity(room),
        error: Vec::with_capacity(room),
        class: Vec::with_capacity(room),
        hack: Vec::with_capacity(room),
    }
}

/// The table as it grows.
struct Rows {
    table: Outcomes,
    hashes: Vec<u64>,
}

impl Rows {
    /// Adds all trajectories that begin like `walk`, whose ln π₀ so far is `log_prob`.
    fn grow(&mut self, model: &SequenceModel, walk: &Walk, log_prob: f64, moves: &mut Vec<Move>) {
        if walk.ended(model) {
            let scored = walk.score(model);
            self.hashes.push(scored.trajectory);
            self.table.ref_log_prob.push(log_prob);
            self.table.utility.push(scored.utility);
            self.table.error.push(scored.error);
            self.table.class.push(scored.class);
            self.table.hack.push(scored.hack);
            return;
        }
        for action in 0..model.process().actions() {
            let mut next = walk.clone();
            next.act(model, action, 0.5, moves);
            let own = model.process().reference(walk.state())[action];
            self.grow(model, &next, log_prob + own, moves);
        }
    }
}
