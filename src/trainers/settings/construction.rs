//! The policy by which heavy tails are shown to allow any proxy at a tiny KL (T1).

use super::part::{TrainerPart, default_batch};
use crate::foundation::scalar::Positive;
use crate::theory::table::construction;
use crate::trainers::contradiction::Contradiction;
use crate::trainers::error::TrainerError;
use crate::trainers::learner::contract::{Ground, TableLearner};
use crate::trainers::learner::fixed::Fixed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// π₀ with its mass above a threshold t of the proxy raised to p = t^(−exponent): π = π₀·p/P where U > t and π = π₀·(1 − p)/(1 − P) elsewhere, P = P₀(U > t). The reference itself on a
/// table where nothing lies above; it refuses where P exceeds p already. One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Construction {
    /// Threshold t of the proxy.
    pub threshold: Positive,
    /// Exponent of the raised mass.
    #[serde(default = "default_exponent")]
    pub exponent: Positive,
    /// Rollouts sampled.
    #[serde(default = "default_batch")]
    pub batch: NonZeroU32,
}

impl TrainerPart for Construction {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }
    fn contradictions(&self) -> Vec<Contradiction> {
        let (threshold, exponent) = (self.threshold.get(), self.exponent.get());
        let raised_to = threshold.powf(-exponent);
        if raised_to > 0.0 && raised_to < 1.0 {
            return Vec::new();
        }
        let problem =
            format!("{threshold} to the power −{exponent} is {raised_to}, which is no mass to raise to");
        vec![Contradiction::new("threshold", problem, "use a threshold above 1, such as 10")]
    }
    fn start(&self, ground: Ground<'_>) -> Result<Box<TableLearner>, TrainerError> {
        let table = ground.table;
        let threshold = self.threshold.get();
        let reached = table.proxy.iter().any(|u| *u > threshold);
        let theta = if reached {
            construction(&table.into(), threshold, self.exponent.get())?.log_ratio
        } else {
            vec![0.0; table.len()]
        };
        Ok(Box::new(Fixed::new(table, &theta, None)))
    }
}

fn default_exponent() -> Positive {
    Positive::known(0.8)
}
