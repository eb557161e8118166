//! A table of outcomes from a file: one row an outcome, with the columns `log_prob`, `utility` and `error`.

use super::error::Error;
use super::files::log_files;
use super::format::{columns as present, scan};
use super::options::LogOptions;
use crate::foundation::numeric::log_sum_exp;
use crate::record::columns::Outcomes;
use std::path::Path;

/// ln π₀ up to a constant, V and X.
const COLUMNS: [&str; 3] = ["log_prob", "utility", "error"];

/// Some columns of numbers from a CSV, JSON Lines or Parquet file, row by row; other columns are ignored.
///
/// # Errors
/// A file without rows or without one of the columns; a cell that is empty, no number or not finite, with its place.
pub fn read_numbers(path: &Path, names: &[&str]) -> Result<Vec<Vec<f64>>, Error> {
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    for file in log_files(&[path.to_owned()])? {
        let (present, _) = present(&file, &LogOptions::default())?;
        scan(&file, &present, names, &mut |row| {
            for (i, (name, column)) in names.iter().zip(&mut columns).enumerate() {
                let empty = || Error::EmptyCell { place: row.place(), column: (*name).to_owned() };
                column.push(row.finite(i, name)?.ok_or_else(empty)?);
            }
            Ok(())
        })?;
    }
    match columns.first() {
        Some(column) if !column.is_empty() => Ok(columns),
        _ => Err(Error::Empty { path: path.to_owned(), what: "no row" }),
    }
}

/// Reads a table of one prompt from a CSV, JSON Lines or Parquet file; other columns are ignored.
///
/// `log_prob` is ln π₀ in nats up to a constant: it is normalised to sum to one. The table has no classes and no hacks.
///
/// # Errors
/// As for [`read_numbers`].
pub fn read_outcomes(path: &Path) -> Result<Outcomes, Error> {
    let mut columns = read_numbers(path, &COLUMNS)?.into_iter();
    let mut next = || columns.next().unwrap_or_default();
    let (mut ref_log_prob, utility, error) = (next(), next(), next());
    let outcomes = utility.len();
    let total = log_sum_exp(&ref_log_prob);
    ref_log_prob.iter_mut().for_each(|log| *log -= total);
    let (class, hack) = (vec![0; outcomes], vec![false; outcomes]);
    Ok(Outcomes { prompts: 1, outcomes, ref_log_prob, utility, error, class, hack })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &str) -> Result<Outcomes, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("table.csv");
        fs::write(&path, text).unwrap();
        read_outcomes(&path).map_err(|e| e.to_string().replace(&format!("{}/", folder.path().display()), ""))
    }

    #[test]
    fn any_constant_and_any_order_of_columns_will_do() {
        let table = read("error,id,log_prob,utility\n0.5,a,1000,1\n-2,b,1000,3\n").unwrap();
        assert_eq!((table.prompts, table.outcomes), (1, 2));
        assert_eq!((table.utility, table.error), (vec![1.0, 3.0], vec![0.5, -2.0]));
        assert!(table.ref_log_prob.iter().all(|log| (log + 2f64.ln()).abs() < 1e-12));
    }

    #[test]
    fn faults_name_file_line_column_and_value() {
        let header = "log_prob,utility,error\n";
        for (text, message) in [
            ("0,1,2\n-1,x,2\n", "table.csv, line 3, column `utility`: `x` is not a number"),
            ("0,1,2\n-1,1,nan\n", "table.csv, line 3, column `error`: the value is NaN"),
            ("-inf,1,2\n", "table.csv, line 2, column `log_prob`: the value is -inf"),
            ("0,,2\n", "table.csv, line 2, column `utility`: the cell is empty"),
            ("", "table.csv: the file is empty: a header and no row"),
        ] {
            assert_eq!(read(&format!("{header}{text}")), Err(message.to_owned()));
        }
        let missing = "table.csv: there is no column `error`".to_owned();
        assert_eq!(read("log_prob,utility\n0,1\n"), Err(missing));
        assert!(read("").is_err());
    }
}
