//! The rollouts of a step of a log that grows: those of this turn, and those that came before and wait.

use super::keep::short;
use super::rows::Row;
use crate::monitor::reading::{RowText, texts};
use crate::record::{self, Observed, Turn};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::ops::Range;

/// Rollouts of a step that is not complete beyond which their texts are not kept until it is.
const TEXTS: usize = 1 << 14;

/// A rollout of a step that is not complete.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Pending {
    pub row: Row,
    pub text: Option<RowText>,
}

/// Rollouts of a step that may turn out to have been there before, each with its number among those that were seen.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Held<T> {
    pub step: u64,
    /// Whether the step was judged before they came.
    pub late: bool,
    pub rollouts: Vec<(usize, T)>,
}

impl<T> Held<T> {
    pub fn map<U>(self, change: impl Fn(T) -> U) -> Held<U> {
        let Self { step, late, rollouts } = self;
        Held { step, late, rollouts: rollouts.into_iter().map(|(number, of)| (number, change(of))).collect() }
    }
}

/// What there is of a step.
#[derive(Debug, Default)]
pub(super) struct OfStep {
    /// Rollouts that wait for the others.
    pub pending: Vec<Pending>,
    /// Rows of this turn's log.
    pub new: Vec<Range<usize>>,
}

/// A rollout of this turn: read now, with its row in the turn's log, or before.
pub(super) struct Came {
    pub row: Row,
    pub of_turn: Option<usize>,
    pub text: Option<RowText>,
}

impl From<Pending> for Came {
    fn from(Pending { row, text }: Pending) -> Self {
        Self { row, of_turn: None, text }
    }
}

/// Rollouts that wait, with their texts.
pub(super) fn pending(came: Vec<Came>, turn: Option<&Turn>) -> Result<Vec<Pending>, record::Error> {
    let new: Vec<usize> = came.iter().filter_map(|came| came.of_turn).collect();
    let mut found: HashMap<usize, RowText> = HashMap::new();
    if let Some(turn) = turn.filter(|_| came.len() <= TEXTS) {
        found = new.iter().copied().zip(texts(&turn.log, &new)?).collect();
    }
    let pending = came.into_iter().map(|Came { row, of_turn, text }| {
        let text = text.or_else(|| found.remove(&of_turn?).map(short));
        Pending { row, text }
    });
    Ok(pending.collect())
}

impl OfStep {
    /// Whether the last row that this turn read of some file is of this step, so that more of it may come.
    pub fn goes_on(&self, step: u64, turn: Option<&Turn>) -> bool {
        let ends = turn.filter(|_| !self.new.is_empty()).map(|turn| turn.ends_in.iter().zip(&turn.complete));
        ends.is_some_and(|mut ends| ends.any(|(end, complete)| *end == Some(step) && !complete))
    }

    /// Its rollouts, and whether it is complete for all that its files say: so is one of which nothing came.
    pub fn came(self, turn: Option<&Turn>) -> Result<(Vec<Came>, bool), record::Error> {
        let (mut came, mut complete): (Vec<Came>, bool) =
            (self.pending.into_iter().map(Came::from).collect(), true);
        let Some(turn) = turn else { return Ok((came, complete)) };
        for rows in self.new {
            let observed = turn.log.rollouts.rows(rows.clone())?;
            for (at, row) in rows.enumerate() {
                let origin = turn.log.rollouts.origin(row)?;
                complete &= turn.complete.get(origin.file).copied().unwrap_or_default();
                let number = turn.numbers.get(origin.file).copied().unwrap_or_default();
                if let Some(row_of) = of(&observed, at, number, origin) {
                    came.push(Came { row: row_of, of_turn: Some(row), text: None });
                }
            }
        }
        Ok((came, complete))
    }
}

fn of(observed: &Observed, at: usize, file: usize, origin: record::Origin) -> Option<Row> {
    Some(Row {
        reward: *observed.proxy.get(at)?,
        group: observed.group.get(at).copied().unwrap_or_default(),
        prompt: observed.prompt.get(at).copied().unwrap_or_default(),
        outcome: *observed.outcome.get(at)?,
        file,
        row: origin.row,
        line: origin.line,
    })
}
