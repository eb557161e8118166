//! What there is to choose from, and what it is truly worth. Nothing here knows of proxies or errors.

mod bandit;
mod process;

pub use bandit::{Bandit, Reference};
pub use process::{Move, Process, State};

use crate::foundation::rng::SeedTree;
use crate::record::Outcomes;
use std::fmt::Debug;
use std::path::{Path, PathBuf};

/// Why an environment could not be set up.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnvironmentError {
    /// The reference's file could not be read.
    #[error("cannot read the reference's log-probabilities from {path}: {source}", path = path.display())]
    ReadReference {
        /// The file.
        path: PathBuf,
        /// What went wrong.
        source: csv::Error,
    },
    /// A cell of the reference's file is unusable.
    #[error("{path}, line {line}: {problem}", path = path.display())]
    Reference {
        /// The file.
        path: PathBuf,
        /// 1-based line.
        line: u64,
        /// What is wrong and what is expected.
        problem: String,
    },
    /// A utility is infinite: the law's tail left the range of f64.
    #[error(
        "the utility of outcome {outcome} of prompt {prompt} is {value}; choose a lighter law for environment.bandit.utility"
    )]
    Utility {
        /// The prompt.
        prompt: usize,
        /// The outcome.
        outcome: usize,
        /// What was drawn.
        value: f64,
    },
}

/// Draws the true side of a replicate: prompts, outcomes, their utilities and the reference policy.
pub trait Environment: Debug + Send + Sync {
    /// Cells of the table, prompts × outcomes.
    fn cells(&self) -> usize;
    /// Files that decide the table: their contents are part of a run's identity.
    fn files(&self) -> Vec<&Path> {
        Vec::new()
    }
    /// The replicate's table, with error 0 and no class: see [`crate::reward`] for what is added.
    fn outcomes(&self, seeds: &SeedTree) -> Result<Outcomes, EnvironmentError>;
}

crate::registry! {
    /// The `[environment.…]` section.
    pub enum EnvironmentSpec => dyn Environment {
        "bandit" => Bandit: "one choice among K outcomes, per prompt; exactly enumerable", "Kwa, Thomas & Garriga-Alonso 2024, section 3";
    }
}
