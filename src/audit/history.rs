//! A stored run, audited again and again: by each detector, at each budget.

use super::Error;
use super::allocation::Budget;
use super::auditor::{Ledger, finite};
use super::numbering::Numbering;
use super::trail::Trail;
use crate::record::Observed;

/// The order of events of a run, ready for audits: made once, replayed for every detector and budget.
#[derive(Debug, Clone, PartialEq)]
pub struct History {
    /// Step and number of rollouts of each batch.
    batches: Vec<(u64, usize)>,
    /// Each rollout's outcome, numbered by first sampling.
    members: Vec<usize>,
}

impl History {
    /// Reads the steps, which must not descend, and the outcomes of a run; all rows of a step form one batch.
    ///
    /// Fails on columns of different lengths and on a step that is earlier than the one before, with its row.
    pub fn new(observed: &Observed) -> Result<Self, Error> {
        let (step, outcome) = (&observed.step, &observed.outcome);
        if step.len() != outcome.len() {
            return Err(Error::Columns { steps: step.len(), outcomes: outcome.len() });
        }
        for (row, (&before, &step)) in step.iter().zip(step.iter().skip(1)).enumerate() {
            if step < before {
                return Err(Error::StepOrder { row: row + 1, step, before });
            }
        }
        let batches = step.chunk_by(|a, b| a == b);
        let mut numbering = Numbering::default();
        Ok(Self {
            batches: batches.filter_map(|batch| Some((*batch.first()?, batch.len()))).collect(),
            members: outcome.iter().map(|&outcome| numbering.number(outcome)).collect(),
        })
    }

