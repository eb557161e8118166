//! Tables of one value a row, in which a column names the metric: TensorBoard's and MLflow's, as they are exported.

use super::error::Error;
use super::files::log_files;
use super::format::{columns, scan};
use super::means::{may_be_means, series};
use super::names::{SERIES_VALUE, pick_number};
use super::options::LogOptions;
use crate::foundation::runs::Runs;
use std::path::PathBuf;

/// A metric of such a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Tagged {
    /// Its name.
    pub name: String,
    /// The step of each value, ascending.
    pub steps: Runs,
    /// Its finite values; those of one step in the order of the table.
    pub values: Vec<f64>,
}

/// The metrics of the files that `paths` stand for (see [`log_files`]), in the order of their appearance; none where some file is no such
/// table.
///
/// # Errors
/// Files that cannot be read, and steps that are none, with place and remedy.
pub fn read_tagged(paths: &[PathBuf], options: &LogOptions) -> Result<Vec<Tagged>, Error> {
    let mut metrics: Vec<(String, Vec<(u64, f64)>)> = Vec::new();
    for path in log_files(paths)? {
        let (present, _) = columns(&path, options)?;
        let counter = may_be_means(&present, options.step.as_deref()).map(|(counter, _)| counter);
        let value = pick_number(&present.columns, SERIES_VALUE);
        let (Some(tag), Some(value), Some(step)) = (series(&present.columns), value, counter) else {
            return Ok(Vec::new());
        };
        scan(&path, &present, &[&tag, &step, &value], &mut |row| {
            let cell = (row.cell)(0);
            let Some(value) = row.finite(2, &value).ok().flatten() else { return Ok(()) };
            let name = String::from_utf8_lossy(&cell.text().unwrap_or_default()).into_owned();
            let at = (row.step(1, &step)?, value);
            match metrics.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(at),
                None => metrics.push((name, vec![at])),
            }
            Ok(())
        })?;
    }
    let metric = |(name, mut values): (String, Vec<(u64, f64)>)| {
        values.sort_by_key(|(step, _)| *step);
        let (steps, values): (Vec<u64>, Vec<f64>) = values.into_iter().unzip();
        Tagged { name, steps: steps.into_iter().collect(), values }
    };
    Ok(metrics.into_iter().map(metric).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_metric_of_a_table_is_read_by_itself() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        let rows: String =
            (0..6).map(|i| format!("train/reward,{},{i}.5\neval/acc,{},-{i}\n", 5 - i, 5 - i)).collect();
        std::fs::write(&path, format!("tag,step,value\n{rows}train/reward,9,nan\n")).unwrap();
        let read = |options: &LogOptions| read_tagged(std::slice::from_ref(&path), options).unwrap();
        let metrics = read(&LogOptions::default());
        let names: Vec<&str> = metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["train/reward", "eval/acc"]);
        assert_eq!(metrics[0].values, [5.5, 4.5, 3.5, 2.5, 1.5, 0.5]);
        assert!(metrics[0].steps.iter().eq(0..6));
        std::fs::write(&path, "step,reward\n1,2\n2,3\n").unwrap();
        assert_eq!(read(&LogOptions::default()), []);
    }
}
