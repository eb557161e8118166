//! Why an experiment gave no tables.

use super::judging::error::JudgeError;
use super::store::StoreError;
use super::training::error::TrainError;
use crate::reward::RewardError;
use std::path::PathBuf;

/// Why an experiment gave no tables.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// Results could not be kept.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The replicate's table could not be made.
    #[error("arm {arm}, replicate {replicate}: {source}")]
    Reward {
        /// Arm.
        arm: usize,
        /// Replicate.
        replicate: u64,
        /// Why.
        source: RewardError,
    },
    /// Training failed.
    #[error("arm {arm}, replicate {replicate}: {source}")]
    Train {
        /// Arm.
        arm: usize,
        /// Replicate.
        replicate: u64,
        /// Why.
        source: TrainError,
    },
    /// Judging failed.
    #[error("arm {arm}, replicate {replicate}: {source}")]
    Judge {
        /// Arm.
        arm: usize,
        /// Replicate.
        replicate: u64,
        /// Why.
        source: JudgeError,
    },
    /// A table could not be formed.
    #[error("cannot write a table: {0}")]
    Table(#[from] csv::Error),
    /// A description could not be formed.
    #[error("cannot write {file}: {problem}")]
    Describe {
        /// Which file.
        file: &'static str,
        /// Why.
        problem: String,
    },
    /// The worker threads could not be started.
    #[error("cannot start {threads} worker threads: {problem}; ask for fewer with --threads")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// Why.
        problem: String,
    },
    /// A scenario of the benchmark failed.
    #[error("scenario {name}: {source}")]
    Scenario {
        /// Its name.
        name: String,
        /// Why.
        source: Box<ExperimentError>,
    },
    /// The benchmark's shares are of runs as they come.
    #[error(
        "reward.condition is set, and a benchmark does not weight its runs by P_seen; leave it out here, or use `tailcatch run`"
    )]
    Conditioned,
    /// Some runs failed; the others are kept.
    #[error("{} of {total} runs failed; the others are kept in {}. First failure: {first}", failed, out.display())]
    Failed {
        /// Run folder.
        out: PathBuf,
        /// How many failed.
        failed: usize,
        /// Of how many.
        total: usize,
        /// What the first in plan order said.
        first: String,
    },
    /// Asked to stop; what is finished is kept.
    #[error("stopped with {done} of {total} runs finished and kept in {}; the same command goes on from there", out.display())]
    Stopped {
        /// Run folder.
        out: PathBuf,
        /// Finished runs.
        done: usize,
        /// All runs.
        total: usize,
    },
}

impl ExperimentError {
    /// Whether it was asked to stop, so that the same call goes on.
    pub fn is_stop(&self) -> bool {
        match self {
            Self::Stopped { .. } => true,
            Self::Scenario { source, .. } => source.is_stop(),
            _ => false,
        }
    }
}
