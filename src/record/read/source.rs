//! The bytes of a text file, expanded where it is compressed: told by its first bytes, whatever its name.

use super::error::Error;
use super::utf16::Utf16;
use flate2::read::MultiGzDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

/// Bytes that one line, record, cell or value may have.
pub(super) const MAX_RECORD: usize = 64 << 20;

/// A file as bytes to read.
pub(super) type Source = BufReader<Box<dyn Read + Send>>;

/// What a file is by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Magic {
    Gzip,
    Zstd,
    Zip,
    Parquet,
    /// UTF-16, whether the higher byte comes first.
    Utf16(bool),
    /// Anything else, as text is.
    Other,
}

impl Magic {
    pub fn of(first: &[u8]) -> Self {
        match first {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            [b'P', b'K', 3 | 5, 4 | 6, ..] => Self::Zip,
            [b'P', b'A', b'R', b'1', ..] => Self::Parquet,
            [0xff, 0xfe, ..] => Self::Utf16(false),
            [0xfe, 0xff, ..] => Self::Utf16(true),
            _ => Self::Other,
        }
    }
}

/// The bytes of a file that is what `magic` says; compressed ones up to `limit`.
pub(super) fn open(
    file: impl Read + Send + 'static,
    magic: Magic,
    path: &Path,
    limit: u64,
) -> Result<Source, Error> {
    let refused = |source| Error::Io { path: path.to_owned(), source };
    let inner: Box<dyn Read + Send> = match magic {
        Magic::Gzip => expanding(MultiGzDecoder::new(BufReader::with_capacity(1 << 16, file)), limit),
        Magic::Zstd => expanding(zstd::Decoder::new(file).map_err(refused)?, limit),
        Magic::Utf16(big_endian) => Box::new(Utf16::new(file, big_endian)),
        Magic::Zip | Magic::Parquet | Magic::Other => Box::new(file),
    };
    Ok(BufReader::with_capacity(1 << 18, inner))
}

fn expanding(inner: impl Read + Send + 'static, limit: u64) -> Box<dyn Read + Send> {
    Box::new(Expanding::new(inner, limit))
}

/// Bytes of a decoder, up to a limit.
pub(super) struct Expanding<R> {
    inner: R,
    left: u64,
    limit: u64,
}

impl<R> Expanding<R> {
    pub fn new(inner: R, limit: u64) -> Self {
        Self { inner, left: limit, limit }
    }
}

/// What stops an [`Expanding`] reader besides the system.
#[derive(Debug, thiserror::Error)]
enum Stop {
    #[error("it expands to more than {0} bytes")]
    TooLarge(u64),
    #[error("{0}")]
    Damaged(String),
}

impl<R: Read> Read for Expanding<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self.inner.read(bytes) {
            Ok(n) => {
                let n64 = n as u64;
                if n64 > self.left {
                    return Err(io::Error::other(Stop::TooLarge(self.limit)));
                }
                self.left -= n64;
                Ok(n)
            }
            Err(error) if error.raw_os_error().is_some() || error.kind() == io::ErrorKind::Interrupted => {
                Err(error)
            }
            Err(error) => Err(io::Error::other(Stop::Damaged(error.to_string()))),
        }
    }
}

/// A failed read, as an error of the file or of the machine.
pub(super) fn explain(path: &Path, source: io::Error) -> Error {
    let path = path.to_owned();
    match source.get_ref().and_then(|inner| inner.downcast_ref::<Stop>()) {
        Some(Stop::TooLarge(limit)) => Error::TooLarge { path, limit: *limit },
        Some(Stop::Damaged(message)) => Error::Compressed { path, message: message.clone() },
        None => Error::Io { path, source },
    }
}

/// Appends the rest of the line with its line break; whether there was one.
pub(super) fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    let start = line.len();
    let read = reader.by_ref().take(MAX_RECORD as u64 + 1).read_until(b'\n', line)?;
    Ok(match line.last() {
        _ if read == 0 => Line::End,
        Some(b'\n') => Line::Whole,
        _ if line.len() - start > MAX_RECORD => Line::TooLong,
        _ => Line::Unfinished,
    })
}

/// How a line ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// There is none.
    End,
    /// With a line break.
    Whole,
    /// With the file.
    Unfinished,
    /// Not within [`MAX_RECORD`] bytes.
    TooLong,
}
