//! A log's rollouts as columns of numbers that need not fit into memory.
//!
//! Rows are written in the order of the files, in blocks of columns; up to [`IN_MEMORY`] bytes stay in memory, more go
//! to a temporary file. They are read back in step order: what is kept in memory is where each stretch of rows of one
//! step, run and file lies, so a log whose files, runs or workers follow each other costs next to nothing.

use super::cell::words_hash;
use super::error::Error;
use super::layout::{BLOCK, Layout, Shared, Stretch, WORD, offset};
use super::lines::Lines;
use super::log::{InMemory, Origin};
use crate::record::columns::Observed;
use std::io::{Read, Seek, SeekFrom};
use std::ops::Range;
use std::sync::{Mutex, PoisonError};
use tempfile::SpooledTempFile;

/// The rows of one training step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The step.
    pub step: u64,
    /// Its rows, in the order of the log.
    pub rows: Range<usize>,
}

/// Rollouts in step order, read back a stretch of rows at a time.
#[derive(Debug)]
pub struct Rollouts {
    pub(super) file: Mutex<SpooledTempFile>,
    pub(super) width: usize,
    pub(super) layout: Layout,
    pub(super) stretches: Vec<Stretch>,
    /// Row, in step order, at which each stretch begins.
    pub(super) starts: Vec<usize>,
    pub(super) spans: Vec<Span>,
    pub(super) rows: usize,
    /// Rows in the file; some may have been taken back.
    pub(super) written: usize,
    /// Stretches as they were written.
    pub(super) alternations: usize,
    pub(super) lines: Lines,
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

    /// Whether what was sampled is known again when it comes again: by its text, or by an `outcome`.
    pub fn has_outcomes(&self) -> bool {
        self.layout.outcome.is_some()
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

    /// The given rows by the run that they belong to, in their order: run 0 where none is told.
    pub fn by_run(&self, rows: Range<usize>) -> Vec<(u64, Range<usize>)> {
        let mut first = rows.start;
        let of = |piece: &Stretch| {
            let own = first..first + piece.rows;
            first = own.end;
            (piece.shared.run, own)
        };
        self.pieces(&rows).iter().map(of).collect()
    }

    /// The rewards of the given rows, which alone are read back.
    ///
    /// # Errors
    /// As [`Rollouts::rows`].
    pub fn rewards(&self, rows: Range<usize>) -> Result<Vec<f64>, Error> {
        let rows = rows.start.min(self.rows)..rows.end.min(self.rows);
        let pieces = self.pieces(&rows);
        Reader { rollouts: self, pieces: &pieces, n: rows.len(), bytes: Vec::new() }
            .numbers(self.layout.proxy)
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
        Ok(self.place(piece.shared.file, number))
    }

    /// All rows with their origins.
    pub(super) fn into_memory(self) -> Result<InMemory, Error> {
        let pieces = self.pieces(&(0..self.rows));
        let mut reader = Reader { rollouts: &self, pieces: &pieces, n: self.rows, bytes: Vec::new() };
        let numbers = reader.words(self.layout.row)?;
        let files = pieces.iter().flat_map(|p| std::iter::repeat_n(p.shared.file, p.rows));
        let origin = files.zip(numbers).map(|(file, row)| self.place(file, row)).collect();
        Ok(InMemory { observed: self.rows(0..self.rows)?, origin })
    }

    fn place(&self, file: u32, row: u64) -> Origin {
        let (file, row) = (file as usize, row as usize);
        Origin { file, row, line: self.lines.of(file, row) }
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
                file.seek(SeekFrom::Start(offset(self.rollouts.width, self.rollouts.written, column, at)))
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
