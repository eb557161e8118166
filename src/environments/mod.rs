//! What there is to choose from, and what it is truly worth. Nothing here knows of proxies or errors.

mod bandit;
mod gridworld;
mod process;
mod token_utility;
mod tokens;

pub use bandit::{Bandit, Reference};
pub use gridworld::{GridReference, Gridworld};
pub use process::{Move, Process, State};

pub use token_utility::TokenUtility;
pub use tokens::{TokenReference, Tokens};

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
    /// A drawn weight is infinite.
    #[error("a weight of the utility is infinite; choose a lighter law for environment.tokens.utility")]
    TokenUtility,
    /// A size is beyond its bound.
    #[error("{key} is {size}; {most} is the limit")]
    Size {
        /// The key below the environment's section.
        key: &'static str,
        /// The size.
        size: u32,
        /// The bound.
        most: u32,
    },
    /// The map cannot be read.
    #[error("map, row {row}: {problem}")]
    Map {
        /// Row, from 0.
        row: usize,
        /// What is wrong and what to do.
        problem: String,
    },
}

/// One replicate's true side.
#[derive(Debug)]
pub enum World {
    /// One choice among outcomes.
    Table(Outcomes),
    /// Several actions.
    Process(Box<dyn Process>),
}

/// Draws the true side of a replicate: prompts, what can be done, what it is worth, and the reference policy.
pub trait Environment: Debug + Send + Sync {
    /// Trajectories of all prompts together, where they can be counted and chance plays no role.
    fn cells(&self) -> Option<usize>;
    /// Files that decide the table: their contents are part of a run's identity.
    fn files(&self) -> Vec<&Path> {
        Vec::new()
    }
    /// The replicate's world; a table has error 0 and no class: see [`crate::reward`] for what is added.
    fn draw(&self, seeds: &SeedTree) -> Result<World, EnvironmentError>;
}

crate::registry! {
    /// The `[environment.…]` section.
    pub enum EnvironmentSpec => dyn Environment {
        "bandit" => Bandit: "one choice among K outcomes, per prompt; exactly enumerable", "Kwa, Thomas & Garriga-Alonso 2024, section 3";
        "tokens" => Tokens: "strings over a vocabulary, written token by token in answer to a prompt", "Kwa, Thomas & Garriga-Alonso 2024, section 2 (trajectories of a language model)";
        "gridworld" => Gridworld: "a walk on a map with walls, goals and glitches, deterministic or slippery", "Leike et al. 2017, AI Safety Gridworlds; Kwa, Thomas & Garriga-Alonso 2024, theorem 3";
    }
}
