//! The `[record]` section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// What is written to disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RecordSection {
    /// Of which runs every rollout is written to `observed.csv` and `truth.csv`.
    pub observed: ObservedRuns,
    /// Steps after which a run under way is kept each time, so that an interrupted one goes on from there; without it an
    /// interrupted run starts anew. Worth its disk writes where a run takes minutes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<NonZeroU64>,
    /// Whether a network's last hidden layer, at each rollout's last action, becomes columns that detectors may use.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub activations: bool,
}

/// Runs whose rollouts are written one by one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ObservedRuns {
    /// Every run.
    All,
    /// Replicate 0 of each arm.
    #[default]
    First,
    /// None.
    None,
}
