//! Policy × environment × reward → a batch.

mod enumerate;
mod episodes;
mod sighting;
mod tape;

pub use enumerate::Tree;
pub use episodes::{Actor, Roller};
pub use sighting::{Steer, first};
pub use tape::{Choice, Tape};

use crate::foundation::rng::{Family, Purpose, SeedTree};
use crate::policies::Snapshot;
use crate::record::{DISAGREEMENT, Observed, Outcomes, Truth};
use crate::reward::{Phase, RewardModel};
use sighting::Drawn;
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
    /// Whether prompts that training holds out are answered too.
    held_out: bool,
}

impl Sampler {
    /// Rollouts of the policy in training.
    pub fn training(seeds: &SeedTree) -> Self {
        Self {
            prompts: seeds.family(Purpose::Prompt),
            actions: Some(seeds.family(Purpose::Action)),
            phase: Phase::Training,
            group: 1,
            held_out: false,
        }
    }

    /// Rollouts of the reference before training: their own streams, so that training draws the same with and without.
    pub fn calibration(seeds: &SeedTree) -> Self {
        Self {
            prompts: seeds.family(Purpose::Calibration),
            actions: None,
            phase: Phase::Calibration,
            group: 1,
            held_out: false,
        }
    }

    /// Rollouts of a frozen policy after training: their own streams, numbered apart from those of calibration, so that a fresh error is drawn
    /// anew.
    pub fn deployment(seeds: &SeedTree) -> Self {
        Self { prompts: seeds.family(Purpose::Deployment), ..Self::calibration(seeds) }
    }

    /// Rollouts of the reference that a shaping of rewards is scaled by: their own streams too.
    pub fn scaling(seeds: &SeedTree) -> Self {
        Self { prompts: seeds.family(Purpose::Scaling), ..Self::calibration(seeds) }
    }

    /// The same streams, with `size` rollouts in a row for each prompt that is drawn; 1 draws a prompt for every rollout.
    pub fn in_groups(self, size: NonZeroU32) -> Self {
        Self { group: u64::from(size.get()), ..self }
    }

    /// The same streams in answer to every prompt, those that training holds out among them.
    pub fn of_all_prompts(self) -> Self {
        Self { held_out: true, ..self }
    }

    /// Samples (at this step, numbered from here, so many) rollouts of a policy on the model's table. Groups start at multiples of their size.
    pub fn batch(
        &self,
        model: &RewardModel,
        table: &Outcomes,
        policy: &Snapshot,
        numbers: (u64, u64, usize),
    ) -> Batch {
        self.steered(model, table, policy, numbers, Steer::Free).0
    }

    /// The same as `steer` says, on the way to a first sighting of what the model has to be sighted; with ln P(none in the batch),
    /// given its prompts. What it leaves free is drawn as [`Sampler::batch`] draws it.
    pub fn steered(
        &self,
        model: &RewardModel,
        table: &Outcomes,
        policy: &Snapshot,
        (step, first, count): (u64, u64, usize),
        steer: Steer,
    ) -> (Batch, f64) {
        let numbers: Vec<u64> = (first..first + count as u64).collect();
        let leaders: Vec<u64> = match self.group {
            1 => numbers.clone(),
            size => numbers.iter().map(|number| number - number % size).collect(),
        };
        let asked = if self.held_out { table.prompts } else { model.trained_prompts(table) };
        let (prompts, units) = self.choices(&numbers, &leaders, asked as u64);
        let to_sight = model.to_sight().unwrap_or(&table.hack);
        let Drawn { cells, unseen } = steer.draw(policy, to_sight, &prompts, &units);
        let alone = |prompt: &u64| step * table.prompts as u64 + prompt;
        let group = if self.group > 1 { leaders } else { prompts.iter().map(alone).collect() };
        let (utility, error) = model.visits(&cells, &numbers, self.phase);
        let proxy = utility.iter().zip(&error).map(|(utility, error)| utility + error).collect();
        let truth = Truth {
            utility,
            error,
            class: cells.iter().map(|&cell| table.class[cell]).collect(),
            hack: cells.iter().map(|&cell| table.hack[cell]).collect(),
        };
        let disagreement: Option<Vec<f64>> = cells.iter().map(|cell| model.disagreement(*cell)).collect();
        let disagreement = disagreement.filter(|column| !column.is_empty());
        let observed = Observed {
            step: vec![step; count],
            trajectory: numbers,
            outcome: cells.iter().map(|&cell| cell as u64).collect(),
            prompt: prompts,
            group,
            proxy,
            log_prob: Some(cells.iter().map(|&cell| policy.log_prob(cell)).collect()),
            ref_log_prob: Some(cells.iter().map(|&cell| table.ref_log_prob[cell]).collect()),
            features: disagreement.map(|column| (DISAGREEMENT.to_owned(), column)).into_iter().collect(),
            ..Observed::default()
        };
        (Batch { observed, truth, cells }, unseen)
    }

    /// The prompt of each rollout, and the uniform number that its action is chosen by.
    fn choices(&self, numbers: &[u64], leaders: &[u64], prompts: u64) -> (Vec<u64>, Vec<f64>) {
        let units = |family: &Family| family.units(numbers);
        match &self.actions {
            Some(actions) if prompts == 1 => (vec![0; numbers.len()], units(actions)),
            None if prompts == 1 => (vec![0; numbers.len()], units(&self.prompts)),
            actions => {
                let drawn = self.prompts.heads(leaders).into_iter().zip(leaders).map(|(head, &leader)| {
                    head.below(prompts).map_or_else(
                        || {
                            let mut rng = self.prompts.at(leader);
                            (rng.below(prompts), rng.open_unit())
                        },
                        |prompt| (prompt, head.second_unit()),
                    )
                });
                let (prompts, seconds) = drawn.unzip();
                (prompts, actions.as_ref().map_or(seconds, units))
            }
        }
    }
}

/// Proxies of 10,000 rollouts of the reference, which a shaping of rewards is scaled by.
pub fn reference_proxies(model: &RewardModel, table: &Outcomes, seeds: &SeedTree) -> Vec<f64> {
    let mut reference = Snapshot::default();
    reference.set(table, |_| 0.0);
    // Numbered apart from calibration rollouts, so that a fresh error is drawn anew.
    Sampler::scaling(seeds).batch(model, table, &reference, (0, 1 << 32, 10_000)).observed.proxy
}
