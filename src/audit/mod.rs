//! The paid audit: which few trajectories are looked at, online, and what that finds.
//!
//! [`Budget`] says how many, [`Allocation`] when, a queue which; [`Auditor`] does it to a run that is running and
//! [`History`] to a stored one, with the same result. Scores come from outside, from a detector or a control; what a look reveals comes from a closure, the only way to the truth.
//!
//! **When.** At step t the policy samples a batch, the batch is scored, the credit of the step is spent, and only then
//! comes update t. A hack confirmed at step t is therefore known before update t: an un-normalised learner can be taken
//! over one step after the first sighting, and an audit after the update would be too late by construction. A pick
//! uses nothing that was sampled after its step.

mod allocation;
mod auditor;
mod history;
mod numbering;
mod queue;

pub use allocation::{Allocation, Budget, InvalidBudget};
pub use auditor::{Auditor, Pick, Trail};
pub use history::History;

/// Input that cannot be audited.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Rollouts whose columns differ in length.
    #[error("{steps} steps came with {outcomes} outcomes; every rollout needs both")]
    Columns {
        /// Rows of the step column.
        steps: usize,
        /// Rows of the outcome column.
        outcomes: usize,
    },
    /// Not one score a rollout.
    #[error("{rollouts} rollouts came with {scores} scores; the audit needs one score a rollout")]
    Lengths {
        /// Rows of the rollouts' columns.
        rollouts: usize,
        /// Scores.
        scores: usize,
    },
    /// A score that cannot be ranked.
    #[error(
        "score of row {row} is {value}; the audit ranks finite scores only, so drop or refuse the row before"
    )]
    NotFinite {
        /// 0-based row.
        row: usize,
        /// The score.
        value: f64,
    },
    /// A step that is earlier than the one before it.
    #[error("row {row} is of step {step}, after step {before}; sort the rollouts by step")]
    StepOrder {
        /// 0-based row.
        row: usize,
        /// Its step.
        step: u64,
        /// The step before it.
        before: u64,
    },
}
