//! Why a log cannot be judged as it was asked.

use super::grouping::GroupBy;
use crate::record;
use std::path::PathBuf;

/// What a log lacks for what was asked of it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The log could not be read.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// No column says which rollouts belong together.
    #[error("the log has no {} column", .by.noun())]
    NoGroups {
        /// What was to be compared.
        by: GroupBy,
    },
    /// Every group is too small for a median.
    #[error("no {} has {} rollouts or more", .by.noun(), super::grouping::MIN_GROUP)]
    SmallGroups {
        /// What was to be compared.
        by: GroupBy,
    },
    /// The reference log holds means over steps.
    #[error("{}: {}", .path.display(), crate::foundation::failure::Status::Aggregate)]
    AggregateReference {
        /// The reference.
        path: PathBuf,
    },
    /// No step has a whole window before it.
    #[error("no step has {width} steps that ended {lag} before it")]
    NoWindow {
        /// Steps of the window.
        width: usize,
        /// Steps between the window and the step that is judged.
        lag: usize,
        /// Steps of the log.
        steps: usize,
    },
    /// No rollout lies in the reference steps.
    #[error("no rollout lies in steps {from}..{to}")]
    NoReference {
        /// First step of the reference.
        from: u64,
        /// The step after its last.
        to: u64,
        /// First and last step of the log; `None` of a log without rollouts.
        log: Option<(u64, u64)>,
    },
    /// Nobody said what the policy does when nothing is wrong.
    #[error("a policy is watched against rollouts that are trusted to be its own")]
    NoTrusted,
    /// A moving threshold has nothing to start from.
    #[error("the threshold of a stream starts from reference rollouts")]
    NoStart,
    /// A fraction of the rollouts that is less than one audit.
    #[error("{budget} of {rollouts} rollouts is less than one audit")]
    NoAudit {
        /// The fraction.
        budget: f64,
        /// Rollouts that are judged.
        rollouts: usize,
    },
}
