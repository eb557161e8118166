//! A rollout as the tests of the tail and of the levels see it.

use serde::{Deserialize, Serialize};

/// A rollout: its score, and what it was paid.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    /// The row of its log, or its number.
    pub row: u64,
    pub score: f64,
    pub reward: f64,
    pub step: u64,
    pub reference: bool,
}
