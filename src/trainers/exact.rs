//! The optimum of the KL-regularised objective, without training.

use super::{Trainer, TrainerError, TrainerPart};
use crate::foundation::scalar::Positive;
use crate::policies::Snapshot;
use crate::record::{Observed, Outcomes};
use crate::theory::tilt::Tilter;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// π ∝ π₀·exp(U/β), at a given β or at the β that spends a KL budget. One step: a batch of the optimum.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exact {
    /// `{ coefficient = β }` or `{ budget = nats }`.
    pub kl: ExactKl,
    /// Rollouts sampled from the optimum.
    #[serde(default = "default_batch")]
    pub batch: NonZeroU32,
}

/// Fixed β and KL budget are different experiments: the first jumps all-or-nothing onto an exploit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExactKl {
    /// Maximise E\[U\] − β·KL.
    Coefficient(Positive),
    /// Maximise E\[U\] subject to KL ≤ budget.
    Budget(Positive),
}

fn default_batch() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(255)
}

impl TrainerPart for Exact {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn steps(&self) -> u64 {
        1
    }
    fn contradictions(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    fn start(&self, table: &Outcomes, _: &Device) -> Result<Box<dyn Trainer>, TrainerError> {
        let tilter = Tilter::new(table);
        let tilt = match self.kl {
            ExactKl::Coefficient(beta) => tilter.at_coefficient(beta.get())?,
            ExactKl::Budget(budget) => tilter.at_budget(budget.get())?,
        };
        Ok(Box::new(Optimum {
            beta: tilt.beta,
            theta: (0..table.len()).map(|c| table.proxy(c) / tilt.beta).collect(),
        }))
    }
}

/// The solved tilt.
struct Optimum {
    beta: f64,
    theta: Vec<f64>,
}

impl Trainer for Optimum {
    fn snapshot(&self, table: &Outcomes, into: &mut Snapshot) -> Result<(), TrainerError> {
        into.set(table, |cell| self.theta[cell]);
        Ok(())
    }
    fn coefficient(&self) -> f64 {
        self.beta
    }
    fn credit(&self, observed: &mut Observed) {
        observed.reward = Some(observed.proxy.clone());
    }
    fn update(&mut self, _: &Observed, _: &[usize], _: f64) -> Result<(), TrainerError> {
        Ok(())
    }
}
