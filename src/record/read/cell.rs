//! One cell of a log, whatever the format: absent, a number, a truth value, or text.

use std::borrow::Cow;
use twox_hash::{XxHash3_64, XxHash64};

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Cell<'a> {
    /// Nothing: an empty cell, a null, an absent key.
    Missing,
    /// A number that the format types as one.
    Number(f64),
    /// A truth value that the format types as one.
    Flag(bool),
    /// A list of numbers.
    Numbers(Vec<f64>),
    /// Anything else. Chat messages are their contents, line by line; other nested values their JSON.
    Text(Cow<'a, str>),
    /// Text as it stands in a file that need not be UTF-8.
    Bytes(&'a [u8]),
}

/// Why a cell is no number.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum NotANumber<'a> {
    Text(&'a str),
    /// A list of so many numbers, and not of one.
    List(usize),
    NotUtf8,
}

/// What a column holds, judged by its first rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// No value seen.
    Empty,
    /// Numbers only; a list of one is its number.
    Number,
    /// Lists of numbers.
    List,
    /// Truth values only.
    Flag,
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
    /// Whether all of its numbers are whole.
    pub whole: bool,
    /// How its first cells go on, where its name makes it worth a look.
    pub counts: Counts,
}

/// How the cells of a column go on from row to row.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Counts {
    /// In another way, or not looked at.
    #[default]
    Otherwise,
    /// Each is higher by one than that before.
    ByOne,
    /// Each is higher than that before, by more than one.
    ByMore,
    /// All are above one, and do not go up.
    Several,
    /// They are few words or numbers that come again and again.
    Few,
    /// All rows of a prompt have the same.
    OfPrompt,
}

impl Counts {
    /// What the numbers of the first rows do.
    pub fn of(numbers: &[f64]) -> Self {
        let each = |fits: fn(f64) -> bool| {
            numbers.len() > 1 && numbers.windows(2).all(|pair| fits(pair[1] - pair[0]))
        };
        match numbers {
            _ if each(|rise| rise == 1.0) => Self::ByOne,
            _ if each(|rise| rise > 1.0) => Self::ByMore,
            [_, ..] if numbers.iter().all(|number| *number > 1.0) => Self::Several,
            _ => Self::Otherwise,
        }
    }
}

impl Column {
    /// Whether `name` means this column; `.` may stand for `/`, and the number of an element for `*`.
    pub fn answers(&self, name: &str) -> bool {
        if !self.name.contains('*') {
            return self.name.len() == name.len()
                && self.name.bytes().zip(name.bytes()).all(|(a, b)| a == b || (a == b'/' && b == b'.'));
        }
        let is_index = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let (mut own, mut other) = (self.name.split(['/', '.']), name.split(['/', '.']));
        loop {
            match (own.next(), other.next()) {
                (None, None) => return true,
                (Some(a), Some(b)) if a == b || (a == "*" && is_index(b)) => {}
                _ => return false,
            }
        }
    }
}

/// Rows from which a text format's columns are judged.
pub(super) const SAMPLE: usize = 100;

