//! Cuts a text into the records of a CSV file (RFC 4180): blocks of whole records, and the cells of one.
//!
//! Records without a quote, as nearly all are, are cut into their cells in the same pass that finds their end; the others are read
//! quote by quote.

use super::csv_signs::{Sign, Signs};
use super::source::{MAX_RECORD, Source};
use memchr::{memchr, memchr_iter, memchr2, memchr3};
use std::io::{self, Read};
use std::ops::Range;

/// Bytes of a block, unless a record is longer.
const BLOCK_BYTES: usize = 1 << 18;

/// One record of a block.
#[derive(Debug, Clone, Copy)]
pub(super) struct Span {
    start: u32,
    end: u32,
    /// Lines from the first of the block to that of the record.
    pub line: u32,
    /// Its cells among the block's, where it has no quote.
    first_cell: u32,
    cells: u32,
    pub quoted: bool,
    /// Whether it ends with the file and not with a line.
    pub last: bool,
    /// Whether a quote is open where it ends.
    pub open: bool,
}

/// Whole records, one after the other; blank lines are passed over.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// Room for bytes, of which the first are read.
    bytes: Vec<u8>,
    filled: usize,
    pub spans: Vec<Span>,
    /// Where the cells of records without a quote end.
    ends: Vec<u32>,
    /// Line of the first byte, from 1.
    pub line: u64,
}

impl Block {
    /// The bytes of a record without its line break.
    pub fn record(&self, span: &Span) -> &[u8] {
        self.bytes.get(span.start as usize..span.end as usize).unwrap_or_default()
    }

    /// The bytes of a cell of a record without a quote.
    #[inline]
    fn cell(&self, span: &Span, index: usize) -> Option<&[u8]> {
        let first = span.first_cell as usize;
        let ends = self.ends.get(first..first + span.cells as usize)?;
        let end = *ends.get(index)? as usize;
        let start = index.checked_sub(1).map_or(span.start as usize, |before| ends[before] as usize + 1);
        self.bytes.get(start..end)
    }
}

/// Why there is no next block.
#[derive(Debug)]
pub(super) enum Stop {
    Io(io::Error),
    /// A record of more than [`MAX_RECORD`] bytes begins on this line.
    TooLong(u64),
}

/// Cuts blocks out of a text.
pub(super) struct Splitter {
    reader: Source,
    pub delimiter: u8,
    /// The beginning of the next block.
    rest: Vec<u8>,
    line: u64,
    ended: bool,
}

impl Splitter {
    /// `line`: that of the next byte, from 1.
    pub fn new(reader: Source, delimiter: u8, line: u64) -> Self {
        Self { reader, delimiter, rest: Vec::new(), line, ended: false }
    }

    /// Fills a block; whether there is a record in it.
    pub fn fill(&mut self, block: &mut Block) -> Result<bool, Stop> {
        block.spans.clear();
        self.begin(block);
        // As much as the source's buffer holds, so that bytes are read in their place.
        let mut target = BLOCK_BYTES + block.filled;
        loop {
            self.read(block, target).map_err(Stop::Io)?;
            let bytes = block.bytes.get(..block.filled).unwrap_or_default();
            let (end, lines) = cut(bytes, self.delimiter, self.ended, &mut block.spans, &mut block.ends);
            if end == 0 && !self.ended {
                if block.filled > MAX_RECORD {
                    return Err(Stop::TooLong(self.line));
                }
                target *= 2;
                continue;
            }
            self.rest.clear();
            self.rest.extend_from_slice(bytes.get(end..).unwrap_or_default());
            self.line += u64::from(lines);
            if block.spans.is_empty() && !self.ended {
                // Blank lines only.
                self.begin(block);
                continue;
            }
            return Ok(!block.spans.is_empty());
        }
    }

    /// Begins a block with what the one before left.
    fn begin(&self, block: &mut Block) {
        let rest = self.rest.len();
        block.bytes.resize(block.bytes.len().max(rest), 0);
        block.bytes[..rest].copy_from_slice(&self.rest);
        (block.filled, block.line) = (rest, self.line);
    }

