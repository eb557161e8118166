//! A log's rollouts as columns of numbers that need not fit into memory.
//!
//! Rows are written in the order of the files, in blocks of columns; up to [`IN_MEMORY`] bytes stay in memory, more go
//! to a temporary file. They are read back in step order: what is kept in memory is where each stretch of rows of one
//! step, run and file lies, so a log whose files, runs or workers follow each other costs next to nothing.

use super::cell::words_hash;
use super::error::Error;
use super::log::Origin;
use crate::record::columns::Observed;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use tempfile::SpooledTempFile;

/// Bytes of numbers that are kept in memory.
pub(super) const IN_MEMORY: usize = 32 << 20;
/// Rows of a block.
const BLOCK: usize = 8192;
const WORD: usize = 8;
/// Stretches beyond which rows are written anew in step order, if stretches are short.
const SCATTERED: usize = 4096;
/// Rows of a short stretch.
const SHORT: usize = 16;

/// Which column of the blocks holds what; all are 64-bit words.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Layout {
    /// Row of the file.
    pub row: usize,
    pub proxy: usize,
    pub prompt: Option<usize>,
    pub members: Option<usize>,
    pub outcome: Option<usize>,
    pub length: Option<usize>,
    pub log_prob: Option<usize>,
    pub ref_log_prob: Option<usize>,
    pub advantage: Option<usize>,
    pub reward: Option<usize>,
    pub parts: Vec<(String, usize)>,
    pub features: Vec<(String, usize)>,
}

/// What all rows of a stretch share.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shared {
    pub step: u64,
    pub run: u64,
    pub file: u32,
}

/// Rows that were written one after the other and share step, run and file.
#[derive(Debug, Clone, Copy)]
struct Stretch {
    shared: Shared,
    /// Its first row, as written.
    at: usize,
    rows: usize,
}

/// The rows of one training step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The step.
    pub step: u64,
    /// Its rows, in the order of the log.
    pub rows: Range<usize>,
}

/// Takes rows in the order of the files.
pub(super) struct Writer {
    file: SpooledTempFile,
    in_memory: usize,
    width: usize,
    block: Vec<Vec<u64>>,
    bytes: Vec<u8>,
    stretches: Vec<Stretch>,
    rows: usize,
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
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// Appends a row; words beyond `width` are not kept.
    pub(super) fn push(&mut self, shared: Shared, words: &[u64]) -> Result<(), Error> {
        let place = self.rows % BLOCK;
        for (column, word) in self.block.iter_mut().zip(words) {
            column[place] = *word;
        }
        match self.stretches.last_mut() {
            Some(last) if last.shared == shared => last.rows += 1,
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
        let mut spans: Vec<Span> = Vec::new();
        let mut starts = Vec::with_capacity(stretches.len());
        let mut row = 0;
        for stretch in &stretches {
            starts.push(row);
            let end = row + stretch.rows;
            match spans.last_mut() {
                Some(span) if span.step == stretch.shared.step => span.rows.end = end,
                _ => spans.push(Span { step: stretch.shared.step, rows: row..end }),
            }
            row = end;
        }
        let file = Mutex::new(self.file);
        Ok(Rollouts {
            file,
            width: self.width,
            layout,
            stretches,
            starts,
            spans,
            rows: self.rows,
            alternations,
        })
    }
}

impl Writer {
    /// Writes the rows anew in the order of the stretches, a column at a time, so that they are read back in few pieces.
    fn gather(&mut self, stretches: Vec<Stretch>) -> Result<Vec<Stretch>, Error> {
        let spool = |source| Error::Spool { source };
        let (rows, width) = (self.rows, self.width);
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
            for block in (0..rows).step_by(BLOCK) {
                self.bytes.clear();
                self.bytes.extend(ordered.by_ref().take(BLOCK).flatten());
                target.seek(SeekFrom::Start(offset(width, rows, column, block))).map_err(spool)?;
                target.write_all(&self.bytes).map_err(spool)?;
            }
        }
        self.file = target;
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

/// Offset in the file of a word.
fn offset(width: usize, rows: usize, column: usize, row: usize) -> u64 {
    let block = row / BLOCK;
    let height = BLOCK.min(rows - block * BLOCK);
    ((block * BLOCK * width + column * height + row % BLOCK) * WORD) as u64
}

/// Rollouts in step order, read back a stretch of rows at a time.
#[derive(Debug)]
pub struct Rollouts {
    file: Mutex<SpooledTempFile>,
    width: usize,
    layout: Layout,
    stretches: Vec<Stretch>,
    /// Row, in step order, at which each stretch begins.
    starts: Vec<usize>,
    spans: Vec<Span>,
    rows: usize,
    /// Stretches as they were written.
    alternations: usize,
}

impl Rollouts {
    /// Number of rollouts.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there is no rollout.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// The training steps, ascending, with their rows.
    pub fn spans(&self) -> &[Span] {
        &self.spans
    }

