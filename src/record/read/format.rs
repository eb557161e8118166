//! The formats of logs: told by the name of a file, of standard input by its first bytes.

use super::cell::{Counts, SAMPLE};
use super::error::{Error, Place};
use super::names::may_count;
use super::options::{LogOptions, Rows};
use super::part::Extent;
use super::present::Present;
use super::row::Row;
use super::same::look_at_words;
use super::source::{self, Magic};
use super::spool::{self, STDIN};
use super::{csv, json};
use std::io::BufRead;
use std::path::Path;

/// A format of logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// Cells between commas, semicolons, tabs or bars.
    Csv,
    /// JSON, whatever its records lie in.
    Json,
    Parquet,
}

/// The format that a file's name says.
pub(super) fn format(path: &Path) -> Option<Format> {
    let name = path.file_name()?.to_str()?.to_ascii_lowercase();
    let (inner, compressed) = match name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")) {
        Some(inner) => (inner, true),
        None => (name.as_str(), false),
    };
    match inner.rsplit_once('.')?.1 {
        "csv" | "tsv" => Some(Format::Csv),
        "jsonl" | "ndjson" | "json" => Some(Format::Json),
        "eval" if !compressed => Some(Format::Json),
        "parquet" if !compressed => Some(Format::Parquet),
        _ => None,
    }
}

/// The format of a file, of standard input by its bytes.
fn told(path: &Path, extent: &Extent) -> Result<Format, Error> {
    if path != Path::new(STDIN) {
        let extension = String::new();
        return format(path).ok_or(Error::UnknownExtension { path: path.to_owned(), extension });
    }
    match spool::magic(path)? {
        Magic::Parquet => return Ok(Format::Parquet),
        Magic::Zip => return Ok(Format::Json),
        Magic::Gzip | Magic::Zstd | Magic::Utf16(_) | Magic::Other => {}
    }
    let mut source = spool::open(path, extent)?;
    let first = source.fill_buf().map_err(|e| source::explain(path, e))?;
    let first = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(first).trim_ascii_start();
    Ok(if matches!(first.first(), Some(b'{' | b'[')) { Format::Json } else { Format::Csv })
}

/// The columns of a file, judged by its first rows, and how many of these there are.
pub(super) fn columns(path: &Path, options: &LogOptions) -> Result<(Present, usize), Error> {
    let extent = Extent { limit: options.max_expanded, part: options.parts.get(path).cloned() };
    let as_rollouts = options.rows == Some(Rows::Rollouts);
    let (mut present, rows) = match told(path, &extent)? {
        Format::Csv => csv::columns(path, extent)?,
        Format::Json => json::columns(path, extent, as_rollouts)?,
        #[cfg(feature = "parquet")]
        Format::Parquet => super::parquet::columns(path, extent.limit, as_rollouts)?,
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => return Err(Error::ParquetDisabled { path: path.to_owned() }),
    };
    if present.columns.is_empty() {
        return Err(Error::Empty { path: path.to_owned(), what: "it has no column" });
    }
    look_at_counters(path, &mut present);
    look_at_words(&mut present, &|present, names, visit| first_rows(path, present, names, visit));
    Ok((present, rows))
}

/// How the numbers of the columns go on that may count rollouts.
fn look_at_counters(path: &Path, present: &mut Present) {
    let names: Vec<String> =
        present.columns.iter().filter(|c| may_count(c)).map(|c| c.name.clone()).collect();
    if names.is_empty() {
        return;
    }
    let numbers = first_numbers(path, present, &names);
    for column in &mut present.columns {
        let at = names.iter().position(|name| *name == column.name);
        column.counts = at.and_then(|at| Some(Counts::of(numbers.get(at)?))).unwrap_or_default();
    }
}

/// The numbers of some columns in the first rows.
pub(super) fn first_numbers(path: &Path, present: &Present, names: &[String]) -> Vec<Vec<f64>> {
    let mut numbers = vec![Vec::new(); names.len()];
    first_rows(path, present, names, &mut |row| {
        for (at, numbers) in numbers.iter_mut().enumerate() {
            numbers.extend((row.cell)(at).number());
        }
    });
    numbers
}

/// Visits the first rows with the cells of some columns.
pub(super) fn first_rows(path: &Path, present: &Present, names: &[String], visit: &mut dyn FnMut(&Row<'_>)) {
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut rows = 0;
    let stop = || Error::NoSuchRow { row: 0, rows: 0 };
    // What is wrong with a row is told when the log is read.
    let _ = scan(path, present, &wanted, &mut |row| {
        visit(row);
        rows += 1;
        if rows < SAMPLE { Ok(()) } else { Err(stop()) }
    });
}

/// Visits every row of a file with the cells of the `wanted` columns, which the file must have. Returns the place of an
/// unfinished last row, which is left out.
pub(super) fn scan(
    path: &Path,
    present: &Present,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<Option<Place>, Error> {
    match told(path, &present.extent)? {
        Format::Csv => csv::scan(path, present, wanted, visit),
        Format::Json => json::scan(path, present, wanted, visit),
        #[cfg(feature = "parquet")]
        Format::Parquet => super::parquet::scan(path, present, wanted, visit).map(|()| None),
        #[cfg(not(feature = "parquet"))]
        Format::Parquet => Err(Error::ParquetDisabled { path: path.to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_the_format() {
        let of = |name: &str| format(Path::new(name));
        assert_eq!(of("a/b.JSONL.gz"), Some(Format::Json));
        assert_eq!(of("b.tsv.zst"), Some(Format::Csv));
        assert_eq!(of("b.parquet"), Some(Format::Parquet));
        assert_eq!([of("b.parquet.gz"), of("b.gz"), of("b.txt"), of("csv")], [None; 4]);
    }
}
