//! On which line of its file a row stands: kept only where the distance between the two changes.

/// Changes that are kept; a file with more of them (a text over several lines in most rows) has no lines beyond.
const MOST: usize = 1 << 17;

/// Lines of the rows of all text files of a log.
#[derive(Debug, Clone, Default)]
pub(super) struct Lines {
    /// File, row, and its line less the row, none of rows that share theirs; ascending, one entry where it differs from the row before.
    changes: Vec<(usize, usize, Option<u64>)>,
    /// The first file and row that no longer fits.
    end: Option<(usize, usize)>,
}

impl Lines {
    /// The next row, with its line from 1 where its format has lines and the row does not share its own.
    #[inline]
    pub(super) fn see(&mut self, file: usize, row: usize, line: Option<u64>) {
        // Rows of one line are ahead of it: the distance wraps around.
        let ahead = line.map(|line| line.wrapping_sub(row as u64));
        let last = self.changes.last().filter(|last| last.0 == file).and_then(|last| last.2);
        if self.end.is_some() || last == ahead {
            return;
        }
        match self.changes.len() < MOST {
            true => self.changes.push((file, row, ahead)),
            false => self.end = Some((file, row)),
        }
    }

    /// The line of a row that was seen.
    pub(super) fn of(&self, file: usize, row: usize) -> Option<u64> {
        if self.end.is_some_and(|end| (file, row) >= end) {
            return None;
        }
        let after = self.changes.partition_point(|change| (change.0, change.1) <= (file, row));
        let (of, _, ahead) = self.changes.get(after.checked_sub(1)?)?;
        ahead.filter(|_| *of == file).map(|ahead| ahead.wrapping_add(row as u64))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_again_until_there_are_too_many_changes() {
        let mut lines = Lines::default();
        let line = |file: usize, row: usize| (file != 1).then(|| row as u64 + 2 + (row as u64 / 5));
        for file in 0..3 {
            (0..100).for_each(|row| lines.see(file, row, line(file, row)));
        }
        for (file, row) in [(0, 0), (0, 4), (0, 5), (0, 99), (1, 0), (1, 99), (2, 3), (2, 77)] {
            assert_eq!(lines.of(file, row), line(file, row), "{file} {row}");
        }
        assert_eq!(lines.changes.len(), 40);
        let mut shared = Lines::default();
        for (row, line) in [None, Some(2), None, None, Some(3)].into_iter().enumerate() {
            shared.see(0, row, line);
        }
        assert_eq!([0, 1, 2, 3, 4].map(|row| shared.of(0, row)), [None, Some(2), None, None, Some(3)]);
        let mut many = Lines::default();
        (0..MOST + 9).for_each(|row| many.see(0, row, Some(2 * row as u64 + 1)));
        assert_eq!(many.of(0, MOST - 1), Some(2 * MOST as u64 - 1));
        assert_eq!(many.of(0, MOST), None);
    }
}
