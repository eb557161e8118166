//! What every trainer's section states.

use crate::trainers::contradiction::Contradiction;
use crate::trainers::error::TrainerError;
use crate::trainers::learner::contract::{Ground, TableLearner};
use crate::trainers::learner::fixed::Fixed;
use crate::trainers::learner::recipe::Recipe;
use crate::trainers::learner::tabular::on_table;
use crate::trainers::loss::shaping::Shaping;
use std::fmt::Debug;
use std::num::NonZeroU32;

/// What every trainer's section states.
pub trait TrainerPart: Debug + Send + Sync {
    /// Rollouts a step.
    fn batch(&self) -> usize;
    /// Rollouts in a row that answer the same prompt; it divides the batch.
    fn group(&self) -> NonZeroU32 {
        NonZeroU32::MIN
    }
    /// Steps of a run; one for a policy that does not learn.
    fn steps(&self) -> u64 {
        1
    }
    /// Descent steps that a step takes, each over the weights of every cell; 0 for a policy that does not learn.
    fn passes(&self) -> u32 {
        0
    }
    /// The KL that it is told to reach, in nats, and its key below the trainer's section.
    fn kl_target(&self) -> Option<(&'static str, f64)> {
        None
    }
    /// What it optimises in the place of the proxy.
    fn shaping(&self) -> Shaping {
        Shaping::None
    }
    /// What contradicts itself.
    fn contradictions(&self) -> Vec<Contradiction> {
        Vec::new()
    }
    /// How it learns from samples; `None` for a policy that does not learn.
    fn recipe(&self) -> Option<Recipe> {
        None
    }
    /// Starts at the reference, on a table.
    fn start(&self, ground: Ground<'_>) -> Result<Box<TableLearner>, TrainerError> {
        Ok(match self.recipe() {
            Some(recipe) => Box::new(on_table(recipe, ground)?),
            None => Box::new(Fixed::new(ground.table, &vec![0.0; ground.table.len()], None)),
        })
    }
}

/// What is wrong with so many minibatches of a batch of this size.
pub(super) fn uneven(batch: NonZeroU32, minibatches: NonZeroU32) -> Option<Contradiction> {
    let (batch, parts) = (batch.get(), minibatches.get());
    (batch % parts != 0).then(|| {
        let above = batch.div_ceil(parts).saturating_mul(parts);
        Contradiction::new(
            "minibatches",
            format!("a batch of {batch} cannot be cut into {parts} equal minibatches"),
            format!("use batch = {above}, or a number that divides {batch}"),
        )
    })
}

/// Rollouts sampled of a policy that is not trained.
pub(super) fn default_batch() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(255)
}