    /// Audits the run as it would have been audited while it ran.
    ///
    /// `scores` has one entry a rollout. `steps` is the number of batches that the run was planned for, over which a
    /// count is spread: taken from the plan and not from the data, so that rows of later steps never change an earlier
    /// pick. `look` as in [`Auditor::step`](super::Auditor::step).
    ///
    /// Fails, before the first look, on different lengths and on a score that is not finite.
    pub fn replay(
        &self,
        scores: &[f64],
        budget: Budget,
        steps: u64,
        mut look: impl FnMut(usize) -> bool,
    ) -> Result<Trail, Error> {
        if scores.len() != self.members.len() {
            return Err(Error::Lengths { rollouts: self.members.len(), scores: scores.len() });
        }
        finite(scores, 0)?;
        let mut ledger = Ledger::new(budget, steps);
        let (mut members, mut scores) = (self.members.as_slice(), scores);
        for &(step, rows) in &self.batches {
            let (now, later) = members.split_at(rows);
            let (scores_now, scores_later) = scores.split_at(rows);
            ledger.step(step, now.iter().copied(), scores_now, &mut look);
            (members, scores) = (later, scores_later);
        }
        Ok(ledger.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::super::Pick;
    use super::*;

    fn run(rows: &[(u64, u64)]) -> Observed {
        Observed {
            step: rows.iter().map(|r| r.0).collect(),
            outcome: rows.iter().map(|r| r.1).collect(),
            ..Observed::default()
        }
    }

    fn replay(
        observed: &Observed,
        scores: &[f64],
        budget: Budget,
        steps: u64,
        look: impl FnMut(usize) -> bool,
    ) -> Result<Trail, Error> {
        History::new(observed)?.replay(scores, budget, steps, look)
    }

    fn rows(trail: &Trail) -> Vec<(usize, u64)> {
        trail.picks.iter().map(|p| (p.row, p.step)).collect()
    }

    #[test]
    fn a_toy_run_by_hand() {
        // Batches of 4, a quarter of them audited: one look a step.
        let observed = run(&[
            (0, 1),
            (0, 2),
            (0, 3),
            (0, 4), // scores 1 9 2 3: outcome 2
            (1, 2),
            (1, 1),
            (1, 5),
            (1, 5), // outcome 2 is known; 1 rises to 4, 5 has 3.5: outcome 1
            (2, 4),
            (2, 6),
            (2, 6),
            (2, 6), // 5 (3.5) and 4 (3) wait, 6 has 3.5 later: outcome 5
        ]); // rustfmt would put one row on each line
        let scores = [1.0, 9.0, 2.0, 3.0, 50.0, 4.0, 3.5, 0.0, 0.0, 1.0, 3.5, 2.0];
        let mut looked = Vec::new();
        let trail = replay(&observed, &scores, Budget::new(0.25).unwrap(), 3, |row| {
            looked.push(row);
            observed.outcome[row] == 5
        })
        .unwrap();
        assert_eq!(rows(&trail), [(1, 0), (5, 1), (6, 2)]);
        assert_eq!(looked, [1, 5, 6]);
        assert_eq!((trail.audits(), trail.true_positives, trail.first_catch), (3, 1, Some(2)));
        assert_eq!(
            trail.picks[2],
            Pick { row: 6, step: 2, score: 3.5, rank: 1, threshold: 3.5, confirmed: true }
        );
    }

    #[test]
    fn several_picks_of_a_step_share_a_threshold_and_count_their_ranks() {
        let observed = run(&[(4, 1), (4, 2), (4, 3), (9, 4)]);
        let trail =
            replay(&observed, &[1.0, 3.0, 2.0, 0.0], Budget::new(4.0).unwrap(), 2, |_| false).unwrap();
        let seen: Vec<(usize, usize, f64)> =
            trail.picks.iter().map(|p| (p.row, p.rank, p.threshold)).collect();
        assert_eq!(seen, [(1, 1, 2.0), (2, 2, 2.0), (0, 1, 0.0), (3, 2, 0.0)]);
        assert_eq!(trail.first_catch, None);
    }

    #[test]
    fn credit_that_finds_nothing_to_audit_waits() {
        // Two looks a step; the first batches hold one outcome only.
        let observed = run(&[(0, 1), (1, 1), (2, 2), (2, 3), (2, 4), (2, 5), (2, 6)]);
        let trail = replay(&observed, &[0.0; 7], Budget::new(6.0).unwrap(), 3, |_| false).unwrap();
        assert_eq!(rows(&trail), [(0, 0), (2, 2), (3, 2), (4, 2), (5, 2), (6, 2)]);
    }

    #[test]
    fn a_larger_budget_does_not_always_audit_a_superset() {
        // .5 spends its first credit on outcome 1 before outcome 2 exists and has none at step 1; .4 waited.
        let observed = run(&[(0, 1), (0, 1), (1, 2)]);
        let audited = |budget| {
            rows(&replay(&observed, &[1.0, 1.0, 5.0], Budget::new(budget).unwrap(), 2, |_| false).unwrap())
        };
        assert_eq!(audited(0.5), [(0, 0)]);
        assert_eq!(audited(0.4), [(2, 1)]);
    }

    #[test]
    fn bad_input_is_refused_with_its_row() {
        let budget = Budget::new(1.0).unwrap();
        let back = History::new(&run(&[(0, 1), (1, 1), (0, 1)])).unwrap_err();
        assert_eq!(back, Error::StepOrder { row: 2, step: 0, before: 1 });
        let history = History::new(&run(&[(0, 1), (1, 1), (1, 2)])).unwrap();
        let infinite = history.replay(&[0.0, f64::NEG_INFINITY, 0.0], budget, 2, |_| true);
        assert_eq!(infinite, Err(Error::NotFinite { row: 1, value: f64::NEG_INFINITY }));
        let short = history.replay(&[0.0], budget, 2, |_| true);
        assert_eq!(short, Err(Error::Lengths { rollouts: 3, scores: 1 }));
        let torn = Observed { step: vec![0], ..Observed::default() };
        assert_eq!(History::new(&torn).unwrap_err(), Error::Columns { steps: 1, outcomes: 0 });
        assert_eq!(History::new(&run(&[])).unwrap().replay(&[], budget, 2, |_| true), Ok(Trail::default()));
    }
}
