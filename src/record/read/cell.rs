//! One cell of a log, whatever the format: absent, a number, a truth value, or text.

use super::error::{Error, Place};
use std::borrow::Cow;
use std::hash::Hasher as _;
use std::path::Path;
use twox_hash::XxHash64;

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing: an empty cell, a null, an absent key.
    Missing,
    /// A number that the format types as one.
    Number(f64),
    /// A truth value that the format types as one.
    Flag(bool),
    /// Anything else. Chat messages are their contents, line by line; other nested values their JSON.
    Text(Cow<'a, str>),
    /// Text as it stands in a file that need not be UTF-8.
    Bytes(&'a [u8]),
}

/// Why a cell is no number.
#[derive(Debug, Clone, PartialEq)]
enum NotANumber<'a> {
    Text(&'a str),
    NotUtf8,
}

/// What a column holds, judged by its first rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No value seen.
    Empty,
    /// Numbers only.
    Number,
    /// Anything else.
    Other,
}

/// A column of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    /// Its name; the keys of nested values are joined by `/`.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

impl Column {
    /// Whether `name` means this column; `.` may stand for `/`.
    pub fn answers(&self, name: &str) -> bool {
        self.name.len() == name.len()
            && self.name.bytes().zip(name.bytes()).all(|(a, b)| a == b || (a == b'/' && b == b'.'))
    }
}

/// Rows from which a text format's columns are judged.
pub(super) const SAMPLE: usize = 100;

impl Cell<'_> {
    /// The number that stands here (a truth value counts 0 or 1), `None` where nothing stands, or the text.
    fn parse(&self) -> Result<Option<f64>, NotANumber<'_>> {
        let bytes = match self {
            Cell::Missing => return Ok(None),
            Cell::Number(value) => return Ok(Some(*value)),
            Cell::Flag(value) => return Ok(Some(f64::from(u8::from(*value)))),
            Cell::Text(text) => text.as_bytes(),
            Cell::Bytes(bytes) => bytes,
        };
        if let Some(value) = plain_decimal(bytes) {
            return Ok(Some(value));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NotANumber::NotUtf8)?;
        match text.trim() {
            "" => Ok(None),
            "true" | "True" | "TRUE" => Ok(Some(1.0)),
            "false" | "False" | "FALSE" => Ok(Some(0.0)),
            trimmed => trimmed.parse().map(Some).map_err(|_| NotANumber::Text(text)),
        }
    }

    /// The number that stands here, finite or not, or `None`.
    pub fn number(&self) -> Option<f64> {
        self.parse().ok().flatten()
    }

    /// The text that stands here, or `None`.
    pub fn text(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Cell::Missing => None,
            Cell::Number(value) => Some(Cow::Owned(value.to_string().into_bytes())),
            Cell::Flag(value) => Some(Cow::Borrowed(if *value { b"true" } else { b"false" })),
            Cell::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
            Cell::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
        }
    }

    /// What this cell says of its column.
    pub fn kind(&self) -> Kind {
        match self {
            Cell::Missing => Kind::Empty,
            Cell::Number(_) => Kind::Number,
            Cell::Flag(_) => Kind::Other,
            Cell::Text(text) => Kind::of_text(text),
            Cell::Bytes(bytes) => Kind::of_text(&String::from_utf8_lossy(bytes)),
        }
    }
}

impl Kind {
    fn of_text(text: &str) -> Kind {
        match text.trim() {
            "" => Kind::Empty,
            trimmed if trimmed.parse::<f64>().is_ok() => Kind::Number,
            _ => Kind::Other,
        }
    }

    /// The kind of a column in which both stand.
    pub fn and(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Empty, kind) | (kind, Kind::Empty) => kind,
            (Kind::Number, Kind::Number) => Kind::Number,
            _ => Kind::Other,
        }
    }
}

/// One row while it is being read; cells are those that were asked for, in that order.
pub(super) struct Row<'a> {
    /// Row of data, from 0.
    pub row: usize,
    /// Line, from 1, where the format has lines.
    pub line: Option<u64>,
    /// The file.
    pub file: &'a Path,
    /// The cell of the i-th column that was asked for.
    pub cell: &'a dyn Fn(usize) -> Cell<'a>,
}

