//! Reads two lists: the records of single scores, and the outcomes whose scores add up to the most.

use super::allocation::{Allocation, Budget};
use super::contract::{Auditing, Batch, Ground, Look, Place, Rule};
use super::records::Records;
use super::trail::{Pick, Trail};
use crate::foundation::failure::Status;
use crate::foundation::order::median;
use crate::foundation::scalar::Positive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Two lists of one reader, each with its own share of the looks. The first is that of [`Records`]: every rollout that enters the k highest
/// scores so far. The second reads, as looks accrue, the outcome whose scores beyond their steps' medians have added up to the most so far; with
/// the reward as score it is `top` by the detector `cumulative_reward`.
///
/// What either list confirms is known to both, and the second reads nothing that the first has read. Single scores show a drastic
/// exploit at its first visit, sums a moderate one after many: neither list is right at every size.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BothLists {
    /// Looks of the first list at benign rollouts that a run without drift may cost, in expectation; with the reference's where it is read.
    pub benign_looks: Positive,
    /// Whether the k highest of the reference are read first: it costs k looks, and what was a hack there hides nothing.
    pub read_reference: bool,
    /// Looks of the second list, which accrue: below 1 a fraction of the rollouts, from 1 on a count over the whole run.
    pub looks: Budget,
}

impl Default for BothLists {
    fn default() -> Self {
        Self { benign_looks: Positive::known(10.0), read_reference: true, looks: Budget::known(5e-4) }
    }
}

impl Rule for BothLists {
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Auditing>, Status> {
        let Self { benign_looks, read_reference, looks } = *self;
        Ok(Box::new(Lists {
            allocation: Allocation::new(looks, ground.steps),
            records: Records { benign_looks, read_reference }.start(ground)?,
            sums: HashMap::new(),
            batches: 0,
            rollouts: 0,
            spent: 0,
        }))
    }
}

/// What is known of an outcome.
#[derive(Debug, Clone, Copy, Default)]
struct Known {
    /// Scores beyond their steps' medians, over all visits.
    sum: f64,
    /// The most that this was after a step, and the first visit that had it.
    best: Option<(f64, usize)>,
    read: bool,
    confirmed: bool,
}

struct Lists {
    records: Box<dyn Auditing>,
    sums: HashMap<u64, Known>,
    allocation: Allocation,
    batches: u64,
    rollouts: u64,
    /// Looks of the second list.
    spent: u64,
}

impl Lists {
    /// Reads the records; gives how many rollouts were read.
    fn first(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail) {
        let is_known = |row: usize, outcome: &u64| {
            batch.is_handled(row) || self.sums.get(outcome).is_some_and(|known| known.confirmed)
        };
        let known: Vec<bool> =
            batch.outcomes.iter().enumerate().map(|(row, outcome)| is_known(row, outcome)).collect();
        let before = trail.picks.len();
        self.records.step(&Batch { handled: Some(&known), ..*batch }, look, trail);
        for pick in &trail.picks[before..] {
            // Records read rollouts of this step alone.
            let Some(outcome) = pick.row.checked_sub(batch.first).and_then(|row| batch.outcomes.get(row))
            else {
                continue;
            };
            let own = self.sums.entry(*outcome).or_default();
            (own.read, own.confirmed) = (true, own.confirmed || pick.confirmed);
        }
    }

    fn add(&mut self, batch: &Batch<'_>) {
        let middle = median(batch.scores).unwrap_or(0.0);
        for (outcome, score) in batch.outcomes.iter().zip(batch.scores) {
            let own = self.sums.entry(*outcome).or_default();
            own.sum = (own.sum + (score - middle).clamp(f64::MIN, f64::MAX)).clamp(f64::MIN, f64::MAX);
        }
        for (row, outcome) in batch.outcomes.iter().enumerate().filter(|(row, _)| !batch.is_handled(*row)) {
            let own = self.sums.entry(*outcome).or_default();
            if own.best.is_none_or(|(best, _)| own.sum > best) {
                own.best = Some((own.sum, batch.first + row));
            }
        }
        self.batches += 1;
        self.rollouts += batch.scores.len() as u64;
    }

    /// The unread outcome with the largest sum, and where; of equal ones that which had it first.
    fn highest(&self) -> Option<(u64, f64, usize)> {
        let unread = self.sums.iter().filter(|(_, known)| !known.read);
        let best = unread.filter_map(|(outcome, known)| known.best.map(|(sum, row)| (*outcome, sum, row)));
        best.max_by(|a, b| a.1.total_cmp(&b.1).then(b.2.cmp(&a.2)))
    }

    fn second(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail) {
        let mut rank = 0;
        while self.spent < self.allocation.due(self.batches, self.rollouts) {
            let Some((outcome, sum, row)) = self.highest() else { break };
            rank += 1;
            self.spent += 1;
            let confirmed = look(Place::Run(row));
            if let Some(own) = self.sums.get_mut(&outcome) {
                (own.read, own.confirmed) = (true, confirmed);
            }
            trail.enter(Pick { row, step: batch.step, score: sum, rank, threshold: sum, confirmed });
        }
    }
}

impl Auditing for Lists {
    fn step(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail) {
        self.first(batch, look, trail);
        self.add(batch);
        self.second(batch, look, trail);
    }
}
