//! CSV with a header (RFC 4180): a byte-order mark and CRLF are accepted, quoted cells may span lines.
//!
//! One thread splits the file into cells, another reads the numbers in them: the rows come in their order all the same.

use super::cell::{Cell, Column, Kind, SAMPLE};
use super::error::{Error, Place};
use super::row::Row;
use csv::{ByteRecord, ErrorKind, Reader, ReaderBuilder, StringRecord};
use std::fs::File;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The columns, judged by the first rows.
pub(super) fn columns(path: &Path) -> Result<Vec<Column>, Error> {
    let (mut reader, header) = open(path)?;
    let mut columns: Vec<Column> =
        header.iter().map(|name| Column { name: name.to_owned(), kind: Kind::Empty }).collect();
    let mut record = ByteRecord::new();
    for row in 0..SAMPLE {
        if !reader.read_byte_record(&mut record).map_err(|e| explain(path, row, e))? {
            break;
        }
        for (column, cell) in columns.iter_mut().zip(record.iter()) {
            column.kind = column.kind.and(Cell::Bytes(cell).kind());
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
    let (send, receive) = sync_channel::<Batch>(BATCHES);
    // A channel that never fills up: there are no more batches than places.
    let (give_back, emptied) = sync_channel::<Vec<ByteRecord>>(BATCHES + 2);
    std::thread::scope(|scope| {
        scope.spawn(move || split(&mut reader, &send, &emptied));
        let mut row = 0;
        for batch in receive {
            for record in batch.records.iter().take(batch.filled) {
                let cell = |i: usize| match index.get(i).and_then(|&column| record.get(column)) {
                    Some(bytes) if !bytes.is_empty() => Cell::Bytes(bytes),
                    _ => Cell::Missing,
                };
                let line = record.position().map(csv::Position::line);
                visit(&Row { row, line, file: path, cell: &cell })?;
                row += 1;
            }
            if let Some(error) = batch.error {
                return Err(explain(path, row, error));
            }
            let _ = give_back.try_send(batch.records);
        }
        if row == 0 {
            return Err(Error::Empty { path: path.to_owned(), what: "a header and no row" });
        }
        Ok(())
    })
}

/// Batches on their way, and the records and bytes of one.
const BATCHES: usize = 4;
const BATCH: usize = 4096;
const BATCH_BYTES: usize = 1 << 18;

/// Records, some of them filled, and the error that ended the file, if one did.
#[derive(Default)]
struct Batch {
    records: Vec<ByteRecord>,
    filled: usize,
    error: Option<csv::Error>,
}

impl Batch {
    /// Fills up with the next records; whether there may be more.
    fn fill(&mut self, reader: &mut Reader<File>) -> bool {
        let mut bytes = 0;
        for record in &mut self.records {
            match reader.read_byte_record(record) {
                Ok(true) => bytes += record.as_slice().len(),
                Ok(false) => return false,
                Err(fault) => {
                    self.error = Some(fault);
                    return false;
                }
            }
            self.filled += 1;
            if bytes > BATCH_BYTES {
                break;
            }
        }
        true
    }
}

/// Splits the file into records until it ends or no one listens.
fn split(reader: &mut Reader<File>, send: &SyncSender<Batch>, emptied: &Receiver<Vec<ByteRecord>>) {
    let mut more = true;
    while more {
        let records = emptied.try_recv().unwrap_or_else(|_| vec![ByteRecord::new(); BATCH]);
        let mut batch = Batch { records, ..Batch::default() };
        more = batch.fill(reader);
        if send.send(batch).is_err() {
            return;
        }
    }
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
