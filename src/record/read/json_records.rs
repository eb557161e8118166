//! The records of a JSON text: one object a line, objects and arrays of them one after the other, or an array in the one object that the
//! text is (`log_history` of a trainer's state, `samples` of an evaluation), or the rows of a table (`columns` and `data`, as W&B and
//! pandas write it).

use super::error::{Error, Place};
use super::inspect;
use super::json_shape::{DATA, Shape, enter, leave, shape};
use super::json_split::{Splitter, Stop, explain};
use super::json_value::{parse, with_chat_cut};
use super::part::Extent;
use super::source::{self, Line, MAX_RECORD, Source};
use super::spool;
use serde_json::{Map, Value};
use std::path::Path;

/// A record with the line that it begins, where it does not share it with the one before.
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
    Lines {
        reader: Source,
        line: u64,
    },
    /// Values of the text, and of the array that is open.
    Values {
        splitter: Splitter,
        open: bool,
        first: bool,
    },
    /// Elements of the array under this key of the one object.
    Under {
        splitter: Splitter,
        key: String,
        first: bool,
    },
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
            Shape::Values => Input::Values { splitter: splitter()?, open: false, first: true },
            Shape::Under(key) => {
                let mut splitter = splitter()?;
                let found = enter(&mut splitter, &key).map_err(|stop| explain(path, &splitter, 0, stop))?;
                if found { Input::Under { splitter, key, first: true } } else { Input::Done }
            }
            Shape::Table(_) => Input::Done,
            Shape::Archive => Input::Archive(inspect::Archive::open(path, extent.limit)?),
        };
        let (buffer, row) = (Vec::new(), extent.rows());
        Ok(Self { path, input, samples, columns, means, buffer, row, unfinished: None })
    }

    /// The next record.
    pub fn next(&mut self) -> Result<Option<Record>, Error> {
        let Some(Record { line, object }) = self.next_object()? else { return Ok(None) };
        self.row += 1;
        let object = if self.samples { inspect::simplified(object) } else { with_chat_cut(object) };
        Ok(Some(Record { line, object }))
    }

    fn next_object(&mut self) -> Result<Option<Record>, Error> {
        self.buffer.clear();
        let begin = match &mut self.input {
            Input::Done => return Ok(None),
            Input::Archive(archive) => {
                return Ok(archive.next(self.row)?.map(|object| Record { line: None, object }));
            }
            Input::Lines { .. } => return self.next_line(),
            Input::Values { splitter, open, first } => match value(splitter, open, first, &mut self.buffer) {
                Ok(begin) => begin,
                Err(stop) => return self.stopped(stop),
            },
            Input::Under { splitter, first, .. } => match element(splitter, first, &mut self.buffer) {
                Ok(begin) => begin,
                Err(stop) => return self.stopped(stop),
            },
        };
        let Some(Begin(line)) = begin else { return self.ended() };
        let place = Place { file: self.path.to_owned(), line, row: self.row };
        let text = std::str::from_utf8(&self.buffer).map_err(|_| Error::NotUtf8 { place: place.clone() })?;
        match parse(text) {
            Ok(Value::Object(object)) => Ok(Some(Record { line, object })),
            Ok(Value::Array(cells)) if cells.len() == self.columns.len() => {
                let object = self.columns.iter().cloned().zip(cells).collect();
                Ok(Some(Record { line, object }))
            }
            Ok(other) => Err(Error::Json { place, message: format!("the array holds {}", kind_of(&other)) }),
            Err(error) => Err(Error::Json { place, message: error.to_string() }),
        }
    }

    /// What stopped a cut: a last record that is not whole is left out.
    fn stopped(&mut self, stop: Stop) -> Result<Option<Record>, Error> {
        let (Input::Values { splitter, .. } | Input::Under { splitter, .. }) = &self.input else {
            return Ok(None);
        };
        if !matches!(stop, Stop::Unfinished) {
            return Err(explain(self.path, splitter, self.row, stop));
        }
        self.unfinished =
            Some(Place { file: self.path.to_owned(), line: Some(splitter.line), row: self.row });
        self.input = Input::Done;
        Ok(None)
    }

    /// The end of the records. What follows an object of which one array is read would be lost.
    fn ended(&mut self) -> Result<Option<Record>, Error> {
        if let Input::Under { mut splitter, key, .. } = std::mem::replace(&mut self.input, Input::Done)
            && let Ok(false) = leave(&mut splitter)
        {
            let place = Place { file: self.path.to_owned(), line: Some(splitter.line), row: self.row };
            return Err(Error::MoreFollows { place, key });
        }
        Ok(None)
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

/// The line that a record begins, if it begins one.
struct Begin(Option<u64>);

/// Cuts the next element of an array; where it begins, or `None` at the array's end. A comma before the end is passed over.
fn element(splitter: &mut Splitter, first: &mut bool, into: &mut Vec<u8>) -> Result<Option<Begin>, Stop> {
    if splitter.take(b']')? {
        return Ok(None);
    }
    if !std::mem::take(first) {
        splitter.expect(b',')?;
        if splitter.take(b']')? {
            return Ok(None);
        }
    }
    let line = splitter.own_line()?;
    splitter.value(Some(into))?;
    Ok(Some(Begin(line)))
}

/// Cuts the next value that is no array, within the array that is open or outside.
fn value(
    splitter: &mut Splitter,
    open: &mut bool,
    first: &mut bool,
    into: &mut Vec<u8>,
) -> Result<Option<Begin>, Stop> {
    loop {
        if *open {
            let begin = element(splitter, first, into)?;
            *open = begin.is_some();
            if *open {
                return Ok(begin);
            }
        }
        match splitter.peek()? {
            Some(b'[') => {
                splitter.expect(b'[')?;
                (*open, *first) = (true, true);
            }
            Some(b'{') => {
                let line = splitter.own_line()?;
                splitter.value(Some(into))?;
                return Ok(Some(Begin(line)));
            }
            Some(other) => return if splitter.ends()? { Ok(None) } else { Err(Stop::Unexpected(other)) },
            None => return Ok(None),
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
            // What stands beside the bracket has a row and no line.
            assert_eq!(found(name, "[{\"a\": 1},\n {\"a\": 2}]"), [(1, None), (2, Some(2))], "an array");
            assert_eq!(found(name, "{\n\"a\": 1}\n"), [(1, Some(1))], "one record");
        }
        let state = "{\"best\": null,\n \"log_history\": [\n{\"a\": 1}, {\n\"a\": 2}]}";
        assert_eq!(found("x.json", state), [(1, Some(3)), (2, None)], "a trainer's state");
        assert_eq!(found("x.json", "{\"data\":\n[{\"a\": 1}], \"n\": [3]}"), [(1, None)]);
        let table = "{\"columns\": [\"step\", \"a\"], \"data\": [[0, 1],\n [5, 2]], \"ncols\": 2}";
        assert_eq!(found("x.json", table), [(1, None), (2, Some(2))], "a table");
        let split = "{\"index\": [0], \"data\": [[1]], \"columns\": [\"a\"]}";
        assert_eq!(found("x.json", split), [(1, None)]);
        let beside = "{\"rollouts\": [{\"a\": 1}, {\"a\": 2}], \"meta\": {\"b\": 1}}";
        assert_eq!(found("x.json", beside), [(1, None), (2, None)], "objects beside one array");
        let two = records("x.json", "{\n\"u\": [{\"a\": 1}], \"v\": [{\"a\": 1}]}").unwrap_err();
        assert!(two.contains("2 arrays"), "{two}");
    }

    #[test]
    fn an_unfinished_end_is_left_out_and_a_broken_middle_is_an_error() {
        for text in ["{\"a\": 1}\n{\"a\": ", "{\"a\": 1}\n{\"a\": 2, \"b\": \"\u{e4}"] {
            assert_eq!(records("x.jsonl", text), Ok((vec![(1, Some(1))], true)), "{text}");
        }
        assert_eq!(records("x.json", "[{\"a\": 1},\n{\"a\": 2"), Ok((vec![(1, None)], true)));
        for text in ["{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n", "{\"a\": 1}\n{\"a\": \n", "{\"a\": 1}\n{a"] {
            assert!(records("x.jsonl", text).is_err(), "{text}");
        }
        assert!(records("x.json", "[{\"a\": 1} {\"a\": 2}]").is_err());
    }
}
