//! What the training loop asks of an arena.

use crate::audit::response::Treatment;
use crate::deployment::ShiftSpec;
use crate::experiment::training::error::TrainError;
use crate::experiment::training::policy_value::Expectations;
use crate::experiment::training::trained::Final;
use crate::foundation::numeric::sum;
use crate::foundation::order::{NORMAL_IQR, quantile_sorted, sorted};
use crate::record::Outcomes;
use crate::rollout::{Batch, Steer};
use crate::theory::tilt::Tilter;
use crate::trainers::{Experience, TrainerError, Weight};

/// A policy in training on one replicate.
pub trait Arena {
    /// Samples `count` rollouts of π, numbered from `first`.
    fn batch(&mut self, step: u64, first: u64, count: usize) -> Result<Batch, TrainerError>;
    /// The same on the way to a first sighting, with ln P(none in the batch); `None` where that is not known exactly.
    fn steered(&mut self, _numbers: (u64, u64, usize), _steer: Steer) -> Option<(Batch, f64)> {
        None
    }
    /// Expectations of the policy that sampled the batch.
    fn expectations(&mut self, batch: &Batch) -> Expectations;
    /// Fills in what is optimised, from the proxy and the log-probabilities.
    fn credit(&mut self, batch: &mut Batch);
    /// Moves π by the batch as it is treated, credited anew where that changes anything; `kl` is that of the policy that
    /// sampled it.
    fn update(&mut self, batch: &Batch, treatment: &Treatment, kl: f64) -> Result<(), TrainerError>;
    /// Shifts π: it is deployed, and is not moved any more.
    fn deploy(&mut self, shift: &ShiftSpec) -> Result<(), TrainError>;
    /// The KL coefficient in force.
    fn coefficient(&self) -> Option<f64>;
    /// Share of what was sampled whose ratio was clipped in the last update.
    fn clip_fraction(&self) -> Option<f64>;
    /// All that a later step depends on, as bytes.
    fn save(&self) -> Result<Vec<u8>, TrainerError>;
    /// Goes on from what was saved.
    fn restore(&mut self, state: &[u8]) -> Result<(), TrainerError>;
    /// ln(π/π₀) of each cell of its table, π the trained policy before any shift; `None` where it acts step by step.
    fn frozen(&mut self) -> Option<Vec<f64>> {
        None
    }
    /// The numbers of the final policy.
    fn last(&mut self) -> Result<Final, TrainerError>;
}

/// An experience as a response leaves it; `None` where it changes nothing.
pub fn treated<'a, T: ?Sized>(
    experience: Experience<'a, T>,
    treatment: &'a Treatment,
) -> Option<Experience<'a, T>> {
    let labelled = treatment.labels.as_deref().map(|labels| experience.labelled(labels));
    match &treatment.keep {
        Some(keep) => Some(labelled.unwrap_or(experience).weighted(Weight::of(keep))),
        None => labelled,
    }
}

/// Largest E\[V\] of any policy within `kl` nats of the reference: that of the exact tilt by V.
pub fn best_utility(table: &Outcomes, kl: f64) -> f64 {
    let honest = Outcomes { error: vec![0.0; table.len()], ..table.clone() };
    let tilter = Tilter::new(&honest);
    match tilter.at_budget(kl) {
        Ok(tilt) => tilt.utility,
        // No tilt is that far away: each prompt's best outcome, alone.
        Err(_) if kl >= tilter.largest_kl() => {
            let best = table
                .utility
                .chunks(table.outcomes.max(1))
                .map(|row| row.iter().copied().fold(f64::MIN, f64::max));
            sum(best) / table.prompts.max(1) as f64
        }
        Err(_) => reference_mean(table, &table.utility),
    }
}

/// Mean of a column under the reference.
pub fn reference_mean(table: &Outcomes, values: &[f64]) -> f64 {
    let weighted = table.ref_log_prob.iter().zip(values).map(|(l, v)| l.exp() * v);
    sum(weighted) / table.prompts.max(1) as f64
}

/// Interquartile range in units of the standard normal's.
pub fn spread(values: &[f64]) -> f64 {
    let ascending = sorted(values);
    let quartile = |p| quantile_sorted(&ascending, p).unwrap_or(0.0);
    (quartile(0.75) - quartile(0.25)) / NORMAL_IQR
}