impl Cell<'_> {
    /// The number that stands here (a truth value counts 0 or 1), `None` where nothing stands, or the text.
    pub fn parse(&self) -> Result<Option<f64>, NotANumber<'_>> {
        let bytes = match self {
            Cell::Missing => return Ok(None),
            Cell::Number(value) => return Ok(Some(*value)),
            Cell::Flag(value) => return Ok(Some(f64::from(u8::from(*value)))),
            Cell::Numbers(numbers) => match numbers.as_slice() {
                [] => return Ok(None),
                [one] => return Ok(Some(*one)),
                several => return Err(NotANumber::List(several.len())),
            },
            Cell::Text(text) => text.as_bytes(),
            Cell::Bytes(bytes) => bytes,
        };
        if let Some(value) = plain_decimal(bytes) {
            return Ok(Some(value));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| NotANumber::NotUtf8)?;
        match text.trim() {
            trimmed if is_missing(trimmed) => Ok(None),
            trimmed => match (trimmed.parse(), list(trimmed)) {
                (Ok(value), _) => Ok(Some(value)),
                (_, Some(numbers)) => match numbers.as_slice() {
                    [] => Ok(None),
                    [one] => Ok(Some(*one)),
                    several => Err(NotANumber::List(several.len())),
                },
                _ => {
                    truth(trimmed).map(|value| Some(f64::from(u8::from(value)))).ok_or(NotANumber::Text(text))
                }
            },
        }
    }

    /// The numbers of a list; a number alone is a list of one.
    pub fn numbers(&self) -> Result<Vec<f64>, NotANumber<'_>> {
        match (self, self.parse()) {
            (Cell::Numbers(numbers), _) => Ok(numbers.clone()),
            (Cell::Text(text), Err(NotANumber::List(_))) => Ok(list(text.trim()).unwrap_or_default()),
            (Cell::Bytes(bytes), Err(NotANumber::List(_))) => {
                Ok(list(String::from_utf8_lossy(bytes).trim()).unwrap_or_default())
            }
            (_, Ok(value)) => Ok(value.into_iter().collect()),
            (_, Err(error)) => Err(error),
        }
    }

    /// Whether no number stands here that is not whole.
    pub fn is_whole(&self) -> bool {
        self.number().is_none_or(|value| value.fract() == 0.0)
    }

    /// The number that stands here, finite or not, or `None`.
    pub fn number(&self) -> Option<f64> {
        self.parse().ok().flatten()
    }

    /// The text that stands here, or `None`.
    #[inline]
    pub fn text(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Cell::Missing => None,
            Cell::Number(value) => Some(Cow::Owned(value.to_string().into_bytes())),
            Cell::Flag(value) => Some(Cow::Borrowed(if *value { b"true" } else { b"false" })),
            Cell::Numbers(numbers) => Some(Cow::Owned(format!("{numbers:?}").into_bytes())),
            Cell::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
            Cell::Bytes(bytes) => Some(Cow::Borrowed(bytes)),
        }
    }

    /// What this cell says of its column.
    pub fn kind(&self) -> Kind {
        match self {
            Cell::Missing => Kind::Empty,
            Cell::Number(_) => Kind::Number,
            Cell::Flag(_) => Kind::Flag,
            Cell::Numbers(numbers) => match numbers.len() {
                0 => Kind::Empty,
                1 => Kind::Number,
                _ => Kind::List,
            },
            Cell::Text(text) => Kind::of_text(text),
            Cell::Bytes(bytes) => Kind::of_text(&String::from_utf8_lossy(bytes)),
        }
    }
}

impl Kind {
    fn of_text(text: &str) -> Kind {
        match text.trim() {
            trimmed if is_missing(trimmed) => Kind::Empty,
            trimmed if trimmed.parse::<f64>().is_ok() => Kind::Number,
            trimmed if truth(trimmed).is_some() => Kind::Flag,
            trimmed => match list(trimmed) {
                Some(numbers) if numbers.len() > 1 => Kind::List,
                Some(_) => Kind::Number,
                None => Kind::Other,
            },
        }
    }

    /// The kind of a column in which both stand.
    pub fn and(self, other: Kind) -> Kind {
        match (self, other) {
            (Kind::Empty, kind) | (kind, Kind::Empty) => kind,
            (Kind::Number, Kind::Number) => Kind::Number,
            (Kind::Flag, Kind::Flag) => Kind::Flag,
            (Kind::Number | Kind::List, Kind::Number | Kind::List) => Kind::List,
            _ => Kind::Other,
        }
    }
}

/// Whether a cell says that nothing stands in it, as writers of tables spell it.
fn is_missing(text: &str) -> bool {
    matches!(text, "" | "None" | "none" | "NA" | "N/A" | "n/a" | "#N/A" | "<NA>" | "null" | "NULL" | "Null")
}

/// Words that are a truth value, with the one that says the contrary: as they stand, capitalised, and in capitals.
const TRUTH: &[(&str, &str)] =
    &[("true", "false"), ("yes", "no"), ("pass", "fail"), ("passed", "failed"), ("correct", "incorrect")];

/// The truth value that a word says.
fn truth(text: &str) -> Option<bool> {
    const LONGEST: usize = 9;
    let is = |word: &str| {
        text.eq_ignore_ascii_case(word) && {
            let rest = text.get(1..).unwrap_or_default();
            rest.bytes().all(|b| b.is_ascii_lowercase()) || text.bytes().all(|b| b.is_ascii_uppercase())
        }
    };
    if text.len() > LONGEST {
        return None;
    }
    TRUTH.iter().find_map(|(yes, no)| is(yes).then_some(true).or_else(|| is(no).then_some(false)))
}

