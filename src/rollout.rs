//! Policy × environment × reward → a batch.

mod enumerate;
mod episodes;
mod tape;

pub use enumerate::Tree;
pub use episodes::{Actor, Roller};
pub use tape::{Choice, Settled, Tape, settle};

use crate::foundation::rng::{Family, Purpose, SeedTree};
use crate::policies::Snapshot;
use crate::record::{DISAGREEMENT, Observed, Outcomes, Truth};
use crate::reward::{Phase, RewardModel};
use std::num::NonZeroU32;

/// One step's rollouts: what anyone may see, what is hidden, and the table's cells that were sampled.
#[derive(Debug, Clone, Default)]
pub struct Batch {
    /// The visible columns.
    pub observed: Observed,
    /// The hidden columns, row by row.
    pub truth: Truth,
    /// Sampled cell of each row.
    pub cells: Vec<usize>,
}

/// The streams that rollouts of one phase draw from.
#[derive(Debug)]
pub struct Sampler {
    prompts: Family,
    actions: Option<Family>,
    phase: Phase,
    group: u64,
}

impl Sampler {
    /// Rollouts of the policy in training.
    pub fn training(seeds: &SeedTree) -> Self {
        Self {
            prompts: seeds.family(Purpose::Prompt),
            actions: Some(seeds.family(Purpose::Action)),
            phase: Phase::Training,
            group: 1,
        }
    }

    /// Rollouts of the reference before training: their own streams, so that training draws the same with and without.
    pub fn calibration(seeds: &SeedTree) -> Self {
        Self {
            prompts: seeds.family(Purpose::Calibration),
            actions: None,
            phase: Phase::Calibration,
            group: 1,
        }
    }

    /// Rollouts of the reference that a shaping of rewards is scaled by: their own streams too.
    pub fn scaling(seeds: &SeedTree) -> Self {
        Self { prompts: seeds.family(Purpose::Scaling), ..Self::calibration(seeds) }
    }

    /// The same streams, with `size` rollouts in a row for each prompt that is drawn; 1 draws a prompt for every rollout.
    pub fn in_groups(self, size: NonZeroU32) -> Self {
        Self { group: u64::from(size.get()), ..self }
    }

    /// Samples `count` rollouts, numbered from `first`, at `step`. Groups start at multiples of their size.
    pub fn batch(
        &self,
        model: &RewardModel,
        table: &Outcomes,
        policy: &Snapshot,
        step: u64,
        first: u64,
        count: usize,
    ) -> Batch {
        let mut observed = Observed {
            step: vec![step; count],
            trajectory: (first..first + count as u64).collect(),
            outcome: Vec::with_capacity(count),
            prompt: Vec::with_capacity(count),
            group: Vec::with_capacity(count),
            proxy: Vec::with_capacity(count),
            ..Observed::default()
        };
        let mut truth = Truth::default();
        let mut cells = Vec::with_capacity(count);
        let (mut log_prob, mut reference) = (Vec::with_capacity(count), Vec::with_capacity(count));
        for number in first..first + count as u64 {
            let leader = number - number % self.group;
            let mut rng = self.prompts.at(leader);
            let prompt = if table.prompts > 1 { rng.below(table.prompts as u64) as usize } else { 0 };
            let cell = match &self.actions {
                Some(actions) => policy.sample(prompt, &mut actions.at(number)),
                None => policy.sample(prompt, &mut rng),
            };
            let visit = model.visit(cell, number, self.phase);
            observed.outcome.push(cell as u64);
            observed.prompt.push(prompt as u64);
            observed.group.push(if self.group > 1 {
                leader
            } else {
                step * table.prompts as u64 + prompt as u64
            });
            observed.proxy.push(visit.proxy());
            log_prob.push(policy.log_prob(cell));
            reference.push(table.ref_log_prob[cell]);
            truth.utility.push(visit.utility);
            truth.error.push(visit.error);
            truth.class.push(table.class[cell]);
            truth.hack.push(table.hack[cell]);
            cells.push(cell);
        }
        observed.log_prob = Some(log_prob);
        observed.ref_log_prob = Some(reference);
        let disagreement: Option<Vec<f64>> = cells.iter().map(|cell| model.disagreement(*cell)).collect();
        if let Some(column) = disagreement.filter(|column| !column.is_empty()) {
            observed.features.push((DISAGREEMENT.to_owned(), column));
        }
        Batch { observed, truth, cells }
    }
}

/// Proxies of 10,000 rollouts of the reference, which a shaping of rewards is scaled by.
pub fn reference_proxies(model: &RewardModel, table: &Outcomes, seeds: &SeedTree) -> Vec<f64> {
    let mut reference = Snapshot::default();
    reference.set(table, |_| 0.0);
    // Numbered apart from calibration rollouts, so that a fresh error is drawn anew.
    Sampler::scaling(seeds).batch(model, table, &reference, 0, 1 << 32, 10_000).observed.proxy
}
