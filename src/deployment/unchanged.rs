//! No shift: the policy is deployed as it was trained, and what changes is what it is asked.

use super::shift::Shift;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::theory::TheoryError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The policy as it was trained. It answers every prompt, also those that training held out: whether it does there what it never did
/// in training is up to how it generalises.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Unchanged {}

impl Shift for Unchanged {
    fn log_ratio(&self, table: &Outcomes, _: &Snapshot) -> Result<Vec<f64>, TheoryError> {
        Ok(vec![0.0; table.len()])
    }
}