    /// Whether these columns are there: log-probability of the policy, and of the reference.
    pub fn has_log_probs(&self) -> bool {
        self.layout.log_prob.is_some() && self.layout.ref_log_prob.is_some()
    }

    /// Whether there is a length.
    pub fn has_length(&self) -> bool {
        self.layout.length.is_some()
    }

    /// Bytes that a row takes.
    pub fn row_bytes(&self) -> usize {
        WORD * (self.width + 4)
    }

    /// How many stretches of rows were written apart because step, run or file changed.
    pub(super) fn alternations(&self) -> usize {
        self.alternations
    }

    /// The given rows; `trajectory` is the row.
    ///
    /// # Errors
    /// [`Error::Spool`] where the temporary file cannot be read.
    pub fn rows(&self, rows: Range<usize>) -> Result<Observed, Error> {
        let rows = rows.start.min(self.rows)..rows.end.min(self.rows);
        let pieces = self.pieces(&rows);
        let (n, layout) = (rows.len(), &self.layout);
        let mut reader = Reader { rollouts: self, pieces: &pieces, n, bytes: Vec::new() };
        let mut words = |column: Option<usize>| column.map(|c| reader.words(c)).transpose();
        let prompt = words(layout.prompt)?.unwrap_or_else(|| vec![0; n]);
        let members = words(layout.members)?;
        let outcome = words(layout.outcome)?.unwrap_or_else(|| rows.clone().map(|row| row as u64).collect());
        let mut numbers = |column: Option<usize>| column.map(|c| reader.numbers(c)).transpose();
        let proxy = numbers(Some(layout.proxy))?.unwrap_or_default();
        let length = numbers(layout.length)?;
        let log_prob = numbers(layout.log_prob)?;
        let ref_log_prob = numbers(layout.ref_log_prob)?;
        let advantage = numbers(layout.advantage)?;
        let reward = numbers(layout.reward)?;
        let mut named = |columns: &[(String, usize)]| {
            columns
                .iter()
                .map(|(name, c)| Ok((name.clone(), reader.numbers(*c)?)))
                .collect::<Result<_, Error>>()
        };
        let (parts, features) = (named(&layout.parts)?, named(&layout.features)?);
        let mut step = Vec::with_capacity(n);
        let mut group = Vec::with_capacity(n);
        let members = members.as_deref().unwrap_or(&prompt);
        for piece in &pieces {
            let Shared { step: number, run, .. } = piece.shared;
            step.resize(step.len() + piece.rows, number);
            // Members of a group mostly stand together.
            let mut last = None;
            for &member in &members[group.len()..group.len() + piece.rows] {
                let hash = match last {
                    Some((known, hash)) if known == member => hash,
                    _ => words_hash([run, number, member]),
                };
                last = Some((member, hash));
                group.push(hash);
            }
        }
        let trajectory = rows.map(|row| row as u64).collect();
        Ok(Observed {
            step,
            trajectory,
            outcome,
            prompt,
            group,
            proxy,
            parts,
            reward,
            advantage,
            log_prob,
            ref_log_prob,
            length,
            features,
        })
    }

