//! CSV with a header: commas, semicolons, tabs or bars between the cells, told by the header. A byte-order mark and CRLF are
//! accepted, quoted cells may span lines, and so is the line `#{…}` before the header of a `monitor.csv`. A header that comes again, as
//! where a resumed run went on with the file, is no row.
//!
//! One thread cuts the file into records, another reads the numbers in them: the rows come in their order all the same.

use super::cell::{Cell, Column, Counts, Kind, SAMPLE};
use super::csv_split::{Block, Cells, Splitter, Stop, delimiter};
use super::error::{Error, Place};
use super::names::{COMPLETION, PROMPT, PROXY, STEP, is_named};
use super::part::Extent;
use super::present::Present;
use super::row::Row;
use super::source::{self, Line, MAX_RECORD};
use super::spool;
use super::unfold::Unfold;
use std::borrow::Cow;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

/// The columns, judged by the first rows, and how many these are.
pub(super) fn columns(path: &Path, extent: Extent) -> Result<(Present, usize), Error> {
    let Opened { mut splitter, header, .. } = open(path, &extent)?;
    let (mut block, mut cells) = (Block::default(), Cells::default());
    let mut sample: Vec<Vec<Vec<u8>>> = Vec::new();
    while sample.len() < SAMPLE && splitter.fill(&mut block).map_err(|stop| explain(path, 0, stop))? {
        for span in block.spans.iter().take(SAMPLE - sample.len()) {
            cells.cut(&block, span, splitter.delimiter);
            let cell = |i| cells.get(&block, span, i).unwrap_or_default().to_vec();
            let cells: Vec<Vec<u8>> = (0..header.len()).map(cell).collect();
            if !header.iter().zip(&cells).all(|(name, cell)| name.as_bytes() == cell) {
                sample.push(cells);
            }
        }
    }
    let all = || sample.iter().flatten();
    let decimal_comma = splitter.delimiter != b','
        && all().any(|cell| has_decimal(cell, b','))
        && !all().any(|cell| has_decimal(cell, b'.'))
        && !all().filter(|cell| has_decimal(cell, b',')).all(|cell| may_be_thousands(cell));
    let column = |name: &String| Column {
        name: name.clone(),
        kind: Kind::Empty,
        whole: true,
        counts: Counts::Otherwise,
    };
    let mut columns: Vec<Column> = header.iter().map(column).collect();
    for row in &sample {
        for (column, cell) in columns.iter_mut().zip(row) {
            let cell = value(cell, decimal_comma);
            column.kind = column.kind.and(cell.kind());
            column.whole &= cell.is_whole();
        }
    }
    Ok((Present { columns, unfold: Unfold::One, means: false, extent, decimal_comma }, sample.len()))
}

/// Whether a cell is digits with this byte between whole and fraction.
fn has_decimal(cell: &[u8], point: u8) -> bool {
    let digits = mantissa(cell.strip_prefix(b"-").unwrap_or(cell));
    let mut parts = digits.split(|byte| *byte == point);
    let is_digits =
        |part: Option<&[u8]>| part.is_some_and(|p| !p.is_empty() && p.iter().all(u8::is_ascii_digit));
    is_digits(parts.next()) && is_digits(parts.next()) && parts.next().is_none()
}

/// A number without its exponent.
fn mantissa(number: &[u8]) -> &[u8] {
    let Some((digits, exponent)) = number
        .iter()
        .position(|byte| byte.eq_ignore_ascii_case(&b'e'))
        .and_then(|at| number.split_at_checked(at))
    else {
        return number;
    };
    let exponent = exponent.get(1..).unwrap_or_default();
    let power = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
    if !power.is_empty() && power.iter().all(u8::is_ascii_digit) { digits } else { number }
}

/// Whether the comma of such a cell may stand between thousands: three digits after it, and up to three before that begin with no 0.
fn may_be_thousands(cell: &[u8]) -> bool {
    let digits = cell.strip_prefix(b"-").unwrap_or(cell);
    let mut parts = digits.split(|byte| *byte == b',');
    let whole = parts.next().is_some_and(|part| part.len() <= 3 && part.first() != Some(&b'0'));
    whole && parts.next().is_some_and(|part| part.len() == 3)
}

