//! The records of a JSON text: one object a line, the elements of an array, or of an array in the one object that the
//! text is (`log_history` of a trainer's state, `samples` of an evaluation), or the rows of a table (`columns` and `data`, as W&B and
//! pandas write it).

use super::error::{Error, Place};
use super::inspect;
use super::json_split::{Splitter, Stop};
use super::json_value::parse;
use super::part::Extent;
use super::source::{self, Line, MAX_RECORD, Magic, Source};
use super::spool;
use serde_json::{Map, Value};
use std::io::BufRead;
use std::path::Path;

/// Arrays of records, by the names that writers give them.
const KNOWN: &[&str] = &["samples", "log_history"];
/// Arrays of records beside which nothing but objects stands, by their names.
const ROWS: &[&str] = &[
    "rollouts",
    "data",
    "rows",
    "records",
    "results",
    "episodes",
    "trajectories",
    "examples",
    "generations",
];
/// The rows of a table.
const DATA: &str = "data";

/// How the records lie in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shape {
    /// One a line.
    Lines,
    /// Elements of one array.
    Array,
    /// Elements of the array under this key of one object.
    Under(String),
    /// Rows of a table, as lists of the cells of these columns.
    Table(Vec<String>),
    /// The text is one record.
    One,
    /// Files of an archive.
    Archive,
}

/// A record with the line on which it begins.
pub(super) struct Record {
    pub line: Option<u64>,
    pub object: Map<String, Value>,
}

/// Reads one record after the other.
pub(super) struct Records<'a> {
    path: &'a Path,
    input: Input<'a>,
    /// Whether the records are an evaluation's samples.
    samples: bool,
    /// The columns of a table.
    columns: Vec<String>,
    /// Whether the records are a trainer's means over steps.
    pub means: bool,
    buffer: Vec<u8>,
    row: usize,
    /// The place of an unfinished last record that was left out.
    pub unfinished: Option<Place>,
}

enum Input<'a> {
    Lines { reader: Source, line: u64 },
    Elements { splitter: Splitter, first: bool },
    One(Splitter),
    Archive(inspect::Archive<'a>),
    Done,
}

impl<'a> Records<'a> {
    pub fn open(path: &'a Path, extent: &Extent) -> Result<Self, Error> {
        let (shape, samples) = shape(path, extent)?;
        let means = shape == Shape::Under("log_history".to_owned());
        let splitter = || Ok(Splitter::new(spool::open(path, extent)?));
        let columns = if let Shape::Table(columns) = &shape { columns.clone() } else { Vec::new() };
        let shape = if columns.is_empty() { shape } else { Shape::Under(DATA.to_owned()) };
        let input = match shape {
            Shape::Lines => Input::Lines { reader: spool::open(path, extent)?, line: extent.lines() },
            Shape::Array => {
                let mut splitter = splitter()?;
                splitter.expect(b'[').map_err(|stop| explain(path, &splitter, 0, stop))?;
                Input::Elements { splitter, first: true }
            }
            Shape::Under(key) => {
                let mut splitter = splitter()?;
                let found = enter(&mut splitter, &key).map_err(|stop| explain(path, &splitter, 0, stop))?;
                if found { Input::Elements { splitter, first: true } } else { Input::Done }
            }
            Shape::One | Shape::Table(_) => Input::One(splitter()?),
            Shape::Archive => Input::Archive(inspect::Archive::open(path, extent.limit)?),
        };
        let (buffer, row) = (Vec::new(), extent.rows());
        Ok(Self { path, input, samples, columns, means, buffer, row, unfinished: None })
    }

    /// The next record.
    pub fn next(&mut self) -> Result<Option<Record>, Error> {
        let Some(Record { line, object }) = self.next_object()? else { return Ok(None) };
        self.row += 1;
        let object = if self.samples { inspect::simplified(object) } else { object };
        Ok(Some(Record { line, object }))
    }

