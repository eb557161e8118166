//! The error of the whole program: one variant for each folder's own error.

use crate::{cli, record};

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A log could not be read.
    #[error(transparent)]
    Record(#[from] record::Error),
    /// A command line asked for something that is not there, or its answer could not be written.
    #[error(transparent)]
    Cli(#[from] cli::Error),
}

impl Error {
    /// The process's exit code: 2 where the command line, a config or an input file is to blame, else 1. The codes
    /// of commands that did not fail are [`cli::Outcome::exit_code`]'s.
    pub fn exit_code(&self) -> u8 {
        let callers_fault = match self {
            Self::Record(error) => error.is_bad_input(),
            Self::Cli(error) => error.is_usage(),
        };
        if callers_fault { 2 } else { 1 }
    }

    /// What to do next, where the message alone does not say it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Record(error) => error.help(),
            Self::Cli(error) => error.help(),
        }
    }
}
