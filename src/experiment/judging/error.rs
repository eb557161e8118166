//! Why a run could not be judged.

use crate::audit;
use crate::experiment::training::error::TrainError;
use crate::foundation::failure::Status;
use crate::reward::RewardError;

/// Why a run could not be judged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JudgeError {
    /// The audit met something impossible.
    #[error(transparent)]
    Audit(#[from] audit::Error),
    /// The audit that acted on the run cannot be gone through again.
    #[error(transparent)]
    Response(#[from] TrainError),
    /// A twin that only a benchmark trains has no reward model.
    #[error(transparent)]
    Reward(#[from] RewardError),
    /// The columns do not fit together.
    #[error("the run's columns do not fit together: {0}")]
    Columns(Status),
    /// A table could not be formed.
    #[error("cannot form a table: {0}")]
    Table(#[from] csv::Error),
}
