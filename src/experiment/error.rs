//! Why an experiment gave no tables.

use super::judging::error::JudgeError;
use super::store::StoreError;
use super::training::error::TrainError;
use crate::config::ConfigError;
use crate::record::folder::FolderError;
use crate::record::made::MissingRun;
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
    /// What is there was made by another binary, or on another kind of processor.
    #[error(
        "{records} records there were made by another binary or processor ({found}; this is {own}), and results of the two would be mixed; go on with the one that began, take another folder with --out, or give --allow-mixed"
    )]
    Mixed {
        /// How many records.
        records: usize,
        /// What made the first of them.
        found: String,
        /// This process.
        own: String,
    },
    /// No run folder was named.
    #[error("no run folder is named; give one that `tailcatch run` has written")]
    NoFolder,
    /// A run folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The config of a run folder does not load.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// Two folders are of different experiments.
    #[error("{} and {} differ, so their folders hold different experiments; give folders of one config", first.display(), other.display())]
    OtherPlan {
        /// A file of the first.
        first: PathBuf,
        /// That of the other.
        other: PathBuf,
    },
    /// A run folder whose config gives another plan than lies there.
    #[error("{}: {problem}; run its config there again, or use the version that wrote it", dir.display())]
    NotItsPlan {
        /// The folder.
        dir: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// An identity that no run of the plan has.
    #[error(
        "{}, line {line}: no run of this experiment has the identity `{}`; `tailcatch status DIR --ids FILE` writes those that are missing",
        file.display(),
        clipped(id)
    )]
    UnknownRun {
        /// The file.
        file: PathBuf,
        /// Line of the file, from 1.
        line: usize,
        /// The identity.
        id: String,
    },
    /// Records that cannot be put together.
    #[error("these records cannot be put together:{problems}")]
    Unmergeable {
        /// One a line.
        problems: String,
    },
    /// Runs are missing.
    #[error(
        "{missing} of {total} runs are not there; run them with `tailcatch run --ids`, or give --allow-partial:{runs}"
    )]
    Incomplete {
        /// How many.
        missing: usize,
        /// Of how many.
        total: usize,
        /// One a line.
        runs: String,
    },
    /// Some runs failed; the others are kept.
    #[error("{} of {total} runs failed; the others are kept in {}. First failure: {first}", failed.len(), out.display())]
    Failed {
        /// Run folder.
        out: PathBuf,
        /// Those that failed, in plan order, each with what it said.
        failed: Vec<MissingRun>,
        /// Of how many.
        total: usize,
        /// What the first in plan order said.
        first: String,
    },
    /// Asked to stop while the records were read.
    #[error("stopped while the records were read; the same command goes on")]
    StoppedEarly,
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

/// What may be any line of any file, short.
fn clipped(id: &str) -> String {
    let rest = id.chars().count().saturating_sub(64);
    let shown: String = id.chars().take(64).collect();
    if rest > 0 { format!("{shown}…") } else { shown }
}

impl ExperimentError {
    /// Whether the call is to blame, and not what lies in its folder or the machine.
    pub fn is_refusal(&self) -> bool {
        match self {
            Self::Mixed { .. }
            | Self::NoFolder
            | Self::OtherPlan { .. }
            | Self::NotItsPlan { .. }
            | Self::UnknownRun { .. }
            | Self::Store(
                StoreError::Occupied { .. } | StoreError::Taken { .. } | StoreError::Mingled { .. },
            ) => true,
            Self::Folder(error) => error.is_refusal(),
            Self::Config(error) => error.is_refusal(),
            Self::Scenario { source, .. } => source.is_refusal(),
            _ => false,
        }
    }

    /// Whether it was asked to stop, so that the same call goes on.
    pub fn is_stop(&self) -> bool {
        match self {
            Self::Stopped { .. } | Self::StoppedEarly => true,
            Self::Scenario { source, .. } => source.is_stop(),
            _ => false,
        }
    }
}
