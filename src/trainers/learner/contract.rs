//! The contract of all that is trained on a table.

use crate::policies::Snapshot;
use crate::record::{Observed, Outcomes};
use crate::trainers::error::TrainerError;
use burn::tensor::Device;

/// A trainer at work on one table. The loop is: rollout, credit, update.
pub trait Trainer: Send {
    /// π as it is now.
    fn policy(&self) -> &Snapshot;
    /// Whether π may differ from the one at the start of the step before.
    fn moved(&self) -> bool {
        true
    }
    /// The KL coefficient in force, in units of reward per nat; `None` where the policy has none.
    fn coefficient(&self) -> Option<f64>;
    /// Share of rollouts that the surrogate's clip has cut off, over all passes of the last update; `None` without a clip.
    fn clip_fraction(&self) -> Option<f64> {
        None
    }
    /// Fills `reward` (what is optimised) and `advantage` from the proxy and the log-probabilities.
    fn credit(&self, observed: &mut Observed);
    /// All that a later step depends on, as bytes; nothing for a policy that does not change.
    fn save(&self) -> Result<Vec<u8>, TrainerError> {
        Ok(Vec::new())
    }
    /// Goes on from what was saved.
    fn restore(&mut self, _state: &[u8]) -> Result<(), TrainerError> {
        Ok(())
    }
    /// Moves π by one batch. `cells` are the sampled cells, row by row; `kl` is KL(π‖π₀) of the policy that sampled.
    fn update(&mut self, observed: &Observed, cells: &[usize], kl: f64) -> Result<(), TrainerError>;
}

/// What a trainer on a table starts from.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// All outcomes.
    pub table: &'a Outcomes,
    /// Proxies of rollouts of the reference before training; empty where the trainer's shaping does not need them.
    pub reference_proxies: &'a [f64],
    /// Where tensors live.
    pub device: &'a Device,
}
