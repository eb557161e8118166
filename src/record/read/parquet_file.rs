//! A file as the Parquet reader takes it. Its length is asked for once: the crate takes a length that the system does not tell for none,
//! and a log that cannot be looked at would be one that is cut off.

use bytes::Bytes;
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};
use std::fs::File;
use std::io;

/// A file and its length.
pub(super) struct Measured {
    file: File,
    length: u64,
}

impl Measured {
    /// The file as it is now.
    ///
    /// # Errors
    /// The system does not tell its length.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self { file, length })
    }
}

impl Length for Measured {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Measured {
    type T = <File as ChunkReader>::T;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.file.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.file.get_bytes(start, length)
    }
}
