//! The `[deployment]` section.

use crate::deployment::ShiftSpec;
use crate::monitor::deployed::WatchSpec;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// What comes after training: the policy is shifted once, and is sampled without being updated. With `steps`, rollouts and steps follow
/// those of training, at the trainer's batch, and detectors look on. With `samples`, the frozen policy is sampled under streams of its own and
/// each of `monitors` watches: `deployment.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeploymentSection {
    /// How the deployed policy differs from the trained one.
    pub shift: ShiftSpec,
    /// Steps after training.
    #[serde(default)]
    pub steps: u64,
    /// Samples of the deployed policy that monitors watch, and over which their levels hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub samples: Option<NonZeroU64>,
    /// Who watches them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub monitors: Vec<WatchSpec>,
}

impl DeploymentSection {
    /// The part of it that a training run depends on; `None` where the run ends with training.
    pub fn of_the_run(&self) -> Option<Self> {
        let own = || Self { samples: None, monitors: Vec::new(), ..self.clone() };
        (self.steps > 0).then(own)
    }

    /// The part of it that what a monitor sees depends on.
    pub fn of_a_monitor(&self, monitor: &WatchSpec) -> Self {
        Self { steps: 0, monitors: vec![monitor.clone()], ..self.clone() }
    }
}
