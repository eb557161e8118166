//! One numeric column of a log with the training steps, row by row: memory holds these two and nothing else.

use super::cell::Column;
use super::error::{COLUMN_FLAG, Error};
use super::files::{columns, log_files, scan};
use super::options::LogOptions;
use super::roles::{StepMeans, guess, may_be_aggregate, missing, step_column};
use std::path::PathBuf;

/// A column of finite numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct ColumnData {
    /// The column; `None` where none was named and the rows are step means anyway.
    pub column: Option<String>,
    /// Its values, in the order of files and rows.
    pub values: Vec<f64>,
    /// The training step of each value: that of the step column, else the number of the file where there are several. `None` where
    /// neither says it, or a cell of the column is no step.
    pub steps: Option<Vec<u64>>,
    /// Rows read.
    pub rows: usize,
    /// Rows whose cell was empty; they are left out of `values`.
    pub empty: usize,
    /// Whether each row is a mean over a training step: a step column ascends strictly, one row each (within a
    /// run), in at least two rows, and no column belongs to single rollouts (prompt, completion, group, outcome,
    /// trajectory).
    pub aggregate: bool,
    /// The files, in the order in which they were read.
    pub files: Vec<PathBuf>,
}

/// Reads one numeric column of the files that `paths` stand for (see [`log_files`]).
///
/// Without `column`, the reward's usual names are tried, then the only numeric candidate (see
/// [`Roles`](super::Roles)).
///
/// # Errors
/// Everything that [`Error`] lists, with place and remedy; NaN and ±∞ are refused.
pub fn read_column(paths: &[PathBuf], options: &LogOptions) -> Result<ColumnData, Error> {
    let column = options.reward.as_ref().map(ToString::to_string);
    let files = log_files(paths)?;
    let mut data = ColumnData {
        column,
        values: Vec::new(),
        steps: Some(Vec::new()),
        rows: 0,
        empty: 0,
        aggregate: true,
        files,
    };
    let mut which = None;
    let mut last_columns: Option<(PathBuf, Vec<Column>)> = None;
    for (number, file) in data.files.iter().enumerate() {
        let present = columns(file)?;
        if data.column.is_none() && which.is_none() {
            match guess(file, &present, COLUMN_FLAG) {
                Ok(name) => data.column = Some(name),
                Err(error) => which = Some(error),
            }
        }
        let means_of = may_be_aggregate(&present);
        if means_of.is_none()
            && let Some(error) = which
        {
            return Err(error);
        }
        let mut wanted: Vec<&str> = data.column.as_deref().into_iter().collect();
        let step_index = wanted.len();
        let step = step_column(&present);
        wanted.extend(step.as_deref());
        let mut run_index = None;
        if let Some((_, Some(run))) = &means_of {
            run_index = Some(wanted.len());
            wanted.push(run);
        }
        if step.is_none() && data.files.len() == 1 {
            data.steps = None;
        }
        let mut means = StepMeans::default();
        let before = data.values.len();
        scan(file, &wanted, &mut |row| {
            data.rows += 1;
            let step = match &step {
                None => Some(number as u64),
                // Of step means, a faulty step is an error; else the tail is read without steps.
                Some(name) if means_of.is_some() => Some(row.step(step_index, name)?),
                Some(name) => row.step(step_index, name).ok(),
            };
            if let Some(name) = data.column.as_deref() {
                match row.finite(0, name)? {
                    Some(value) => {
                        data.values.push(value);
                        match (&mut data.steps, step) {
                            (Some(steps), Some(step)) => steps.push(step),
                            _ => data.steps = None,
                        }
                    }
                    None => data.empty += 1,
                }
            }
            if means_of.is_some() {
                means.see(run_index.map_or(0, |i| row.identity(i)), step.unwrap_or_default());
            }
            Ok(())
        })?;
        data.aggregate &= means_of.is_some() && means.holds();
        if data.values.len() == before
            && let Some(name) = data.column.as_deref()
            && !present.iter().any(|c| c.answers(name))
        {
            return Err(missing(file, &present, name));
        }
        last_columns = Some((file.clone(), present));
    }
    if !data.aggregate
        && let Some(error) = which
    {
        return Err(error);
    }
    if let (true, Some(name), Some((path, _))) = (data.values.is_empty(), &data.column, last_columns) {
        return Err(Error::NoValues { path, column: name.clone() });
    }
    Ok(data)
}
