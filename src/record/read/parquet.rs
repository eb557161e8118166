//! Parquet, row by row, only the columns that are asked for. Nested values are named as in JSON Lines.

use super::cell::{Cell, Column, Kind};
use super::error::Error;
use super::row::Row;
use parquet::basic::{ConvertedType, LogicalType, Type as Physical};
use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, List, Row as Record};
use parquet::schema::types::Type;
use std::borrow::Cow;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;

/// The columns, from the schema; fields of groups are joined by `/`, lists and maps count as one column.
pub(super) fn columns(path: &Path) -> Result<Vec<Column>, Error> {
    guarded(path, || {
        let reader = open(path)?;
        let mut columns = Vec::new();
        for field in reader.metadata().file_metadata().schema().get_fields() {
            collect(field, "", &mut columns);
        }
        Ok(columns)
    })
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
            columns.push(Column { name, kind: if numeric { Kind::Number } else { Kind::Other } });
        }
        Type::GroupType { .. } => columns.push(Column { name, kind: Kind::Other }),
    }
}

/// Visits every row with the cells of the `wanted` columns.
pub(super) fn scan(
    path: &Path,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    guarded(path, || {
        let reader = open(path)?;
        let schema = reader.metadata().file_metadata().schema();
        // Without a single column the row iterator would have nothing to count by.
        let unknown = |name: &&&str| !schema.get_fields().iter().any(|field| leads_to(name, field.name()));
        if let Some(name) = wanted.iter().find(unknown) {
            let columns = schema.get_fields().iter().map(|field| field.name().to_owned()).collect();
            let column = (*name).to_owned();
            return Err(Error::MissingColumn { path: path.to_owned(), column, columns });
        }
        let roots: Vec<Arc<Type>> = schema
            .get_fields()
            .iter()
            .filter(|field| wanted.iter().any(|name| leads_to(name, field.name())))
            .cloned()
            .collect();
        let projection = Type::group_type_builder(schema.name())
            .with_fields(roots)
            .build()
            .map_err(|e| explain(path, &e))?;
        let mut row = 0;
        for record in reader.get_row_iter(Some(projection)).map_err(|e| explain(path, &e))? {
            let record = record.map_err(|e| explain(path, &e))?;
            let cell = |i: usize| match wanted.get(i).and_then(|name| lookup(&record, name)) {
                Some(field) => cell(field),
                None => Cell::Missing,
            };
            visit(&Row { row, line: None, file: path, cell: &cell })?;
            row += 1;
        }
        if row == 0 {
            return Err(Error::Empty { path: path.to_owned(), what: "a schema and no row" });
        }
        Ok(())
    })
}

fn leads_to(name: &str, root: &str) -> bool {
    name.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
}

fn lookup<'a>(record: &'a Record, name: &str) -> Option<&'a Field> {
    if let Some((_, field)) = record.get_column_iter().find(|(key, _)| key.as_str() == name) {
        return Some(field);
    }
    record.get_column_iter().find_map(|(key, field)| match field {
        Field::Group(inner) if leads_to(name, key) => lookup(inner, name.get(key.len() + 1..)?),
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
        Field::ListInternal(list) => Cell::Text(Cow::Owned(flatten(list))),
        other => Cell::Text(Cow::Owned(other.to_string())),
    }
}

/// A chat as its contents, one a line; anything else as the reader prints it.
fn flatten(list: &List) -> String {
    let content = |element: &Field| match element {
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

fn open(path: &Path) -> Result<SerializedFileReader<File>, Error> {
    let file = File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
    SerializedFileReader::new(file).map_err(|e| explain(path, &e))
}

fn explain(path: &Path, error: &ParquetError) -> Error {
    Error::Parquet { path: path.to_owned(), message: error.to_string() }
}

/// The reader panics on some damaged files and on types that it does not convert; that is an error of the file.
fn guarded<T>(path: &Path, read: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|_| {
        let message = "the reader gave up on damaged or unsupported content".to_owned();
        Err(Error::Parquet { path: path.to_owned(), message })
    })
}
