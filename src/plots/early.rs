//! Recorded rollouts that an early warning can use: those before the damage, and all of a run without damage.

use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::recorded::{Rollout, rollouts};
use std::collections::{BTreeMap, BTreeSet};

/// Hacks from which on their scores are told of.
pub(super) const LEAST: usize = 10;

/// Arms, and recorded runs of each, that are read: of more rollouts than these a picture shows nothing else.
pub(super) const MAX_ARMS: usize = 6;
pub(super) const MAX_RUNS: usize = 12;

/// A recorded run.
pub(super) struct Recorded {
    /// Its arm.
    pub arm: usize,
    /// Its replicate.
    pub replicate: u64,
    /// Identity of the training run.
    pub train_id: String,
    /// First step that is too late.
    pub damage: Option<u64>,
    /// Its rollouts before that.
    pub rollouts: Vec<Rollout>,
}

/// The recorded runs with their early rollouts, in plan order: of the first arms that have some.
pub(super) fn early(run: &RunFolder) -> Result<Vec<Recorded>, Status> {
    let ends: BTreeMap<&str, (usize, Option<u64>)> =
        run.replicates.iter().map(|row| (row.train_id.as_str(), (row.arm, row.damage_step))).collect();
    // An exact solution has no training, and so nothing early.
    let trained: BTreeSet<usize> = run.steps.iter().filter(|row| row.step > 0).map(|row| row.arm).collect();
    let mut taken: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    let wanted = |id: &str, step: u64| {
        let Some(&(arm, damage)) = ends.get(id).filter(|(arm, _)| trained.contains(arm)) else {
            return false;
        };
        let (arms, runs) = (taken.len(), taken.get(&arm).map_or(0, Vec::len));
        let is_known = taken.get(&arm).is_some_and(|runs| runs.iter().any(|run| run == id));
        if !is_known {
            if runs >= MAX_RUNS || (runs == 0 && arms >= MAX_ARMS) {
                return false;
            }
            taken.entry(arm).or_default().push(id.to_owned());
        }
        damage.is_none_or(|damage| step < damage)
    };
    let mut found = rollouts(run, wanted).map_err(|error| match error.is_refusal() {
        true => Status::Missing { column: format!("readable rollouts: {error}") },
        false => Status::Unreadable { problem: error.to_string() },
    })?;
    let of = |info: &crate::record::folder::RunInfo| {
        Some(Recorded {
            arm: info.arm,
            replicate: info.replicate,
            train_id: info.train_id.clone(),
            damage: ends.get(info.train_id.as_str()).and_then(|end| end.1),
            rollouts: found.remove(&info.train_id)?,
        })
    };
    let recorded: Vec<Recorded> = run.plan.runs.iter().filter_map(of).collect();
    if recorded.is_empty() {
        let column = "rollouts of training runs in observed.csv and truth.csv ([record] observed)".to_owned();
        return Err(Status::Missing { column });
    }
    Ok(recorded)
}

/// What a rollout is scored by, under the name of the detector whose score it is.
pub(super) type Score = fn(&Rollout) -> Option<f64>;

/// The detectors whose scores a recorded rollout carries, and what these are.
pub(super) const SCORES: [(&str, &str, Score); 2] = [
    ("top_reward", "Proxy reward U", |rollout| Some(rollout.proxy)),
    ("log_ratio", "Log-ratio ln π/π₀ (nats)", |rollout| rollout.log_ratio),
];

/// Whether a score tells any two rollouts apart.
pub(super) fn varies(runs: &[Recorded], score: Score) -> bool {
    let mut values = runs.iter().flat_map(|run| &run.rollouts).filter_map(score);
    values.next().is_some_and(|first| values.any(|value| value != first))
}
