//! Best-of-n sampling: the largest proxy among n draws from the reference.

use super::part::{TrainerPart, default_batch};
use crate::theory::table::best_of_n;
use crate::trainers::error::TrainerError;
use crate::trainers::learner::contract::{Ground, TableLearner};
use crate::trainers::learner::fixed::Fixed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The best of n draws from π₀ by proxy reward, as a policy with its exact probabilities: π = π₀·(F(U)ⁿ − F(U⁻)ⁿ)/(F(U) − F(U⁻)), F(U) the mass of π₀ with a proxy of at most U in the same
/// prompt and F(U⁻) that with a smaller one; outcomes that tie share in proportion to π₀. KL ≤ ln n − (n − 1)/n. One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BestOfN {
    /// Draws n.
    pub n: NonZeroU32,
    /// Rollouts sampled.
    #[serde(default = "default_batch")]
    pub batch: NonZeroU32,
}

impl TrainerPart for BestOfN {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn start(&self, ground: Ground<'_>) -> Result<Box<TableLearner>, TrainerError> {
        let table = ground.table;
        Ok(Box::new(Fixed::reweighted(table, &best_of_n(&table.into(), f64::from(self.n.get()))?)))
    }
}
