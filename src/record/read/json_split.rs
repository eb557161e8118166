//! Pieces of a JSON text, cut out without reading the whole: the values of an array, the members of an object.

use super::error::{Error, Place};
use super::source::{self, MAX_RECORD, Source};
use std::io::{self, BufRead};
use std::path::Path;

/// What stops a cut.
#[derive(Debug)]
pub(super) enum Stop {
    /// The machine, or a decoder.
    Io(io::Error),
    /// The text ends within a value.
    Unfinished,
    /// A value of more than [`MAX_RECORD`] bytes.
    TooLong,
    /// Something that does not belong here.
    Unexpected(u8),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Cuts values out of a text.
pub(super) struct Splitter {
    reader: Source,
    /// Line, from 1.
    pub line: u64,
    /// Whether nothing but blanks was read of it.
    begins: bool,
}

impl Splitter {
    pub fn new(reader: Source) -> Self {
        Self { reader, line: 1, begins: true }
    }

    fn next_byte(&mut self) -> Result<Option<u8>, Stop> {
        Ok(self.reader.fill_buf()?.first().copied())
    }

    /// The next byte that is not blank; it stays. A byte-order mark counts as blank.
    pub fn peek(&mut self) -> Result<Option<u8>, Stop> {
        while let Some(byte) = self.next_byte()? {
            match byte {
                b'\n' => (self.line, self.begins) = (self.line + 1, true),
                b' ' | b'\t' | b'\r' | 0xef | 0xbb | 0xbf => {}
                other => return Ok(Some(other)),
            }
            self.reader.consume(1);
        }
        Ok(None)
    }

    /// The next byte that is not blank must be this one.
    pub fn expect(&mut self, byte: u8) -> Result<(), Stop> {
        match self.peek()? {
            Some(found) if found == byte => {
                self.reader.consume(1);
                self.begins = false;
                Ok(())
            }
            Some(other) => Err(Stop::Unexpected(other)),
            None => Err(Stop::Unfinished),
        }
    }

    /// Whether the next byte that is not blank is this one, which is then taken.
    pub fn take(&mut self, byte: u8) -> Result<bool, Stop> {
        let found = self.peek()? == Some(byte);
        if found {
            self.reader.consume(1);
            self.begins = false;
        }
        Ok(found)
    }

    /// Whether nothing follows but blanks, and zeros as a crash leaves them.
    pub fn ends(&mut self) -> Result<bool, Stop> {
        while self.take(0)? {}
        Ok(self.peek()?.is_none())
    }

    /// The line of the next value, if that begins it: others that stand on the line may follow or precede it.
    pub fn own_line(&mut self) -> Result<Option<u64>, Stop> {
        self.peek()?;
        Ok(self.begins.then_some(self.line))
    }

    /// Passes over an array; whether its first element is an object.
    pub fn opens_objects(&mut self) -> Result<bool, Stop> {
        self.expect(b'[')?;
        let objects = self.peek()? == Some(b'{');
        let mut first = true;
        while !self.take(b']')? {
            if !std::mem::take(&mut first) {
                self.expect(b',')?;
            }
            self.value(None)?;
        }
        Ok(objects)
    }

    /// Cuts the next value; without `into` it is passed over.
    pub fn value(&mut self, mut into: Option<&mut Vec<u8>>) -> Result<(), Stop> {
        let first = self.peek()?.ok_or(Stop::Unfinished)?;
        if matches!(first, b',' | b':' | b']' | b'}') {
            return Err(Stop::Unexpected(first));
        }
        let scalar = !matches!(first, b'{' | b'[' | b'"');
        self.begins = false;
        let (mut depth, mut in_string, mut escaped, mut length) = (0usize, false, false, 0usize);
        loop {
            let bytes = self.reader.fill_buf()?;
            if bytes.is_empty() {
                return if scalar { Ok(()) } else { Err(Stop::Unfinished) };
            }
            let mut end = None;
            for (i, &byte) in bytes.iter().enumerate() {
                if byte == b'\n' {
                    self.line += 1;
                }
                if in_string {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => {
                            in_string = false;
                            if depth == 0 {
                                end = Some(i + 1);
                                break;
                            }
                        }
                        _ => {}
                    }
                    continue;
                }
                match byte {
                    b'"' => in_string = true,
                    b'{' | b'[' => depth += 1,
                    b',' if scalar => {
                        end = Some(i);
                        break;
                    }
                    b'}' | b']' if scalar => {
                        end = Some(i);
                        break;
                    }
                    b'}' | b']' => {
                        depth = depth.saturating_sub(1);
                        if depth == 0 {
                            end = Some(i + 1);
                            break;
                        }
                    }
                    _ => {}
                }
            }
            let taken = end.unwrap_or(bytes.len());
            length += taken;
            if let Some(into) = into.as_deref_mut() {
                if length > MAX_RECORD {
                    return Err(Stop::TooLong);
                }
                into.extend_from_slice(&bytes[..taken]);
            }
            self.reader.consume(taken);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

/// What stopped a cut, as an error of this row.
pub(super) fn explain(path: &Path, splitter: &Splitter, row: usize, stop: Stop) -> Error {
    let place = Place { file: path.to_owned(), line: Some(splitter.line), row };
    let message = match stop {
        Stop::Io(error) => return source::explain(path, error),
        Stop::TooLong => return Error::TooLong { place, limit: MAX_RECORD },
        Stop::Unfinished => "the text ends within a value".to_owned(),
        Stop::Unexpected(byte) => format!("`{}` does not belong here", byte.escape_ascii()),
    };
    Error::Json { place, message }
}
