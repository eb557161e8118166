//! One detector on one run: what alerts and guards are shown.

use super::thirds::Thirds;
use crate::experiment::judging::subject::Subject;
use crate::foundation::failure::Status;
use crate::record::Scores;

/// What a guard saw.
pub(super) type Seen = Result<(), String>;

/// Which run this is.
#[derive(Debug, Clone, Copy)]
pub(in crate::experiment::judging) struct Cell<'a> {
    pub scenario: &'a str,
    pub arm: &'a str,
    pub replicate: u64,
}

/// One detector on one run.
pub(super) struct Trial<'a> {
    pub subject: &'a Subject<'a>,
    pub cell: Cell<'a>,
    /// The detector's name.
    pub detector: &'a str,
    pub thirds: &'a Thirds,
    /// Scores of the run.
    pub scores: &'a Result<Scores, Status>,
    /// Rollouts sampled before the damage step.
    pub early: usize,
    /// Whether the swap twin shows the same, where there is one.
    pub twin: Option<&'a Seen>,
}
