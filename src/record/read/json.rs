//! The values of JSON records. A name such as `reward/g` is found as a literal key, and as a path into nested objects
//! (`{"reward": {"g": 1}}`) with `/` or `.` between the keys; a number picks an element of a list, `*` each of them as a row
//! of its own.

use super::cell::{Cell, Column, Counts, SAMPLE};
use super::error::{Error, Place};
use super::json_records::Records;
use super::json_value::{cell, is_chat};
use super::part::Extent;
use super::present::Present;
use super::row::Row;
use super::unfold::Unfold;
use serde_json::{Map, Value};
use std::path::Path;

/// Columns of one record that are told apart; more are a table within, not names.
const MOST_COLUMNS: usize = 4096;
/// Elements of a list of objects from which its columns are judged.
const ELEMENTS: usize = 4;

/// The columns, judged by the first records: literal keys, and paths into nested objects joined by `/`. And how many rows these
/// hold.
pub(super) fn columns(path: &Path, extent: Extent, as_rollouts: bool) -> Result<(Present, usize), Error> {
    let mut records = Records::open(path, &extent)?;
    let mut sample = Vec::new();
    while sample.len() < SAMPLE
        && let Some(record) = records.next()?
    {
        sample.push(record.object);
    }
    Ok(present(&sample, records.means, extent, as_rollouts))
}

/// The columns of the first records.
pub(super) fn present(
    sample: &[Map<String, Value>],
    means: bool,
    extent: Extent,
    as_rollouts: bool,
) -> (Present, usize) {
    let unfold = Unfold::of(sample, as_rollouts);
    let (mut columns, mut rows) = (Vec::new(), 0);
    for object in sample {
        let Unfold::Lists(keys) = &unfold else {
            collect(object, "", &mut columns);
            rows += 1;
            continue;
        };
        for (key, value) in object {
            match value {
                Value::Array(elements) if keys.contains(key) => {
                    elements.iter().for_each(|element| see(element, key.clone(), &mut columns));
                    rows += if keys.first() == Some(key) { elements.len() } else { 0 };
                }
                other => see(other, key.clone(), &mut columns),
            }
        }
    }
    (Present { columns, unfold, means, extent, decimal_comma: false }, rows)
}

fn collect(object: &Map<String, Value>, prefix: &str, columns: &mut Vec<Column>) {
    for (key, value) in object {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}/{key}") };
        see(value, name, columns);
    }
}

fn see(value: &Value, name: String, columns: &mut Vec<Column>) {
    match value {
        Value::Object(inner) if !inner.is_empty() => return collect(inner, &name, columns),
        Value::Array(elements) if !is_chat(elements) => {
            let objects: Vec<_> = elements.iter().map_while(Value::as_object).take(ELEMENTS).collect();
            if !objects.is_empty() && objects.len() == elements.len().min(ELEMENTS) {
                let name = format!("{name}/*");
                return objects.into_iter().for_each(|inner| collect(inner, &name, columns));
            }
        }
        _ => {}
    }
    let cell = cell(value);
    let (kind, whole) = (cell.kind(), cell.is_whole());
    if let Some(column) = columns.iter_mut().find(|column| column.name == name) {
        column.kind = column.kind.and(kind);
        column.whole &= whole;
    } else if columns.len() < MOST_COLUMNS {
        columns.push(Column { name, kind, whole, counts: Counts::Otherwise });
    }
}

/// Visits every row with the cells of the `wanted` columns; an absent key is a missing cell. Returns the place of an unfinished
/// last record, which is left out.
pub(super) fn scan(
    path: &Path,
    present: &Present,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<Option<Place>, Error> {
    let mut records = Records::open(path, &present.extent)?;
    let unfold = present.unfold.under(wanted);
    let before = present.extent.rows();
    let mut row = before;
    while let Some(record) = records.next()? {
        let place = || Place { file: path.to_owned(), line: record.line, row };
        let rows = unfold.rows(&record.object, place)?;
        for i in 0..rows {
            let cell = |column: usize| match wanted
                .get(column)
                .and_then(|name| unfold.find(&record.object, name, i, rows))
            {
                Some(value) => cell(value),
                None => Cell::Missing,
            };
            visit(&Row { row, line: record.line, file: path, cell: &cell })?;
            row += 1;
        }
    }
    match (row - before, &records.unfinished) {
        (0, None) => Err(Error::Empty { path: path.to_owned(), what: "it holds no record" }),
        (0, Some(_)) => Err(Error::Empty { path: path.to_owned(), what: "not one complete record" }),
        _ => Ok(records.unfinished),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read::json_value::lookup;

    fn find<'a>(object: &'a Value, name: &str) -> Option<&'a Value> {
        object.as_object().and_then(|o| lookup(o, name))
    }

    #[test]
    fn names_are_literal_keys_or_paths() {
        let flat = serde_json::json!({"reward/g": 1, "reward": {"g": 2, "a.b": {"c": 3}}});
        assert_eq!(find(&flat, "reward/g"), Some(&Value::from(1)), "the literal key comes first");
        assert_eq!(find(&flat, "reward.g"), Some(&Value::from(2)));
        assert_eq!(find(&flat, "reward/a.b/c"), Some(&Value::from(3)));
        assert_eq!(find(&flat, "reward/x"), None);
        assert_eq!(find(&flat, "/"), None);
        let mut columns = Vec::new();
        collect(flat.as_object().unwrap(), "", &mut columns);
        let names: Vec<&str> = columns.iter().map(|c| c.name.as_str()).collect();
        assert_eq!(names, ["reward/g", "reward/a.b/c"]);
        assert!(columns[0].answers("reward.g") && !columns[0].answers("reward.h"));
    }
}
