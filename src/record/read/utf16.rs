//! Text in UTF-16, as some shells and spreadsheets write it, as UTF-8.

use std::io::{self, Read};

/// Bytes that are decoded at once.
const CHUNK: usize = 1 << 14;

/// Decodes what a reader gives, its byte-order mark left out; what is no character becomes U+FFFD.
pub(super) struct Utf16<R> {
    inner: R,
    big_endian: bool,
    begun: bool,
    /// Bytes that wait for the rest of their character.
    rest: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    ended: bool,
}

impl<R: Read> Utf16<R> {
    pub fn new(inner: R, big_endian: bool) -> Self {
        let (rest, text) = (Vec::new(), Vec::new());
        Self { inner, big_endian, begun: false, rest, text, at: 0, ended: false }
    }

    fn fill(&mut self) -> io::Result<()> {
        let known = self.rest.len();
        self.rest.resize(known + CHUNK, 0);
        let read = self.inner.read(self.rest.get_mut(known..).unwrap_or_default());
        self.rest.truncate(known + read.as_ref().copied().unwrap_or_default());
        self.ended = read? == 0;
        let unit = |pair: &[u8; 2]| match self.big_endian {
            true => u16::from_be_bytes(*pair),
            false => u16::from_le_bytes(*pair),
        };
        let mut units: Vec<u16> = self.rest.as_chunks::<2>().0.iter().map(unit).collect();
        // The first half of a pair waits for the second.
        if !self.ended && units.last().is_some_and(|unit| (0xd800..0xdc00).contains(unit)) {
            units.pop();
        }
        self.rest.drain(..2 * units.len());
        let decoded = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
        let text: String = decoded.collect();
        let begins = !self.begun;
        self.begun |= !text.is_empty();
        self.text.clear();
        self.text.extend_from_slice(
            if begins { text.strip_prefix('\u{feff}').unwrap_or(&text) } else { &text }.as_bytes(),
        );
        self.at = 0;
        Ok(())
    }
}

impl<R: Read> Read for Utf16<R> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() && !self.ended {
            self.fill()?;
        }
        let there = self.text.get(self.at..).unwrap_or_default();
        let n = there.len().min(bytes.len());
        if let (Some(to), Some(from)) = (bytes.get_mut(..n), there.get(..n)) {
            to.copy_from_slice(from);
        }
        self.at += n;
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives so many bytes at a time.
    struct Slow<'a>(&'a [u8], usize);

    impl Read for Slow<'_> {
        fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
            let n = self.1.min(self.0.len()).min(bytes.len());
            bytes[..n].copy_from_slice(&self.0[..n]);
            self.0 = &self.0[n..];
            Ok(n)
        }
    }

    #[test]
    fn both_orders_of_bytes_are_decoded_however_they_come() {
        let text = "\u{feff}step,reward\n1,é\u{1f600}\u{feff}2\n".repeat(3);
        for big_endian in [false, true] {
            let bytes = |unit: u16| if big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() };
            let encoded: Vec<u8> = text.encode_utf16().flat_map(bytes).collect();
            for n in [1, 2, 3, 7, 1 << 20] {
                let mut found = String::new();
                Utf16::new(Slow(&encoded, n), big_endian).read_to_string(&mut found).unwrap();
                assert_eq!(found, text.strip_prefix('\u{feff}').unwrap());
            }
        }
        let mut found = String::new();
        Utf16::new(&b"\xff\xfea\0\x00\xd8"[..], false).read_to_string(&mut found).unwrap();
        assert_eq!(found, "a\u{fffd}", "half of a pair at the end");
    }
}
