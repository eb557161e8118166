//! Parquet, row by row, only the columns that are asked for. Nested values are named as in JSON Lines.

use super::cell::{Cell, Column, Kind};
use super::error::{Error, Place};
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
use parquet::record::{Field, List, Row as Record};
use parquet::schema::types::Type;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fs::File;
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
    reader: &'a SerializedFileReader<File>,
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
            let numeric = match physical_type {
                Physical::DOUBLE | Physical::FLOAT => true,
                Physical::INT32 | Physical::INT64 => !matches!(
                    info.logical_type_ref(),
                    Some(LogicalType::Date | LogicalType::Time { .. } | LogicalType::Timestamp { .. })
                ),
                _ => false,
            };
            let whole = matches!(physical_type, Physical::INT32 | Physical::INT64);
            columns.push(Column { name, kind: if numeric { Kind::Number } else { Kind::Other }, whole });
        }
        Type::GroupType { .. } => columns.push(Column { name, kind: Kind::Other, whole: true }),
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
        let (mut row, mut left) = (0, present.extent.limit);
        for record in rows_of(path, &reader, roots.cloned().collect())? {
            let record = record.map_err(|e| explain(path, &e))?;
            let place = || Place { file: path.to_owned(), line: None, row };
            for (name, field) in record.get_column_iter() {
                let size = bytes(field);
                if size > MAX_RECORD {
                    return Err(Error::TooLong { place: place(), limit: MAX_RECORD });
                }
                left = left.checked_sub(size as u64).ok_or_else(|| {
                    let _ = name;
                    Error::TooLarge { path: path.to_owned(), limit: present.extent.limit }
                })?;
            }
            if unfold == Unfold::One || matches!(unfold, Unfold::Unclear { .. }) {
                let cell = |i: usize| match wanted.get(i).and_then(|name| lookup(&record, name)) {
                    Some(field) => cell(field),
                    None => Cell::Missing,
                };
                visit(&Row { row, line: None, file: path, cell: &cell })?;
                row += 1;
                continue;
            }
            let object = object(&record);
            let rows = unfold.rows(&object, place)?;
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
        if row == 0 {
            return Err(Error::Empty { path: path.to_owned(), what: "a schema and no row" });
        }
        Ok(())
    })
}

/// Bytes of a text, at most of one within lists and groups.
fn bytes(field: &Field) -> usize {
    match field {
        Field::Str(text) => text.len(),
        Field::Bytes(bytes) => bytes.data().len(),
        Field::Group(inner) => inner.get_column_iter().map(|(_, field)| bytes(field)).sum(),
        Field::ListInternal(list) => list.elements().iter().map(bytes).sum(),
        _ => 8,
    }
}

/// A row as the object that JSON would have.
fn object(record: &Record) -> Map<String, Value> {
    record.get_column_iter().map(|(name, field)| (name.clone(), value(field))).collect()
}

fn value(field: &Field) -> Value {
    match field {
        Field::Null => Value::Null,
        Field::Bool(flag) => Value::Bool(*flag),
        Field::Long(x) => Value::from(*x),
        Field::ULong(x) => Value::from(*x),
        Field::Str(text) => Value::String(text.clone()),
        Field::Group(inner) => Value::Object(object(inner)),
        Field::ListInternal(list) => Value::Array(list.elements().iter().map(value).collect()),
        other => match cell(other) {
            // JSON has no NaN and no infinity: as the texts that JSON records have for them.
            Cell::Number(x) if x.is_nan() => Value::from("NaN"),
            Cell::Number(x) if x.is_infinite() => Value::from(if x > 0.0 { "Infinity" } else { "-Infinity" }),
            Cell::Number(x) => Value::from(x),
            _ => Value::String(other.to_string()),
        },
    }
}

fn leads_to(name: &str, root: &str) -> bool {
    name.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
}

