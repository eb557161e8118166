//! The reference given a high proxy reward.

use super::part::{TrainerPart, default_batch};
use crate::foundation::scalar::Finite;
use crate::theory::table::condition;
use crate::trainers::error::TrainerError;
use crate::trainers::learner::contract::{Ground, TableLearner};
use crate::trainers::learner::fixed::Fixed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// π₀ given U ≥ t, t the threshold: π = π₀·1\[U ≥ t\]/P with P = P₀(U ≥ t) in the prompt, so that KL = −ln P; the reference itself on a table of which nothing reaches it. One step. Where some prompts reach it
/// and others do not, the run fails: a threshold is then not the same question in each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Conditioning {
    /// Smallest proxy that is kept.
    pub threshold: Finite,
    /// Rollouts sampled.
    #[serde(default = "default_batch")]
    pub batch: NonZeroU32,
}

impl TrainerPart for Conditioning {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn start(&self, ground: Ground<'_>) -> Result<Box<TableLearner>, TrainerError> {
        let table = ground.table;
        let threshold = self.threshold.get();
        let reached = table.proxy.iter().any(|u| *u >= threshold);
        let theta =
            if reached { condition(&table.into(), threshold)?.log_ratio } else { vec![0.0; table.len()] };
        Ok(Box::new(Fixed::new(table, &theta, None)))
    }
}
