//! What a file that may still grow holds from a byte on: records that are whole, or a file that is read as one.

use super::cell::text_hash;
use super::error::{Error, Place};
use super::format::{Format, format};
use super::source::{MAX_RECORD, Magic};
use super::spool;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// What there is to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Grown {
    /// Records up to this byte, and lines from the first byte to there; the same up to the last line that has an end, where the last has
    /// none.
    Records { end: u64, lines: u64, whole: Option<(u64, u64)> },
    /// No whole record.
    Nothing,
    /// A file that is read as one; whether it is complete, where its end tells.
    Whole { complete: Option<bool> },
}

/// What a file holds from byte `from` to byte `to`. `quoted`: cells in quotes may hold line breaks. `last`: nothing more will
/// come, and the rest is read as it is.
pub(super) fn grown(path: &Path, from: u64, to: u64, quoted: bool, last: bool) -> Result<Grown, Error> {
    let refused = |source| Error::Io { path: path.to_owned(), source };
    if from == 0 && !quoted && !is_lines(path)? {
        let complete = (format(path) == Some(Format::Parquet)).then(|| ends_as_parquet(path)).transpose();
        return Ok(Grown::Whole { complete: complete.map_err(refused)? });
    }
    if from == 0 && spool::magic(path)? != Magic::Other {
        return Ok(Grown::Whole { complete: None });
    }
    let mut file = File::open(path).map_err(refused)?;
    let size = file.metadata().map_err(refused)?.len();
    file.seek(SeekFrom::Start(from)).map_err(refused)?;
    let mut bytes = Vec::new();
    file.take(to.saturating_sub(from)).read_to_end(&mut bytes).map_err(refused)?;
    let mut end = None;
    let (mut lines, mut lines_to_end, mut within, mut start) = (0u64, 0, false, 0);
    for at in memchr::memchr_iter(b'\n', &bytes) {
        lines += 1;
        if quoted {
            let quotes = memchr::memchr_iter(b'"', bytes.get(start..at).unwrap_or_default()).count();
            within ^= quotes % 2 == 1;
            start = at;
        }
        if !within {
            (end, lines_to_end) = (Some(at + 1), lines);
        }
    }
    let all = from + bytes.len() as u64;
    // A CSV line without an end may stop within a number, which then looks whole.
    if last && !quoted && all >= size && end != Some(bytes.len()) {
        // The reader leaves an unfinished record out, and says so.
        let whole = Some((from + end.unwrap_or(0) as u64, lines_to_end));
        return Ok(Grown::Records { end: all, lines: lines + 1, whole });
    }
    match end {
        Some(end) => Ok(Grown::Records { end: from + end as u64, lines: lines_to_end, whole: None }),
        None if all < size && bytes.len() < MAX_RECORD => {
            grown(path, from, size.min(from + MAX_RECORD as u64), quoted, last)
        }
        None if bytes.len() >= MAX_RECORD => {
            let place = Place { file: path.to_owned(), line: None, row: 0 };
            Err(Error::TooLong { place, limit: MAX_RECORD })
        }
        None => Ok(Grown::Nothing),
    }
}

/// A hash of the last bytes before byte `to`.
pub(super) fn end_of(path: &Path, to: u64) -> Result<u64, Error> {
    const BYTES: u64 = 256;
    let refused = |source| Error::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(refused)?;
    let from = to.saturating_sub(BYTES);
    file.seek(SeekFrom::Start(from)).map_err(refused)?;
    let mut bytes = Vec::new();
    file.take(to - from).read_to_end(&mut bytes).map_err(refused)?;
    Ok(text_hash(&bytes))
}

/// What follows the beginning of a line that was read before the line had an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    /// Bytes up to the next line.
    pub bytes: u64,
    /// Whether they are the line's end alone.
    pub is_break: bool,
}

/// The rest of a line from byte `from` on, once it has an end.
pub(super) fn rest_of_line(path: &Path, from: u64) -> Result<Option<Rest>, Error> {
    let refused = |source| Error::Io { path: path.to_owned(), source };
    let mut file = File::open(path).map_err(refused)?;
    file.seek(SeekFrom::Start(from)).map_err(refused)?;
    let mut rest = Vec::new();
    BufReader::new(file).take(MAX_RECORD as u64).read_until(b'\n', &mut rest).map_err(refused)?;
    let is_break = rest.trim_ascii().is_empty();
    Ok(rest.ends_with(b"\n").then_some(Rest { bytes: rest.len() as u64, is_break }))
}

