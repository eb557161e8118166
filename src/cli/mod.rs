//! The command line: one file for each sub-command.
//!
//! A new command is a file with its `Args` and `run`, a `mod` line, a variant of `Command` and an arm of
//! [`Cli::run`]. Answers go to standard output through [`Console::answer`], all else to standard error.

mod ask;
#[cfg(feature = "lab")]
mod bar;
#[cfg(feature = "lab")]
mod bench;
#[cfg(feature = "lab")]
mod check;
mod compare;
mod completions;
pub mod console;
mod curve;
mod detect;
mod diagnose;
mod error;
mod execute;
mod file_names;
mod file_size;
mod finish;
mod fit;
mod gallery;
mod help;
#[cfg(feature = "lab")]
mod init;
mod list;
mod log_args;
mod man;
#[cfg(feature = "lab")]
mod merge;
mod places;
mod plot;
mod reading;
mod regimes;
mod report;
#[cfg(feature = "lab")]
mod run;
#[cfg(feature = "lab")]
mod schema;
mod sketch;
#[cfg(feature = "lab")]
mod slurm;
pub mod spec;
mod spike;
#[cfg(feature = "lab")]
mod status;
mod status_kind;
pub mod table;
mod theory;
mod values;
#[cfg(feature = "lab")]
mod verdict;
mod watch;
mod workers;
mod wrap;

pub use ask::{Answer, Refusal, ask};
pub use console::Console;
pub use error::Error;
pub use execute::execute;
pub use file_size::survive_large_files;
pub use reading::{Document, Listed, document, listed};
pub use workers::start_workers;

use clap::{Parser, Subcommand};
use console::OutputArgs;

/// Would reward hacking under heavy-tailed reward error be seen, caught, and caught in time?
#[derive(Debug, Parser)]
#[command(
    name = "tailcatch",
    version,
    long_version = env!("TAILCATCH_VERSION"),
    max_term_width = 80,
    help_template = help::TEMPLATE,
    after_help = "Exit codes: 0 done · 1 failed · 2 usage, config or bad input · 3 flagged or shifted, 4 not judged (both with \
                  --fail-on-flag; 3 also by watch --stop-share) · 75 stopped or not finished, resumable"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Flags of every command.
    #[command(flatten)]
    pub output: OutputArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[cfg(feature = "lab")]
    Run(run::RunArgs),
    #[cfg(feature = "lab")]
    Check(check::CheckArgs),
    #[cfg(feature = "lab")]
    Init(init::InitArgs),
    #[cfg(feature = "lab")]
    Bench(bench::BenchArgs),
    #[cfg(feature = "lab")]
    Verdict(verdict::VerdictArgs),
    #[cfg(feature = "lab")]
    Status(status::StatusArgs),
    #[cfg(feature = "lab")]
    Merge(merge::MergeArgs),
    #[cfg(feature = "lab")]
    Slurm(slurm::SlurmArgs),
    Diagnose(diagnose::DiagnoseArgs),
    Curve(curve::CurveArgs),
    Detect(detect::DetectArgs),
    Watch(watch::WatchArgs),
    Spike(spike::SpikeArgs),
    Theory(theory::TheoryArgs),
    Plot(plot::PlotArgs),
    Report(report::ReportArgs),
    Fit(fit::FitArgs),
    Compare(compare::CompareArgs),
    Regimes(regimes::RegimesArgs),
    Gallery(gallery::GalleryArgs),
    List(list::ListArgs),
    #[cfg(feature = "lab")]
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

impl Cli {
    /// Carries out the command.
    ///
    /// # Errors
    /// Whatever the command could not do; its exit code is [`crate::Error::exit_code`].
    pub fn run(&self, console: &Console) -> Result<Outcome, crate::Error> {
        match &self.command {
            #[cfg(feature = "lab")]
            Command::Run(args) => run::run(args, console),
            #[cfg(feature = "lab")]
            Command::Check(args) => check::run(args, console),
            #[cfg(feature = "lab")]
            Command::Init(args) => Ok(init::run(args, console)?),
            #[cfg(feature = "lab")]
            Command::Bench(args) => bench::run(args, console),
            #[cfg(feature = "lab")]
            Command::Verdict(args) => verdict::run(args, console),
            #[cfg(feature = "lab")]
            Command::Status(args) => status::run(args, console),
            #[cfg(feature = "lab")]
            Command::Merge(args) => merge::run(args, console),
            #[cfg(feature = "lab")]
            Command::Slurm(args) => slurm::run(args, console),
            Command::Diagnose(args) => diagnose::run(args, console),
            Command::Curve(args) => curve::run(args, console),
            Command::Detect(args) => detect::run(args, console),
            Command::Watch(args) => watch::run(args, console),
            Command::Spike(args) => spike::run(args, console),
            Command::Theory(args) => theory::run(args, console),
            Command::Plot(args) => plot::run(args, console),
            Command::Report(args) => report::run(args, console),
            Command::Fit(args) => fit::run(args, console),
            Command::Compare(args) => compare::run(args, console),
            Command::Regimes(args) => regimes::run(args, console),
            Command::Gallery(args) => gallery::run(args, console),
            Command::List(args) => Ok(list::run(args, console)?),
            #[cfg(feature = "lab")]
            Command::Schema(args) => Ok(schema::run(args, console)?),
            Command::Completions(args) => Ok(completions::run(args, console)?),
            Command::Man(args) => Ok(man::run(args, console)?),
        }
    }
}

/// How a command that did not fail ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Everything was done.
    Done,
    /// Done, something was flagged, and `--fail-on-flag` asked to tell.
    Flagged,
    /// Done, and the log could not be judged.
    NotJudged,
    /// Done, and what was found needs somebody who decides.
    Failed,
    /// Stopped on request, or not finished; what is finished is valid, and the same call resumes.
    Stopped,
}

impl Outcome {
    /// The process's exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Flagged => 3,
            Self::NotJudged => 4,
            Self::Stopped => 75,
        }
    }
}
