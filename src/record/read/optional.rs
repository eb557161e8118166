//! A column that not every row of a log need have.

use super::row::Row;

/// A column that may have to be given up on the way.
pub(super) struct Optional {
    /// Its place among the words of a row.
    pub at: usize,
    /// Rows that have it so far.
    pub seen: usize,
    /// Whether it was given up.
    pub lost: bool,
}

impl Optional {
    /// Writes the value of a row.
    pub fn put(&mut self, words: &mut [u64], value: f64) {
        if let Some(word) = words.get_mut(self.at) {
            *word = value.to_bits();
            self.seen += 1;
        }
    }

    /// Reads the cell of a row, or gives the column up and says why. `what`: what the column is.
    #[inline]
    pub fn read(
        &mut self,
        words: &mut [u64],
        row: &Row<'_>,
        column: Option<(usize, &str)>,
        told: (&str, &mut Vec<String>),
    ) {
        // Of most columns a log has none.
        if !self.lost {
            self.read_there(words, row, column, told);
        }
    }

    fn read_there(
        &mut self,
        words: &mut [u64],
        row: &Row<'_>,
        column: Option<(usize, &str)>,
        (what, notes): (&str, &mut Vec<String>),
    ) {
        let reason = match column {
            None if self.seen == 0 => {
                self.lost = true;
                return;
            }
            None => format!("{}: nothing says {what}, as rows before do", row.place()),
            Some((index, name)) => match row.finite(index, name) {
                Ok(Some(value)) => return self.put(words, value),
                Ok(None) => format!("{}, column `{name}`: the cell is empty", row.place()),
                Err(error) => error.to_string(),
            },
        };
        self.lost = true;
        notes.push(format!("{what} is left out: {reason}"));
    }

    /// Its place, if all rows have it.
    pub fn complete(&self, rows: usize) -> Option<usize> {
        (!self.lost && self.seen == rows && rows > 0).then_some(self.at)
    }
}
