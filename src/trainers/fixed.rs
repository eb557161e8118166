//! Policies that do not learn: a function of the reference and the proxy, set before the first rollout.

use super::{Shaper, Trainer, TrainerError};
use crate::policies::Snapshot;
use crate::record::{Observed, Outcomes};
use crate::theory::table::Reweighting;
use std::num::NonZeroU32;

/// π = π₀·exp(θ), the same at every step.
pub(super) struct Fixed {
    theta: Vec<f64>,
    coefficient: Option<f64>,
    shaper: Shaper,
}

impl Fixed {
    /// `theta` in nats, one a cell; `coefficient` in units of reward per nat, where the policy has one.
    pub fn new(theta: Vec<f64>, coefficient: Option<f64>) -> Self {
        Self { theta, coefficient, shaper: Shaper::Identity }
    }

    /// The same policy, which is the optimum of a shaped reward.
    pub fn shaped(self, shaper: Shaper) -> Self {
        Self { shaper, ..self }
    }
}

impl From<Reweighting> for Fixed {
    fn from(policy: Reweighting) -> Self {
        Self::new(policy.log_ratio, policy.multiplier)
    }
}

/// Rollouts sampled of a policy that is not trained.
pub(super) fn default_batch() -> NonZeroU32 {
    NonZeroU32::MIN.saturating_add(255)
}

/// What is not trained optimises the proxy as it is.
pub(super) fn credit(observed: &mut Observed) {
    observed.reward = Some(observed.proxy.clone());
}

impl Trainer for Fixed {
    fn snapshot(&self, table: &Outcomes, into: &mut Snapshot) -> Result<(), TrainerError> {
        into.set(table, |cell| self.theta[cell]);
        Ok(())
    }
    fn moved(&self) -> bool {
        false
    }
    fn coefficient(&self) -> Option<f64> {
        self.coefficient
    }
    fn credit(&self, observed: &mut Observed) {
        observed.reward = Some(observed.proxy.iter().map(|u| self.shaper.apply(*u)).collect());
    }
    fn update(&mut self, _: &Observed, _: &[usize], _: f64) -> Result<(), TrainerError> {
        Ok(())
    }
}
