//! Writes the rows of a log in the order of the files, and hands them over in step order.

use super::blocks::index;
use super::error::Error;
use super::layout::{BLOCK, Layout, Shared, Stretch, WORD, offset};
use super::lines::Lines;
use super::rollouts::Rollouts;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::Mutex;
use tempfile::SpooledTempFile;

/// Stretches beyond which rows are written anew in step order, if stretches are short.
const SCATTERED: usize = 4096;
/// Rows of a short stretch.
const SHORT: usize = 16;

/// Takes rows in the order of the files.
pub(super) struct Writer {
    file: SpooledTempFile,
    in_memory: usize,
    width: usize,
    block: Vec<Vec<u64>>,
    bytes: Vec<u8>,
    stretches: Vec<Stretch>,
    rows: usize,
    removed: usize,
    lines: Lines,
}

impl Writer {
    /// For rows of `width` words; more than `in_memory` bytes go to a temporary file.
    pub(super) fn new(width: usize, in_memory: usize) -> Self {
        Self {
            file: SpooledTempFile::new(in_memory),
            in_memory,
            width,
            block: vec![vec![0; BLOCK]; width],
            bytes: Vec::new(),
            stretches: Vec::new(),
            rows: 0,
            removed: 0,
            lines: Lines::default(),
        }
    }

    /// Rows written.
    #[inline]
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Rows written and not removed.
    pub(super) fn kept(&self) -> usize {
        self.rows - self.removed
    }

    /// Takes back some of the rows written last, ascending, which no longer count.
    pub(super) fn remove(&mut self, rows: &[usize]) {
        let Some(first) = rows.first() else { return };
        let keep = self.stretches.partition_point(|stretch| stretch.at + stretch.rows <= *first);
        let touched = self.stretches.split_off(keep);
        let mut gone = rows.iter().copied().peekable();
        for stretch in touched {
            let (mut at, end) = (stretch.at, stretch.at + stretch.rows);
            while at < end {
                while gone.next_if(|row| *row < at).is_some() {}
                let next = gone.peek().copied().unwrap_or(end).min(end);
                if next > at {
                    self.stretches.push(Stretch { at, rows: next - at, ..stretch });
                }
                at = next + 1;
            }
        }
        self.removed += rows.len();
    }

    /// Appends a row; words beyond `width` are not kept.
    #[inline]
    pub(super) fn push(&mut self, shared: Shared, words: &[u64]) -> Result<(), Error> {
        let place = self.rows % BLOCK;
        for (column, word) in self.block.iter_mut().zip(words) {
            column[place] = *word;
        }
        match self.stretches.last_mut() {
            Some(last) if last.shared == shared && last.at + last.rows == self.rows => last.rows += 1,
            _ => self.stretches.push(Stretch { shared, at: self.rows, rows: 1 }),
        }
        self.rows += 1;
        if self.rows.is_multiple_of(BLOCK) { self.flush(BLOCK) } else { Ok(()) }
    }

    fn flush(&mut self, rows: usize) -> Result<(), Error> {
        self.bytes.clear();
        for column in &self.block {
            self.bytes.extend(column.iter().take(rows).flat_map(|word| word.to_le_bytes()));
        }
        self.file.write_all(&self.bytes).map_err(|source| Error::Spool { source })
    }

    /// The line of a row of a file, from 1, where the file has lines.
    pub(super) fn line(&mut self, file: usize, row: usize, line: Option<u64>) {
        self.lines.see(file, row, line);
    }

    /// All rows, read by `layout` and in step order.
    pub(super) fn finish(mut self, layout: Layout) -> Result<Rollouts, Error> {
        if !self.rows.is_multiple_of(BLOCK) {
            self.flush(self.rows % BLOCK)?;
        }
        let mut stretches = std::mem::take(&mut self.stretches);
        let alternations = stretches.len();
        if !stretches.is_sorted_by_key(|s| s.shared.step) {
            stretches.sort_by_key(|s| (s.shared.step, s.at));
            if alternations > SCATTERED && alternations * SHORT > self.rows {
                stretches = self.gather(stretches)?;
            }
        }
        stretches.shrink_to_fit();
        let (spans, starts) = index(&stretches);
        let rows = spans.last().map_or(0, |span| span.rows.end);
        let file = Mutex::new(self.file);
        Ok(Rollouts {
            file,
            width: self.width,
            layout,
            stretches,
            starts,
            spans,
            rows,
            written: self.rows,
            alternations,
            lines: self.lines,
        })
    }
}

