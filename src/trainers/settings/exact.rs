//! The optimum of the regularised objective, without training.

use super::part::{TrainerPart, default_batch};
use crate::foundation::scalar::Positive;
use crate::record::ObservedTable;
use crate::theory::table::{Divergence, penalised, penalised_at};
use crate::trainers::contradiction::Contradiction;
use crate::trainers::error::TrainerError;
use crate::trainers::learner::contract::{Ground, TableLearner};
use crate::trainers::learner::fixed::Fixed;
use crate::trainers::loss::shaping::{Shaper, Shaping};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// argmax E\[U\] − β·D(π‖π₀), at a given β or at the β at which KL(π‖π₀) is the budget. For D = KL that is π ∝ π₀·exp(U/β). One step: a batch of the optimum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exact {
    /// `{ coefficient = β }` or `{ budget = nats }`.
    pub kl: ExactKl,
    /// The divergence D that is penalised: `kl`, `chi_squared`, or `{ mixed = { weight = w } }` for KL + w·χ².
    #[serde(default)]
    pub penalty: Penalty,
    /// What is optimised in the place of the proxy.
    #[serde(default)]
    pub shaping: Shaping,
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
    fn contradictions(&self) -> Vec<Contradiction> {
        self.shaping.contradiction().into_iter().collect()
    }
    fn shaping(&self) -> Shaping {
        self.shaping
    }
    fn start(&self, ground: Ground<'_>) -> Result<Box<TableLearner>, TrainerError> {
        let shaper = self.shaping.fit(ground.reference_proxies)?;
        let seen;
        let table = match shaper {
            Shaper::Identity => ground.table,
            shaper => {
                seen = shaped(ground.table, shaper);
                &seen
            }
        };
        let divergence = match self.penalty {
            Penalty::Kl => Divergence::Kl,
            Penalty::ChiSquared => Divergence::ChiSquared,
            Penalty::Mixed { weight } => Divergence::Mixed { weight: weight.get() },
        };
        let policy = match self.kl {
            ExactKl::Coefficient(beta) => penalised_at(&table.into(), divergence, beta.get())?,
            ExactKl::Budget(budget) => penalised(&table.into(), divergence, budget.get())?,
        };
        Ok(Box::new(Fixed::reweighted(table, &policy).shaped(shaper)))
    }
}

/// The table as an optimizer of the shaped proxy sees it.
fn shaped(table: &ObservedTable, shaper: Shaper) -> ObservedTable {
    ObservedTable { proxy: table.proxy.iter().map(|u| shaper.apply(*u)).collect(), ..table.clone() }
}