    fn next_object(&mut self) -> Result<Option<Record>, Error> {
        self.buffer.clear();
        let line = match &mut self.input {
            Input::Done => return Ok(None),
            Input::Archive(archive) => {
                return Ok(archive.next(self.row)?.map(|object| Record { line: None, object }));
            }
            Input::Lines { .. } => return self.next_line(),
            Input::Elements { splitter, first } => {
                let mut cut = || {
                    if splitter.take(b']')? {
                        return Ok(None);
                    }
                    if !*first {
                        splitter.expect(b',')?;
                    }
                    *first = false;
                    splitter.peek()?;
                    let line = splitter.line;
                    splitter.value(Some(&mut self.buffer))?;
                    Ok(Some(line))
                };
                match cut() {
                    Ok(Some(line)) => line,
                    Ok(None) => {
                        self.input = Input::Done;
                        return Ok(None);
                    }
                    Err(Stop::Unfinished) => {
                        let place =
                            Place { file: self.path.to_owned(), line: Some(splitter.line), row: self.row };
                        self.unfinished = Some(place);
                        self.input = Input::Done;
                        return Ok(None);
                    }
                    Err(stop) => return Err(explain(self.path, splitter, self.row, stop)),
                }
            }
            Input::One(splitter) => {
                splitter
                    .value(Some(&mut self.buffer))
                    .map_err(|stop| explain(self.path, splitter, self.row, stop))?;
                self.input = Input::Done;
                1
            }
        };
        let place = Place { file: self.path.to_owned(), line: Some(line), row: self.row };
        let text = std::str::from_utf8(&self.buffer).map_err(|_| Error::NotUtf8 { place: place.clone() })?;
        match parse(text) {
            Ok(Value::Object(object)) => Ok(Some(Record { line: Some(line), object })),
            Ok(Value::Array(cells)) if cells.len() == self.columns.len() => {
                let object = self.columns.iter().cloned().zip(cells).collect();
                Ok(Some(Record { line: Some(line), object }))
            }
            Ok(other) => Err(Error::Json { place, message: format!("the array holds {}", kind_of(&other)) }),
            Err(error) => Err(Error::Json { place, message: error.to_string() }),
        }
    }

    fn next_line(&mut self) -> Result<Option<Record>, Error> {
        let Input::Lines { reader, line } = &mut self.input else { return Ok(None) };
        loop {
            self.buffer.clear();
            let how = source::read_line(reader, &mut self.buffer)
                .map_err(|error| source::explain(self.path, error))?;
            *line += 1;
            let place = || Place { file: self.path.to_owned(), line: Some(*line), row: self.row };
            match how {
                Line::End => return Ok(None),
                Line::TooLong => return Err(Error::TooLong { place: place(), limit: MAX_RECORD }),
                Line::Whole | Line::Unfinished => {}
            }
            let bytes = match self.buffer.strip_prefix(b"\xef\xbb\xbf") {
                Some(rest) if *line == 1 => rest,
                _ => &self.buffer,
            };
            let unfinished = how == Line::Unfinished;
            // What a crash leaves: a last line that was not written, or not to its end, and zeros in its place.
            let zeros = bytes.iter().rev().take_while(|byte| **byte == 0).count();
            let bytes = match bytes.get(..bytes.len() - zeros).filter(|_| unfinished && zeros > 0) {
                Some(rest) if rest.trim_ascii().is_empty() => {
                    self.unfinished = Some(place());
                    return Ok(None);
                }
                Some(rest) => rest,
                None => bytes,
            };
            let text = match std::str::from_utf8(bytes) {
                Ok(text) => text,
                Err(error) if unfinished && error.error_len().is_none() => {
                    self.unfinished = Some(place());
                    return Ok(None);
                }
                Err(_) => return Err(Error::NotUtf8 { place: place() }),
            };
            if text.trim().is_empty() {
                continue;
            }
            match parse(text) {
                Ok(Value::Object(object)) => return Ok(Some(Record { line: Some(*line), object })),
                Ok(other) => {
                    let message = format!("the line holds {}", kind_of(&other));
                    return Err(Error::Json { place: place(), message });
                }
                Err(error) if unfinished && error.is_eof() => {
                    self.unfinished = Some(place());
                    return Ok(None);
                }
                Err(error) => {
                    // The parser sees one line at a time, so its own "line 1" would mislead.
                    let message = error.to_string();
                    let cause = message.split(" at line ").next().unwrap_or_default();
                    let message = format!("{cause} (character {})", error.column());
                    return Err(Error::Json { place: place(), message });
                }
            }
        }
    }
}

