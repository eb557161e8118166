//! Tables as files: read row by row by the names of their columns, and held against what they held when they were written.

use super::checked::Checked;
use super::checked::Contents;
use super::folder_error::FolderError;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

/// Columns that hold text, in any table: a NaN elsewhere is refused.
const TEXT: &[&str] = &[
    "train_id",
    "judge_id",
    "detector",
    "group",
    "role",
    "caught_status",
    "access",
    "supervision",
    "status",
    "reason",
    "metric",
    "method",
    "series",
    "deploy_id",
    "monitor",
    "verdict",
    "source",
];

/// Rows of one table of a folder that does not tell what its tables held; empty where there is no file.
pub fn table<R: DeserializeOwned>(
    dir: &Path,
    file: &str,
    columns: &[&'static str],
) -> Result<Vec<R>, FolderError> {
    TableFiles { dir, contents: &BTreeMap::new() }.table(file, columns)
}

/// The tables of a folder.
pub struct TableFiles<'a> {
    /// The folder.
    pub dir: &'a Path,
    /// What they held when they were written, as far as it was told.
    pub contents: &'a BTreeMap<String, Contents>,
}

impl TableFiles<'_> {
    /// Rows of one table; empty where there is no file.
    pub fn table<R: DeserializeOwned>(
        &self,
        file: &str,
        columns: &[&'static str],
    ) -> Result<Vec<R>, FolderError> {
        let mut rows = Vec::new();
        self.each(file, columns, |row| rows.push(row))?;
        Ok(rows)
    }

    /// Hands over the rows of one table, one after another; none where there is no file. What was handed over of a table that is not as it
    /// was written is known to be worthless only at its end.
    pub fn each<R: DeserializeOwned>(
        &self,
        file: &str,
        columns: &[&'static str],
        take: impl FnMut(R),
    ) -> Result<(), FolderError> {
        let path = self.dir.join(file);
        let source = match fs::File::open(&path) {
            Ok(source) => source,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(source) => return Err(FolderError::Io { path, source }),
        };
        let most = self.contents.get(file).map_or(u64::MAX, |contents| contents.bytes.saturating_add(1));
        let mut reader = csv::Reader::from_reader(Checked::new(source.take(most)));
        let read = rows(&mut reader, &path, columns, take);
        // A fault of the disk stands for itself; any other may be that of a damaged file.
        if let (Some(contents), false) =
            (self.contents.get(file), matches!(read, Err(FolderError::Io { .. })))
        {
            match reader.into_inner().is(contents) {
                Ok(true) => {}
                Ok(false) => return Err(FolderError::Damaged { path, dir: self.dir.to_owned() }),
                Err(source) => return Err(FolderError::Io { path, source }),
            }
        }
        read
    }
}

/// Hands over the rows that are read from the file `path`.
fn rows<R: DeserializeOwned>(
    reader: &mut csv::Reader<impl io::Read>,
    path: &Path,
    columns: &[&'static str],
    mut take: impl FnMut(R),
) -> Result<(), FolderError> {
    let path = || path.to_owned();
    let fault = |error: csv::Error| {
        let line = error.position().map_or(1, csv::Position::line);
        let message = message(&error);
        match error.into_kind() {
            csv::ErrorKind::Io(source) => FolderError::Io { path: path(), source },
            _ => FolderError::Row { path: path(), line, message },
        }
    };
    let header = reader.headers().map_err(fault)?.clone();
    if let Some(column) = columns.iter().find(|c| !header.iter().any(|h| h == **c)) {
        let have = header.iter().map(str::to_owned).collect();
        return Err(FolderError::NoColumn { path: path(), column, have });
    }
    let mut record = csv::StringRecord::new();
    while reader.read_record(&mut record).map_err(fault)? {
        let line = record.position().map_or(1, csv::Position::line);
        let nan = header
            .iter()
            .zip(&record)
            .find(|(name, cell)| columns.contains(name) && !TEXT.contains(name) && is_nan(cell));
        if let Some((name, cell)) = nan {
            let message = format!("column `{name}` is `{cell}`; a missing number is an empty cell");
            return Err(FolderError::Row { path: path(), line, message });
        }
        take(record.deserialize(Some(&header)).map_err(|error| FolderError::Row {
            path: path(),
            line,
            message: message(&error),
        })?);
    }
    Ok(())
}

fn is_nan(cell: &str) -> bool {
    cell.trim_start_matches(['+', '-']).eq_ignore_ascii_case("nan")
}

/// The fault without the position, which the error names itself.
fn message(error: &csv::Error) -> String {
    match error.kind() {
        csv::ErrorKind::Deserialize { err, .. } => match err.field() {
            Some(field) => format!("cell {}: {}", field + 1, err.kind()),
            None => err.kind().to_string(),
        },
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            format!("{len} cells where the header has {expected_len}")
        }
        csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
        _ => error.to_string(),
    }
}
