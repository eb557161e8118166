//! The error of the whole program: one variant for each folder's own error.

use crate::record::folder::FolderError;
use crate::{cli, plots, record, report, theory};
#[cfg(feature = "lab")]
use crate::{config, experiment};

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
    /// A run folder could not be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A closed form has no answer for these arguments.
    #[error(transparent)]
    Theory(#[from] theory::TheoryError),
    /// A figure could not be drawn.
    #[error(transparent)]
    Plot(#[from] plots::PlotError),
    /// A report could not be written.
    #[error(transparent)]
    Report(#[from] report::ReportError),
    /// A config has faults.
    #[cfg(feature = "lab")]
    #[error(transparent)]
    Config(#[from] config::ConfigError),
    /// An experiment failed or was stopped.
    #[cfg(feature = "lab")]
    #[error(transparent)]
    Experiment(#[from] experiment::ExperimentError),
}

impl Error {
    /// The process's exit code: 2 where the command line, a config or an input file is to blame, else 1. The codes
    /// of commands that did not fail are [`cli::Outcome::exit_code`]'s.
    pub fn exit_code(&self) -> u8 {
        let callers_fault = match self {
            Self::Record(error) => error.is_bad_input(),
            Self::Cli(error) => error.is_usage(),
            Self::Folder(error) => error.is_refusal(),
            Self::Theory(_) => true,
            Self::Plot(error) => {
                use plots::PlotError::{Format, NoFigure, Taken};
                matches!(error, Format { .. } | NoFigure { .. } | Taken { .. })
            }
            Self::Report(_) => false,
            #[cfg(feature = "lab")]
            Self::Config(error) => error.is_refusal(),
            #[cfg(feature = "lab")]
            Self::Experiment(error) => error.is_refusal(),
        };
        if callers_fault { 2 } else { 1 }
    }

    /// What to do next, where the message alone does not say it.
    pub fn help(&self) -> Option<String> {
        match self {
            Self::Record(error) => error.help(),
            Self::Cli(error) => error.help(),
            #[cfg(feature = "lab")]
            Self::Config(error) => error.help(),
            // Their messages end in what to do.
            _ => None,
        }
    }
}
