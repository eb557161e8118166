//! The `[deployment]` section.

use crate::deployment::ShiftSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// What comes after training: the policy is shifted once, and is sampled without being updated. Its rollouts and steps follow
/// those of training, at the trainer's batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentSection {
    /// How the deployed policy differs from the trained one.
    pub shift: ShiftSpec,
    /// Steps after training.
    pub steps: NonZeroU64,
}
