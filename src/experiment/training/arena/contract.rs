//! What the training loop asks of an arena.

use crate::deployment::Shift;
use crate::experiment::training::error::TrainError;
use crate::experiment::training::policy_value::Expectations;
use crate::experiment::training::trained::Final;
use crate::foundation::order::{quantile_sorted, sorted};
use crate::rollout::Batch;
use crate::trainers::TrainerError;

/// A policy in training on one replicate.
pub trait Arena {
    /// Samples `count` rollouts of π, numbered from `first`.
    fn batch(&mut self, step: u64, first: u64, count: usize) -> Result<Batch, TrainerError>;
    /// Expectations of the policy that sampled the batch.
    fn expectations(&mut self, batch: &Batch) -> Expectations;
    /// Fills in what is optimised, from the proxy and the log-probabilities.
    fn credit(&mut self, batch: &mut Batch);
    /// Moves π by the batch; `kl` is that of the policy that sampled it.
    fn update(&mut self, batch: &Batch, kl: f64) -> Result<(), TrainerError>;
    /// Shifts π: it is deployed, and is not moved any more.
    fn deploy(&mut self, shift: &dyn Shift) -> Result<(), TrainError>;
    /// The KL coefficient in force.
    fn coefficient(&self) -> Option<f64>;
    /// Share of what was sampled whose ratio was clipped in the last update.
    fn clip_fraction(&self) -> Option<f64>;
    /// All that a later step depends on, as bytes.
    fn save(&self) -> Result<Vec<u8>, TrainerError>;
    /// Goes on from what was saved.
    fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError>;
    /// The numbers of the final policy.
    fn last(&mut self) -> Result<Final, TrainerError>;
}

/// Interquartile range of the standard normal.
const NORMAL_IQR: f64 = 1.348_979_500_392_163_6;

/// Interquartile range in units of the standard normal's.
pub fn spread(values: &[f64]) -> f64 {
    let ascending = sorted(values);
    let quartile = |p| quantile_sorted(&ascending, p).unwrap_or(0.0);
    (quartile(0.75) - quartile(0.25)) / NORMAL_IQR
}
