//! The online audit: batches in step order, each scored, audited, and only then left behind.

use super::Error;
use super::allocation::{Allocation, Budget};
use super::numbering::Numbering;
use super::queue::Pool;
use super::trail::{Pick, Trail};

/// Pool, credit and trail: what an audit is once outcomes are numbered.
#[derive(Debug)]
pub(super) struct Ledger {
    allocation: Allocation,
    pool: Pool,
    batches: u64,
    rollouts: usize,
    trail: Trail,
}

impl Ledger {
    /// Of a run planned for `steps` batches.
    pub fn new(budget: Budget, steps: u64) -> Self {
        Self {
            allocation: Allocation::new(budget, steps),
            pool: Pool::default(),
            batches: 0,
            rollouts: 0,
            trail: Trail::default(),
        }
    }

    /// Enters a batch, `members` being its outcomes' numbers by first sampling, and spends the credit that is due.
    pub fn step(
        &mut self,
        step: u64,
        members: impl Iterator<Item = usize>,
        scores: &[f64],
        look: &mut impl FnMut(usize) -> bool,
    ) -> &[Pick] {
        for (offset, (member, &score)) in members.zip(scores).enumerate() {
            self.pool.visit(member, self.rollouts + offset, score);
        }
        self.rollouts += scores.len();
        self.batches += 1;

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
        picks
    }

    /// Ends the audit.
    pub fn finish(self) -> Trail {
        self.trail
    }
}

/// Audits a run while it runs; [`History`](super::History) does the same to a stored one, faster.
#[derive(Debug)]
pub struct Auditor {
    numbering: Numbering,
    ledger: Ledger,
    last_step: Option<u64>,
}

impl Auditor {
    /// An auditor of a run planned for `steps` batches, over which a count is spread.
    pub fn new(budget: Budget, steps: u64) -> Self {
        Self { numbering: Numbering::default(), ledger: Ledger::new(budget, steps), last_step: None }
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
            return Err(Error::StepOrder { row: self.ledger.rollouts, step, before });
        }
        finite(scores, self.ledger.rollouts)?;
        self.last_step = Some(step);
        let members = outcome.iter().map(|&outcome| self.numbering.number(outcome));
        Ok(self.ledger.step(step, members, scores, &mut look))
    }

    /// What was done so far.
    pub fn trail(&self) -> &Trail {
        &self.ledger.trail
    }

    /// Ends the audit.
    pub fn finish(self) -> Trail {
        self.ledger.finish()
    }
}

/// Refuses scores that cannot be ranked; rows count from `first_row`.
pub(super) fn finite(scores: &[f64], first_row: usize) -> Result<(), Error> {
    match scores.iter().enumerate().find(|(_, score)| !score.is_finite()) {
        Some((row, &value)) => Err(Error::NotFinite { row: first_row + row, value }),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bad_batches_are_refused_and_leave_the_audit_as_it_was() {
        let mut online = Auditor::new(Budget::new(1.0).unwrap(), 1);
        let short = online.step(3, &[1, 2], &[0.0], |_| true);
        assert_eq!(short, Err(Error::Lengths { rollouts: 2, scores: 1 }));
        let infinite = online.step(3, &[1, 2], &[0.0, f64::INFINITY], |_| true);
        assert_eq!(infinite, Err(Error::NotFinite { row: 1, value: f64::INFINITY }));
        assert_eq!(online.trail(), &Trail::default());
        assert_eq!(online.step(3, &[1, 2], &[0.0, 1.0], |row| row == 1).map(<[Pick]>::len), Ok(1));
        let again = online.step(3, &[3], &[0.0], |_| true);
        assert_eq!(again, Err(Error::StepOrder { row: 2, step: 3, before: 3 }));
        assert_eq!((online.trail().audits(), online.trail().first_catch), (1, Some(3)));
    }
}
