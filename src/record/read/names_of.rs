//! The numeric columns of some files, by name.

use super::bookkeeping::is_bookkeeping;
use super::cell::Kind;
use super::error::Error;
use super::files::log_files;
use super::format::columns;
use super::options::LogOptions;
use std::path::PathBuf;

/// The numeric columns of the files that `paths` stand for, each once, in the order of their appearance, without steps, clocks and
/// counters.
///
/// # Errors
/// Files that cannot be read, with place and remedy. An empty file among others has no columns.
pub fn numeric_columns(paths: &[PathBuf], options: &LogOptions) -> Result<Vec<String>, Error> {
    let files = log_files(paths)?;
    let several = files.len() > 1;
    let mut names: Vec<String> = Vec::new();
    for file in files {
        let (present, _) = match columns(&file, options) {
            Err(Error::Empty { .. }) if several => continue,
            looked => looked?,
        };
        for column in present.columns.into_iter().filter(|column| column.kind == Kind::Number) {
            let is_step = options.step.as_ref() == Some(&column.name);
            if !is_step && !is_bookkeeping(&column.name) && !names.contains(&column.name) {
                names.push(column.name);
            }
        }
    }
    Ok(names)
}
