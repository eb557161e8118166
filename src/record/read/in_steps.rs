//! Rollouts in step order that are read a stretch at a time, wherever they are.

use super::error::Error;
use super::layout::WORD;
use super::rollouts::{Rollouts, Span};
use crate::record::columns::Observed;
use std::borrow::Cow;
use std::ops::Range;

/// Rollouts in step order: a log that need not fit into memory ([`Rollouts`]), or columns that are there ([`Observed`]).
pub trait InSteps: Sync {
    /// Number of rollouts.
    fn len(&self) -> usize;

    /// Whether there is no rollout.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The training steps, ascending, with their rows.
    fn spans(&self) -> Cow<'_, [Span]>;

    /// The given rows; `trajectory` is the row.
    ///
    /// # Errors
    /// [`Error::Spool`] where the temporary file cannot be read.
    fn rows(&self, rows: Range<usize>) -> Result<Observed, Error>;

    /// The rewards of the given rows.
    ///
    /// # Errors
    /// As [`InSteps::rows`].
    fn rewards(&self, rows: Range<usize>) -> Result<Vec<f64>, Error>;

    /// Bytes that a row takes.
    fn row_bytes(&self) -> usize;
}

impl InSteps for Rollouts {
    fn len(&self) -> usize {
        Rollouts::len(self)
    }

    fn spans(&self) -> Cow<'_, [Span]> {
        Cow::Borrowed(Rollouts::spans(self))
    }

    fn rows(&self, rows: Range<usize>) -> Result<Observed, Error> {
        Rollouts::rows(self, rows)
    }

    fn rewards(&self, rows: Range<usize>) -> Result<Vec<f64>, Error> {
        Rollouts::rewards(self, rows)
    }

    fn row_bytes(&self) -> usize {
        Rollouts::row_bytes(self)
    }
}

impl InSteps for Observed {
    fn len(&self) -> usize {
        Observed::len(self)
    }

    fn spans(&self) -> Cow<'_, [Span]> {
        let mut start = 0;
        let span = |same: &[u64]| {
            let rows = start..start + same.len();
            start = rows.end;
            Some(Span { step: *same.first()?, rows })
        };
        self.step.chunk_by(|a, b| a == b).filter_map(span).collect()
    }

    fn rows(&self, rows: Range<usize>) -> Result<Observed, Error> {
        let end = rows.end.min(Observed::len(self));
        let rows = rows.start.min(end)..end;
        // A column that is too short comes back empty, which whoever needs it refuses.
        let own = self.cut(
            |column| column.get(rows.clone()).unwrap_or_default().to_vec(),
            |column| column.get(rows.clone()).unwrap_or_default().to_vec(),
        );
        Ok(Observed { trajectory: rows.map(|row| row as u64).collect(), ..own })
    }

    fn rewards(&self, rows: Range<usize>) -> Result<Vec<f64>, Error> {
        let end = rows.end.min(Observed::len(self));
        Ok(self.proxy.get(rows.start.min(end)..end).unwrap_or_default().to_vec())
    }

    fn row_bytes(&self) -> usize {
        let known = [&self.reward, &self.advantage, &self.log_prob, &self.ref_log_prob, &self.length];
        WORD * (6 + known.into_iter().flatten().count() + self.parts.len() + self.features.len())
    }
}
