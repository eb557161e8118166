//! Every run of an experiment, in order: arms of the grid, then replicates.

use super::id::Id;
use super::ids::{Judges, Monitors, Runs, SEMANTICS};
use crate::config::{Arm, Document, Loaded, ObservedRuns};
use crate::foundation::format;
use crate::policies::Backend;
use crate::record::folder::{ArmInfo, Plan, RunInfo};
use crate::record::made::MissingRun;
use crate::reward::Twin;
use rayon::prelude::*;

/// One run and the identities it needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// Number of the arm.
    pub arm: usize,
    /// Replicate, from 0.
    pub replicate: u64,
    /// The run itself.
    pub train_id: Id,
    /// Its yardstick.
    pub clean_id: Id,
    /// Its honest-outlier control, where asked for.
    pub swap_id: Option<Id>,
    /// Its own record: the row, the steps, the curves and the oracle.
    pub run_id: Id,
    /// The judgement of each detector, in the order of the config.
    pub judge_ids: Vec<Id>,
    /// The trained policy and that of the clean twin.
    pub policy_ids: [Id; 2],
    /// What each monitor of the deployed policy tells, in the order of the config.
    pub deploy_ids: Vec<Id>,
}

/// What can be asked of those who judge a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// That of the detector at this place in the config.
    Detector(usize),
    /// The run's own record.
    Run,
}

impl Planned {
    /// The run as one that is not in the tables.
    pub fn missing(&self, reason: String) -> MissingRun {
        MissingRun { arm: self.arm, replicate: self.replicate, train_id: self.train_id.to_string(), reason }
    }

    /// The training runs that it takes: itself and its twins.
    pub fn trained(&self) -> impl Iterator<Item = &str> {
        [&self.train_id, &self.clean_id].into_iter().chain(&self.swap_id).map(Id::as_str)
    }

    /// What a run goes on from, beside its own record: twins and policies.
    pub fn twins(&self) -> impl Iterator<Item = &str> {
        let policies = self.policy_ids.iter().filter(|_| !self.deploy_ids.is_empty());
        [&self.clean_id].into_iter().chain(&self.swap_id).chain(policies).map(Id::as_str)
    }

    /// Records that it leaves, but for its rollouts and policies.
    pub fn records(&self) -> usize {
        self.judge_ids.len() + 1 + self.deploy_ids.len()
    }

    /// Every judgement with its identity: the detectors, then the run.
    pub fn judgements(&self) -> impl Iterator<Item = (Judgement, &str)> {
        let detectors =
            self.judge_ids.iter().enumerate().map(|(place, id)| (Judgement::Detector(place), id.as_str()));
        detectors.chain([(Judgement::Run, self.run_id.as_str())])
    }
}

/// Enumerates the runs of a config, as computed by a backend.
///
/// # Errors
/// Fails only where a section cannot be written as JSON, which no loaded config holds.
pub fn plan(loaded: &Loaded, backend: &Backend) -> Result<Vec<Planned>, serde_json::Error> {
    let replicates = |arm: &Arm| usize::try_from(arm.document.replicates.get()).unwrap_or(usize::MAX);
    let all = loaded.arms.iter().map(replicates).fold(0usize, usize::saturating_add);
    let mut runs = Vec::new();
    // Where there is no room for all at once, they come one after the other.
    let _ = runs.try_reserve_exact(all);
    for arm in &loaded.arms {
        let document = &arm.document;
        let (judges, monitors) = (Judges::of(document)?, Monitors::of(document)?);
        let trained = |twin| Runs::trained(document, twin, backend);
        let (itself, clean) = (trained(Twin::Itself)?, trained(Twin::Clean)?);
        let swapped = document.reward.swap_twin.then(|| trained(Twin::Swapped)).transpose()?;
        let policies = |twin| Runs::policies(document, twin, backend);
        let (policy, clean_policy) = (policies(Twin::Itself)?, policies(Twin::Clean)?);
        runs.par_extend((0..replicates(arm)).into_par_iter().map(|replicate| {
            let replicate = replicate as u64;
            let train_id = itself.id(replicate);
            let policy_ids = [policy.id(replicate), clean_policy.id(replicate)];
            Planned {
                arm: arm.index,
                replicate,
                clean_id: clean.id(replicate),
                swap_id: swapped.as_ref().map(|swapped| swapped.id(replicate)),
                run_id: judges.run_id(&train_id),
                judge_ids: judges.judge_ids(&train_id),
                deploy_ids: monitors.ids([&policy_ids[0], &policy_ids[1]]),
                policy_ids,
                train_id,
            }
        }));
    }
    Ok(runs)
}

/// Whether the rollouts of a run are written one by one.
pub fn keeps_rollouts(document: &Document, replicate: u64) -> bool {
    match document.record.observed {
        ObservedRuns::All => true,
        ObservedRuns::First => replicate == 0,
        ObservedRuns::None => false,
    }
}

/// The plan as the run folder's `plan.json` holds it.
pub fn describe(loaded: &Loaded, name: &str, runs: &[Planned]) -> Plan {
    let label = |values: &[String]| {
        let keys = loaded.sweep_keys.iter().map(|key| key.rsplit('.').next().unwrap_or(key));
        // A part names itself, `sgd(learning_rate=3.2)`, and so does a setting, `tokens=2`; numbers and yes or no need their key.
        let named = |(key, value): (&str, &String)| {
            if value.parse::<f64>().is_ok() || value.parse::<bool>().is_ok() {
                format!("{key} = {}", format::round(value))
            } else {
                value.clone()
            }
        };
        let pairs: Vec<String> = keys.zip(values).map(named).collect();
        if pairs.is_empty() { name.to_owned() } else { pairs.join(", ") }
    };
    Plan {
        name: name.to_owned(),
        question: loaded.document.question.clone(),
        semantics: SEMANTICS,
        seed: loaded.document.seed,
        replicates: loaded.document.replicates.get(),
        sweep_keys: loaded.sweep_keys.clone(),
        arms: loaded
            .arms
            .iter()
            .map(|arm| ArmInfo {
                arm: arm.index,
                label: label(&arm.names),
                values: arm.values.clone(),
                names: arm.names.clone(),
            })
            .collect(),
        runs: runs
            .iter()
            .map(|r| RunInfo { arm: r.arm, replicate: r.replicate, train_id: r.train_id.to_string() })
            .collect(),
    }
}