/// The numbers of a list that is written as text; a list of one list is that list.
fn list(text: &str) -> Option<Vec<f64>> {
    let inner = text.strip_prefix("[[").and_then(|rest| rest.strip_suffix("]]"));
    match inner.filter(|inner| !inner.contains(['[', ']'])) {
        Some(inner) => serde_json::from_str(&format!("[{inner}]")).ok(),
        None => text.starts_with('[').then(|| serde_json::from_str(text).ok()).flatten(),
    }
}

/// The value of digits with at most one point and a sign, correctly rounded; `None` of anything else, which is left to
/// the standard library: digits below 2⁵³ and a power of ten below 10²³ are exact, so one division rounds once
/// (Clinger 1990).
#[inline]
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

/// A 64-bit hash of a text (XXH64): equal texts are found again, nothing else is promised.
pub(super) fn text_hash(text: &[u8]) -> u64 {
    XxHash64::oneshot(0, text)
}

/// The same of a text that belongs to something.
pub(super) fn text_hash_of(owner: u64, text: &[u8]) -> u64 {
    XxHash64::oneshot(owner, text)
}

/// Characters of a text in UTF-8: bytes that do not go on with one.
#[inline]
pub(super) fn characters(text: &[u8]) -> usize {
    if is_ascii(text) {
        return text.len();
    }
    // Counts of a byte, so that many are added at once.
    let of = |chunk: &[u8]| chunk.iter().map(|byte| u8::from((*byte as i8) >= -64)).sum::<u8>();
    text.chunks(usize::from(u8::MAX)).map(|chunk| usize::from(of(chunk))).sum()
}

/// Whether all bytes are ASCII: sixteen at a time, the last ones twice, where the standard library ends byte by byte.
#[inline]
fn is_ascii(text: &[u8]) -> bool {
    const HIGHEST: u128 = u128::from_le_bytes([0x80; 16]);
    let Some(last) = text.last_chunk() else { return text.is_ascii() };
    let (sixteens, _) = text.as_chunks();
    let bits = |bits: u128, bytes: &[u8; 16]| bits | u128::from_le_bytes(*bytes);
    sixteens.iter().fold(u128::from_le_bytes(*last), bits) & HIGHEST == 0
}

/// A 64-bit hash of words (XXH64), of which ids are made.
pub(super) fn words_hash<const N: usize>(words: [u64; N]) -> u64 {
    XxHash64::oneshot(1, words.map(u64::to_le_bytes).as_flattened())
}

/// A 64-bit hash of two words by which they are found again (XXH3, which is made for short texts).
#[inline]
pub(super) fn pair_hash(words: [u64; 2]) -> u64 {
    XxHash3_64::oneshot_with_seed(1, words.map(u64::to_le_bytes).as_flattened())
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
    fn words_of_verdicts_are_truth_values_and_others_are_text() {
        let text = |t: &'static str| Cell::Text(Cow::Borrowed(t));
        for (word, value) in [("yes", 1.0), ("No", 0.0), ("PASS", 1.0), ("failed", 0.0), ("Incorrect", 0.0)] {
            assert_eq!((text(word).number(), text(word).kind()), (Some(value), Kind::Flag), "{word}");
        }
        for word in ["pAss", "C", "y", "passes", "not correct", "error", "yes."] {
            assert_eq!((text(word).number(), text(word).kind()), (None, Kind::Other), "{word}");
        }
        assert_eq!(text("[[1.5]]").number(), Some(1.5));
        assert_eq!(text("[[1, 2]]").parse(), Err(NotANumber::List(2)));
        assert_eq!(text("[[1], [2]]").kind(), Kind::Other);
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
    fn characters_are_those_of_the_text() {
        for text in [
            "",
            "plain",
            "aé→🙂",
            &"é🙂a".repeat(300),
            &"x".repeat(999),
            "x→x",
            &format!("{}é", "x".repeat(40)),
            &format!("é{}", "x".repeat(40)),
        ] {
            assert_eq!(characters(text.as_bytes()), text.chars().count(), "{text}");
        }
    }

    #[test]
    fn truth_values_do_not_make_a_numeric_column() {
        let text = |t: &'static str| Cell::Text(Cow::Borrowed(t));
        assert_eq!(Cell::Flag(true).kind(), Kind::Flag);
        assert_eq!([text("True").kind(), Kind::Flag.and(Kind::Number)], [Kind::Flag, Kind::Other]);
        assert_eq!(Kind::Number.and(Kind::Empty), Kind::Number);
        assert_eq!(Kind::Number.and(Kind::Other), Kind::Other);
    }
}
