//! Parquet, only the columns that are asked for: column by column where they hold no lists and no groups, else record by record.
//! Nested values are named as in JSON Lines.

use super::cell::{Cell, Column, Counts, Kind};
use super::error::{Error, Place};
use super::parquet_field::{bytes, cell, leads_to, lookup, object};
use super::parquet_file::Measured;
use super::parquet_flat::{Group, is_flat};
use super::part::Extent;
use super::present::Present;
use super::quiet;
use super::row::Row;
use super::source::MAX_RECORD;
use super::unfold::Unfold;
use super::{json, json_value, spool};
use parquet::basic::{ConvertedType, LogicalType, Repetition, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::reader::RowIter;
use parquet::schema::types::Type;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Rows from which columns of lists are judged.
const LISTS: usize = 20;
/// Rows that are decoded at once: few, because one value of a dictionary may be many rows' text.
const AT_ONCE: usize = 64;
/// From so many bytes on a column that expands [`TIMES`]-fold is refused.
const LARGE: u64 = 1 << 28;
const TIMES: u64 = 1000;
/// What the crate says of a compression that is left out of it, before its name.
const NO_CODEC: &str = "Disabled feature at compile time: ";
/// And of one that it does not know, before its name.
const UNKNOWN_CODEC: &str = "The codec type ";

/// The columns, from the schema; fields of groups are joined by `/`, maps count as one column, and of lists the first rows tell
/// what they hold. And how many rows there are.
pub(super) fn columns(path: &Path, limit: u64, as_rollouts: bool) -> Result<(Present, usize), Error> {
    guarded(path, || {
        let reader = open(path, limit)?;
        let mut columns = Vec::new();
        let schema = reader.metadata().file_metadata().schema();
        for field in schema.get_fields() {
            collect(field, "", &mut columns);
        }
        let rows = usize::try_from(reader.metadata().file_metadata().num_rows()).unwrap_or(0);
        let plain = |unfold| Present {
            columns: Vec::new(),
            unfold,
            means: false,
            extent: Extent::whole(limit),
            decimal_comma: false,
        };
        let lists: Vec<Arc<Type>> =
            schema.get_fields().iter().filter(|field| is_list(field)).cloned().collect();
        if lists.is_empty() || rows == 0 {
            return Ok((Present { columns, ..plain(Unfold::One) }, rows));
        }
        // Text beside lists says what they are, so the first rows are looked at whole.
        let mut sample = Vec::new();
        for record in rows_of(path, &reader, schema.get_fields().to_vec())?.take(LISTS) {
            sample.push(object(&record.map_err(|e| explain(path, &e))?));
        }
        let (seen, rows_seen) = json::present(&sample, false, Extent::whole(limit), as_rollouts);
        let of_list = |name: &str| lists.iter().any(|field| leads_to(name, field.name()));
        columns.retain(|column| !of_list(&column.name));
        columns.extend(seen.columns.into_iter().filter(|column| of_list(&column.name)));
        let rows = if rows == sample.len() { rows_seen } else { rows };
        Ok((Present { columns, ..plain(seen.unfold) }, rows))
    })
}

fn is_list(field: &Type) -> bool {
    match field {
        Type::GroupType { fields, .. } => {
            let info = field.get_basic_info();
            info.converted_type() == ConvertedType::LIST
                || matches!(info.logical_type_ref(), Some(LogicalType::List))
                || fields.iter().any(|inner| is_list(inner))
        }
        Type::PrimitiveType { .. } => {
            field.get_basic_info().has_repetition()
                && field.get_basic_info().repetition() == Repetition::REPEATED
        }
    }
}

/// The rows of some fields, few at a time.
fn rows_of<'a>(
    path: &Path,
    reader: &'a SerializedFileReader<Measured>,
    fields: Vec<Arc<Type>>,
) -> Result<RowIter<'a>, Error> {
    let name = reader.metadata().file_metadata().schema().name();
    let projection =
        Type::group_type_builder(name).with_fields(fields).build().map_err(|e| explain(path, &e))?;
    let rows = RowIter::from_file(Some(projection), reader).map_err(|e| explain(path, &e))?;
    Ok(rows.with_batch_size(AT_ONCE))
}

