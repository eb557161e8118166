//! Bytes that are hashed as they pass, so that a table is known again when it is read.

use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// What a file held when it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contents {
    /// Its length.
    pub bytes: u64,
    /// Its BLAKE3 hash.
    pub blake3: String,
}

/// A reader or a writer, and the hash of what passed through it.
#[derive(Debug)]
pub struct Checked<T> {
    inner: T,
    bytes: u64,
    hasher: blake3::Hasher,
}

impl<T> Checked<T> {
    /// Nothing has passed yet.
    pub fn new(inner: T) -> Self {
        Self { inner, bytes: 0, hasher: blake3::Hasher::new() }
    }

    /// What passed, and through what.
    pub fn finish(self) -> (T, Contents) {
        let blake3 = self.hasher.finalize().to_hex().to_string();
        (self.inner, Contents { bytes: self.bytes, blake3 })
    }

    fn pass(&mut self, bytes: &[u8]) {
        self.hasher.update(bytes);
        self.bytes += bytes.len() as u64;
    }
}

impl<R: Read> Checked<R> {
    /// Reads what is left, and says whether all of it is what was written.
    ///
    /// # Errors
    /// What the system says.
    pub fn is(mut self, contents: &Contents) -> io::Result<bool> {
        // What never ends is told by one byte too many.
        let rest = contents.bytes.saturating_sub(self.bytes).saturating_add(1);
        io::copy(&mut Read::by_ref(&mut self).take(rest), &mut io::sink())?;
        Ok(self.finish().1 == *contents)
    }
}

impl<R: Read> Read for Checked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.pass(buffer.get(..read).unwrap_or_default());
        Ok(read)
    }
}

impl<W: Write> Write for Checked<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.pass(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_written_is_known_again_and_nothing_else_is() {
        let mut written = Checked::new(Vec::new());
        written.write_all(b"arm,").unwrap();
        written.write_all(b"k\n").unwrap();
        let (text, contents) = written.finish();
        assert_eq!((contents.bytes, contents.blake3.len()), (6, 64));
        let is = |text: &[u8]| Checked::new(text).is(&contents).unwrap();
        assert!(is(&text));
        for other in [&b"arm,k"[..], b"arm,l\n", b"arm,k\n\n", b""] {
            assert!(!is(other), "{other:?}");
        }
        assert!(!Checked::new(io::repeat(b'a')).is(&contents).unwrap());
        // What was read before counts.
        let mut begun = Checked::new(&text[..]);
        begun.read_exact(&mut [0; 3]).unwrap();
        assert!(begun.is(&contents).unwrap());
    }
}