#[inline]
fn value(bytes: &[u8], decimal_comma: bool) -> Cell<'_> {
    match bytes {
        _ if decimal_comma && has_decimal(bytes, b',') => {
            Cell::Text(Cow::Owned(String::from_utf8_lossy(bytes).replace(',', ".")))
        }
        _ => Cell::Bytes(bytes),
    }
}

/// Visits every row with the cells of the `wanted` columns. Returns the place of an unfinished last row, which is left out.
pub(super) fn scan(
    path: &Path,
    present: &Present,
    wanted: &[&str],
    visit: &mut dyn FnMut(&Row<'_>) -> Result<(), Error>,
) -> Result<Option<Place>, Error> {
    let Opened { mut splitter, header, .. } = open(path, &present.extent)?;
    let mut index = Vec::with_capacity(wanted.len());
    for name in wanted {
        let mut found = header.iter().enumerate().filter(|(_, h)| h == name).map(|(i, _)| i);
        match (found.next(), found.next()) {
            (Some(i), None) => index.push(i),
            (Some(_), Some(_)) => {
                return Err(Error::RepeatedColumn { path: path.to_owned(), column: (*name).to_owned() });
            }
            (None, _) => {
                let column = (*name).to_owned();
                return Err(Error::MissingColumn { path: path.to_owned(), column, columns: header });
            }
        }
    }
    let of_numbers = present.columns.iter().enumerate().filter(|(_, column)| column.kind == Kind::Number);
    let numbers: Vec<usize> = of_numbers.map(|(i, _)| i).collect();
    let (delimiter, expected) = (splitter.delimiter, header.len());
    let before = present.extent.rows();
    let (mut row, mut cells, mut unfinished) = (before, Cells::default(), None);
    let stopped = in_blocks(&mut splitter, &mut |block| {
        for span in &block.spans {
            cells.cut(block, span, delimiter);
            let line = Some(block.line + u64::from(span.line));
            let place = || Place { file: path.to_owned(), line, row };
            // Without a quote a record is one line.
            if span.quoted
                && let Some(lines) = swallowed(block.record(span), delimiter, expected, &numbers)
            {
                return Err(Error::OpenQuote { place: place(), lines });
            }
            if span.last && (span.open || cells.count < expected) {
                unfinished = Some(place());
                break;
            }
            if cells.count != expected {
                return Err(Error::Ragged {
                    place: place(),
                    found: cells.count as u64,
                    expected: expected as u64,
                });
            }
            let is_name = |column: usize| {
                cells.get(block, span, column) == header.get(column).map(|name| name.as_bytes())
            };
            if !index.is_empty() && index.iter().all(|column| is_name(*column)) {
                row += 1;
                continue;
            }
            let cell = |i: usize| match index.get(i).and_then(|&column| cells.get(block, span, column)) {
                Some(bytes) => value(bytes, present.decimal_comma),
                None => Cell::Missing,
            };
            visit(&Row { row, line, file: path, cell: &cell })?;
            row += 1;
        }
        Ok(())
    })?;
    if let Some(stop) = stopped {
        return Err(explain(path, row, stop));
    }
    match (row - before, &unfinished) {
        (0, None) => Err(Error::Empty { path: path.to_owned(), what: "a header and no row" }),
        (0, Some(_)) => Err(Error::Empty { path: path.to_owned(), what: "a header and no complete row" }),
        _ => Ok(unfinished),
    }
}

/// The lines of a record that looks like many: nearly each of them has as many cells as the header, and numbers where it has numbers.
fn swallowed(record: &[u8], delimiter: u8, cells: usize, numbers: &[usize]) -> Option<usize> {
    const FEWEST: usize = 20;
    if cells < 2 || numbers.is_empty() {
        return None;
    }
    let lines = || record.split(|byte| *byte == b'\n');
    let count = memchr::memchr_iter(b'\n', record).count() + 1;
    if count < FEWEST {
        return None;
    }
    let is_row = |line: &&[u8]| {
        let found: Vec<&[u8]> = line.split(|byte| *byte == delimiter).collect();
        let number =
            |i: &usize| found.get(*i).is_some_and(|cell| Cell::Bytes(cell.trim_ascii()).parse().is_ok());
        found.len() == cells && numbers.iter().all(number)
    };
    let alike = lines().filter(is_row).count();
    (10 * alike >= 9 * count).then_some(count)
}

/// Visits the blocks of a file, which another thread cuts, or this one where the system gives no other; why there are no more, if that
/// is not the file's end.
fn in_blocks(
    splitter: &mut Splitter,
    visit: &mut dyn FnMut(&Block) -> Result<(), Error>,
) -> Result<Option<Stop>, Error> {
    let (send, receive) = sync_channel::<Result<Block, Stop>>(BLOCKS);
    // A channel that never fills up: there are no more blocks than places.
    let (give_back, emptied) = sync_channel::<Block>(BLOCKS + 2);
    let apart = std::thread::scope(|scope| {
        let splitter = &mut *splitter;
        let cut = move || split(splitter, &send, &emptied);
        std::thread::Builder::new().spawn_scoped(scope, cut).ok()?;
        for block in receive {
            match block {
                Ok(block) => match visit(&block) {
                    Ok(()) => drop(give_back.try_send(block)),
                    Err(refused) => return Some(Err(refused)),
                },
                Err(stop) => return Some(Ok(Some(stop))),
            }
        }
        Some(Ok(None))
    });
    if let Some(done) = apart {
        return done;
    }
    let mut block = Block::default();
    loop {
        match splitter.fill(&mut block) {
            Ok(true) => visit(&block)?,
            Ok(false) => return Ok(None),
            Err(stop) => return Ok(Some(stop)),
        }
    }
}

/// Blocks on their way.
const BLOCKS: usize = 8;

/// Cuts the file until it ends or no one listens.
fn split(splitter: &mut Splitter, send: &SyncSender<Result<Block, Stop>>, emptied: &Receiver<Block>) {
    loop {
        let mut block = emptied.try_recv().unwrap_or_default();
        let filled = splitter.fill(&mut block);
        let sent = match filled {
            Ok(true) => send.send(Ok(block)),
            Ok(false) => return,
            Err(stop) => {
                let _ = send.send(Err(stop));
                return;
            }
        };
        if sent.is_err() {
            return;
        }
    }
}

/// A file of which the header was read.
struct Opened {
    splitter: Splitter,
    header: Vec<String>,
    /// Bytes and lines up to its end.
    bytes: u64,
    lines: u64,
}

fn open(path: &Path, extent: &Extent) -> Result<Opened, Error> {
    let mut reader = spool::open(path, extent)?;
    let (mut text, mut line, mut start, mut bytes) = (Vec::new(), 0, 0, 0);
    let place = |line| Place { file: path.to_owned(), line: Some(line), row: 0 };
    // The header, over several lines where a name holds a line break.
    loop {
        let known = text.len();
        let how = source::read_line(&mut reader, &mut text).map_err(|e| source::explain(path, e))?;
        bytes += (text.len() - known) as u64;
        line += 1;
        if how == Line::TooLong || text.len() > MAX_RECORD {
            return Err(Error::TooLong { place: place(line), limit: MAX_RECORD });
        }
        if line == 1 {
            // Twice, where a file with a mark was saved with one again.
            while text.get(start..).is_some_and(|rest| rest.starts_with(b"\xef\xbb\xbf")) {
                start += 3;
            }
        }
        let header = text.get(start..).unwrap_or_default();
        if how == Line::End {
            if header.trim_ascii().is_empty() {
                return Err(Error::Empty { path: path.to_owned(), what: "not even a header" });
            }
            break;
        }
        if header.trim_ascii().is_empty() || is_no_header(header) {
            text.clear();
            start = 0;
            continue;
        }
        if header.iter().filter(|byte| **byte == b'"').count() % 2 == 0 {
            break;
        }
    }
    let header = text.get(start..).unwrap_or_default();
    let header = header.strip_suffix(b"\n").unwrap_or(header);
    let header = header.strip_suffix(b"\r").unwrap_or(header);
    if header.contains(&b'\r') && !header.contains(&b'\n') && !header.contains(&b'"') {
        return Err(Error::CarriageReturns { path: path.to_owned() });
    }
    let delimiter = delimiter(header);
    let mut names = Vec::new();
    for name in csv_names(header, delimiter) {
        names.push(
            String::from_utf8(name).map_err(|_| Error::NotUtf8 { place: place(line) })?.trim().to_owned(),
        );
    }
    if let Some(first) = number_of_row(&names) {
        return Err(Error::NoHeader { path: path.to_owned(), first: first.clone() });
    }
    let splitter = Splitter::new(reader, delimiter, line + 1 + extent.lines());
    Ok(Opened { splitter, header: names, bytes, lines: line })
}

/// The number that shows that the first line is a row: all are numbers, or one has a fraction and none is a name that is known.
fn number_of_row(names: &[String]) -> Option<&String> {
    let number = |name: &&String| name.parse::<f64>().is_ok();
    if names.iter().all(|name| number(&name)) {
        return names.first();
    }
    let is_known = |name: &String| {
        [PROXY, STEP, PROMPT, COMPLETION].iter().any(|known| known.iter().any(|known| is_named(name, known)))
    };
    let has_fraction = |name: &&String| name.parse::<f64>().is_ok_and(|x| x.is_finite() && x.fract() != 0.0);
    if names.iter().any(is_known) { None } else { names.iter().find(has_fraction) }
}

/// Whether a line stands before the header: what a `monitor.csv` says of itself, a remark, the separator as spreadsheets write it.
fn is_no_header(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    // A name alone may be that of the one column.
    let words = line.split(u8::is_ascii_whitespace).filter(|word| *word != b"#").count();
    let remark = line.starts_with(b"#") && words != 1 && !line.iter().any(|byte| b",;\t|".contains(byte));
    line.starts_with(b"#{") || remark || (line.len() <= 5 && line.to_ascii_lowercase().starts_with(b"sep="))
}

/// Bytes and lines of the header, with what stands before it.
pub(super) fn header_of(path: &Path, limit: u64) -> Result<(u64, u64), Error> {
    let Opened { bytes, lines, .. } = open(path, &Extent::whole(limit))?;
    Ok((bytes, lines))
}

fn csv_names(header: &[u8], delimiter: u8) -> Vec<Vec<u8>> {
    let mut cells = Cells::default();
    cells.cut_quoted(header, delimiter);
    cells.all()
}

fn explain(path: &Path, row: usize, stop: Stop) -> Error {
    match stop {
        Stop::Io(error) => source::explain(path, error),
        Stop::TooLong(line) => {
            let place = Place { file: path.to_owned(), line: Some(line), row };
            Error::TooLong { place, limit: MAX_RECORD }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_digits_after_a_comma_may_be_thousands() {
        for cell in ["1,234", "-987,000", "12,345"] {
            assert!(may_be_thousands(cell.as_bytes()), "{cell}");
        }
        for cell in ["0,234", "1,23", "1234,567", "1,2345"] {
            assert!(!may_be_thousands(cell.as_bytes()), "{cell}");
        }
    }

    #[test]
    fn a_decimal_comma_may_have_an_exponent() {
        for cell in ["3,5", "-3,5e-05", "0,1E+3", "1,25e7"] {
            assert!(has_decimal(cell.as_bytes(), b','), "{cell}");
        }
        for cell in ["3,5e", "3,5e-", "3,5ex", "e5", "3e5", "3,5,1e2"] {
            assert!(!has_decimal(cell.as_bytes(), b','), "{cell}");
        }
    }

    #[test]
    fn remarks_and_separators_stand_before_a_header() {
        for line in ["# made by x", "#{\"t_start\": 1, \"env\": 2}", "sep=;", "SEP=,\r", "#"] {
            assert!(is_no_header(line.as_bytes()), "{line}");
        }
        for line in ["#step,reward", "# reward", "step;reward", "sep", "separator=1"] {
            assert!(!is_no_header(line.as_bytes()), "{line}");
        }
    }

    #[test]
    fn rows_within_an_open_quote_are_no_cell() {
        let row = b"7,text,0.5\n";
        let open = [b"6,\"text,0.5\n".as_slice(), &row.repeat(30)].concat();
        assert_eq!(swallowed(&open, b',', 3, &[0, 2]), Some(32));
        assert_eq!(swallowed(&open, b';', 3, &[0, 2]), None);
        assert_eq!(swallowed(&open, b',', 3, &[1]), None, "no numbers there");
        let few = [b"6,\"text,0.5\n".as_slice(), &row.repeat(9)].concat();
        assert_eq!(swallowed(&few, b',', 3, &[0, 2]), None, "few lines");
        let code = b"for a, b in x:\n    f(a)\n".repeat(30);
        assert_eq!(swallowed(&code, b',', 2, &[1]), None, "half of the lines of a text");
    }
}
