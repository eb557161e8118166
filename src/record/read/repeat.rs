//! A rollout by what identifies it, and rows that are there again.

use super::layout::Shared;

/// One rollout of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Rollout {
    /// A hash of prompt, completion and reward.
    pub identity: u64,
    pub prompt: u64,
    /// Its row, as written.
    pub row: usize,
}

/// Which rows of a batch are those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Repeat {
    pub of: Shared,
    pub at: Shared,
    /// Rows of the batch.
    pub batch: usize,
    /// Rows, as written, that were there before.
    pub rows: Vec<usize>,
}
