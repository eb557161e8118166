//! What decides a training run.

use crate::foundation::rng::SeedTree;
use crate::policies::PolicySpec;
use crate::reward::RewardModel;
use crate::trainers::TrainerSpec;
use burn::tensor::Device;

/// All that decides a training run: the replicate's reward model, how it is trained on, and the streams.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The reward model of this replicate, in the version that is to be trained.
    pub model: &'a RewardModel,
    /// The policy's section.
    pub policy: &'a PolicySpec,
    /// The trainer's section.
    pub trainer: &'a TrainerSpec,
    /// Streams of the replicate.
    pub seeds: SeedTree,
    /// Where tensors live.
    pub device: &'a Device,
    /// Whether the last hidden layer becomes columns of the rollouts.
    pub activations: bool,
}
