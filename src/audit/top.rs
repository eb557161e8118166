//! Reads the highest scores by the clock: looks accrue with the rollouts and are spent at once.

use super::allocation::Budget;
use super::auditor::Auditor;
use super::contract::{Auditing, Batch, Ground, Look, Place, Rule};
use super::trail::Trail;
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Spends each look as soon as it accrues, on the outcome with the highest score that has not been read. It chooses *what*
/// to read and never *when*: kept for comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Top {
    /// Looks that accrue: below 1 a fraction of the rollouts, from 1 on a count over the whole run.
    pub looks: Budget,
}

impl Default for Top {
    fn default() -> Self {
        Self { looks: Budget::known(1e-3) }
    }
}

impl Rule for Top {
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Auditing>, Status> {
        Ok(Box::new(Clock { auditor: Auditor::new(self.looks, ground.steps), random: None }))
    }
}

/// Spends each look as soon as it accrues, on an outcome drawn at random from those that were sampled and not read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Random {
    /// Looks that accrue: below 1 a fraction of the rollouts, from 1 on a count over the whole run.
    pub looks: Budget,
}

impl Default for Random {
    fn default() -> Self {
        Self { looks: Budget::known(1e-3) }
    }
}

impl Rule for Random {
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Auditing>, Status> {
        Ok(Box::new(Clock { auditor: Auditor::new(self.looks, ground.steps), random: Some(ground.rng) }))
    }
}

struct Clock {
    auditor: Auditor,
    /// Draws the scores, where chance picks.
    random: Option<Stream>,
}

impl Auditing for Clock {
    fn step(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail) {
        let mut scores: Vec<f64> = match &mut self.random {
            Some(rng) => batch.scores.iter().map(|_| rng.open_unit()).collect(),
            None => batch.scores.to_vec(),
        };
        // What is handled comes last.
        for (row, score) in scores.iter_mut().enumerate() {
            if batch.is_handled(row) {
                *score = f64::MIN;
            }
        }
        let read = |row| look(Place::Run(row));
        // The audit's driver has checked what could be refused here.
        if let Ok(picks) = self.auditor.step(batch.step, batch.outcomes, &scores, read) {
            picks.iter().for_each(|pick| trail.enter(*pick));
        }
    }
}