impl Writer {
    /// Writes the rows anew in the order of the stretches, a column at a time, so that they are read back in few pieces.
    fn gather(&mut self, stretches: Vec<Stretch>) -> Result<Vec<Stretch>, Error> {
        let spool = |source| Error::Spool { source };
        let (rows, width, kept) = (self.rows, self.width, self.kept());
        let mut target = SpooledTempFile::new(self.in_memory);
        for column in 0..width {
            let mut values: Vec<[u8; WORD]> = Vec::with_capacity(rows);
            for block in (0..rows).step_by(BLOCK) {
                self.bytes.resize(BLOCK.min(rows - block) * WORD, 0);
                self.file.seek(SeekFrom::Start(offset(width, rows, column, block))).map_err(spool)?;
                self.file.read_exact(&mut self.bytes).map_err(spool)?;
                values.extend(self.bytes.as_chunks::<WORD>().0);
            }
            let mut ordered =
                stretches.iter().flat_map(|s| values.get(s.at..s.at + s.rows).unwrap_or_default()).copied();
            for block in (0..kept).step_by(BLOCK) {
                self.bytes.clear();
                self.bytes.extend(ordered.by_ref().take(BLOCK).flatten());
                target.seek(SeekFrom::Start(offset(width, kept, column, block))).map_err(spool)?;
                target.write_all(&self.bytes).map_err(spool)?;
            }
        }
        self.file = target;
        (self.rows, self.removed) = (kept, 0);
        let mut gathered: Vec<Stretch> = Vec::new();
        let mut at = 0;
        for Stretch { shared, rows, .. } in stretches {
            match gathered.last_mut() {
                Some(last) if last.shared == shared => last.rows += rows,
                _ => gathered.push(Stretch { shared, at, rows }),
            }
            at += rows;
        }
        Ok(gathered)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::read::log::Origin;

    /// Rows whose proxy is their number; `steps` in the order of the files.
    fn written(steps: impl Iterator<Item = (u64, u32)>, in_memory: usize) -> Rollouts {
        let mut writer = Writer::new(3, in_memory);
        for (i, (step, file)) in steps.enumerate() {
            let words = [i as u64, (i as f64).to_bits(), i as u64 / 4];
            writer.push(Shared { step, run: 0, file }, &words).unwrap();
        }
        writer.finish(Layout { row: 0, proxy: 1, prompt: Some(2), ..Layout::default() }).unwrap()
    }

    #[test]
    fn rows_come_back_in_step_order_from_memory_and_from_a_file() {
        let n = 3 * BLOCK + 5;
        let steps = || (0..n).map(|i| ((i / 1000 % 7) as u64, (i / 9000) as u32));
        let (kept, spilled) = (written(steps(), usize::MAX), written(steps(), 0));
        let all = kept.rows(0..n).unwrap();
        assert_eq!(all, spilled.rows(0..n).unwrap());
        assert!(all.step.is_sorted() && all.trajectory == (0..n as u64).collect::<Vec<_>>());
        let mut expected: Vec<usize> = (0..n).collect();
        expected.sort_by_key(|i| i / 1000 % 7);
        assert!(all.proxy.iter().zip(&expected).all(|(a, b)| *a == *b as f64));
        for rows in [0..1, 0..0, 8190..8194, 9999..20_001, n - 1..n, n..n + 9] {
            let picked: Vec<usize> = rows.clone().filter(|r| *r < n).collect();
            assert_eq!(spilled.rows(rows).unwrap(), all.select(&picked));
        }
        assert_eq!(
            spilled.origin(1500).unwrap(),
            Origin { file: expected[1500] / 9000, row: expected[1500], line: None }
        );
        assert!(spilled.origin(n).is_err());
        let spans = kept.spans();
        assert_eq!((spans.len(), spans[6].rows.end), (7, n));
        assert!(spans.windows(2).all(|w| w[0].rows.end == w[1].rows.start && w[0].step < w[1].step));
    }

    #[test]
    fn scattered_rows_are_gathered() {
        let n = 2 * BLOCK + 77;
        let step = |i: usize| (i * 7919 % 50) as u64;
        let mut expected: Vec<usize> = (0..n).collect();
        expected.sort_by_key(|i| step(*i));
        for in_memory in [0, usize::MAX] {
            let log = written((0..n).map(|i| (step(i), u32::from(i > 9000))), in_memory);
            assert_eq!((log.alternations(), log.stretches.len()), (n, 100));
            let all = log.rows(0..n).unwrap();
            assert!(all.proxy.iter().zip(&expected).all(|(a, b)| *a == *b as f64));
            assert!(all.prompt.iter().zip(&expected).all(|(a, b)| *a == *b as u64 / 4));
            for row in [0, 1, BLOCK, n - 1] {
                let origin =
                    Origin { file: usize::from(expected[row] > 9000), row: expected[row], line: None };
                assert_eq!(log.origin(row).unwrap(), origin);
            }
        }
    }

    #[test]
    fn removed_rows_are_gone() {
        for (in_memory, scattered) in [(0, false), (usize::MAX, false), (0, true)] {
            let mut writer = Writer::new(3, in_memory);
            let n = BLOCK + 900;
            let step = |i: usize| if scattered { (i * 7919 % 50) as u64 } else { (i / 1000) as u64 };
            let gone = |i: usize| i % 1000 >= 500 && i.is_multiple_of(3);
            let mut expected = Vec::new();
            for i in 0..n {
                writer
                    .push(Shared { step: step(i), run: 0, file: 0 }, &[i as u64, (i as f64).to_bits(), 0])
                    .unwrap();
                if i % 1000 == 999 {
                    let rows: Vec<usize> = (i - 999..=i).filter(|i| gone(*i)).collect();
                    writer.remove(&rows);
                }
            }
            expected.extend((0..n).filter(|i| i / 1000 == n / 1000 || !gone(*i)));
            expected.sort_by_key(|i| step(*i));
            let log = writer.finish(Layout { row: 0, proxy: 1, ..Layout::default() }).unwrap();
            let all = log.rows(0..n).unwrap();
            assert_eq!(all.proxy.len(), expected.len());
            assert!(all.proxy.iter().zip(&expected).all(|(a, b)| *a == *b as f64), "{in_memory}");
            assert_eq!(log.origin(600).unwrap().row, expected[600]);
        }
    }

    #[test]
    fn groups_are_prompts_within_a_step() {
        let all = written([(0, 0), (0, 0), (1, 0), (0, 0), (1, 0)].into_iter(), 0).rows(0..5).unwrap();
        assert_eq!(all.step, [0, 0, 0, 1, 1]);
        assert_eq!(all.prompt, [0, 0, 0, 0, 1]);
        assert!(all.group[0] == all.group[2] && all.group[2] != all.group[3] && all.group[3] != all.group[4]);
    }
}