    fn read(&mut self, block: &mut Block, target: usize) -> io::Result<()> {
        if block.bytes.len() < target {
            block.bytes.resize(target, 0);
        }
        // A little room is left: to fill it, bytes would have to be copied through the source's buffer, then and for ever after.
        while !self.ended
            && let Some(space) = block.bytes.get_mut(block.filled..target)
            && 8 * space.len() > BLOCK_BYTES
        {
            match self.reader.read(space) {
                Ok(0) => self.ended = true,
                Ok(n) => block.filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Finds the whole records and the cells of those without a quote; returns where they end, and the lines up to there.
fn cut(bytes: &[u8], delimiter: u8, ended: bool, spans: &mut Vec<Span>, ends: &mut Vec<u32>) -> (usize, u32) {
    spans.clear();
    ends.clear();
    let (mut start, mut line, mut first) = (0, 0, 0);
    let mut signs = Signs::new(bytes, 0, delimiter);
    while start < bytes.len() {
        let (mut length, mut quoted, mut open) = (None, false, false);
        for (at, sign) in signs.by_ref() {
            match sign {
                Sign::Delimiter => {
                    ends.push(at as u32);
                    continue;
                }
                Sign::Line => length = Some(at - start),
                Sign::Quote => {
                    ends.truncate(first);
                    quoted = true;
                    match end_of_quoted(&bytes[start..], delimiter) {
                        Ok(at) => length = Some(at),
                        Err(is_open) => open = is_open,
                    }
                }
            }
            break;
        }
        let last = length.is_none();
        if last && !ended {
            ends.truncate(first);
            break;
        }
        let length = length.unwrap_or(bytes.len() - start);
        let text = &bytes[start..start + length];
        let text = text.strip_suffix(b"\r").unwrap_or(text);
        let end = start + text.len();
        if !text.is_empty() {
            if !quoted {
                ends.push(end as u32);
            }
            let cells = (ends.len() - first) as u32;
            let (start, end, first_cell) = (start as u32, end as u32, first as u32);
            spans.push(Span { start, end, line, first_cell, cells, quoted, last, open });
        }
        first = ends.len();
        line += 1 + if quoted { memchr_iter(b'\n', text).count() as u32 } else { 0 };
        start += length + usize::from(!last);
        if quoted {
            signs = Signs::new(bytes, start, delimiter);
        }
    }
    (start, line)
}

/// Where a record with quotes ends; else whether a quote is open.
fn end_of_quoted(bytes: &[u8], delimiter: u8) -> Result<usize, bool> {
    let (mut at, mut fresh) = (0, true);
    loop {
        if fresh && bytes.get(at) == Some(&b'"') {
            at = end_of_quote(bytes, at).ok_or(true)?;
            fresh = false;
            continue;
        }
        let rest = bytes.get(at..).unwrap_or_default();
        match memchr2(delimiter, b'\n', rest) {
            Some(found) if rest[found] == b'\n' => return Ok(at + found),
            Some(found) => (at, fresh) = (at + found + 1, true),
            None => return Err(false),
        }
    }
}

/// The place after the quote that closes the one at `at`.
fn end_of_quote(bytes: &[u8], at: usize) -> Option<usize> {
    let mut at = at + 1;
    loop {
        at += memchr(b'"', bytes.get(at..)?)? + 1;
        match bytes.get(at) {
            Some(b'"') => at += 1,
            _ => return Some(at),
        }
    }
}

/// The cells of one record: as its block has them, or as places in what was unquoted.
#[derive(Debug, Default)]
pub(super) struct Cells {
    ranges: Vec<Range<usize>>,
    unquoted: Vec<u8>,
    /// Cells in all.
    pub count: usize,
}

impl Cells {
    /// Finds the cells of a record.
    pub fn cut(&mut self, block: &Block, span: &Span, delimiter: u8) {
        if span.quoted {
            self.cut_quoted(block.record(span), delimiter);
        } else {
            self.count = span.cells as usize;
        }
    }

    /// Cuts all cells out of a record that may have quotes.
    pub fn cut_quoted(&mut self, record: &[u8], delimiter: u8) {
        self.ranges.clear();
        self.unquoted.clear();
        let mut at = 0;
        loop {
            let start = self.unquoted.len();
            if record.get(at) == Some(&b'"') {
                at += 1;
                loop {
                    let rest = record.get(at..).unwrap_or_default();
                    // A quote that nothing closes reaches to the end.
                    let length = memchr(b'"', rest).unwrap_or(rest.len());
                    self.unquoted.extend_from_slice(&rest[..length]);
                    at += length + 1;
                    if record.get(at) != Some(&b'"') {
                        break;
                    }
                    self.unquoted.push(b'"');
                    at += 1;
                }
            }
            // What follows a closing quote belongs to the cell, as most readers have it.
            let rest = record.get(at..).unwrap_or_default();
            let length = memchr(delimiter, rest).unwrap_or(rest.len());
            self.unquoted.extend_from_slice(&rest[..length]);
            self.ranges.push(start..self.unquoted.len());
            at += length + 1;
            if at > record.len() {
                break;
            }
        }
        self.count = self.ranges.len();
    }

    /// All cells that [`Cells::cut_quoted`] found.
    pub fn all(&self) -> Vec<Vec<u8>> {
        self.ranges
            .iter()
            .map(|range| self.unquoted.get(range.clone()).unwrap_or_default().to_vec())
            .collect()
    }

    /// The bytes of a cell.
    #[inline]
    pub fn get<'a>(&'a self, block: &'a Block, span: &Span, index: usize) -> Option<&'a [u8]> {
        if span.quoted { self.unquoted.get(self.ranges.get(index)?.clone()) } else { block.cell(span, index) }
    }
}

/// The delimiter that a header names most often outside of quotes: comma, semicolon, tab or bar.
pub(super) fn delimiter(header: &[u8]) -> u8 {
    let mut counts = [(b',', 0), (b';', 0), (b'\t', 0), (b'|', 0)];
    let mut at = 0;
    while let Some(rest) = header.get(at..).filter(|rest| !rest.is_empty()) {
        if rest[0] == b'"' {
            at = end_of_quote(header, at).unwrap_or(header.len());
            continue;
        }
        if let Some((_, count)) = counts.iter_mut().find(|(byte, _)| *byte == rest[0]) {
            *count += 1;
        }
        at += match memchr3(b',', b';', b'\t', &rest[1..])
            .into_iter()
            .chain(memchr2(b'|', b'"', &rest[1..]))
            .min()
        {
            Some(next) => next + 1,
            None => rest.len(),
        };
    }
    let most = counts.iter().map(|(_, count)| *count).max().unwrap_or(0);
    counts.iter().find(|(_, count)| *count == most).map_or(b',', |(byte, _)| *byte)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    /// All cells of a text, and the lines of its records.
    fn read(text: &[u8]) -> (Vec<Vec<Vec<u8>>>, Vec<u64>) {
        let source: Box<dyn Read + Send> = Box::new(Cursor::new(text.to_vec()));
        let mut splitter = Splitter::new(BufReader::with_capacity(7, source), b',', 1);
        let (mut block, mut cells) = (Block::default(), Cells::default());
        let (mut records, mut lines) = (Vec::new(), Vec::new());
        while splitter.fill(&mut block).unwrap() {
            for span in &block.spans {
                cells.cut(&block, span, b',');
                records
                    .push((0..cells.count).map(|i| cells.get(&block, span, i).unwrap().to_vec()).collect());
                lines.push(block.line + u64::from(span.line));
            }
        }
        (records, lines)
    }

    /// The same by the csv crate.
    fn oracle(text: &[u8]) -> Vec<Vec<Vec<u8>>> {
        let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text);
        reader.byte_records().map(|record| record.unwrap().iter().map(<[u8]>::to_vec).collect()).collect()
    }

    #[test]
    fn records_and_cells_are_those_of_the_csv_crate() {
        let mut random = 0x9e37_79b9_7f4a_7c15_u64;
        let pieces = ["a", "\"", "\"\"", ",", "\n", "\r\n", "bc", "\",\"", "\"\n", "1.5", " "];
        for _ in 0..20_000 {
            let mut text = String::new();
            for _ in 0..random % 14 {
                random ^= random << 13;
                random ^= random >> 7;
                random ^= random << 17;
                text.push_str(pieces[(random >> 20) as usize % pieces.len()]);
            }
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            assert_eq!(read(text.as_bytes()).0, oracle(text.as_bytes()), "{text:?}");
        }
    }

    #[test]
    fn lines_are_counted_as_editors_do() {
        assert_eq!(read(b"a\n\n\"b\nc\"\nd").1, [1, 3, 5]);
        let long = format!("{}\nx\n", "y".repeat(3 * BLOCK_BYTES));
        assert_eq!(read(long.as_bytes()).1, [1, 2]);
    }

    #[test]
    fn the_delimiter_is_the_commonest_in_the_header() {
        for (header, expected) in [
            ("a,b;c,d", b','),
            ("a;b", b';'),
            ("a\tb,c\td", b'\t'),
            ("a|b", b'|'),
            ("a", b','),
            ("\"a,b,c\";d", b';'),
        ] {
            assert_eq!(delimiter(header.as_bytes()), expected, "{header}");
        }
    }
}
