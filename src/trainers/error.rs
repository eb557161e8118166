//! What can go wrong in training.

use super::loss::shaping::ShapingError;
use crate::theory::TheoryError;

/// Why a trainer could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// Rewards cannot be shaped as asked.
    #[error(transparent)]
    Shaping(#[from] ShapingError),
    /// The policy does not exist on this table.
    #[error(transparent)]
    Theory(#[from] TheoryError),
    /// The weights could not be read back.
    #[error(
        "step {step}: the device did not give the policy's weights back as f32 numbers; run with --device cpu"
    )]
    Device {
        /// Step.
        step: u64,
    },
    /// The weights could not be written, or are not those of this policy.
    #[error("the checkpoint cannot be used ({0}); remove the .partial.record of this run, and run again")]
    Checkpoint(String),
    /// The policy acts step by step, and whoever steps the learner does not hold it.
    #[error(
        "trainer.{trainer}.kl.controller = project needs the exact KL of a policy on a table, or rollouts of the policy, which a learner alone \
         has not; use policy.tabular, or controller = {{ adaptive = {{ target = … }} }}"
    )]
    Unheld {
        /// Name of the trainer.
        trainer: &'static str,
    },
    /// The network does not say how it is brought back to the reference.
    #[error(
        "trainer.{trainer}.kl.controller = project scales what a network adds to the reference, and this one does not say how (Network::scaled); \
         write it, or use controller = {{ adaptive = {{ target = … }} }}"
    )]
    Unscaled {
        /// Name of the trainer.
        trainer: &'static str,
    },
    /// Training left the numbers.
    #[error(
        "step {step}: the policy's weights are no longer finite; lower trainer.{trainer}.optimizer's learning_rate, or normalise the advantages"
    )]
    Diverged {
        /// Step whose update did it.
        step: u64,
        /// Name of the trainer.
        trainer: &'static str,
    },
}
