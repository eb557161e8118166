//! A column of numbers of which few stay in memory.

use crate::record::Error;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use tempfile::SpooledTempFile;

/// Bytes that stay in memory.
const IN_MEMORY: usize = 8 << 20;
const WORD: usize = size_of::<f64>();

/// Numbers that are written one after the other and read back a stretch at a time; what does not fit into 8 MiB goes to a temporary
/// file.
pub(super) struct Spilled {
    file: SpooledTempFile,
    bytes: Vec<u8>,
}

impl Spilled {
    pub fn new() -> Self {
        Self { file: SpooledTempFile::new(IN_MEMORY), bytes: Vec::new() }
    }

    /// Appends numbers; nothing was read yet.
    pub fn push(&mut self, values: &[f64]) -> Result<(), Error> {
        self.bytes.clear();
        self.bytes.extend(values.iter().flat_map(|value| value.to_le_bytes()));
        self.file.write_all(&self.bytes).map_err(|source| Error::Spool { source })
    }

    /// Reads some of them into `values`, in the place of what it holds.
    pub fn read(&mut self, places: Range<usize>, values: &mut Vec<f64>) -> Result<(), Error> {
        self.bytes.resize(places.len() * WORD, 0);
        let start = SeekFrom::Start((places.start * WORD) as u64);
        let read = self.file.seek(start).and_then(|_| self.file.read_exact(&mut self.bytes));
        read.map_err(|source| Error::Spool { source })?;
        values.clear();
        values.extend(self.bytes.as_chunks::<WORD>().0.iter().map(|word| f64::from_le_bytes(*word)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_back_from_memory_and_from_a_file() {
        let value = |i: usize| (i as f64).sin();
        for n in [10, 2 * IN_MEMORY / WORD] {
            let mut column = Spilled::new();
            let all: Vec<f64> = (0..n).map(value).collect();
            all.chunks(4099).for_each(|part| column.push(part).unwrap());
            let mut read = vec![7.0];
            for places in [0..n, n - 3..n, 2..5, 4..4] {
                column.read(places.clone(), &mut read).unwrap();
                assert_eq!(read, all[places]);
            }
            assert!(column.read(n..n + 1, &mut read).is_err());
        }
    }
}
