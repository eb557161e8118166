//! The paid audit: when a rollout is read, and which, online; what that finds; and what is done about it.
//!
//! A [`Rule`] of the registry [`AuditorSpec`] says when to look and at what, a [`Reader`] what a look says and costs, a
//! [`Response`] of [`ResponseSpec`] what changes in the run. Scores come from outside, from a detector or a control; what a look
//! reveals comes from a closure, the only way to the truth. The clock that reads the highest scores as looks accrue is made of
//! [`Budget`] (how many), [`Allocation`] (when) and a queue (which): [`Auditor`] does it to a run that is running and [`History`]
//! to a stored one, with the same result.
//!
//! **When.** At step t the policy samples a batch, the batch is scored, the credit of the step is spent, and only then
//! comes update t. A hack confirmed at step t is therefore known before update t: an un-normalised learner can be taken
//! over one step after the first sighting, and an audit after the update would be too late by construction. A pick
//! uses nothing that was sampled after its step.

mod alarm;
mod allocation;
mod auditor;
mod both_lists;
mod contract;
mod history;
mod numbering;
mod queue;
mod reader;
mod records;
pub mod response;
mod spending;
mod top;
mod trail;

pub use alarm::Alarm;
pub use allocation::{Allocation, Budget, InvalidBudget};
pub use auditor::Auditor;
pub use both_lists::BothLists;
pub use contract::{Auditing, Batch, Ground, Look, Place, Reference, Rule};
pub use history::History;
pub use reader::{Hard, Reader, Revealed};
pub use records::Records;
pub use response::{Response, ResponseSpec};
pub use spending::OracleSpending;
pub use top::{Random, Top};
pub use trail::{Pick, Trail};

crate::registry! {
    /// `audit.auditor`: when a rollout is read, and which.
    pub enum AuditorSpec => dyn Rule {
        "records" => Records: "reads what enters the k highest scores so far", "Rényi 1962; Nevzorov 2001";
        "alarm" => Alarm: "reads what raises an alarm, with looks saved up", "Vovk, Gammerman & Shafer 2005";
        "top" => Top: "reads the highest scores, each look as soon as it accrues", "none: the audit by a clock";
        "both_lists" => BothLists: "reads the records of single scores and the largest sums by outcome", "none: half of the looks each";
        "random" => Random: "reads at random, each look as soon as it accrues (control)", "none: the floor";
        "oracle_spending" => OracleSpending: "reads each hack when it is first sampled (control)", "none: an upper bound";
    }
}

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
