//! Where a rollout stands in its files.

use crate::foundation::format::visible;
use crate::record::{Error, Log, Rollouts};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A rollout that a sentence is about, and where it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Its training step.
    pub step: u64,
    /// Its file.
    pub file: PathBuf,
    /// Row of data in that file, from 0.
    pub row: usize,
    /// Line of a text file, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Its reward.
    pub reward: f64,
    /// The reward less what it is compared with, to order by; rewards that tie are spread over the width of a round.
    #[serde(skip)]
    pub score: f64,
}

impl Place {
    /// Where a row of a log stands. `line`: where it is known from the text.
    ///
    /// # Errors
    /// As [`Rollouts::origin`].
    pub(super) fn of(
        log: &Log<Rollouts>,
        (row, line): (usize, Option<u64>),
        (step, reward, score): (u64, f64, f64),
    ) -> Result<Self, Error> {
        let origin = log.rollouts.origin(row)?;
        let file = log.meta.files.get(origin.file).cloned().unwrap_or_default();
        Ok(Self { step, file, row: origin.row, line: line.or(origin.line), reward, score })
    }

    /// The line where it stands by itself: of rows that share a line there are more rows before it than lines.
    pub fn own_line(&self) -> Option<u64> {
        self.line.filter(|line| *line > self.row as u64)
    }

    /// File, and line or row. `name`: of a file.
    pub fn said(&self, name: &dyn Fn(&Path) -> String) -> String {
        let file = visible(&name(&self.file));
        match self.own_line() {
            Some(line) => format!("{file} line {line}"),
            None => format!("{file} row {}", self.row),
        }
    }

    /// Files, each with its lines or rows among these.
    pub fn all_said(places: &[Self], name: &dyn Fn(&Path) -> String) -> String {
        let like = |a: &Self, b: &Self| a.file == b.file && a.own_line().is_some() == b.own_line().is_some();
        let one = |own: &[Self]| {
            let (first, rest) = own.split_first()?;
            let numbers = rest.iter().map(|at| at.own_line().unwrap_or(at.row as u64).to_string());
            Some(std::iter::once(first.said(name)).chain(numbers).collect::<Vec<_>>().join(", "))
        };
        places.chunk_by(like).filter_map(one).collect::<Vec<_>>().join("; ")
    }
}
