//! One row of a log while it is being read: numbers, identities and steps of its cells, with the place of what is wrong.

use super::cell::{Cell, NotANumber, text_hash};
use super::error::{Error, Place};
use super::path_step;
use super::reward::Term;
use std::path::Path;

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
            Err(fault) => Err(self.fault(fault, column)),
        }
    }

    /// The number of a term of the reward, NaN too; `None` where the cell is empty.
    #[inline]
    pub fn term(&self, index: usize, term: &Term<'_>) -> Result<Option<f64>, Error> {
        let cell = (self.cell)(index);
        match term.value(&cell) {
            Ok(Some(value)) if !value.is_finite() => {
                Err(Error::NotFinite { place: self.place(), column: term.name.to_owned(), value })
            }
            Ok(value) => Ok(value),
            Err(fault) => Err(self.fault(fault, term.column)),
        }
    }

    fn fault(&self, fault: NotANumber<'_>, column: &str) -> Error {
        let (place, column) = (self.place(), column.to_owned());
        match fault {
            NotANumber::NotUtf8 => Error::NotUtf8 { place },
            NotANumber::List(length) => Error::List { place, column, length },
            NotANumber::Text(text) => Error::NotANumber { place, column, value: shortened(text) },
        }
    }

    /// What names something: a whole number, written as one, itself; anything else by a hash of its text. Digits beside other signs are
    /// a text, as of an id in hexadecimal digits, which may read like a power of ten.
    pub fn identity(&self, index: usize) -> u64 {
        let cell = (self.cell)(index);
        let number = match &cell {
            Cell::Text(text) => digits(text.as_bytes()),
            Cell::Bytes(bytes) => digits(bytes),
            other => other.number().and_then(whole),
        };
        number.unwrap_or_else(|| text_hash(&cell.text().unwrap_or_default()))
    }

    /// What counts on from row to row: a number, or a step in words.
    pub fn counter(&self, index: usize) -> Option<f64> {
        let cell = (self.cell)(index);
        cell.number().or_else(|| {
            let text = cell.text()?;
            path_step::in_words(std::str::from_utf8(&text).ok()?).map(|step| step as f64)
        })
    }

    /// A training step: a whole number, 0 or above.
    pub fn step(&self, index: usize, column: &str) -> Result<u64, Error> {
        let cell = (self.cell)(index);
        match cell.number().and_then(whole) {
            Some(step) => Ok(step),
            None => {
                let text = cell.text().unwrap_or_default();
                let text = String::from_utf8_lossy(&text);
                if let Some(step) = path_step::in_words(&text) {
                    return Ok(step);
                }
                let value = shortened(&text);
                Err(Error::NotAStep { place: self.place(), column: column.to_owned(), value })
            }
        }
    }
}

/// The number of a cell that mostly repeats the one before, as a step or the prompt of a group does.
#[derive(Default)]
pub(super) struct Repeated {
    text: Vec<u8>,
    value: Option<u64>,
}

impl Repeated {
    /// The value of the cell, computed only where its text differs from the last.
    #[inline]
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

/// A whole number, 0 or above, that has its own f64.
fn whole(value: f64) -> Option<u64> {
    (value.fract() == 0.0 && (0.0..LARGEST_EXACT).contains(&value)).then_some(value as u64)
}

/// The whole number that stands in a text, as a writer of numbers writes it: `7`, `7.0`; neither `007` nor `7e3`.
fn digits(text: &[u8]) -> Option<u64> {
    const LONGEST: usize = 16;
    let text = text.trim_ascii();
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, rest) = text.split_at(length.min(LONGEST));
    let is_one = matches!(length, 1..=LONGEST) && (length == 1 || number.first() != Some(&b'0'));
    let is_whole = match rest {
        [] => true,
        [b'.', zeros @ ..] => zeros.iter().all(|byte| *byte == b'0'),
        _ => false,
    };
    let value = number.iter().fold(0, |sum, byte| 10 * sum + u64::from(byte - b'0'));
    (is_one && is_whole && value < LARGEST_EXACT as u64).then_some(value)
}

/// The start of a text, for an error message.
pub(super) fn shortened(text: &str) -> String {
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
    use std::borrow::Cow;

    #[test]
    fn ids_are_texts_unless_they_are_whole_numbers_as_they_are_written() {
        let identity = |text: &'static str| {
            let cell = move |_| Cell::Text(Cow::Borrowed(text));
            Row { row: 0, line: None, file: Path::new("a"), cell: &cell }.identity(0)
        };
        assert_eq!([identity("7"), identity(" 7.0"), identity("0")], [7, 7, 0]);
        for text in ["007", "7e3", "00e8", "0000e61", "1e999", "-7", "7.5", "nan", "true", "no"] {
            assert!(identity(text) > 1 << 53, "{text}");
        }
        assert_ne!(identity("000e8008"), identity("000e6119"));
        let number = |_| Cell::Number(7.0);
        assert_eq!(Row { row: 0, line: None, file: Path::new("a"), cell: &number }.identity(0), 7);
    }

    #[test]
    fn steps_are_whole_numbers() {
        let step = |text: &'static str| {
            let cell = move |_| Cell::Text(Cow::Borrowed(text));
            Row { row: 4, line: Some(6), file: Path::new("a.csv"), cell: &cell }.step(0, "step")
        };
        assert_eq!(step("12.0").ok(), Some(12));
        for words in ["step_12", "ckpt-12", "Iteration 12", "global_step_12"] {
            assert_eq!(step(words).ok(), Some(12), "{words}");
        }
        for bad in ["-1", "1.5", "", "nan", "inf", "1e300"] {
            assert!(step(bad).is_err(), "{bad}");
        }
        let message = step("x").map_err(|e| e.to_string());
        assert_eq!(message, Err("a.csv, line 6, column `step`: `x` is not a step (0, 1, 2, …)".to_owned()));
    }
}
