//! The bound on all auditors: reads exactly the hacks, each when it is first sampled.

use super::contract::{Auditing, Batch, Ground, Look, Place, Rule};
use super::trail::{Pick, Trail};
use crate::foundation::failure::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

/// Reads each hack when it is first sampled, in the reference already where that holds one, and nothing else: its scores are 1 for
/// hacks and 0 for the rest. It knows the truth: no auditor catches earlier or with fewer looks.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct OracleSpending {}

impl Rule for OracleSpending {
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Auditing>, Status> {
        let rows = ground.reference.scores.iter().zip(ground.reference.outcomes).enumerate();
        let hacks = rows.filter(|(_, (score, _))| **score > 0.5).map(|(row, (_, outcome))| (row, *outcome));
        Ok(Box::new(Spending { reference: hacks.collect(), read: HashSet::new() }))
    }

    fn sees_truth(&self) -> bool {
        true
    }
}

struct Spending {
    /// Hacks of the reference that are still to be read: row and outcome.
    reference: Vec<(usize, u64)>,
    read: HashSet<u64>,
}

impl Auditing for Spending {
    fn step(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail) {
        for (row, outcome) in std::mem::take(&mut self.reference) {
            if self.read.insert(outcome) {
                let confirmed = look(Place::Reference(row));
                trail.enter_reference(row, confirmed, batch.step);
            }
        }
        let mut rank = 0;
        for (row, (&score, &outcome)) in batch.scores.iter().zip(batch.outcomes).enumerate() {
            if score > 0.5 && !batch.is_handled(row) && self.read.insert(outcome) {
                rank += 1;
                let confirmed = look(Place::Run(batch.first + row));
                let row = batch.first + row;
                trail.enter(Pick { row, step: batch.step, score, rank, threshold: 0.0, confirmed });
            }
        }
    }
}
