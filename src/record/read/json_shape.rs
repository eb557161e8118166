//! How the records of a JSON text lie in it.

use super::error::Error;
use super::json_split::{Splitter, Stop, explain};
use super::json_value::parse;
use super::part::Extent;
use super::source::{self, Line, Magic};
use super::spool;
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
pub(super) const DATA: &str = "data";

/// How the records lie in the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape {
    /// One a line.
    Lines,
    /// One after the other, and as elements of arrays that follow each other.
    Values,
    /// Elements of the array under this key of one object.
    Under(String),
    /// Rows of a table, as lists of the cells of these columns.
    Table(Vec<String>),
    /// Files of an archive.
    Archive,
}

/// How the records of a file lie, and whether they are an evaluation's samples.
pub(super) fn shape(path: &Path, extent: &Extent) -> Result<(Shape, bool), Error> {
    if extent.part.is_some() {
        return Ok((Shape::Lines, false));
    }
    if spool::magic(path)? == Magic::Zip {
        return Ok((Shape::Archive, true));
    }
    let mut splitter = Splitter::new(spool::open(path, extent)?);
    let failed = |splitter: &Splitter, stop| explain(path, splitter, 0, stop);
    match splitter.peek() {
        Ok(Some(b'[')) => return Ok((Shape::Values, false)),
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
            // What another value follows is one record of several, whatever lists it holds.
            _ if matches!(splitter.peek(), Ok(Some(b'{' | b'['))) => (Shape::Values, false),
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
            [] => (Shape::Values, false),
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
pub(super) fn enter(splitter: &mut Splitter, wanted: &str) -> Result<bool, Stop> {
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

/// Passes over the rest of the object after its array; whether nothing follows but what a crash leaves.
pub(super) fn leave(splitter: &mut Splitter) -> Result<bool, Stop> {
    while !splitter.take(b'}')? {
        key(splitter, &mut false)?;
        splitter.value(None)?;
    }
    splitter.ends()
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
