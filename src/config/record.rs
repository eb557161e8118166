//! The `[record]` section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is written to disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordSection {
    /// Of which runs every rollout is written to `observed.csv` and `truth.csv`.
    pub observed: ObservedRuns,
}

/// Runs whose rollouts are written one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObservedRuns {
    /// Every run.
    #[default]
    All,
    /// Replicate 0 of each arm.
    First,
    /// None.
    None,
}
