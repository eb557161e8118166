//! Where a policy is trained: on a table of outcomes, or in episodes of a process. The loop in [`super::train`] is the same.

mod episodes;
mod table;

use super::policy_value::Expectations;
use super::train::{Setting, TrainError};
use super::trained::Final;
use crate::foundation::order::{quantile_sorted, sorted};
use crate::foundation::rng::Purpose;
use crate::policies::{Kernels, Snapshot};
use crate::record::Observed;
use crate::rollout::{Actor, Batch, Roller, Sampler, Tape};
use crate::trainers::TrainerError;
use episodes::Episodes;
pub use episodes::MOST_SUMMED;
use table::Table;

/// A policy in training on one replicate.
pub trait Arena {
    /// Samples `count` rollouts of π, numbered from `first`.
    fn batch(&mut self, step: u64, first: u64, count: usize) -> Result<Batch, TrainerError>;
    /// Expectations of the policy that sampled the batch.
    fn expectations(&mut self, batch: &Batch) -> Expectations;
    /// Fills in what is optimised, from the proxy and the log-probabilities.
    fn credit(&mut self, batch: &mut Batch);
    /// Moves π by the batch; `kl` is that of the policy that sampled it.
    fn update(&mut self, batch: &Batch, kl: f64) -> Result<(), TrainerError>;
    /// The KL coefficient in force.
    fn coefficient(&self) -> Option<f64>;
    /// Share of what was sampled whose ratio was clipped in the last update.
    fn clip_fraction(&self) -> Option<f64>;
    /// All that a later step depends on, as bytes.
    fn save(&self) -> Result<Vec<u8>, TrainerError>;
    /// Goes on from what was saved.
    fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError>;
    /// The numbers of the final policy.
    fn last(&mut self) -> Result<Final, TrainerError>;
}

/// The arena that a policy needs.
pub fn enter<'a>(setting: Setting<'a>) -> Result<Box<dyn Arena + 'a>, TrainError> {
    let Setting { model, policy, trainer, .. } = setting;
    match (policy.part().acts(), model.sequence(), model.table(), trainer.part().recipe()) {
        (false, _, Some(table), _) => Ok(Box::new(Table::new(setting, table)?)),
        (true, Some(sequence), _, Some(recipe)) => Ok(Box::new(Episodes::new(setting, sequence, recipe)?)),
        _ => Err(TrainError::Unfit { policy: policy.name(), trainer: trainer.name() }),
    }
}

/// Rollouts of the reference, from their own streams, as the policy of `setting` would show them before it is trained: in
/// steps of its batch, with the activations of the network at its start where these are asked for.
pub fn calibration(setting: Setting<'_>, count: usize) -> Observed {
    let mut rollouts = reference(setting, count);
    let batch = setting.trainer.part().batch().max(1);
    let prompts = rollouts.prompt.iter().max().map_or(1, |last| last + 1);
    rollouts.step = (0..rollouts.len()).map(|row| (row / batch) as u64).collect();
    rollouts.group =
        rollouts.step.iter().zip(&rollouts.prompt).map(|(step, prompt)| step * prompts + prompt).collect();
    rollouts
}

/// As [`calibration`], all in one step.
fn reference(setting: Setting<'_>, count: usize) -> Observed {
    let Setting { model, policy, seeds, device, activations, .. } = setting;
    match (policy.part().acts(), model.sequence(), model.table()) {
        (false, _, Some(table)) => {
            let mut reference = Snapshot::default();
            reference.set(table, |_| 0.0);
            Sampler::calibration(&seeds).batch(model, table, &reference, (0, 0, count)).observed
        }
        (_, Some(sequence), _) => {
            let shape = episodes::shape(sequence, false);
            let network =
                activations.then(|| policy.sequence(&shape, &seeds, device, Kernels::Native)).flatten();
            let roller = Roller::apart(&seeds, Purpose::Calibration);
            let (tape, rollouts) = (&mut Tape::default(), (0, 0, count));
            match network {
                // Its corrections are 0 before training: it acts as the reference does.
                Some(mut network) => {
                    roller.batch(sequence, Actor::Fixed(&mut *network), tape, rollouts, true).observed
                }
                None => roller.batch(sequence, Actor::Reference, tape, rollouts, false).observed,
            }
        }
        // No run got this far: its policy does not fit its environment.
        _ => Observed::default(),
    }
}

/// Interquartile range of the standard normal.
const NORMAL_IQR: f64 = 1.348_979_500_392_163_6;

/// Interquartile range in units of the standard normal's.
fn spread(values: &[f64]) -> f64 {
    let ascending = sorted(values);
    let quartile = |p| quantile_sorted(&ascending, p).unwrap_or(0.0);
    (quartile(0.75) - quartile(0.25)) / NORMAL_IQR
}