/// How the records of a file lie, and whether they are an evaluation's samples.
fn shape(path: &Path, extent: &Extent) -> Result<(Shape, bool), Error> {
    if extent.part.is_some() {
        return Ok((Shape::Lines, false));
    }
    if spool::magic(path)? == Magic::Zip {
        return Ok((Shape::Archive, true));
    }
    let mut splitter = Splitter::new(spool::open(path, extent)?);
    let failed = |splitter: &Splitter, stop| explain(path, splitter, 0, stop);
    match splitter.peek() {
        Ok(Some(b'[')) => return Ok((Shape::Array, false)),
        Ok(Some(b'{')) => {}
        Ok(_) => return Ok((Shape::Lines, false)),
        Err(stop) => return Err(failed(&splitter, stop)),
    }
    // Objects one a line? Then the first line that is not blank holds a whole one; so it does where the text is one line.
    let mut reader = spool::open(path, extent)?;
    let mut first = Vec::new();
    let first_is_whole = loop {
        first.clear();
        match source::read_line(&mut reader, &mut first).map_err(|e| source::explain(path, e))? {
            Line::End => break false,
            Line::TooLong => break false,
            Line::Whole | Line::Unfinished => {
                let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first).trim_ascii();
                if !text.is_empty() {
                    break is_whole(text);
                }
            }
        }
    };
    let more = first_is_whole && {
        let rest = reader.fill_buf().map_err(|e| source::explain(path, e))?;
        !rest.trim_ascii().is_empty()
    };
    let lines_only = path_is_lines(path) && !(first.trim_ascii() == b"{" || (first_is_whole && !more));
    if more || lines_only {
        return Ok((Shape::Lines, false));
    }
    if let Some(columns) = table(&mut Splitter::new(spool::open(path, extent)?)).ok().flatten() {
        return Ok((Shape::Table(columns), false));
    }
    match members(&mut splitter) {
        Ok((arrays, evaluation, bare)) => Ok(match arrays.as_slice() {
            _ if evaluation && arrays.iter().any(|key| key == "samples") => {
                (Shape::Under("samples".to_owned()), true)
            }
            arrays
                if let Some(known) = KNOWN.iter().find(|known| arrays.iter().any(|key| key == **known)) =>
            {
                (Shape::Under((*known).to_owned()), false)
            }
            [one] if bare && !path_is_lines(path) && ROWS.contains(&one.as_str()) => {
                (Shape::Under(one.clone()), false)
            }
            // One line that is one record, whatever lists it holds.
            _ if first_is_whole => (Shape::Lines, false),
            [one] => (Shape::Under(one.clone()), false),
            [] => (Shape::One, false),
            several => return Err(Error::WhichArray { path: path.to_owned(), arrays: several.to_vec() }),
        }),
        Err(Stop::Unfinished | Stop::Unexpected(_)) if path_is_lines(path) => Ok((Shape::Lines, false)),
        Err(stop) => Err(failed(&splitter, stop)),
    }
}

/// Whether a text is one JSON value.
fn is_whole(text: &[u8]) -> bool {
    serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
        || std::str::from_utf8(text).is_ok_and(|text| parse(text).is_ok())
}

fn path_is_lines(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    name.contains(".jsonl") || name.contains(".ndjson")
}

/// The columns of a table: of one object with their names, and with rows as lists.
fn table(splitter: &mut Splitter) -> Result<Option<Vec<String>>, Stop> {
    let (mut columns, mut rows, mut first, mut text) = (None, false, true, Vec::new());
    splitter.expect(b'{')?;
    while !splitter.take(b'}')? && (columns.is_none() || !rows) {
        match key(splitter, &mut first)?.as_str() {
            "columns" => {
                text.clear();
                splitter.value(Some(&mut text))?;
                columns = serde_json::from_slice::<Vec<String>>(&text).ok().filter(|names| !names.is_empty());
            }
            DATA if columns.is_some() => rows = splitter.peek()? == Some(b'['),
            DATA => {
                rows = splitter.peek()? == Some(b'[');
                splitter.value(None)?;
            }
            _ => splitter.value(None)?,
        }
        if columns.is_some() && rows {
            break;
        }
    }
    Ok(columns.filter(|_| rows))
}

/// The members of one object that are arrays of objects, whether the object is an evaluation's log, and whether it holds nothing else but
/// objects.
fn members(splitter: &mut Splitter) -> Result<(Vec<String>, bool, bool), Stop> {
    let (mut arrays, mut evaluation, mut first, mut bare) = (Vec::new(), false, true, true);
    splitter.expect(b'{')?;
    while !splitter.take(b'}')? {
        let key = key(splitter, &mut first)?;
        evaluation |= key == "eval";
        match splitter.peek()? {
            Some(b'[') => {
                if splitter.opens_objects()? {
                    arrays.push(key);
                } else {
                    bare = false;
                }
            }
            next => {
                bare &= next == Some(b'{');
                splitter.value(None)?;
            }
        }
    }
    Ok((arrays, evaluation, bare))
}

/// Goes into the array under a key of one object; whether it is there.
fn enter(splitter: &mut Splitter, wanted: &str) -> Result<bool, Stop> {
    let mut first = true;
    splitter.expect(b'{')?;
    while !splitter.take(b'}')? {
        if key(splitter, &mut first)? == wanted {
            splitter.expect(b'[')?;
            return Ok(true);
        }
        splitter.value(None)?;
    }
    Ok(false)
}

