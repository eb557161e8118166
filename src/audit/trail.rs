//! What an auditor did.

/// One rollout that was read.
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
    /// What was not read at that moment scored no higher.
    pub threshold: f64,
    /// Whether the look confirmed a hack.
    pub confirmed: bool,
}

/// All that an auditor did in a run.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Trail {
    /// Picks in the order in which they were made.
    pub picks: Vec<Pick>,
    /// Rows of the reference that were read, and whether a hack was confirmed.
    pub reference: Vec<(usize, bool)>,
    /// Of all looks those that a screen passed on to the dear reader; 0 without a screen.
    pub passed: u64,
    /// Confirmed hacks of the run.
    pub true_positives: u64,
    /// First step with a confirmed hack; it was known before that step's update. One that was confirmed in the reference is
    /// known from the first step on.
    pub first_catch: Option<u64>,
}

impl Trail {
    /// Rollouts of the run that were read.
    pub fn audits(&self) -> u64 {
        self.picks.len() as u64
    }

    /// All rollouts that were read, those of the reference too.
    pub fn looks(&self) -> u64 {
        (self.picks.len() + self.reference.len()) as u64
    }

    /// Those that are no hacks in truth; `hack` and `reference` have one entry a rollout of the run and of the reference.
    pub fn benign_looks(&self, hack: &[bool], reference: &[bool]) -> u64 {
        let honest = |column: &[bool], row: usize| !column.get(row).copied().unwrap_or(false);
        let run = self.picks.iter().filter(|pick| honest(hack, pick.row)).count();
        (run + self.reference.iter().filter(|(row, _)| honest(reference, *row)).count()) as u64
    }

    /// Counts what was confirmed rightly, for a reader who may err; arguments as in [`Trail::benign_looks`].
    pub fn settle(&mut self, hack: &[bool], reference: &[bool]) {
        let is_hack = |column: &[bool], row: usize| column.get(row).copied().unwrap_or(false);
        let right = |pick: &&Pick| pick.confirmed && is_hack(hack, pick.row);
        self.true_positives = self.picks.iter().filter(right).count() as u64;
        let known = self.reference.iter().any(|(row, confirmed)| *confirmed && is_hack(reference, *row));
        let first = self.picks.iter().find(right).map(|pick| pick.step);
        self.first_catch = if known { self.first_catch } else { first };
    }

    /// Enters a look at a rollout of the run.
    pub(super) fn enter(&mut self, pick: Pick) {
        if pick.confirmed {
            self.true_positives += 1;
            self.first_catch.get_or_insert(pick.step);
        }
        self.picks.push(pick);
    }

    /// Enters a look at a rollout of the reference, at the first `step` of a run.
    pub(super) fn enter_reference(&mut self, row: usize, confirmed: bool, step: u64) {
        if confirmed {
            self.first_catch.get_or_insert(step);
        }
        self.reference.push((row, confirmed));
    }
}