/// The field under a name, or under the path that it spells.
fn lookup<'a>(record: &'a Record, name: &str) -> Option<&'a Field> {
    if let Some((_, field)) = record.get_column_iter().find(|(key, _)| key.as_str() == name) {
        return Some(field);
    }
    record.get_column_iter().find_map(|(key, field)| match field {
        Field::Group(inner) if leads_to(name, key) => lookup(inner, name.get(key.len() + 1..)?),
        Field::ListInternal(list) if leads_to(name, key) => {
            let path = name.get(key.len() + 1..)?;
            let (index, rest) = path.split_once(['/', '.']).map_or((path, None), |(i, rest)| (i, Some(rest)));
            match (list.elements().get(index.parse::<usize>().ok()?)?, rest) {
                (element, None) => Some(element),
                (Field::Group(inner), Some(rest)) => lookup(inner, rest),
                _ => None,
            }
        }
        _ => None,
    })
}

fn cell(field: &Field) -> Cell<'_> {
    match field {
        Field::Null => Cell::Missing,
        Field::Bool(flag) => Cell::Flag(*flag),
        Field::Byte(x) => Cell::Number(f64::from(*x)),
        Field::Short(x) => Cell::Number(f64::from(*x)),
        Field::Int(x) => Cell::Number(f64::from(*x)),
        // An id beyond 2⁵³ would lose its last digits as a number.
        Field::Long(x) if x.unsigned_abs() > 1 << 53 => Cell::Text(Cow::Owned(x.to_string())),
        Field::ULong(x) if *x > 1 << 53 => Cell::Text(Cow::Owned(x.to_string())),
        Field::Long(x) => Cell::Number(*x as f64),
        Field::UByte(x) => Cell::Number(f64::from(*x)),
        Field::UShort(x) => Cell::Number(f64::from(*x)),
        Field::UInt(x) => Cell::Number(f64::from(*x)),
        Field::ULong(x) => Cell::Number(*x as f64),
        Field::Float16(x) => Cell::Number(f64::from(x.to_f32())),
        Field::Float(x) => Cell::Number(f64::from(*x)),
        Field::Double(x) => Cell::Number(*x),
        Field::Str(text) => Cell::Text(Cow::Borrowed(text)),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => Cell::Text(Cow::Borrowed(text)),
            Err(_) => Cell::Text(Cow::Owned(field.to_string())),
        },
        Field::ListInternal(list) => match numbers(list) {
            Some(numbers) => Cell::Numbers(numbers),
            None => Cell::Text(Cow::Owned(flatten(list))),
        },
        other => Cell::Text(Cow::Owned(other.to_string())),
    }
}

/// A list of numbers; nulls are passed over.
fn numbers(list: &List) -> Option<Vec<f64>> {
    let number = |field: &Field| match cell(field) {
        Cell::Number(value) => Some(value),
        Cell::Flag(flag) => Some(f64::from(u8::from(flag))),
        _ => None,
    };
    list.elements().iter().filter(|field| !matches!(field, Field::Null)).map(number).collect()
}

/// A chat as its contents, one a line, and texts likewise; anything else as the reader prints it.
fn flatten(list: &List) -> String {
    let content = |element: &Field| match element {
        Field::Str(text) => Some(text.clone()),
        Field::Group(message) => message.get_column_iter().find_map(|(key, field)| match field {
            Field::Str(text) if key.as_str() == "content" => Some(text.clone()),
            _ => None,
        }),
        _ => None,
    };
    match list.elements().iter().map(content).collect::<Option<Vec<String>>>() {
        Some(contents) if !contents.is_empty() => contents.join("\n"),
        _ => Field::ListInternal(list.clone()).to_string(),
    }
}

fn open(path: &Path, limit: u64) -> Result<SerializedFileReader<File>, Error> {
    let reader = SerializedFileReader::new(spool::file(path)?).map_err(|e| explain(path, &e))?;
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
    Error::Parquet { path: path.to_owned(), message: error.to_string() }
}

/// The reader panics on some damaged files and on types that it does not convert; that is an error of the file, and not for the
/// panic hook to print.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    quiet::catch(read).unwrap_or_else(|| {
        let message = "the reader gave up on damaged or unsupported content".to_owned();
        Err(Error::Parquet { path: path.to_owned(), message })
    })
}
