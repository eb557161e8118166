//! The optimum of the regularised objective, without training.

use super::fixed::{Fixed, default_batch};
use super::{Ground, Trainer, TrainerError, TrainerPart};
use crate::foundation::scalar::{Finite, Positive};
use crate::record::Outcomes;
use crate::theory::table::{Divergence, penalised, penalised_at};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// argmax E\[U\] − β·D(π‖π₀), at a given β or at the β at which KL(π‖π₀) is the budget. One step: a batch of the optimum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exact {
    /// `{ coefficient = β }` or `{ budget = nats }`.
    pub kl: ExactKl,
    /// The divergence D that is penalised: `kl`, `chi_squared`, or `{ mixed = { weight = w } }` for KL + w·χ².
    #[serde(default)]
    pub penalty: Penalty,
    /// Proxy rewards above this count as this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<Finite>,
    /// Rollouts sampled from the optimum.
    #[serde(default = "default_batch")]
    pub batch: NonZeroU32,
}

/// Fixed β and KL budget are different experiments: the first jumps all-or-nothing onto an exploit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExactKl {
    /// Maximise E\[U\] − β·D.
    Coefficient(Positive),
    /// Maximise E\[U\] − β·D with the β at which KL(π‖π₀) is the budget.
    Budget(Positive),
}

/// What keeps the policy near the reference.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// KL(π‖π₀): the exponential tilt.
    #[default]
    Kl,
    /// χ²(π‖π₀) (Laidlaw et al. 2024).
    ChiSquared,
    /// KL + weight·χ² (Huang et al. 2024).
    Mixed {
        /// Weight of χ².
        weight: Positive,
    },
}

impl TrainerPart for Exact {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn kl_target(&self) -> Option<(&'static str, f64)> {
        match self.kl {
            ExactKl::Budget(budget) => Some(("kl.budget", budget.get())),
            ExactKl::Coefficient(_) => None,
        }
    }
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Trainer>, TrainerError> {
        let table = ground.table;
        let clipped;
        let table = match self.clip {
            None => table,
            Some(clip) => {
                clipped = clip_proxy(table, clip.get());
                &clipped
            }
        };
        let divergence = match self.penalty {
            Penalty::Kl => Divergence::Kl,
            Penalty::ChiSquared => Divergence::ChiSquared,
            Penalty::Mixed { weight } => Divergence::Mixed { weight: weight.get() },
        };
        let policy = match self.kl {
            ExactKl::Coefficient(beta) => penalised_at(table, divergence, beta.get())?,
            ExactKl::Budget(budget) => penalised(table, divergence, budget.get())?,
        };
        Ok(Box::new(Fixed::from(policy)))
    }
}

/// The table as an optimizer of the clipped proxy sees it; what is cut off is taken from the error.
fn clip_proxy(table: &Outcomes, clip: f64) -> Outcomes {
    let mut clipped = table.clone();
    for (error, utility) in clipped.error.iter_mut().zip(&table.utility) {
        *error = error.min(clip - utility);
    }
    clipped
}
