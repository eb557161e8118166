//! What a learner by gradient descent asks of the weights that it trains.

use super::experience::Experience;
use crate::trainers::loss::kl::KlPenalty;
use crate::trainers::loss::objective::Objective;
use crate::trainers::loss::token_credit::Paid;
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;
use std::ops::Range;

/// Weights in a burn module, and how the loss of a part of a batch is differentiated in them.
pub trait Model: Send {
    /// What rollouts are sampled from.
    type Policy: ?Sized;
    /// What a batch leaves beside its rollouts.
    type Trace: ?Sized;

    /// π as it is now.
    fn policy(&mut self) -> &mut Self::Policy;
    /// The KL penalty of each rollout, in units of reward; 0 where it is not placed in the reward.
    fn penalty(&self, kl: &KlPenalty, coefficient: f64, experience: &Experience<'_, Self::Trace>)
    -> Vec<f64>;
    /// Advantages, one a rollout, and the norms of their terms of the gradient where these are known. What an update needs of
    /// them is remembered.
    fn credit(
        &mut self,
        paid: &Paid<'_>,
        experience: &Experience<'_, Self::Trace>,
    ) -> (Vec<f64>, Option<Vec<f64>>);
    /// Prepares for passes over the batch that was credited last.
    fn begin(&mut self, _: &Experience<'_, Self::Trace>) {}
    /// The k3 estimate of KL(π of the sampling‖π), summed over the rollouts that count.
    fn distance(&mut self, experience: &Experience<'_, Self::Trace>) -> f64;
    /// One step of the optimizer down the loss of some rows.
    fn descend(
        &mut self,
        pass: &Pass<'_>,
        experience: &Experience<'_, Self::Trace>,
        optimizer: &mut ModuleOptimizer,
    ) -> Result<Seen, Fault>;
    /// Scales ln(π/π₀) back until KL(π‖π₀) is `most` nats or less; nothing where it is already.
    fn hold(&mut self, most: f64) -> Result<(), Fault>;
    /// Weights and the names under which an optimizer keeps its state, as bytes.
    fn save(&self) -> Result<Vec<u8>, RecordError>;
    /// Takes the weights and names of [`Model::save`] over.
    fn restore(&mut self, bytes: Vec<u8>) -> Result<Result<(), Fault>, RecordError>;
}

/// A part of a batch that is learned from.
#[derive(Debug)]
pub struct Pass<'a> {
    /// The loss.
    pub objective: &'a Objective,
    /// The KL coefficient in force.
    pub coefficient: f64,
    /// Largest norm of the gradient over all weights together.
    pub largest_norm: Option<f64>,
    /// Step size.
    pub learning_rate: f64,
    /// Minibatches that the batch is cut into.
    pub minibatches: u32,
    /// Rows of the batch.
    pub rows: Range<usize>,
    /// Whether the batch has been passed over before.
    pub later: bool,
    /// Whether nothing has moved since it was sampled.
    pub fresh: bool,
}

/// What was met in a pass.
#[derive(Debug, Clone, Copy, Default)]
pub struct Seen {
    /// Rollouts of a table, or actions of a process.
    pub looks: usize,
    /// Those that the clip has cut off.
    pub clipped: usize,
}

/// Why a step failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The device gave something else than f32 numbers back.
    Unreadable,
    /// The weights are no longer finite.
    Diverged,
    /// The KL of this policy is not known exactly, so it cannot be held.
    Unheld,
}