/// The next key of an object, with its colon.
fn key(splitter: &mut Splitter, first: &mut bool) -> Result<String, Stop> {
    if !std::mem::take(first) {
        splitter.expect(b',')?;
    }
    let mut text = Vec::new();
    match splitter.peek()? {
        Some(b'"') => splitter.value(Some(&mut text))?,
        Some(other) => return Err(Stop::Unexpected(other)),
        None => return Err(Stop::Unfinished),
    }
    splitter.expect(b':')?;
    Ok(serde_json::from_slice(&text).unwrap_or_else(|_| String::from_utf8_lossy(&text).into_owned()))
}

fn explain(path: &Path, splitter: &Splitter, row: usize, stop: Stop) -> Error {
    let place = Place { file: path.to_owned(), line: Some(splitter.line), row };
    let message = match stop {
        Stop::Io(error) => return source::explain(path, error),
        Stop::TooLong => return Error::TooLong { place, limit: MAX_RECORD },
        Stop::Unfinished => "the text ends within a value".to_owned(),
        Stop::Unexpected(byte) => format!("`{}` does not belong here", byte.escape_ascii()),
    };
    Error::Json { place, message }
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

#[cfg(test)]
mod tests {
    use super::*;

    type Found = (Vec<(u64, Option<u64>)>, bool);

    /// Values of `a` of each record with their lines, and whether an unfinished record was left out.
    fn records(name: &str, text: &str) -> Result<Found, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        let mut records = Records::open(&path, &Extent::whole(u64::MAX)).map_err(|e| e.to_string())?;
        let mut found = Vec::new();
        while let Some(record) = records.next().map_err(|e| e.to_string())? {
            found.push((record.object["a"].as_u64().unwrap(), record.line));
        }
        Ok((found, records.unfinished.is_some()))
    }

    #[test]
    fn records_lie_in_lines_arrays_and_objects() {
        let found = |name: &str, text: &str| records(name, text).unwrap().0;
        let rows = [(1, Some(1)), (2, Some(2))];
        for name in ["x.json", "x.jsonl"] {
            assert_eq!(found(name, "{\"a\": 1}\n{\"a\": 2}"), rows, "lines");
            assert_eq!(found(name, "[{\"a\": 1},\n {\"a\": 2}]"), rows, "an array");
            assert_eq!(found(name, "{\n\"a\": 1}\n"), [(1, Some(1))], "one record");
        }
        let state = "{\"best\": null,\n \"log_history\": [\n{\"a\": 1}, {\n\"a\": 2}]}";
        assert_eq!(found("x.json", state), [(1, Some(3)), (2, Some(3))], "a trainer's state");
        assert_eq!(found("x.json", "{\"data\":\n[{\"a\": 1}], \"n\": [3]}"), [(1, Some(2))]);
        let table = "{\"columns\": [\"step\", \"a\"], \"data\": [[0, 1],\n [5, 2]], \"ncols\": 2}";
        assert_eq!(found("x.json", table), [(1, Some(1)), (2, Some(2))], "a table");
        let split = "{\"index\": [0], \"data\": [[1]], \"columns\": [\"a\"]}";
        assert_eq!(found("x.json", split), [(1, Some(1))]);
        let beside = "{\"rollouts\": [{\"a\": 1}, {\"a\": 2}], \"meta\": {\"b\": 1}}";
        assert_eq!(found("x.json", beside), [(1, Some(1)), (2, Some(1))], "objects beside one array");
        let two = records("x.json", "{\n\"u\": [{\"a\": 1}], \"v\": [{\"a\": 1}]}").unwrap_err();
        assert!(two.contains("2 arrays"), "{two}");
    }

    #[test]
    fn an_unfinished_end_is_left_out_and_a_broken_middle_is_an_error() {
        for text in ["{\"a\": 1}\n{\"a\": ", "{\"a\": 1}\n{\"a\": 2, \"b\": \"\u{e4}"] {
            assert_eq!(records("x.jsonl", text), Ok((vec![(1, Some(1))], true)), "{text}");
        }
        assert_eq!(records("x.json", "[{\"a\": 1},\n{\"a\": 2"), Ok((vec![(1, Some(1))], true)));
        for text in ["{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n", "{\"a\": 1}\n{\"a\": \n", "{\"a\": 1}\n{a"] {
            assert!(records("x.jsonl", text).is_err(), "{text}");
        }
        assert!(records("x.json", "[{\"a\": 1} {\"a\": 2}]").is_err());
    }
}
