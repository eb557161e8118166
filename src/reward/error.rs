//! Why a reward model could not be set up.

use crate::distributions::StandardizeError;
use crate::environments::EnvironmentError;

/// Why a reward model could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewardError {
    /// The environment failed.
    #[error(transparent)]
    Environment(#[from] EnvironmentError),
    /// The error's law cannot be standardised as asked.
    #[error("reward.standardize: {0}")]
    Standardize(#[from] StandardizeError),
    /// A frozen error left the range of f64.
    #[error(
        "the error of cell {cell} is {value}: the tail of reward.error overflows; raise its tail index or change the seed"
    )]
    Infinite {
        /// Cell of the table.
        cell: usize,
        /// What was drawn.
        value: f64,
    },
}
