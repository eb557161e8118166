//! Recorded rollouts that an early warning can use: those before the damage, and all of a run without damage.

use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::recorded::{Rollout, rollouts};
use std::collections::BTreeMap;

/// Hacks from which on their scores are told of.
pub(super) const LEAST: usize = 10;

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

/// The recorded runs with their early rollouts, in plan order.
pub(super) fn early(run: &RunFolder) -> Result<Vec<Recorded>, Status> {
    let damage: BTreeMap<&str, Option<u64>> =
        run.replicates.iter().map(|row| (row.train_id.as_str(), row.damage_step)).collect();
    let wanted = |id: &str, step: u64| damage.get(id).is_some_and(|at| at.is_none_or(|at| step < at));
    let mut found = rollouts(run, wanted)
        .map_err(|error| Status::Missing { column: format!("readable rollouts: {error}") })?;
    let of = |info: &crate::record::folder::RunInfo| {
        Some(Recorded {
            arm: info.arm,
            replicate: info.replicate,
            train_id: info.train_id.clone(),
            damage: damage.get(info.train_id.as_str()).copied().flatten(),
            rollouts: found.remove(&info.train_id)?,
        })
    };
    let recorded: Vec<Recorded> = run.plan.runs.iter().filter_map(of).collect();
    if recorded.is_empty() {
        let column = "recorded rollouts in observed.csv and truth.csv ([record] observed)".to_owned();
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
