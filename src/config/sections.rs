//! The document as a type: one field a section.

use super::audit::AuditSection;
use super::calibration::CalibrationSection;
use super::deployment::DeploymentSection;
use super::expect::Expectation;
use super::record::RecordSection;
use super::slurm::SlurmSection;
use super::sweep::Sweep;
use crate::detectors::DetectorSpec;
use crate::environments::EnvironmentSpec;
use crate::policies::PolicySpec;
use crate::reward::RewardSection;
use crate::trainers::TrainerSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// A tailcatch experiment: one question, asked of every arm of a sweep.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Document {
    /// The question the experiment answers; the title of its report.
    pub question: String,
    /// Root of every random stream.
    #[serde(default)]
    pub seed: u64,
    /// Independent repetitions of every arm; arms of one replicate share their randomness.
    #[serde(default = "one")]
    pub replicates: NonZeroU64,
    /// What there is to choose from, and what it is truly worth.
    pub environment: EnvironmentSpec,
    /// How the proxy reward errs.
    #[serde(default)]
    pub reward: RewardSection,
    /// What is trained.
    #[serde(default)]
    pub policy: PolicySpec,
    /// How it is trained.
    pub trainer: TrainerSpec,
    /// What comes after training; nothing where it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentSection>,
    /// Which detectors look on.
    #[serde(default = "default_detectors")]
    pub detectors: Vec<DetectorSpec>,
    /// What the detectors learn from.
    #[serde(default)]
    pub calibration: CalibrationSection,
    /// How many rollouts may be audited.
    #[serde(default)]
    pub audit: AuditSection,
    /// What the results are held against.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expect: Vec<Expectation>,
    /// What is written to disk.
    #[serde(default)]
    pub record: RecordSection,
    /// How it is run on a cluster.
    #[serde(default, skip_serializing_if = "SlurmSection::is_default")]
    pub slurm: SlurmSection,
    /// Dotted keys, each with the values it takes; an arm for every combination.
    #[serde(default, skip_serializing_if = "Sweep::is_empty")]
    pub sweep: Sweep,
}

fn one() -> NonZeroU64 {
    NonZeroU64::MIN
}

fn default_detectors() -> Vec<DetectorSpec> {
    use crate::detectors::{policy::LogRatio, reward};
    vec![
        DetectorSpec::TopReward(reward::TopReward::default()),
        DetectorSpec::RobustZ(reward::RobustZ::default()),
        DetectorSpec::GpdTail(reward::GpdTail::default()),
        DetectorSpec::LogRatio(LogRatio::default()),
    ]
}
