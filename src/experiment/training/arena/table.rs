//! A policy over the outcomes of a table: everything is summed exactly.

use super::contract::{Arena, best_utility, spread, treated};
use crate::audit::response::Treatment;
use crate::deployment::ShiftSpec;
use crate::experiment::training::error::TrainError;
use crate::experiment::training::policy_value::Expectations;
use crate::experiment::training::setting::Setting;
use crate::experiment::training::trained::Final;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::reward::RewardModel;
use crate::rollout::{Batch, Sampler, Steer, reference_proxies};
use crate::theory::tilt::Tilter;
use crate::trainers::{Experience, Ground, Shaping, TableLearner, TrainerError, TrainerSpec};

/// The table, who is trained on it, and its policy as it is now.
pub(super) struct Table<'a> {
    model: &'a RewardModel,
    table: &'a Outcomes,
    learner: Box<TableLearner>,
    /// The policy in place of the learner's, once it is deployed.
    deployed: Option<Snapshot>,
    sampler: Sampler,
    exact: Expectations,
    reference: Expectations,
    started: bool,
    /// Whether the policy is the exponential tilt by the proxy as it is, which condenses.
    tilted: bool,
}

impl<'a> Table<'a> {
    pub fn new(setting: Setting<'a>, table: &'a Outcomes) -> Result<Self, TrainerError> {
        let Setting { model, trainer, seeds, backend, .. } = setting;
        let part = trainer.part();
        let mut policy = Snapshot::default();
        policy.set(table, |_| 0.0);
        let reference = Expectations::enumerated(&policy, table).placebos(&policy, table, model);
        let scaling = match part.shaping().needs_reference() {
            true => reference_proxies(model, table, &seeds),
            false => Vec::new(),
        };
        Ok(Self {
            model,
            table,
            learner: part.start(Ground { table: &table.observed(), reference_proxies: &scaling, backend })?,
            deployed: None,
            sampler: Sampler::training(&seeds).in_groups(part.group()),
            exact: reference,
            reference,
            started: false,
            tilted: matches!(trainer, TrainerSpec::Exact(exact) if exact.shaping == Shaping::None),
        })
    }

    fn sample(&mut self, numbers: (u64, u64, usize), steer: Steer) -> (Batch, f64) {
        if !self.started || self.deployed.is_none() && self.learner.moved() {
            self.refresh();
            self.started = true;
        }
        let policy = self.deployed.as_ref().unwrap_or_else(|| self.learner.policy());
        self.sampler.steered(self.model, self.table, policy, numbers, steer)
    }

    fn refresh(&mut self) {
        let policy = self.deployed.as_ref().unwrap_or_else(|| self.learner.policy());
        self.exact = Expectations::enumerated(policy, self.table).placebos(policy, self.table, self.model);
    }
}

impl Arena for Table<'_> {
    fn batch(&mut self, step: u64, first: u64, count: usize) -> Result<Batch, TrainerError> {
        Ok(self.sample((step, first, count), Steer::Free).0)
    }

    fn steered(&mut self, numbers: (u64, u64, usize), steer: Steer) -> Option<(Batch, f64)> {
        Some(self.sample(numbers, steer))
    }

    fn expectations(&mut self, _: &Batch) -> Expectations {
        self.exact
    }

    fn credit(&mut self, batch: &mut Batch) {
        let credited = self.learner.credit(&Experience::new(&batch.observed, &batch.cells[..]));
        credited.write_to(&mut batch.observed);
    }

    fn update(&mut self, batch: &Batch, treatment: &Treatment, kl: f64) -> Result<(), TrainerError> {
        let experience = Experience::new(&batch.observed, &batch.cells[..]);
        match treated(experience, treatment) {
            Some(treated) => {
                self.learner.credit(&treated);
                self.learner.update(&treated, kl)
            }
            None => self.learner.update(&experience, kl),
        }
    }

    fn deploy(&mut self, shift: &ShiftSpec) -> Result<(), TrainError> {
        let deployed = shift.part().apply(self.table, self.learner.policy());
        let fault = |problem| TrainError::Unshiftable { shift: shift.name(), problem };
        self.deployed = Some(deployed.map_err(fault)?);
        self.refresh();
        self.started = true;
        Ok(())
    }

    fn coefficient(&self) -> Option<f64> {
        self.learner.coefficient()
    }

    fn clip_fraction(&self) -> Option<f64> {
        self.learner.clip_fraction()
    }

    fn save(&self) -> Result<Vec<u8>, TrainerError> {
        self.learner.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError> {
        self.started = false;
        self.learner.restore(state)
    }

    fn frozen(&mut self) -> Option<Vec<f64>> {
        let (policy, table) = (self.learner.policy(), self.table);
        let of = |cell: usize| match policy.log_prob(cell) {
            // Also where the reference never takes it.
            own if own == f64::NEG_INFINITY => own,
            own => own - table.ref_log_prob[cell],
        };
        Some((0..table.len()).map(of).collect())
    }

    fn last(&mut self) -> Result<Final, TrainerError> {
        self.refresh();
        let table = self.table;
        let tilter = Tilter::new(table);
        let proxies: Vec<f64> = (0..table.len()).map(|cell| table.proxy(cell)).collect();
        Ok(Final {
            policy: self.exact,
            kl_coefficient: self.learner.coefficient(),
            reference_utility: self.reference.utility,
            reference_proxy: self.reference.proxy(),
            reference_proxy_from_hacks: self.reference.proxy_from_hacks,
            reference_loss: self.reference.loss.unwrap_or(0.0),
            reference_placebo_loss: self.reference.placebo_loss.unwrap_or(0.0),
            best_utility: Some(best_utility(table, self.exact.kl)),
            reference_spread: spread(&proxies),
            reference_utility_spread: spread(&table.utility),
            proxy_max: proxies.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            kl_max: Some(tilter.largest_kl()),
            beta_critical: self.tilted.then(|| tilter.condensation()).flatten(),
            sighting: None,
        })
    }
}
