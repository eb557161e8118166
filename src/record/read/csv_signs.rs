//! The places in a CSV text of what cuts it: delimiters, line breaks and quotes. They are as close as every tenth byte, where one search
//! after the other would mostly begin and end: 64 bytes are looked at together.

use wide::u8x16;

/// What cuts a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Delimiter,
    Line,
    Quote,
}

/// Bytes that are looked at together.
const CHUNK: usize = 64;

/// A bit for each byte of a chunk, from the lowest on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Masks {
    signs: u64,
    /// Of these the delimiters.
    delimiters: u64,
}

/// The signs of a text in their order, each with its place.
pub(super) struct Signs<'a> {
    bytes: &'a [u8],
    delimiter: u8,
    /// Where the chunk under way begins, and the one after it.
    chunk: usize,
    next: usize,
    /// Its signs that are still to come.
    masks: Masks,
}

impl<'a> Signs<'a> {
    /// Those from `start` on.
    pub fn new(bytes: &'a [u8], start: usize, delimiter: u8) -> Self {
        Self { bytes, delimiter, chunk: start, next: start, masks: Masks::default() }
    }
}

impl Iterator for Signs<'_> {
    type Item = (usize, Sign);

    #[inline]
    fn next(&mut self) -> Option<(usize, Sign)> {
        while self.masks.signs == 0 {
            let rest = self.bytes.get(self.next..)?;
            (self.chunk, self.next) = (self.next, self.next + CHUNK);
            self.masks = match rest.first_chunk() {
                Some(chunk) => masks(chunk, self.delimiter),
                None => {
                    let mut last = [0; CHUNK];
                    last[..rest.len()].copy_from_slice(rest);
                    masks(&last, self.delimiter)
                }
            };
        }
        let Masks { signs, delimiters } = self.masks;
        let lowest = signs.trailing_zeros();
        let place = self.chunk + lowest as usize;
        self.masks.signs = signs & (signs - 1);
        let sign = match delimiters >> lowest & 1 {
            1 => Sign::Delimiter,
            _ if self.bytes[place] == b'"' => Sign::Quote,
            _ => Sign::Line,
        };
        Some((place, sign))
    }
}

/// The signs of a chunk.
#[inline]
fn masks(chunk: &[u8; CHUNK], delimiter: u8) -> Masks {
    let [delimiter, line, quote] = [delimiter, b'\n', b'"'].map(u8x16::splat);
    let (sixteens, _) = chunk.as_chunks();
    let mut masks = Masks::default();
    for sixteen in sixteens.iter().rev() {
        let bytes = u8x16::new(*sixteen);
        let delimiters = bytes.simd_eq(delimiter);
        let signs = delimiters | bytes.simd_eq(line) | bytes.simd_eq(quote);
        masks.signs = masks.signs << 16 | u64::from(signs.to_bitmask());
        masks.delimiters = masks.delimiters << 16 | u64::from(delimiters.to_bitmask());
    }
    masks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_are_those_of_a_walk_over_the_bytes() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let pieces = [b'a', b'"', b',', b'\n', b';', 0xff, b'-', b'\r'];
        for length in 0..400 {
            let text: Vec<u8> = (0..length)
                .map(|_| {
                    random ^= random << 13;
                    random ^= random >> 7;
                    random ^= random << 17;
                    pieces[(random >> 20) as usize % pieces.len()]
                })
                .collect();
            let start = length / 7;
            let walked: Vec<(usize, Sign)> = (start..length)
                .filter_map(|at| match text[at] {
                    b',' => Some((at, Sign::Delimiter)),
                    b'\n' => Some((at, Sign::Line)),
                    b'"' => Some((at, Sign::Quote)),
                    _ => None,
                })
                .collect();
            assert_eq!(Signs::new(&text, start, b',').collect::<Vec<_>>(), walked, "{text:?}");
        }
    }
}
