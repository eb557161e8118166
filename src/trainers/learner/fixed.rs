//! Policies that do not learn: a function of the reference and the proxy, set before the first rollout.

use super::contract::{Credited, Learner};
use super::experience::Experience;
use crate::policies::Snapshot;
use crate::record::ObservedTable;
use crate::theory::table::Reweighting;
use crate::trainers::error::TrainerError;
use crate::trainers::loss::shaping::Shaper;

/// π = π₀·exp(θ), the same at every step.
pub(in crate::trainers) struct Fixed {
    policy: Snapshot,
    coefficient: Option<f64>,
    shaper: Shaper,
}

impl Fixed {
    /// `theta` in nats, one a cell; `coefficient` in units of reward per nat, where the policy has one.
    pub fn new(table: &ObservedTable, theta: &[f64], coefficient: Option<f64>) -> Self {
        let mut policy = Snapshot::default();
        policy.set_from(&table.ref_log_prob, table.outcomes, theta);
        Self { policy, coefficient, shaper: Shaper::Identity }
    }

    /// A policy by its weights against the reference.
    pub fn reweighted(table: &ObservedTable, policy: &Reweighting) -> Self {
        Self::new(table, &policy.log_ratio, policy.multiplier)
    }

    /// The same policy, which is the optimum of a shaped reward.
    pub fn shaped(self, shaper: Shaper) -> Self {
        Self { shaper, ..self }
    }
}

impl Learner for Fixed {
    type Policy = Snapshot;
    type Trace = [usize];

    fn policy(&mut self) -> &mut Snapshot {
        &mut self.policy
    }
    fn moved(&self) -> bool {
        false
    }
    fn coefficient(&self) -> Option<f64> {
        self.coefficient
    }
    fn credit(&mut self, experience: &Experience<'_, [usize]>) -> Credited {
        let reward = experience.labels.iter().map(|u| self.shaper.apply(*u)).collect();
        Credited { reward, ..Credited::default() }
    }
    fn update(&mut self, _: &Experience<'_, [usize]>, _: f64) -> Result<(), TrainerError> {
        Ok(())
    }
}
