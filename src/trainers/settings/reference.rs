//! No training at all: rollouts of the reference.

use super::part::{TrainerPart, default_batch};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Plays π₀ at every step: what a detector shows when nothing is learned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reference {
    /// Rollouts a step.
    pub batch: NonZeroU32,
    /// Steps of a run; 0 where all of it is deployment.
    pub steps: u64,
}

impl Default for Reference {
    fn default() -> Self {
        Self { batch: default_batch(), steps: 1 }
    }
}

impl TrainerPart for Reference {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn steps(&self) -> u64 {
        self.steps
    }
}
