//! A run in progress, kept so that it can go on after an interruption and end in the same bytes.

use super::influence::Influence;
use super::trained::Trained;
use crate::experiment::store::{Record, Store, StoreError};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicBool, Ordering};

/// Where one run is kept while it is under way.
#[derive(Debug, Clone)]
pub struct Checkpoints<'a> {
    store: &'a Store,
    /// Name of the record: the run's identity, marked.
    id: String,
    /// Steps between two times at which it is kept; never, where it is not.
    every: Option<NonZeroU64>,
    stop: &'a AtomicBool,
}

/// A run up to some step.
#[derive(Debug, Clone, Default)]
pub struct Partial {
    /// Steps and rollouts so far; its final numbers are still empty.
    pub so_far: Trained,
    pub influence: Influence,
    /// The policy, its optimizer and what the trainer remembers, as the arena writes it.
    pub arena: Vec<u8>,
    /// Points that a response may go back to: the step before whose sampling each was kept, and the arena then.
    pub points: Vec<(u64, Vec<u8>)>,
}

const INFLUENCE: &str = "influence.json";
const ARENA: &str = "arena";
const POINTS: &str = "points";

/// Name of the record of a run under way.
pub fn under_way(train_id: &str) -> String {
    format!("{train_id}.partial")
}

impl<'a> Checkpoints<'a> {
    /// Keeps the run `train_id` after every `every` steps, and when `stop` is set; without `every` it is dropped then.
    pub fn new(
        store: &'a Store,
        train_id: &str,
        every: impl Into<Option<NonZeroU64>>,
        stop: &'a AtomicBool,
    ) -> Self {
        let every = every.into();
        Self { store, id: under_way(train_id), every, stop }
    }

    /// Whether the run is to be kept after so many steps.
    pub(super) fn due(&self, steps: u64) -> bool {
        self.every.is_some_and(|every| steps.is_multiple_of(every.get()) || self.stopped())
    }

    /// Whether the run is to end early.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// The run so far, if some of it is kept and verifies.
    pub(super) fn load(&self) -> Result<Option<Partial>, StoreError> {
        if self.every.is_none() {
            return Ok(None);
        }
        let Some(record) = self.store.begun(&self.id)? else { return Ok(None) };
        let path = self.store.path(&self.id);
        let influence = record.section(INFLUENCE).unwrap_or_default();
        let influence = serde_json::from_slice(influence).map_err(|e| StoreError::Section {
            path: path.clone(),
            section: INFLUENCE,
            problem: e.to_string(),
        })?;
        let arena = record.section(ARENA).unwrap_or_default().to_vec();
        let points = points_of(record.section(POINTS).unwrap_or_default()).ok_or_else(|| {
            StoreError::Section { path: path.clone(), section: POINTS, problem: "it is cut short".to_owned() }
        })?;
        Ok(Some(Partial { so_far: Trained::from_record(&record, &path)?, influence, arena, points }))
    }

    /// Keeps the run as it is, in the place of what was kept before.
    pub(super) fn save(&self, partial: &Partial) -> Result<(), crate::experiment::error::ExperimentError> {
        let mut record: Record = partial.so_far.to_record()?;
        let influence =
            serde_json::to_vec(&partial.influence).map_err(|e| csv::Error::from(std::io::Error::from(e)))?;
        record.push(INFLUENCE, influence);
        record.push(ARENA, partial.arena.clone());
        if !partial.points.is_empty() {
            record.push(POINTS, points_to(&partial.points));
        }
        Ok(self.store.replace(&self.id, &record)?)
    }

    /// Forgets the run: it is finished.
    pub(in crate::experiment) fn clear(&self) -> Result<(), StoreError> {
        if self.every.is_some() { self.store.remove(&self.id) } else { Ok(()) }
    }
}

/// Step, length and bytes of each point, little endian.
fn points_to(points: &[(u64, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (step, point) in points {
        bytes.extend(step.to_le_bytes());
        bytes.extend((point.len() as u64).to_le_bytes());
        bytes.extend(point);
    }
    bytes
}

/// Reads what [`points_to`] wrote; `None` where it is cut short.
fn points_of(mut bytes: &[u8]) -> Option<Vec<(u64, Vec<u8>)>> {
    let mut points = Vec::new();
    while !bytes.is_empty() {
        let (step, rest) = bytes.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (point, rest) = rest.split_at_checked(usize::try_from(u64::from_le_bytes(*length)).ok()?)?;
        points.push((u64::from_le_bytes(*step), point.to_vec()));
        bytes = rest;
    }
    Some(points)
}
