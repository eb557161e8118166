//! What decides a training run.

use crate::config::{AuditSection, CalibrationSection, DeploymentSection, Document};
use crate::detectors::DetectorSpec;
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
    /// The audit that acts on the run, where one does.
    pub audit: Option<Audited<'a>>,
}

/// An audit that acts on the run.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// Its section.
    pub section: &'a AuditSection,
    /// Whose scores it goes by; what the rewards themselves say where there is none.
    pub detectors: &'a [DetectorSpec],
    /// The reference rollouts that it starts from.
    pub calibration: &'a CalibrationSection,
}

impl<'a> Audited<'a> {
    /// The audit of a config; `None` where it only watches.
    pub fn of(document: &'a Document) -> Option<Self> {
        let Document { audit, detectors, calibration, .. } = document;
        audit.response.acts().then_some(Self { section: audit, detectors, calibration })
    }

    /// The detector whose scores are audited: the first; `None` where the auditor is handed the truth.
    pub fn detector(&self) -> Option<&'a DetectorSpec> {
        self.detectors.first().filter(|_| !self.section.auditor.part().sees_truth())
    }

    /// How the audit is called in an error.
    pub fn name(&self) -> &'static str {
        self.detector().map_or(self.section.auditor.name(), DetectorSpec::name)
    }
}

impl Setting<'_> {
    /// Steps of a run, training and deployment together.
    pub fn steps(&self) -> u64 {
        let deployed = self.deployment.map_or(0, |deployment| deployment.steps);
        self.trainer.part().steps().saturating_add(deployed)
    }

    /// Whether the trained policy is kept, to be deployed under monitors.
    pub fn keeps_policy(&self) -> bool {
        self.deployment.is_some_and(|deployment| deployment.samples.is_some())
    }

    /// Rollouts and steps that a run is planned for.
    pub fn planned(&self) -> (u64, u64) {
        (self.steps() * self.trainer.part().batch() as u64, self.steps())
    }
}
