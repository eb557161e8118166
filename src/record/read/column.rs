//! One numeric column of a log with the training steps, row by row: memory holds these two and nothing else.

use super::error::Error;
use super::log::{LogMeta, StepSource};
use super::open::open;
use super::options::LogOptions;
use crate::foundation::runs::Runs;
use std::ops::Range;
use std::path::PathBuf;

/// Rows that are read back at once.
const ROWS: usize = 1 << 16;

/// A column of finite numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnData {
    /// The column; `None` where none was named and the rows are step means anyway.
    pub column: Option<String>,
    /// Its values, in step order.
    pub values: Vec<f64>,
    /// The training step of each value: that of the step column, else of the path, else the number of the file where there are
    /// several. `None` where nothing says it, or a cell of the column is no step.
    pub steps: Option<Runs>,
    /// Rows read.
    pub rows: usize,
    /// Rows whose cell was empty; they are left out of `values`.
    pub empty: usize,
    /// Whether each row is a mean over a training step: a step column ascends, one row each (within a run), in at least two
    /// rows, and no column belongs to single rollouts (prompt, completion, group, outcome, episode).
    pub aggregate: bool,
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
    /// What else is known of the log.
    pub meta: LogMeta,
}

impl ColumnData {
    /// Leaves the values of these steps.
    ///
    /// # Errors
    /// In words: the log has no steps, or none of these.
    pub fn keep_steps(&mut self, wanted: Range<u64>) -> Result<(), String> {
        let Some(steps) = &mut self.steps else { return Err("the log does not say its steps".to_owned()) };
        let mut kept = steps.iter().map(|step| wanted.contains(&step));
        self.values.retain(|_| kept.next().unwrap_or(false));
        if self.values.is_empty() {
            let span = steps.iter().min().zip(steps.iter().max());
            let there = span.map_or_else(String::new, |(a, b)| format!("; the log's run from {a} to {b}"));
            return Err(format!("no value lies in steps {}..{}{there}", wanted.start, wanted.end));
        }
        drop(kept);
        *steps = steps.iter().filter(|step| wanted.contains(step)).collect();
        self.rows = self.values.len();
        self.empty = 0;
        Ok(())
    }
}

/// Reads one numeric column of the files that `paths` stand for (see [`log_files`](super::log_files)), as
/// [`open_log`](super::open_log) does.
///
/// Without `options.reward`, the reward's usual names are tried, then the only numeric candidate (see
/// [`Roles`](super::Roles)).
///
/// # Errors
/// Everything that [`Error`] lists, with place and remedy; ±∞ is refused.
pub fn read_column(paths: &[PathBuf], options: &LogOptions) -> Result<ColumnData, Error> {
    let log = open(paths, options, true)?;
    let meta = log.meta;
    let nameless = meta.reward.terms(None).is_empty();
    let kept = if nameless { 0 } else { log.rollouts.len() };
    let mut values = Vec::with_capacity(kept);
    let mut steps = (meta.step != StepSource::None).then(Runs::default);
    for from in (0..kept).step_by(ROWS) {
        let rows = log.rollouts.rewards(from..from + ROWS)?;
        values.extend_from_slice(&rows);
    }
    if let Some(steps) = &mut steps {
        for span in log.rollouts.spans().iter().filter(|_| !nameless) {
            steps.push(span.step, span.rows.len());
        }
    }
    let column = (!nameless).then(|| meta.reward.to_string());
    let (rows, empty) = (meta.rows, if nameless { 0 } else { meta.empty });
    Ok(ColumnData {
        column,
        values,
        steps,
        rows,
        empty,
        aggregate: meta.aggregate,
        files: meta.files.clone(),
        meta,
    })
}
