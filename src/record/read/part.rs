//! How much of a file is read: all of it, or the records from a byte on that a growing file got since it was read last.

use super::error::Error;
use super::source::{self, Magic, Source};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// Records of a text file from a byte on, each whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Bytes at the start of the file that belong to every part: the header of a CSV file, none of JSON lines.
    pub header: u64,
    /// The first byte, and that after the last.
    pub start: u64,
    /// The byte after the last.
    pub end: u64,
    /// Rows of the file before the part.
    pub rows: usize,
    /// Lines of the file before the part, those of the header not counted.
    pub lines: u64,
}

/// Limits of a file's reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Extent {
    /// Bytes to which the file may expand.
    pub limit: u64,
    /// The part that is read, where it is not all.
    pub part: Option<Part>,
}

impl Extent {
    /// All of a file, up to so many bytes.
    pub fn whole(limit: u64) -> Self {
        Self { limit, part: None }
    }

    /// Rows before what is read.
    pub fn rows(&self) -> usize {
        self.part.as_ref().map_or(0, |part| part.rows)
    }

    /// Lines before what is read, without the header's.
    pub fn lines(&self) -> u64 {
        self.part.as_ref().map_or(0, |part| part.lines)
    }
}

impl Part {
    /// The header and the bytes of the part, one after the other.
    pub(super) fn open(&self, path: &Path, limit: u64) -> Result<Source, Error> {
        let refused = |source| Error::Io { path: path.to_owned(), source };
        let header = File::open(path).map_err(refused)?.take(self.header);
        let mut rows = File::open(path).map_err(refused)?;
        rows.seek(SeekFrom::Start(self.start)).map_err(refused)?;
        let rows = rows.take(self.end.saturating_sub(self.start));
        source::open(header.chain(rows), Magic::Other, path, limit)
    }
}
