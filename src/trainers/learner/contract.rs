//! The contract of all who train a policy.

use super::experience::Experience;
use crate::policies::{Backend, Snapshot};
use crate::record::{GRADIENT_NORM, Observed, ObservedTable};
use crate::trainers::error::TrainerError;

/// A trainer at work. The loop is: rollout, credit, update.
pub trait Learner: Send {
    /// What rollouts are sampled from.
    type Policy: ?Sized;
    /// What a batch leaves beside its rollouts, for an update to go back through.
    type Trace: ?Sized;

    /// π as it is now. Between a rollout and the update that learns from it nobody else may show it anything.
    fn policy(&mut self) -> &mut Self::Policy;
    /// Whether π may differ from the one at the start of the step before.
    fn moved(&self) -> bool {
        true
    }
    /// The KL coefficient in force, in units of reward per nat; `None` where the policy has none.
    fn coefficient(&self) -> Option<f64>;
    /// Share of what was sampled and counts (rollouts of a table, actions of a process) that the surrogate's clip has cut off,
    /// over all passes of the last update; `None` without a clip.
    fn clip_fraction(&self) -> Option<f64> {
        None
    }
    /// What each rollout is credited with, from labels, weights and log-probabilities.
    fn credit(&mut self, experience: &Experience<'_, Self::Trace>) -> Credited;
    /// Moves π by the batch that was credited last; `kl` is KL(π‖π₀) of the policy that sampled it, in nats.
    ///
    /// # Errors
    /// The weights are no longer finite, or cannot be read back.
    fn update(&mut self, experience: &Experience<'_, Self::Trace>, kl: f64) -> Result<(), TrainerError>;
    /// All that a later step depends on, as bytes; nothing for a policy that does not change.
    ///
    /// # Errors
    /// burn could not write the weights.
    fn save(&self) -> Result<Vec<u8>, TrainerError> {
        Ok(Vec::new())
    }
    /// Goes on from what was saved.
    ///
    /// # Errors
    /// The bytes are damaged, or of another policy.
    fn restore(&mut self, _state: &[u8]) -> Result<(), TrainerError> {
        Ok(())
    }
}

/// A trainer at work on a table; its trace is the cells that were sampled.
pub type TableLearner = dyn Learner<Policy = Snapshot, Trace = [usize]>;

/// What rollouts are credited with, one entry a row.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Credited {
    /// What is optimised: the shaped label, the KL penalty taken off where it is part of the reward.
    pub reward: Vec<f64>,
    /// What entered the update, 0 for a rollout of weight 0; in a process, the mean over the rollout's actions.
    pub advantage: Option<Vec<f64>>,
    /// Norm of the rollout's term of the policy gradient, in the logits.
    pub gradient_norm: Option<Vec<f64>>,
}

impl Credited {
    /// Writes them into the columns of their rollouts.
    pub fn write_to(self, observed: &mut Observed) {
        observed.reward = Some(self.reward);
        if self.advantage.is_some() {
            observed.advantage = self.advantage;
        }
        observed.features.extend(self.gradient_norm.map(|column| (GRADIENT_NORM.to_owned(), column)));
    }
}

/// What a trainer on a table starts from.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// All outcomes, with what they are paid.
    pub table: &'a ObservedTable,
    /// Proxies of rollouts of the reference before training; empty where the trainer's shaping does not need them.
    pub reference_proxies: &'a [f64],
    /// Where the policy lives, and whose kernels compute its gradient.
    pub backend: &'a Backend,
}
