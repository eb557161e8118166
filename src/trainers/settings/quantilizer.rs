//! The quantilizer: a draw from the top share of the reference, by proxy.

use super::part::{TrainerPart, default_batch};
use crate::foundation::scalar::OpenProbability;
use crate::theory::table::quantilizer;
use crate::trainers::error::TrainerError;
use crate::trainers::learner::contract::{Ground, TableLearner};
use crate::trainers::learner::fixed::Fixed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// π₀ given that the proxy is in its top share: π = π₀·w/mass, with w = 1 on the outcomes of the highest proxy, w = 0 on the lowest, and at the edge that w, the same for all that tie there, with which
/// `mass` is full. One step. KL ≤ ln(1/mass), and no cost rises more than 1/mass-fold.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Quantilizer {
    /// Top share of π₀ that is kept.
    pub mass: OpenProbability,
    /// Rollouts sampled.
    #[serde(default = "default_batch")]
    pub batch: NonZeroU32,
}

impl TrainerPart for Quantilizer {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn start(&self, ground: Ground<'_>) -> Result<Box<TableLearner>, TrainerError> {
        let table = ground.table;
        Ok(Box::new(Fixed::reweighted(table, &quantilizer(&table.into(), self.mass.get())?)))
    }
}