/// Whether a JSON file holds one record a line.
fn is_lines(path: &Path) -> Result<bool, Error> {
    /// Bytes in which the first line of a `.json` file must end.
    const FIRST: u64 = 1 << 20;
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
    let by_name = name.ends_with(".jsonl") || name.ends_with(".ndjson");
    if format(path) != Some(Format::Json) || !(by_name || name.ends_with(".json")) {
        return Ok(false);
    }
    let refused = |source| Error::Io { path: path.to_owned(), source };
    let mut first = Vec::new();
    File::open(path).map_err(refused)?.take(FIRST).read_to_end(&mut first).map_err(refused)?;
    let text = first.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&first).trim_ascii_start();
    if by_name {
        return Ok(text.first() != Some(&b'['));
    }
    // Of a `.json` file the first line must be a whole object, and not all of it.
    let Some(end) = memchr::memchr(b'\n', text) else { return Ok(false) };
    let (line, rest) = text.split_at(end);
    let whole = serde_json::from_slice::<serde::de::IgnoredAny>(line).is_ok();
    Ok(whole && line.first() == Some(&b'{') && !rest.trim_ascii().is_empty())
}

/// Whether a file ends as a Parquet file does that was closed.
fn ends_as_parquet(path: &Path) -> std::io::Result<bool> {
    const MAGIC: &[u8; 4] = b"PAR1";
    let mut file = File::open(path)?;
    if file.metadata()?.len() < 12 {
        return Ok(false);
    }
    let mut end = [0; 4];
    file.seek(SeekFrom::End(-4))?;
    file.read_exact(&mut end)?;
    Ok(&end == MAGIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, text: &str, from: u64, last: bool) -> Grown {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        grown(&path, from, text.len() as u64, name.ends_with(".csv"), last).unwrap()
    }

    #[test]
    fn whole_records_are_read_and_the_rest_waits() {
        let lines = "{\"a\": 1}\n{\"a\": 2}\n{\"a\"";
        let two = Grown::Records { end: 18, lines: 2, whole: None };
        assert_eq!(of("x.jsonl", lines, 0, false), two);
        assert_eq!(of("x.jsonl", lines, 18, false), Grown::Nothing);
        let all = |lines: u64, whole: u64| Grown::Records { end: 22, lines, whole: Some((18, whole)) };
        assert_eq!(of("x.jsonl", lines, 18, true), all(1, 0));
        assert_eq!(of("x.jsonl", lines, 0, true), all(3, 2));
        assert_eq!(of("x.json", lines, 0, false), two);
        let cells = "a,b\n1,\"two\nlines\"\n2,\"half\n";
        assert_eq!(of("x.csv", cells, 0, false), Grown::Records { end: 18, lines: 3, whole: None });
        assert_eq!(of("x.csv", cells, 18, false), Grown::Nothing);
        let half = "a,b\n1,2\n3,4";
        assert_eq!(of("x.csv", half, 0, true), Grown::Records { end: 8, lines: 2, whole: None }, "4, or 4.5");
        assert_eq!(of("x.csv", half, 8, true), Grown::Nothing);
    }

    #[test]
    fn a_line_that_goes_on_has_a_rest_once_it_ends() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.csv");
        let rest = |text: &str| {
            std::fs::write(&path, text).unwrap();
            rest_of_line(&path, 3).unwrap().map(|rest| (rest.bytes, rest.is_break))
        };
        assert_eq!(rest("1,2"), None);
        assert_eq!(rest("1,2\r\n3,4\n"), Some((2, true)));
        assert_eq!([rest("1,25"), rest("1,25\n3")], [None, Some((2, false))]);
    }

    #[test]
    fn what_is_no_text_of_lines_is_read_as_one() {
        for (name, text) in
            [("x.jsonl", "[{\"a\": 1},\n"), ("x.json", "{\n\"a\": 1}\n"), ("x.json", "{\"a\": 1}\n")]
        {
            assert_eq!(of(name, text, 0, false), Grown::Whole { complete: None }, "{name} {text}");
        }
        assert_eq!(of("x.parquet", "PAR1 and no end", 0, false), Grown::Whole { complete: Some(false) });
        assert_eq!(of("x.parquet", "PAR1 and an end PAR1", 0, false), Grown::Whole { complete: Some(true) });
    }
}
