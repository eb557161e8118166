//! The online replay: batches in step order, each scored, audited, and only then left behind.

use super::Error;
use super::allocation::{Allocation, Budget};
use super::queue::Pool;
use crate::record::Observed;

/// One trajectory that was looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pick {
    /// Rollout, counted from 0 over the run: the visit that gave its outcome the best score so far.
    pub row: usize,
    /// Step at whose audit it was picked, which may be later than the one that sampled it.
    pub step: u64,
    /// That best score.
    pub score: f64,
    /// Rank among the candidates of its step, from 1.
    pub rank: usize,
    /// Smallest score picked at this step: what was not audited scored no higher.
    pub threshold: f64,
    /// Whether the look confirmed a hack.
    pub confirmed: bool,
}

/// All that an auditor did in a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trail {
    /// Picks in the order in which they were made.
    pub picks: Vec<Pick>,
    /// Confirmed hacks.
    pub true_positives: u64,
    /// First step with a confirmed hack; it was known before that step's update.
    pub first_catch: Option<u64>,
}

impl Trail {
    /// Audits spent.
    pub fn audits(&self) -> u64 {
        self.picks.len() as u64
    }
}

/// Spends a budget batch by batch.
#[derive(Debug)]
pub struct Auditor {
    allocation: Allocation,
    pool: Pool,
    batches: u64,
    rollouts: usize,
    last_step: Option<u64>,
    trail: Trail,
}

impl Auditor {
    /// An auditor of a run planned for `steps` batches, over which a count is spread.
    pub fn new(budget: Budget, steps: u64) -> Self {
        Self {
            allocation: Allocation::new(budget, steps),
            pool: Pool::new(),
            batches: 0,
            rollouts: 0,
            last_step: None,
            trail: Trail::default(),
        }
    }

    /// Takes in the batch of `step`, sampled before update `step`, and spends the credit that is due: the picks.
    ///
    /// `outcome` and `scores` have one entry a rollout, in sampling order; `look` is the paid look at one rollout of
    /// the run (numbered over the run) and says whether it is a hack. Credit that the pool cannot use is carried over.
    ///
    /// Fails, before anything is entered, on different lengths, on a score that is not finite, and on a step that is not
    /// later than the one before.
    pub fn step(
        &mut self,
        step: u64,
        outcome: &[u64],
        scores: &[f64],
        mut look: impl FnMut(usize) -> bool,
    ) -> Result<&[Pick], Error> {
        if outcome.len() != scores.len() {
            return Err(Error::Lengths { rollouts: outcome.len(), scores: scores.len() });
        }
        if let Some(before) = self.last_step.filter(|&before| step <= before) {
            return Err(Error::StepOrder { row: self.rollouts, step, before });
        }
        finite(scores, self.rollouts)?;

        for (offset, (&outcome, &score)) in outcome.iter().zip(scores).enumerate() {
            self.pool.visit(outcome, self.rollouts + offset, score);
        }
        self.rollouts += scores.len();
        self.batches += 1;
        self.last_step = Some(step);

        let first = self.trail.picks.len();
        let due = self.allocation.due(self.batches, self.rollouts as u64);
        while self.trail.audits() < due {
            let Some(candidate) = self.pool.take() else { break };
            let confirmed = look(candidate.row);
            if confirmed {
                self.trail.true_positives += 1;
                self.trail.first_catch.get_or_insert(step);
            }
            let rank = self.trail.picks.len() - first + 1;
            let (row, score) = (candidate.row, candidate.score);
            self.trail.picks.push(Pick { row, step, score, rank, threshold: score, confirmed });
        }
        let (_, picks) = self.trail.picks.split_at_mut(first);
        if let Some(lowest) = picks.last().map(|pick| pick.score) {
            picks.iter_mut().for_each(|pick| pick.threshold = lowest);
        }
        Ok(picks)
    }

    /// What was done so far.
    pub fn trail(&self) -> &Trail {
        &self.trail
    }

    /// Ends the audit.
    pub fn finish(self) -> Trail {
        self.trail
    }
}

/// Audits a stored run as it would have been audited while it ran.
///
/// `scores` has one entry a rollout of `observed`, whose steps ascend; all rows of a step form one batch. `steps` is the
/// number of batches that the run was planned for, over which a count is spread: taken from the plan and not from the
/// data, so that rows of later steps never change an earlier pick. `look` as in [`Auditor::step`].
///
/// Fails on different lengths, a score that is not finite, and steps that descend, with the row.
pub fn replay(
    observed: &Observed,
    scores: &[f64],
    budget: Budget,
    steps: u64,
    mut look: impl FnMut(usize) -> bool,
) -> Result<Trail, Error> {
    let rows = observed.outcome.len();
    if scores.len() != rows || observed.step.len() != rows {
        return Err(Error::Lengths { rollouts: observed.step.len(), scores: scores.len() });
    }
    finite(scores, 0)?;
    let mut auditor = Auditor::new(budget, steps);
    let (mut outcome, mut scores) = (observed.outcome.as_slice(), scores);
    for batch in observed.step.chunk_by(|a, b| a == b) {
        let Some(&step) = batch.first() else { continue };
        let (now, later) = outcome.split_at(batch.len());
        let (scores_now, scores_later) = scores.split_at(batch.len());
        auditor.step(step, now, scores_now, &mut look)?;
        (outcome, scores) = (later, scores_later);
    }
    Ok(auditor.finish())
}

fn finite(scores: &[f64], first_row: usize) -> Result<(), Error> {
    match scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
        Some((row, &value)) => Err(Error::NotFinite { row: first_row + row, value }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(rows: &[(u64, u64)]) -> Observed {
        Observed {
            step: rows.iter().map(|r| r.0).collect(),
            outcome: rows.iter().map(|r| r.1).collect(),
            ..Observed::default()
        }
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
        let observed = run(&[(0, 1), (1, 1), (0, 1)]);
        assert_eq!(
            replay(&observed, &[0.0; 3], budget, 2, |_| false),
            Err(Error::StepOrder { row: 2, step: 0, before: 1 })
        );
        let infinite = replay(&observed, &[0.0, f64::INFINITY, 0.0], budget, 2, |_| false);
        assert_eq!(infinite, Err(Error::NotFinite { row: 1, value: f64::INFINITY }));
        let short = replay(&observed, &[0.0], budget, 2, |_| false);
        assert_eq!(short, Err(Error::Lengths { rollouts: 3, scores: 1 }));
        assert_eq!(replay(&run(&[]), &[], budget, 2, |_| false), Ok(Trail::default()));
        let mut online = Auditor::new(budget, 2);
        online.step(3, &[1], &[0.0], |_| false).unwrap();
        assert!(online.step(3, &[2], &[0.0], |_| false).is_err());
        assert_eq!(online.trail().audits(), 0);
    }
}
