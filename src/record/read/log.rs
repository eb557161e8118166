//! A log as it was read: its rollouts, and what is known of the whole.

use super::roles::{RewardSpec, Roles};
use crate::record::columns::Observed;
use std::path::PathBuf;

/// Where a rollout was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Origin {
    /// Index into [`LogMeta::files`].
    pub file: usize,
    /// Row of data in that file, from 0, not counting a header.
    pub row: usize,
}

/// A log: rollouts in step order, in memory ([`InMemory`]) or read back as they are needed ([`Rollouts`](super::Rollouts)).
#[derive(Debug, Clone, PartialEq)]
pub struct Log<R> {
    /// The rollouts, in step order.
    pub rollouts: R,
    /// What is known of the whole.
    pub meta: LogMeta,
}

/// What is known of a log as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct LogMeta {
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// What the reward was made of.
    pub reward: RewardSpec,
    /// Which columns of the first file had which role.
    pub roles: Roles,
    /// Rows read.
    pub rows: usize,
    /// Rows without a reward; they are left out.
    pub empty: usize,
    /// Number of distinct runs where the log names them, else 1.
    pub runs: usize,
    /// Whether each row is a mean over a training step (the rule: [`ColumnData`](super::ColumnData)).
    pub aggregate: bool,
    /// What a reader of the result should know: columns that were left out, and why.
    pub notes: Vec<String>,
}

/// The rollouts of a log in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct InMemory {
    /// The rollouts. `trajectory` counts them in the order of this log.
    pub observed: Observed,
    /// Where each was read.
    pub origin: Vec<Origin>,
}
