//! One hypothesis and what its numbers say of it.

use crate::report::tables::Table;
use serde::Serialize;

/// What a hypothesis comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// In every cell, by the ends of the intervals.
    Holds,
    /// Surely not in one of them.
    Fails,
    /// The intervals allow neither.
    NotResolved,
    /// There are no such cells.
    NotRun,
    /// Of a run folder: every expectation agrees.
    Agrees,
    /// Of a run folder: one differs.
    Differs,
    /// Of a run folder: not all could be compared, or none is stated.
    NotCompared,
}

impl Word {
    /// As it stands on the page.
    pub fn text(self) -> &'static str {
        match self {
            Self::Holds => "holds",
            Self::Fails => "fails",
            Self::NotResolved => "not resolved",
            Self::NotRun => "not run",
            Self::Agrees => "expectations agree",
            Self::Differs => "an expectation differs",
            Self::NotCompared => "not compared",
        }
    }
}

/// A panel of the page.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Panel {
    /// A few words.
    pub title: String,
    /// The hypothesis as a statement that can be false.
    pub claim: String,
    /// What it comes to.
    pub word: Word,
    /// The same as it stands on the page.
    pub told: &'static str,
    /// Why, in a sentence that follows from the numbers.
    pub sentence: String,
    /// The numbers.
    pub evidence: Table,
}