    /// Where a row was read.
    ///
    /// # Errors
    /// As [`Rollouts::rows`]; [`Error::NoSuchRow`] of a row that is not below `len()`.
    pub fn origin(&self, row: usize) -> Result<Origin, Error> {
        let pieces = self.pieces(&(row..row.saturating_add(1).min(self.rows)));
        let Some(piece) = pieces.first() else { return Err(Error::NoSuchRow { row, rows: self.rows }) };
        let mut reader = Reader { rollouts: self, pieces: &pieces, n: 1, bytes: Vec::new() };
        let number = reader.words(self.layout.row)?.first().copied().unwrap_or_default();
        Ok(Origin { file: piece.shared.file as usize, row: number as usize })
    }

    /// All rows with their origins.
    pub(super) fn into_memory(self) -> Result<(Observed, Vec<Origin>), Error> {
        let pieces = self.pieces(&(0..self.rows));
        let mut reader = Reader { rollouts: &self, pieces: &pieces, n: self.rows, bytes: Vec::new() };
        let numbers = reader.words(self.layout.row)?;
        let files = pieces.iter().flat_map(|p| std::iter::repeat_n(p.shared.file, p.rows));
        let origin =
            files.zip(numbers).map(|(file, row)| Origin { file: file as usize, row: row as usize }).collect();
        Ok((self.rows(0..self.rows)?, origin))
    }

    /// The stretches, cut to the given rows.
    fn pieces(&self, rows: &Range<usize>) -> Vec<Stretch> {
        let first = self.starts.partition_point(|start| *start <= rows.start).saturating_sub(1);
        let mut pieces = Vec::new();
        for (stretch, &start) in self.stretches.iter().zip(&self.starts).skip(first) {
            if start >= rows.end {
                break;
            }
            let (from, to) = (rows.start.max(start), rows.end.min(start + stretch.rows));
            if from < to {
                pieces.push(Stretch {
                    shared: stretch.shared,
                    at: stretch.at + from - start,
                    rows: to - from,
                });
            }
        }
        pieces
    }
}

/// Reads columns of some stretches.
struct Reader<'a> {
    rollouts: &'a Rollouts,
    pieces: &'a [Stretch],
    n: usize,
    bytes: Vec<u8>,
}

impl Reader<'_> {
    fn column<T>(&mut self, column: usize, of: impl Fn([u8; WORD]) -> T) -> Result<Vec<T>, Error> {
        let mut values = Vec::with_capacity(self.n);
        // A panic elsewhere cannot leave the file in a state that matters: each read seeks first.
        let mut file = self.rollouts.file.lock().unwrap_or_else(PoisonError::into_inner);
        for piece in self.pieces {
            let (mut at, end) = (piece.at, piece.at + piece.rows);
            while at < end {
                let here = (end - at).min(BLOCK - at % BLOCK);
                self.bytes.resize(here * WORD, 0);
                file.seek(SeekFrom::Start(offset(self.rollouts.width, self.rollouts.rows, column, at)))
                    .and_then(|_| file.read_exact(&mut self.bytes))
                    .map_err(|source| Error::Spool { source })?;
                values.extend(self.bytes.as_chunks::<WORD>().0.iter().map(|word| of(*word)));
                at += here;
            }
        }
        Ok(values)
    }

    fn words(&mut self, column: usize) -> Result<Vec<u64>, Error> {
        self.column(column, u64::from_le_bytes)
    }

    fn numbers(&mut self, column: usize) -> Result<Vec<f64>, Error> {
        self.column(column, f64::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            Origin { file: expected[1500] / 9000, row: expected[1500] }
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
                let origin = Origin { file: usize::from(expected[row] > 9000), row: expected[row] };
                assert_eq!(log.origin(row).unwrap(), origin);
            }
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
