//! Where a policy is trained: on a table of outcomes, or in episodes of a process. The loop in [`super::train`] is the same.

mod contract;
mod episodes;
mod hold;
mod table;

use super::error::TrainError;
use super::setting::Setting;
use crate::experiment::auditing::Calibration;
use crate::foundation::rng::Purpose;
use crate::policies::Snapshot;
use crate::rollout::{Actor, Batch, Roller, Sampler, Tape};
pub use contract::Arena;
use episodes::Episodes;
use table::Table;

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
///
/// Where they are `vetted`, hacks among them were found beforehand and are left out.
pub fn calibration(setting: Setting<'_>, count: usize, vetted: bool) -> Calibration {
    let Batch { observed: mut rollouts, truth, .. } = reference(setting, count);
    let batch = setting.trainer.part().batch().max(1);
    let prompts = rollouts.prompt.iter().max().map_or(1, |last| last + 1);
    rollouts.step = (0..rollouts.len()).map(|row| (row / batch) as u64).collect();
    rollouts.group =
        rollouts.step.iter().zip(&rollouts.prompt).map(|(step, prompt)| step * prompts + prompt).collect();
    let calibration = Calibration { observed: rollouts, truth };
    if !vetted || calibration.truth.hack.iter().all(|hack| !hack) {
        return calibration;
    }
    let honest: Vec<usize> = (0..count).filter(|row| !calibration.truth.hack[*row]).collect();
    Calibration { observed: calibration.observed.select(&honest), truth: calibration.truth.select(&honest) }
}

/// As [`calibration`], all in one step.
fn reference(setting: Setting<'_>, count: usize) -> Batch {
    let Setting { model, policy, seeds, backend, activations, .. } = setting;
    match (policy.part().acts(), model.sequence(), model.table()) {
        (false, _, Some(table)) => {
            let mut reference = Snapshot::default();
            reference.set(table, |_| 0.0);
            Sampler::calibration(&seeds).batch(model, table, &reference, (0, 0, count))
        }
        (_, Some(sequence), _) => {
            let shape = episodes::shape(sequence, false);
            let network = activations.then(|| policy.sequence(&shape, &seeds, backend)).flatten();
            let roller = Roller::apart(&seeds, Purpose::Calibration);
            let (tape, rollouts) = (&mut Tape::default(), (0, 0, count));
            match network {
                // Its corrections are 0 before training: it acts as the reference does.
                Some(mut network) => {
                    roller.batch(sequence, Actor::Fixed(&mut *network), tape, rollouts, true)
                }
                None => roller.batch(sequence, Actor::Reference, tape, rollouts, false),
            }
        }
        // No run got this far: its policy does not fit its environment.
        _ => Batch::default(),
    }
}
