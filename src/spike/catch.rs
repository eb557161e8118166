//! One audit of one planted log.

use super::plant::Piece;
use crate::audit::{Auditor, Budget};
use crate::foundation::failure::Status;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// What the looks found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether a planted rollout was looked at.
    pub caught: bool,
    /// Looks at benign rollouts before it; all where there was none.
    pub benign: u64,
}

/// An audit that is given the scores of a log piece by piece.
///
/// It spends `audits` looks, evenly over the audited steps, each on the highest score so far that was not looked at. A rollout that
/// `audits` others exceed by the end of its step is never looked at: only the rest is entered.
pub(super) struct Catch {
    auditor: Auditor,
    highest: Highest,
    /// Of each rollout that was entered, whether it is planted.
    planted: Vec<bool>,
    batch: Vec<u64>,
    kept: Vec<f64>,
}

impl Catch {
    /// Of so many steps.
    pub fn new(audits: u64, steps: usize) -> Result<Self, Status> {
        let budget = Budget::new(audits as f64)
            .map_err(|_| Status::Undefined { reason: "a number of audits must be 1 or more" })?;
        Ok(Self {
            auditor: Auditor::new(budget, steps as u64),
            highest: Highest::new(audits),
            planted: Vec::new(),
            batch: Vec::new(),
            kept: Vec::new(),
        })
    }

    /// The scores of the next piece, and which of its rows are planted, ascending.
    pub fn see(&mut self, piece: &Piece, scores: &[f64], exploits: &[usize]) -> Result<(), Status> {
        let refused = |_| Status::Undefined { reason: "the audit refuses these scores" };
        let mut start = 0;
        for (step, rows) in piece.steps.stretches() {
            let end = start + rows;
            let own = scores.get(start..end).unwrap_or_default();
            self.highest.enter(piece.judged.start + start, own);
            self.batch.clear();
            self.kept.clear();
            for (row, score) in (start..end).zip(own) {
                if self.highest.holds(piece.judged.start + row, *score) {
                    self.batch.push((piece.judged.start + row) as u64);
                    self.kept.push(*score);
                    self.planted.push(exploits.binary_search(&row).is_ok());
                }
            }
            self.auditor.step(*step, &self.batch, &self.kept, |_| false).map_err(refused)?;
            start = end;
        }
        Ok(())
    }

    pub fn finish(self) -> Found {
        let picks = &self.auditor.trail().picks;
        let first = picks.iter().position(|pick| self.planted.get(pick.row) == Some(&true));
        Found { caught: first.is_some(), benign: first.unwrap_or(picks.len()) as u64 }
    }
}

/// The highest scores so far, the earlier of equals first.
struct Highest {
    most: usize,
    /// The lowest of them on top.
    heap: BinaryHeap<Reverse<(Ordered, Reverse<usize>)>>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Ordered(f64);

impl Eq for Ordered {}
impl PartialOrd for Ordered {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Ordered {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        // 0 and −0 are equal to the audit.
        (self.0 + 0.0).total_cmp(&(other.0 + 0.0))
    }
}

impl Highest {
    fn new(most: u64) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), heap: BinaryHeap::new() }
    }

    fn enter(&mut self, first: usize, scores: &[f64]) {
        for (row, score) in (first..).zip(scores) {
            if self.heap.len() < self.most || self.holds(row, *score) {
                self.heap.push(Reverse((Ordered(*score), Reverse(row))));
                if self.heap.len() > self.most {
                    self.heap.pop();
                }
            }
        }
    }

    /// Whether a row is, or would be, among them.
    fn holds(&self, row: usize, score: f64) -> bool {
        let lowest = self.heap.peek().map(|Reverse(lowest)| *lowest);
        lowest.is_none_or(|lowest| (Ordered(score), Reverse(row)) >= lowest)
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::log;
    use super::*;
    use crate::audit::History;
    use crate::foundation::rng::{Purpose, SeedTree};
    use crate::foundation::runs::Runs;
    use crate::record::Observed;

    /// The same as the audit that is given every rollout, on scores with many ties.
    #[test]
    fn leaving_out_what_is_never_looked_at_changes_nothing() {
        let log = log(40, 8, 7);
        let steps: Runs = log.step[80..].into();
        let piece = Piece { rows: 80..320, judged: 80..320, steps };
        let whole = History::new(&Observed {
            step: log.step[80..].to_vec(),
            outcome: (80..320).collect(),
            ..Observed::default()
        })
        .unwrap();
        let mut rng = SeedTree::new(2, 0).stream(Purpose::Bootstrap, 0);
        let mut caught = 0;
        for trial in 0..300 {
            let scores: Vec<f64> = (0..320).map(|_| (rng.open_unit() * 40.0).floor()).collect();
            let exploits: Vec<usize> = (160..320).filter(|_| rng.open_unit() < 0.02).collect();
            let audits = 1 + trial % 37;
            let mut catch = Catch::new(audits, 30).unwrap();
            let places: Vec<usize> = exploits.iter().map(|row| row - 80).collect();
            catch.see(&piece, &scores[80..], &places).unwrap();
            let found = catch.finish();
            let budget = Budget::new(audits as f64).unwrap();
            let trail =
                whole.replay(&scores[80..], budget, 30, |row| exploits.contains(&(row + 80))).unwrap();
            let first = trail.picks.iter().position(|pick| pick.confirmed);
            assert_eq!(found.caught, first.is_some(), "{trial}");
            assert_eq!(found.benign, first.unwrap_or(trail.picks.len()) as u64, "{trial}");
            caught += u32::from(found.caught);
        }
        assert!((50..290).contains(&caught), "{caught}");
    }
}
