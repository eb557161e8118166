//! Reads what raises an alarm, as far as looks were saved up.

use super::allocation::{Allocation, Budget};
use super::contract::{Auditing, Batch, Ground, Look, Place, Rule};
use super::trail::{Pick, Trail};
use crate::foundation::failure::Status;
use crate::foundation::order::sorted;
use crate::foundation::scalar::OpenProbability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Reads a rollout whose p-value is at most `rate`: the detector's own where it has a null, else that of the score's rank among the
/// reference rollouts (conformal: Vovk, Gammerman & Shafer 2005). Looks accrue with the rollouts and are banked while they
/// are not needed; `advance` of them may be spent before they accrue. Of a step's alarms the most extreme are read first. An
/// outcome is read once.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Alarm {
    /// Nominal rate of false alarms, per rollout.
    pub rate: OpenProbability,
    /// Looks that accrue: below 1 a fraction of the rollouts, from 1 on a count over the whole run.
    pub looks: Budget,
    /// Looks that may be spent before they accrue.
    pub advance: u64,
}

impl Default for Alarm {
    fn default() -> Self {
        Self { rate: OpenProbability::known(1e-3), looks: Budget::known(1e-3), advance: 1 }
    }
}

impl Rule for Alarm {
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Auditing>, Status> {
        Ok(Box::new(Bank {
            settings: self.clone(),
            allocation: Allocation::new(self.looks, ground.steps),
            reference: sorted(ground.reference.scores),
            read: HashSet::new(),
            batches: 0,
            rollouts: 0,
        }))
    }
}

struct Bank {
    settings: Alarm,
    allocation: Allocation,
    /// Scores of the reference, ascending.
    reference: Vec<f64>,
    /// Outcomes that were read.
    read: HashSet<u64>,
    batches: u64,
    rollouts: u64,
}

impl Bank {
    fn p_value(&self, batch: &Batch<'_>, row: usize) -> f64 {
        batch.p_values.and_then(|p| p.get(row).copied()).unwrap_or_else(|| {
            let below = self.reference.partition_point(|score| *score < batch.scores[row]);
            (self.reference.len() - below + 1) as f64 / (self.reference.len() + 1) as f64
        })
    }
}

impl Auditing for Bank {
    fn step(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail) {
        self.batches += 1;
        self.rollouts += batch.scores.len() as u64;
        let rate = self.settings.rate.get();
        let mut alarms: Vec<(f64, usize)> = (0..batch.scores.len())
            .map(|row| (self.p_value(batch, row), row))
            .filter(|(p, row)| *p <= rate && !batch.is_handled(*row))
            .collect();
        alarms.sort_by(|a, b| a.0.total_cmp(&b.0).then(batch.scores[b.1].total_cmp(&batch.scores[a.1])));
        let due = self.allocation.due(self.batches, self.rollouts).saturating_add(self.settings.advance);
        let mut rank = 0;
        for (_, row) in alarms {
            if trail.audits() >= due {
                break;
            }
            if !self.read.insert(batch.outcomes[row]) {
                continue;
            }
            rank += 1;
            let confirmed = look(Place::Run(batch.first + row));
            let score = batch.scores[row];
            let pick =
                Pick { row: batch.first + row, step: batch.step, score, rank, threshold: score, confirmed };
            trail.enter(pick);
        }
    }
}
