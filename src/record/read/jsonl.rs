//! JSON Lines: one object a line. A name such as `reward/g` is found as a literal key, and as a path into nested
//! objects (`{"reward": {"g": 1}}`), with `/` or `.` between the keys.

use super::cell::{Cell, Column, SAMPLE};
use super::error::{Error, Place};
use super::row::Row;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The columns, judged by the first rows: literal keys, and paths into nested objects joined by `/`.
pub(super) fn columns(path: &Path) -> Result<Vec<Column>, Error> {
    let mut columns: Vec<Column> = Vec::new();
    let mut lines = Lines::open(path)?;
    for _ in 0..SAMPLE {
        let Some((_, object)) = lines.next_object()? else { break };
        collect(&object, "", &mut columns);
    }
    Ok(columns)
}

fn collect(object: &Map<String, Value>, prefix: &str, columns: &mut Vec<Column>) {
    for (key, value) in object {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}/{key}") };
        match value {
            Value::Object(inner) if !inner.is_empty() => collect(inner, &name, columns),
            other => {
                let kind = cell(other).kind();
                match columns.iter_mut().find(|column| column.name == name) {
                    Some(column) => column.kind = column.kind.and(kind),
                    None => columns.push(Column { name, kind }),
                }
            }
        }
    }
}

/// Visits every row with the cells of the `wanted` columns; an absent key is a missing cell.
pub(super) fn scan(
    path: &Path,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut lines = Lines::open(path)?;
    let mut row = 0;
    while let Some((line, object)) = lines.next_object()? {
        let cell = |i: usize| match wanted.get(i).and_then(|name| lookup(&object, name)) {
            Some(value) => cell(value),
            None => Cell::Missing,
        };
        visit(&Row { row, line: Some(line), file: path, cell: &cell })?;
        row += 1;
    }
    if row == 0 {
        return Err(Error::Empty { path: path.to_owned(), what: "not one line" });
    }
    Ok(())
}

/// The value under a literal key, else under the path that the separators spell.
fn lookup<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    if let Some(value) = object.get(name) {
        return Some(value);
    }
    for (at, _) in name.match_indices(['/', '.']) {
        if let Some(Value::Object(inner)) = object.get(&name[..at])
            && let Some(value) = lookup(inner, &name[at + 1..])
        {
            return Some(value);
        }
    }
    None
}

fn cell(value: &Value) -> Cell<'_> {
    match value {
        Value::Null => Cell::Missing,
        Value::Bool(flag) => Cell::Flag(*flag),
        // An id beyond 2⁵³ would lose its last digits as a number.
        Value::Number(number) if !number.is_f64() && !is_exact(number) => {
            Cell::Text(Cow::Owned(number.to_string()))
        }
        Value::Number(number) => number.as_f64().map_or(Cell::Missing, Cell::Number),
        Value::String(text) => Cell::Text(Cow::Borrowed(text)),
        Value::Array(_) | Value::Object(_) => Cell::Text(Cow::Owned(flatten(value))),
    }
}

fn is_exact(number: &serde_json::Number) -> bool {
    number.as_i64().is_some_and(|whole| whole.unsigned_abs() <= 1 << 53)
}

/// A chat as its contents, one a line; anything else as JSON.
fn flatten(value: &Value) -> String {
    let contents = value.as_array().and_then(|messages| {
        messages.iter().map(|message| message.get("content")?.as_str()).collect::<Option<Vec<&str>>>()
    });
    match contents {
        Some(contents) if !contents.is_empty() => contents.join("\n"),
        _ => value.to_string(),
    }
}

/// A line's number, from 1, and its object.
type Numbered = (u64, Map<String, Value>);

struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    buffer: Vec<u8>,
    line: u64,
    row: usize,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(|source| Error::Io { path: path.to_owned(), source })?;
        Ok(Self {
            path,
            reader: BufReader::with_capacity(1 << 16, file),
            buffer: Vec::new(),
            line: 0,
            row: 0,
        })
    }

    /// The next line that is not blank, with its number.
    fn next_object(&mut self) -> Result<Option<Numbered>, Error> {
        loop {
            self.buffer.clear();
            let read = self
                .reader
                .read_until(b'\n', &mut self.buffer)
                .map_err(|source| Error::Io { path: self.path.to_owned(), source })?;
            if read == 0 {
                return Ok(None);
            }
            self.line += 1;
            let place = || Place { file: self.path.to_owned(), line: Some(self.line), row: self.row };
            let bytes = match self.buffer.strip_prefix(b"\xef\xbb\xbf") {
                Some(rest) if self.line == 1 => rest,
                _ => &self.buffer,
            };
            let text = std::str::from_utf8(bytes).map_err(|_| Error::NotUtf8 { place: place() })?;
            if text.trim().is_empty() {
                continue;
            }
            let parsed = serde_json::from_str(text)
                .or_else(|error| serde_json::from_str(&quote_non_finite(text)).map_err(|_| error));
            let object = match parsed {
                Ok(Value::Object(object)) => object,
                Ok(other) => {
                    let message = format!("the line holds {}", kind_of(&other));
                    return Err(Error::Json { place: place(), message });
                }
                Err(error) => {
                    // The parser sees one line at a time, so its own "line 1" would mislead.
                    let message = error.to_string();
                    let cause = message.split(" at line ").next().unwrap_or_default();
                    let message = format!("{cause} (character {})", error.column());
                    return Err(Error::Json { place: place(), message });
                }
            };
            self.row += 1;
            return Ok(Some((self.line, object)));
        }
    }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a truth value",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// Python writes NaN and Infinity bare, which is not JSON: quoted, they reach the check that names row and column.
fn quote_non_finite(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 8);
    let mut rest = text;
    let mut in_string = false;
    while let Some(c) = rest.chars().next() {
        let token = ["-Infinity", "Infinity", "NaN"].into_iter().find(|t| !in_string && rest.starts_with(t));
        if let Some(token) = token {
            quoted.push('"');
            quoted.push_str(token);
            quoted.push('"');
            rest = &rest[token.len()..];
            continue;
        }
        quoted.push(c);
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => in_string = !in_string,
            '\\' if in_string => {
                if let Some(escaped) = rest.chars().next() {
                    quoted.push(escaped);
                    rest = &rest[escaped.len_utf8()..];
                }
            }
            _ => {}
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn bare_nan_is_quoted_outside_strings_only() {
        assert_eq!(
            quote_non_finite(r#"{"a": NaN, "b": "NaN \" NaN", "c": -Infinity}"#),
            r#"{"a": "NaN", "b": "NaN \" NaN", "c": "-Infinity"}"#
        );
    }

    #[test]
    fn chats_become_their_contents() {
        let chat =
            serde_json::json!([{"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}]);
        assert_eq!(flatten(&chat), "hi\nho");
        assert_eq!(flatten(&serde_json::json!([1, 2])), "[1,2]");
    }
}
