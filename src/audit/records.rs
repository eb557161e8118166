//! Reads every rollout that enters the k highest scores so far.

use super::contract::{Auditing, Batch, Ground, Look, Place, Rule};
use super::trail::{Pick, Trail};
use crate::foundation::failure::Status;
use crate::foundation::rng::Stream;
use crate::foundation::scalar::Positive;
use crate::theory::records::Records as RecordPlan;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::{BinaryHeap, HashSet};

/// Reads every rollout whose score enters the k highest so far, reference rollouts included. A confirmed hack leaves the
/// ranking, a benign look stays.
///
/// If benign scores are exchangeable, the expected number of benign looks at rollouts n₀ + 1 … N is k·(H_N − H_n₀) ≈ k·ln(N/n₀)
/// (Rényi 1962; k-records: Nevzorov 2001), whatever their tail: no fit, no threshold, no nominal rate. k is the largest
/// whole number, at least 1, whose expectation is within `benign_looks`; a budget that is enough for all rollouts
/// reads all. Ties are broken at random; a visit that ties with the last of
/// the ranking and sampled the same outcome is the same thing, and does not enter. An outcome that was confirmed is known,
/// and its later visits are not read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Records {
    /// Looks at benign rollouts that a run without drift may cost, in expectation; with the reference's where it is read.
    pub benign_looks: Positive,
    /// Whether the k highest of the reference are read first: it costs k looks, and what was a hack there hides nothing.
    pub read_reference: bool,
}

impl Default for Records {
    fn default() -> Self {
        Self { benign_looks: Positive::known(20.0), read_reference: true }
    }
}

impl Rule for Records {
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Auditing>, Status> {
        let Ground { reference, rollouts, mut rng, .. } = ground;
        let k = self.places(reference.scores.len() as u64, rollouts);
        let mut entries: Vec<Entry> = reference
            .scores
            .iter()
            .zip(reference.outcomes)
            .enumerate()
            .map(|(row, (&score, &outcome))| Entry {
                score,
                tie: rng.open_unit(),
                outcome,
                reference: Some(row),
            })
            .collect();
        entries.sort_unstable_by(Entry::order);
        Ok(Box::new(Ranking {
            k,
            unread: if self.read_reference { entries.clone() } else { Vec::new() },
            top: if self.read_reference { BinaryHeap::new() } else { entries.into_iter().take(k).collect() },
            known: HashSet::new(),
            rng,
            passed: 0,
        }))
    }
}

impl Records {
    /// How many places the ranking has after `before` reference rollouts and for so many of the run.
    pub fn places(&self, before: u64, rollouts: u64) -> usize {
        let places =
            RecordPlan::after(before, rollouts, self.read_reference).affordable(self.benign_looks.get());
        usize::try_from(places).unwrap_or(usize::MAX)
    }
}

/// A rollout in the ranking.
#[derive(Debug, Clone, Copy)]
struct Entry {
    score: f64,
    /// Decides between equal scores.
    tie: f64,
    outcome: u64,
    /// Its row, if it is one of the reference.
    reference: Option<usize>,
}

impl Entry {
    /// The highest first.
    fn order(a: &Self, b: &Self) -> std::cmp::Ordering {
        b.score.total_cmp(&a.score).then(b.tie.total_cmp(&a.tie))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        Self::order(self, other).is_eq()
    }
}
impl Eq for Entry {}
impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Entry {
    /// The lowest is the greatest, so that it tops the heap.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        Self::order(self, other)
    }
}

/// The k highest so far.
struct Ranking {
    k: usize,
    /// Reference rollouts that are still to be read from, the highest first.
    unread: Vec<Entry>,
    /// The lowest of the ranking on top.
    top: BinaryHeap<Entry>,
    /// Outcomes that were confirmed.
    known: HashSet<u64>,
    rng: Stream,
    /// Rollouts since the last draw, whose ties nobody asked for.
    passed: u64,
}

impl Ranking {
    /// Reads the reference from its top until k of it are benign.
    fn read_reference(&mut self, step: u64, look: &mut Look<'_>, trail: &mut Trail) {
        for entry in std::mem::take(&mut self.unread) {
            if self.top.len() == self.k {
                break;
            }
            let Some(row) = entry.reference.filter(|_| !self.known.contains(&entry.outcome)) else {
                continue;
            };
            let confirmed = look(Place::Reference(row));
            trail.enter_reference(row, confirmed, step);
            if confirmed {
                self.known.insert(entry.outcome);
            } else {
                self.top.push(entry);
            }
        }
    }

    /// Whether a score is too low to enter, however ties are broken.
    fn is_below(&self, score: f64) -> bool {
        let last = self.top.peek().filter(|_| self.top.len() >= self.k);
        last.is_some_and(|last| score.total_cmp(&last.score).is_lt())
    }

    /// What breaks the tie of the next rollout. Each has a number of its own, so that what is known changes no later one; those that
    /// nobody asks for are passed over.
    fn tie(&mut self) -> f64 {
        if self.passed > 0 {
            self.rng.pass(std::mem::take(&mut self.passed));
        }
        self.rng.open_unit()
    }

    /// Whether it enters the ranking.
    fn enters(&self, entry: &Entry) -> bool {
        let Some(last) = self.top.peek().filter(|_| self.top.len() >= self.k) else { return true };
        let same = entry.score == last.score && entry.outcome == last.outcome;
        !same && Entry::order(entry, last).is_lt()
    }
}

impl Auditing for Ranking {
    fn step(&mut self, batch: &Batch<'_>, look: &mut Look<'_>, trail: &mut Trail) {
        self.read_reference(batch.step, look, trail);
        let mut rank = 0;
        for (row, (&score, &outcome)) in batch.scores.iter().zip(batch.outcomes).enumerate() {
            if self.is_below(score) {
                self.passed += 1;
                continue;
            }
            let entry = Entry { score, tie: self.tie(), outcome, reference: None };
            // The comparison first: few rollouts pass it, and only they are looked up.
            if !self.enters(&entry) || batch.is_handled(row) || self.known.contains(&outcome) {
                continue;
            }
            rank += 1;
            let threshold = self.top.peek().map_or(score, |last| last.score);
            let confirmed = look(Place::Run(batch.first + row));
            if confirmed {
                self.known.insert(outcome);
            } else {
                if self.top.len() >= self.k {
                    self.top.pop();
                }
                self.top.push(entry);
            }
            let (row, step) = (batch.first + row, batch.step);
            trail.enter(Pick { row, step, score, rank, threshold, confirmed });
        }
    }
}
