//! How a log is named and read: the arguments that every command on a reward log takes.

use super::Error as CliError;
use super::table::count;
use crate::record::{Error, LogMeta, LogOptions, Rows, StepSource};
use clap::Args;
use std::path::PathBuf;

/// A log and how to read it.
#[derive(Debug, Args)]
pub struct LogArgs {
    /// Logs: .csv, .jsonl, .json or .parquet files, folders of them, patterns such as 'run/*.jsonl'
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
    /// The reward: a column, nested keys as `reward/g`, or columns with weights. Default: proxy, reward, score …, else the
    /// only numeric candidate
    #[arg(long, short = 'c', visible_alias = "column", value_name = "a=1,b=.5")]
    pub reward: Option<String>,
    /// The column of the training step. Default: its usual names, else numbers in the paths, else the order of the files
    #[arg(long, value_name = "COLUMN")]
    pub step: Option<String>,
    /// The column of the group. Default: group, group_id, uid …, else the prompt within the step
    #[arg(long, value_name = "COLUMN")]
    pub group: Option<String>,
    /// The column of the prompt. Default: its usual names
    #[arg(long, value_name = "COLUMN")]
    pub prompt: Option<String>,
    /// The column of what the model wrote. Default: its usual names, which the answer repeats
    #[arg(long, value_name = "COLUMN")]
    pub completion: Option<String>,
    /// What a row is: `rollouts`, or `means` over a step. Default: found out
    #[arg(long, value_name = "WHAT")]
    pub rows: Option<Rows>,
    /// Bytes to which a Parquet or compressed file may expand
    #[arg(long, value_name = "BYTES", default_value_t = LogOptions::MAX_EXPANDED, hide_default_value = true)]
    pub max_expanded: u64,
}

/// Steps can be chosen only where the log says its steps.
///
/// # Errors
/// One that says how to name them.
pub fn need_steps(meta: &LogMeta, flag: &'static str) -> Result<(), CliError> {
    if meta.step != StepSource::None {
        return Ok(());
    }
    Err(CliError::Value {
        flag,
        reason: format!("this log has no step column: all {} rows count as step 0", count(meta.rows)),
        help: "name one with --step COLUMN, or give a reference with --calibrate LOG".to_owned(),
    })
}

impl LogArgs {
    /// The options of the reader.
    ///
    /// # Errors
    /// A reward that cannot be read.
    pub fn options(&self) -> Result<LogOptions, Error> {
        Ok(LogOptions {
            reward: self.reward.as_deref().map(str::parse).transpose()?,
            step: self.step.clone(),
            prompt: self.prompt.clone(),
            completion: self.completion.clone(),
            group: self.group.clone(),
            rows: self.rows,
            max_expanded: self.max_expanded,
            ..LogOptions::default()
        })
    }
}
