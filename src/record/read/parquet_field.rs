//! What the rows of a Parquet file hold, as cells and as the JSON that they would be.

use super::cell::Cell;
use parquet::record::{Field, List, Row as Record};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Bytes of a text, at most of one within lists and groups.
pub(super) fn bytes(field: &Field) -> usize {
    match field {
        Field::Str(text) => text.len(),
        Field::Bytes(bytes) => bytes.data().len(),
        Field::Group(inner) => inner.get_column_iter().map(|(_, field)| bytes(field)).sum(),
        Field::ListInternal(list) => list.elements().iter().map(bytes).sum(),
        _ => 8,
    }
}

/// A row as the object that JSON would have.
pub(super) fn object(record: &Record) -> Map<String, Value> {
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

/// Whether a name is that of a column, or of something within it.
pub(super) fn leads_to(name: &str, root: &str) -> bool {
    name.strip_prefix(root).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '.']))
}

/// The field under a name, or under the path that it spells.
pub(super) fn lookup<'a>(record: &'a Record, name: &str) -> Option<&'a Field> {
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

/// A value as a cell.
pub(super) fn cell(field: &Field) -> Cell<'_> {
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
