//! What decides a training run.

use crate::config::DeploymentSection;
use crate::foundation::rng::SeedTree;
use crate::policies::{Backend, PolicySpec};
use crate::reward::RewardModel;
use crate::trainers::TrainerSpec;

/// All that decides a training run: the replicate's reward model, how it is trained on, and the streams.
#[derive(Debug, Clone, Copy)]
pub struct Setting<'a> {
    /// The reward model of this replicate, in the version that is to be trained.
    pub model: &'a RewardModel,
    /// The policy's section.
    pub policy: &'a PolicySpec,
    /// The trainer's section.
    pub trainer: &'a TrainerSpec,
    /// What comes after training.
    pub deployment: Option<&'a DeploymentSection>,
    /// Streams of the replicate.
    pub seeds: SeedTree,
    /// Where its networks live, and whose kernels compute them.
    pub backend: &'a Backend,
    /// Whether the last hidden layer becomes columns of the rollouts.
    pub activations: bool,
}

impl Setting<'_> {
    /// Steps of a run, training and deployment together.
    pub fn steps(&self) -> u64 {
        self.trainer.part().steps() + self.deployment.map_or(0, |deployment| deployment.steps.get())
    }
}