impl Row<'_> {
    /// Where this is.
    pub fn place(&self) -> Place {
        Place { file: self.file.to_owned(), line: self.line, row: self.row }
    }

    /// A finite number, `None` where the cell is empty, or the error that names the place.
    pub fn finite(&self, index: usize, column: &str) -> Result<Option<f64>, Error> {
        let cell = (self.cell)(index);
        match cell.parse() {
            Ok(Some(value)) if !value.is_finite() => {
                Err(Error::NotFinite { place: self.place(), column: column.to_owned(), value })
            }
            Ok(value) => Ok(value),
            Err(NotANumber::NotUtf8) => Err(Error::NotUtf8 { place: self.place() }),
            Err(NotANumber::Text(text)) => {
                let value = shortened(text);
                Err(Error::NotANumber { place: self.place(), column: column.to_owned(), value })
            }
        }
    }

    /// A number that names something: a whole number itself, anything else by a hash of its text.
    pub fn identity(&self, index: usize) -> u64 {
        let cell = (self.cell)(index);
        match (&cell, cell.number()) {
            (_, Some(value)) if value.fract() == 0.0 && (0.0..LARGEST_EXACT).contains(&value) => value as u64,
            _ => text_hash(&cell.text().unwrap_or_default()),
        }
    }

    /// A training step: a whole number, 0 or above.
    pub fn step(&self, index: usize, column: &str) -> Result<u64, Error> {
        let cell = (self.cell)(index);
        match cell.number() {
            Some(value) if value.fract() == 0.0 && (0.0..LARGEST_EXACT).contains(&value) => Ok(value as u64),
            _ => {
                let value = shortened(&String::from_utf8_lossy(&cell.text().unwrap_or_default()));
                Err(Error::NotAStep { place: self.place(), column: column.to_owned(), value })
            }
        }
    }
}