fn collect(field: &Type, prefix: &str, columns: &mut Vec<Column>) {
    let name = if prefix.is_empty() { field.name().to_owned() } else { format!("{prefix}/{}", field.name()) };
    let info = field.get_basic_info();
    match field {
        Type::GroupType { fields, .. } if info.converted_type() == ConvertedType::NONE => {
            for inner in fields {
                collect(inner, &name, columns);
            }
        }
        Type::PrimitiveType { physical_type, .. } => {
            let is_time = matches!(
                info.logical_type_ref(),
                Some(LogicalType::Date | LogicalType::Time { .. } | LogicalType::Timestamp { .. })
            );
            let kind = match physical_type {
                Physical::DOUBLE | Physical::FLOAT => Kind::Number,
                Physical::INT32 | Physical::INT64 if !is_time => Kind::Number,
                Physical::BOOLEAN => Kind::Flag,
                _ => Kind::Other,
            };
            let whole = matches!(physical_type, Physical::INT32 | Physical::INT64);
            columns.push(Column { name, kind, whole, counts: Counts::Otherwise });
        }
        Type::GroupType { .. } => {
            columns.push(Column { name, kind: Kind::Other, whole: true, counts: Counts::Otherwise });
        }
    }
}

/// Visits every row with the cells of the `wanted` columns.
pub(super) fn scan(
    path: &Path,
    present: &Present,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    guarded(path, || {
        let reader = open(path, present.extent.limit)?;
        let schema = reader.metadata().file_metadata().schema();
        // Without a single column the row iterator would have nothing to count by.
        let unknown = |name: &&&str| !schema.get_fields().iter().any(|field| leads_to(name, field.name()));
        if let Some(name) = wanted.iter().find(unknown) {
            let columns = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
            let column = (*name).to_owned();
            return Err(Error::MissingColumn { path: path.to_owned(), column, columns });
        }
        let unfold = present.unfold.under(wanted);
        let keys: &[String] = if let Unfold::Lists(keys) = &unfold { keys } else { &[] };
        let roots = schema.get_fields().iter().filter(|field| {
            wanted.iter().any(|name| leads_to(name, field.name()))
                || keys.iter().any(|key| key == field.name())
        });
        let roots: Vec<Arc<Type>> = roots.cloned().collect();
        let one = unfold == Unfold::One || matches!(unfold, Unfold::Unclear { .. });
        let rows = if one && is_flat(&roots, schema) {
            scan_flat(path, &reader, &roots, present.extent.limit, wanted, visit)?
        } else {
            scan_records(path, &reader, roots, present.extent.limit, (wanted, &unfold), visit)?
        };
        if rows == 0 {
            return Err(Error::Empty { path: path.to_owned(), what: "a schema and no row" });
        }
        Ok(())
    })
}

