//! CSV with a header (RFC 4180): a byte-order mark and CRLF are accepted, quoted cells may span lines.

use super::error::{Error, Place};
use super::read_cell::{Cell, Column, Kind, Row, SAMPLE};
use csv::{ErrorKind, Reader, ReaderBuilder, StringRecord};
use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

/// The columns, judged by the first rows.
pub(super) fn columns(path: &Path) -> Result<Vec<Column>, Error> {
    let (mut reader, header) = open(path)?;
    let mut columns: Vec<Column> =
        header.iter().map(|name| Column { name: name.to_owned(), kind: Kind::Empty }).collect();
    let mut record = StringRecord::new();
    for row in 0..SAMPLE {
        if !reader.read_record(&mut record).map_err(|e| explain(path, row, e))? {
            break;
        }
        for (column, cell) in columns.iter_mut().zip(record.iter()) {
            column.kind = column.kind.and(Cell::Text(Cow::Borrowed(cell)).kind());
        }
    }
    Ok(columns)
}

/// Visits every row with the cells of the `wanted` columns.
pub(super) fn scan(
    path: &Path,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let (mut reader, header) = open(path)?;
    let mut index = Vec::with_capacity(wanted.len());
    for name in wanted {
        let mut found = header.iter().enumerate().filter(|(_, h)| h == name).map(|(i, _)| i);
        match (found.next(), found.next()) {
            (Some(i), None) => index.push(i),
            (Some(_), Some(_)) => {
                return Err(Error::RepeatedColumn { path: path.to_owned(), column: (*name).to_owned() });
            }
            (None, _) => {
                let columns = header.iter().map(str::to_owned).collect();
                return Err(Error::MissingColumn {
                    path: path.to_owned(),
                    column: (*name).to_owned(),
                    columns,
                });
            }
        }
    }
    let mut record = StringRecord::new();
    let mut row = 0;
    while reader.read_record(&mut record).map_err(|e| explain(path, row, e))? {
        let cell = |i: usize| match index.get(i).and_then(|&column| record.get(column)) {
            Some(text) if !text.is_empty() => Cell::Text(Cow::Borrowed(text)),
            _ => Cell::Missing,
        };
        let line = record.position().map(csv::Position::line);
        visit(&Row { row, line, file: path, cell: &cell })?;
        row += 1;
    }
    if row == 0 {
        return Err(Error::Empty { path: path.to_owned(), what: "a header and no row" });
    }
    Ok(())
}

fn open(path: &Path) -> Result<(Reader<File>, StringRecord), Error> {
    let mut reader =
        ReaderBuilder::new().buffer_capacity(1 << 16).from_path(path).map_err(|e| explain(path, 0, e))?;
    let header = reader.headers().map_err(|e| explain(path, 0, e))?;
    let header: StringRecord = header.iter().map(str::trim).collect();
    if header.is_empty() {
        return Err(Error::Empty { path: path.to_owned(), what: "not even a header" });
    }
    if header.iter().all(|name| name.parse::<f64>().is_ok()) {
        let first = header.get(0).unwrap_or_default().to_owned();
        return Err(Error::NoHeader { path: path.to_owned(), first });
    }
    Ok((reader, header))
}

fn explain(path: &Path, row: usize, error: csv::Error) -> Error {
    let at = |line: Option<u64>| Place { file: path.to_owned(), line, row };
    match error.into_kind() {
        ErrorKind::Io(source) => Error::Io { path: path.to_owned(), source },
        ErrorKind::Utf8 { pos, .. } => Error::NotUtf8 { place: at(pos.map(|p| p.line())) },
        ErrorKind::UnequalLengths { pos, expected_len, len } => {
            Error::Ragged { place: at(pos.map(|p| p.line())), found: len, expected: expected_len }
        }
        other => Error::Io { path: path.to_owned(), source: std::io::Error::other(format!("{other:?}")) },
    }
}
