//! The records of a JSON text: one object a line, the elements of an array, or of an array in the one object that the
//! text is (`log_history` of a trainer's state, `samples` of an evaluation), or the rows of a table (`columns` and `data`, as W&B and
//! pandas write it).

use super::error::{Error, Place};
use super::inspect;
use super::json_shape::{DATA, Shape, enter, shape};
use super::json_split::{Splitter, Stop, explain};
use super::json_value::parse;
use super::part::Extent;
use super::source::{self, Line, MAX_RECORD, Source};
use super::spool;
use serde_json::{Map, Value};
use std::path::Path;

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