/// Visits the rows of columns without lists and groups.
pub(super) fn scan_flat(
    path: &Path,
    reader: &SerializedFileReader<Measured>,
    roots: &[Arc<Type>],
    limit: u64,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<usize, Error> {
    let index: Vec<Option<usize>> =
        wanted.iter().map(|name| roots.iter().position(|field| field.name() == *name)).collect();
    let (mut row, mut expanded) = (0, Expanded { limit, left: limit });
    for number in 0..reader.num_row_groups() {
        let mut group = Group::open(reader, number, roots, AT_ONCE).map_err(|e| explain(path, &e))?;
        while group.advance().map_err(|e| explain(path, &e))? {
            group.sizes().try_for_each(|size| expanded.see(path, row, size))?;
            let cell =
                |i: usize| index.get(i).copied().flatten().map_or(Cell::Missing, |column| group.cell(column));
            visit(&Row { row, line: None, file: path, cell: &cell })?;
            row += 1;
        }
    }
    Ok(row)
}

/// Visits the rows of any columns, record by record.
pub(super) fn scan_records(
    path: &Path,
    reader: &SerializedFileReader<Measured>,
    roots: Vec<Arc<Type>>,
    limit: u64,
    (wanted, unfold): (&[&str], &Unfold),
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<usize, Error> {
    let (mut row, mut expanded) = (0, Expanded { limit, left: limit });
    for record in rows_of(path, reader, roots)? {
        let record = record.map_err(|e| explain(path, &e))?;
        record.get_column_iter().try_for_each(|(_, field)| expanded.see(path, row, bytes(field)))?;
        if *unfold == Unfold::One || matches!(unfold, Unfold::Unclear { .. }) {
            let cell = |i: usize| match wanted.get(i).and_then(|name| lookup(&record, name)) {
                Some(field) => cell(field),
                None => Cell::Missing,
            };
            visit(&Row { row, line: None, file: path, cell: &cell })?;
            row += 1;
            continue;
        }
        let object = object(&record);
        let rows = unfold.rows(&object, || Place { file: path.to_owned(), line: None, row })?;
        for i in 0..rows {
            let cell = |column: usize| {
                let name = wanted.get(column);
                name.and_then(|name| unfold.find(&object, name, i, rows))
                    .map_or(Cell::Missing, json_value::cell)
            };
            visit(&Row { row, line: None, file: path, cell: &cell })?;
            row += 1;
        }
    }
    Ok(row)
}

/// Bytes that a file may still expand to.
struct Expanded {
    limit: u64,
    left: u64,
}

impl Expanded {
    /// Counts a value of a row.
    fn see(&mut self, path: &Path, row: usize, size: usize) -> Result<(), Error> {
        if size > MAX_RECORD {
            let place = Place { file: path.to_owned(), line: None, row };
            return Err(Error::TooLong { place, limit: MAX_RECORD });
        }
        let too_large = || Error::TooLarge { path: path.to_owned(), limit: self.limit };
        self.left = self.left.checked_sub(size as u64).ok_or_else(too_large)?;
        Ok(())
    }
}

pub(super) fn open(path: &Path, limit: u64) -> Result<SerializedFileReader<Measured>, Error> {
    let refused = |source| Error::Io { path: path.to_owned(), source };
    let file = Measured::new(spool::file(path)?).map_err(refused)?;
    let reader = SerializedFileReader::new(file).map_err(|e| explain(path, &e))?;
    let mut left = limit;
    for group in reader.metadata().row_groups() {
        for column in group.columns() {
            let size = |bytes: i64| u64::try_from(bytes).unwrap_or(u64::MAX);
            let (bytes, packed) = (size(column.uncompressed_size()), size(column.compressed_size()));
            let times = bytes / packed.max(1);
            if bytes > LARGE && times > TIMES {
                let column = column.column_path().string();
                return Err(Error::Bomb { path: path.to_owned(), column, times, bytes });
            }
            left = left.checked_sub(bytes).ok_or_else(|| Error::TooLarge { path: path.to_owned(), limit })?;
        }
    }
    Ok(reader)
}

fn explain(path: &Path, error: &ParquetError) -> Error {
    if let ParquetError::External(inner) = error
        && let Some(code) = inner.downcast_ref::<io::Error>().and_then(io::Error::raw_os_error)
    {
        return Error::Io { path: path.to_owned(), source: io::Error::from_raw_os_error(code) };
    }
    let message = error.to_string();
    let left_out = message.split_once(NO_CODEC).map(|(_, codec)| codec.trim());
    let unknown = || message.split_once(UNKNOWN_CODEC)?.1.split(' ').next();
    match left_out.or_else(unknown) {
        // A page of gzip is expanded without a bound, so that its codec is left out.
        Some("flate2") => Error::Codec { path: path.to_owned(), codec: "gzip".to_owned() },
        Some(codec) => Error::Codec { path: path.to_owned(), codec: codec.to_lowercase() },
        None => Error::Parquet { path: path.to_owned(), message },
    }
}

/// The reader panics on some damaged files and on types that it does not convert; that is an error of the file, and not for the
/// panic hook to print.
pub(super) fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    quiet::catch(read).unwrap_or_else(|| {
        let message = "the reader gave up on damaged or unsupported content".to_owned();
        Err(Error::Parquet { path: path.to_owned(), message })
    })
}
