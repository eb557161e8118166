//! Deploys a trained policy: what of its monitors is not in the store yet, on the policy that is there.

use super::error::ExperimentError;
use super::judging::deployed::{Deployment, Frozen};
use super::plan::runs::Planned;
use super::store::{Record, policy, rows};
use super::survey::unwatched;
use super::training::error::TrainError;
use super::work::Worker;
use crate::config::Document;
use crate::foundation::rng::SeedTree;
use crate::record::Outcomes;
use crate::record::tables::DeploymentRow;
use crate::reward::{RewardModel, Twin};

impl Worker<'_> {
    /// Samples the trained policy under the monitors of which nothing is there yet.
    pub(super) fn deploy(
        &self,
        document: &Document,
        planned: &Planned,
        model: &RewardModel,
    ) -> Result<(), ExperimentError> {
        let asked = unwatched(self.store, planned)?;
        let Some(section) = document.deployment.as_ref().filter(|_| !asked.is_empty()) else { return Ok(()) };
        let (arm, replicate) = (planned.arm, planned.replicate);
        let clean = self.model(document, planned, Twin::Clean)?;
        let own = self.policy(document, planned, Twin::Itself, model)?;
        let benign = self.policy(document, planned, Twin::Clean, &clean)?;
        let seeds = SeedTree::new(document.seed, replicate);
        let deployment = Deployment { section, calibration: &document.calibration, seeds };
        let monitors: Vec<_> = asked.iter().map(|(place, _)| &section.monitors[*place]).collect();
        let policies = Frozen::of(model, &own).zip(Frozen::of(&clean, &benign));
        let (own, benign) =
            policies.ok_or(ExperimentError::Train { arm, replicate, source: TrainError::Undeployable })?;
        let rows = deployment.watch(own, benign, &monitors);
        let rows = rows.map_err(|source| ExperimentError::Judge { arm, replicate, source })?;
        for ((_, id), row) in asked.iter().zip(rows) {
            let mut record = Record::default();
            record.push(DeploymentRow::FILE, rows::encode(&[row])?);
            self.store.write(id, &record)?;
        }
        Ok(())
    }

    /// The policy that a run has trained, from its record, or trained for it.
    fn policy(
        &self,
        document: &Document,
        planned: &Planned,
        twin: Twin,
        model: &RewardModel,
    ) -> Result<Vec<f64>, ExperimentError> {
        let [own, clean] = &planned.policy_ids;
        let (id, run) = match twin {
            Twin::Clean => (clean, &planned.clean_id),
            _ => (own, &planned.train_id),
        };
        let cells = model.table().map_or(0, Outcomes::len);
        if let Some(record) = self.store.read(id)? {
            return Ok(policy::from_record(&record, cells, &self.store.path(id))?);
        }
        self.train(document, planned, twin, run, model)?.policy.ok_or(ExperimentError::Train {
            arm: planned.arm,
            replicate: planned.replicate,
            source: TrainError::Undeployable,
        })
    }
}
