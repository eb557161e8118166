//! What is judged: a run beside its twins.

use crate::config::Document;
use crate::experiment::auditing::Calibration;
use crate::experiment::training::arena;
use crate::experiment::training::setting::{Audited, Setting};
use crate::experiment::training::trained::Trained;
use crate::foundation::rng::SeedTree;
use crate::policies::Backend;
use crate::reward::RewardModel;

/// One run with its twins.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    /// The arm's config.
    pub document: &'a Document,
    /// The replicate's reward model.
    pub model: &'a RewardModel,
    /// Where its networks live, and whose kernels compute them.
    pub backend: &'a Backend,
    /// Its streams.
    pub seeds: SeedTree,
    /// Number of its arm.
    pub arm: usize,
    /// Its replicate.
    pub replicate: u64,
    /// The run itself.
    pub trained: &'a Trained,
    /// Its clean twin.
    pub clean: &'a Trained,
    /// Its swap twin, where asked for.
    pub swapped: Option<&'a Trained>,
    /// Whether the survival and Hill curves are drawn from this run.
    pub curves: bool,
}

impl Subject<'_> {
    /// What decided the training run.
    pub fn setting(&self) -> Setting<'_> {
        let document = self.document;
        Setting {
            model: self.model,
            policy: &document.policy,
            trainer: &document.trainer,
            deployment: document.deployment.as_ref(),
            seeds: self.seeds,
            backend: self.backend,
            activations: document.record.activations,
            audit: Audited::of(document),
        }
    }

    /// Rollouts of the reference, from their own streams.
    pub fn reference(&self, count: usize) -> Calibration {
        arena::calibration(self.setting(), count, self.document.calibration.vetted)
    }
}