/// The value of digits with at most one point and a sign, correctly rounded; `None` of anything else, which is left to
/// the standard library: digits below 2⁵³ and a power of ten below 10²³ are exact, so one division rounds once
/// (Clinger 1990).
fn plain_decimal(text: &[u8]) -> Option<f64> {
    const POWERS: [f64; 16] =
        [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    // 15 digits and a point: below 2⁵³.
    if digits.is_empty() || digits.len() > 16 {
        return None;
    }
    let (mut whole, mut decimals, mut point) = (0u64, 0, false);
    for &byte in digits {
        match byte {
            b'0'..=b'9' => {
                whole = whole * 10 + u64::from(byte - b'0');
                decimals += usize::from(point);
            }
            b'.' if !point => point = true,
            _ => return None,
        }
    }
    if whole > 1 << 53 || digits == b"." {
        return None;
    }
    let value = whole as f64 / POWERS.get(decimals)?;
    Some(if digits.len() < text.len() { -value } else { value })
}

/// The number of a cell that mostly repeats the one before, as a step or the prompt of a group does.
#[derive(Default)]
pub(super) struct Repeated {
    text: Vec<u8>,
    value: Option<u64>,
}

impl Repeated {
    /// The value of the cell, computed only where its text differs from the last.
    pub fn of(
        &mut self,
        row: &Row<'_>,
        index: usize,
        compute: impl FnOnce() -> Result<u64, Error>,
    ) -> Result<u64, Error> {
        let cell = (row.cell)(index);
        let text = match &cell {
            Cell::Text(text) => text.as_bytes(),
            Cell::Bytes(bytes) => bytes,
            _ => return compute(),
        };
        if let Some(value) = self.value
            && self.text == text
        {
            return Ok(value);
        }
        self.value = None;
        let value = compute()?;
        self.text.clear();
        self.text.extend_from_slice(text);
        self.value = Some(value);
        Ok(value)
    }
}

/// From 2⁵³ on not every whole number has its own f64.
const LARGEST_EXACT: f64 = 9_007_199_254_740_992.0;

/// A 64-bit hash of a text (XXH64): equal texts are found again, nothing else is promised.
pub(super) fn text_hash(text: &[u8]) -> u64 {
    XxHash64::oneshot(0, text)
}

/// The same of a text that belongs to something.
pub(super) fn text_hash_of(owner: u64, text: &[u8]) -> u64 {
    XxHash64::oneshot(owner, text)
}

/// Characters of a text in UTF-8: bytes that do not go on with one.
pub(super) fn characters(text: &[u8]) -> usize {
    text.iter().filter(|byte| (**byte as i8) >= -64).count()
}

/// A 64-bit hash of words (XXH64).
pub(super) fn words_hash<const N: usize>(words: [u64; N]) -> u64 {
    let mut hasher = XxHash64::with_seed(1);
    for word in words {
        hasher.write_u64(word.to_le());
    }
    hasher.finish()
}

/// The start of a text, for an error message.
fn shortened(text: &str) -> String {
    const SHOWN: usize = 40;
    let mut start: String = text.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        start.push('…');
    }
    start
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_from_numbers_text_and_truth_values() {
        let text = |t: &'static str| Cell::Text(Cow::Borrowed(t));
        assert_eq!(text(" -1.5e3 ").number(), Some(-1500.0));
        assert_eq!(text("").parse(), Ok(None));
        assert_eq!(text("True").parse(), Ok(Some(1.0)));
        assert_eq!(Cell::Flag(false).parse(), Ok(Some(0.0)));
        assert_eq!(text("1,5").parse(), Err(NotANumber::Text("1,5")));
        assert_eq!(Cell::Bytes(b" -1.5e3 ").number(), Some(-1500.0));
        assert_eq!(Cell::Bytes(b"\xff").parse(), Err(NotANumber::NotUtf8));
        assert_eq!([characters("aé→🙂".as_bytes()), characters(b"")], [4, 0]);
        assert!(text("nan").number().is_some_and(f64::is_nan));
    }

    #[test]
    fn plain_decimals_are_those_of_the_standard_library() {
        let mut random = 0x2545_f491_4f6c_dd1d_u64;
        for i in 0..20_000 {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            let digits = (random % 1_000_000_000_000_000).to_string();
            let at = (i % 17).min(digits.len());
            let sign = if i % 3 == 0 { "-" } else { "" };
            let text = format!("{sign}{}.{}", &digits[..at], &digits[at..]);
            let expected = text.parse::<f64>().ok();
            assert_eq!(
                plain_decimal(text.as_bytes()).map(f64::to_bits),
                expected.map(f64::to_bits),
                "{text}"
            );
        }
        for (text, value) in [("-0", Some(-0.0)), ("5.", Some(5.0)), (".5", Some(0.5)), ("007", Some(7.0))] {
            assert_eq!(plain_decimal(text.as_bytes()).map(f64::to_bits), value.map(f64::to_bits));
        }
        for other in ["", "-", ".", "-.", "1e3", "+1", "1.2.3", " 1", "9007199254740993.", "1_0", "nan"] {
            assert_eq!(plain_decimal(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn truth_values_do_not_make_a_numeric_column() {
        assert_eq!(Cell::Flag(true).kind(), Kind::Other);
        assert_eq!(Kind::Number.and(Kind::Empty), Kind::Number);
        assert_eq!(Kind::Number.and(Kind::Other), Kind::Other);
    }

    #[test]
    fn steps_are_whole_numbers() {
        let step = |text: &'static str| {
            let cell = move |_| Cell::Text(Cow::Borrowed(text));
            Row { row: 4, line: Some(6), file: Path::new("a.csv"), cell: &cell }.step(0, "step")
        };
        assert_eq!(step("12.0").ok(), Some(12));
        for bad in ["-1", "1.5", "", "nan", "inf", "1e300"] {
            assert!(step(bad).is_err(), "{bad}");
        }
        let message = step("x").map_err(|e| e.to_string());
        assert_eq!(message, Err("a.csv, line 6, column `step`: `x` is not a step (0, 1, 2, …)".to_owned()));
    }
}
