//! The contract of policies that act step by step.
//!
//! A policy is the reference with a correction: π(a | history) ∝ π₀(a | state)·exp(f(history)ₐ). The network gives f, whose
//! last layer starts at zero, so that training starts at the reference to the last bit, whatever the network.

use burn::optim::ModuleOptimizer;
use std::fmt::Debug;

/// Sizes of the decision process that a policy acts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Number of prompts.
    pub prompts: usize,
    /// Number of symbols that may be shown.
    pub symbols: usize,
    /// Number of actions.
    pub actions: usize,
    /// Most actions of an episode.
    pub horizon: usize,
    /// Whether a value head is wanted.
    pub value: bool,
}

impl Shape {
    /// Numbers that a network gives at a position: f of each action, and the value where one is wanted.
    pub fn heads(&self) -> usize {
        self.actions + usize::from(self.value)
    }
}

/// What the distribution of the next action depends on, beside the state's own reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Memory {
    /// The prompt and the number of actions taken.
    Position,
    /// The symbol that is shown and the number of actions taken.
    Symbol,
    /// Everything shown so far.
    History,
}

/// A policy in training: weights in a burn module, and the activations of the episodes under way. All rows of a batch are at
/// the same position; a row whose episode has ended goes on with any symbol and is given no gradient.
pub trait SequencePolicy: Debug + Send {
    /// What it remembers.
    fn memory(&self) -> Memory;
    /// Number of weights.
    fn parameters(&self) -> usize;
    /// Starts an episode for each prompt. With `record`, activations are kept for [`SequencePolicy::backward`].
    fn begin(&mut self, prompts: &[u32], record: bool);
    /// Shows each row its next symbol and writes f, shape \[rows, actions\].
    fn advance(&mut self, symbols: &[u32], logits: &mut [f32]);
    /// The value head at the position just advanced to, one number a row; empty without a head.
    fn values(&self) -> &[f32];
    /// The last hidden layer at the position just advanced to, shape \[rows, width\]; empty where there is none.
    fn hidden(&self) -> &[f32];
    /// Replaces the rows by copies of rows `parents` in their present state; only without `record`.
    fn branch(&mut self, parents: &[u32]);
    /// Writes the gradient of Σ f·d_logits + Σ value·d_values over the positions advanced to since a recording
    /// [`SequencePolicy::begin`]: `d_logits` has shape \[positions, rows, actions\], `d_values` \[positions, rows\] (empty
    /// without a head), `gradient` one number a weight, in the order of [`SequencePolicy::weights`].
    ///
    /// # Errors
    /// The device gave no f32 numbers back.
    fn backward(&mut self, d_logits: &[f32], d_values: &[f32], gradient: &mut [f32]) -> Result<(), NotF32>;
    /// All weights, in a fixed order.
    fn weights(&self) -> &[f32];
    /// One step of the optimizer along a gradient in the order of [`SequencePolicy::weights`].
    ///
    /// # Errors
    /// The device gave no f32 numbers back.
    fn descend(
        &mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: f64,
        gradient: &[f32],
    ) -> Result<(), NotF32>;
    /// Multiplies f of all `actions`, and nothing else, by `factor`: π moves towards the reference along π₀·exp(s·f). Says whether it can.
    ///
    /// # Errors
    /// The device gave no f32 numbers back.
    fn scale(&mut self, actions: usize, factor: f32) -> Result<bool, NotF32>;
    /// Weights and the names under which an optimizer keeps its state, as bytes.
    ///
    /// # Errors
    /// The weights could not be written.
    fn save(&self) -> Result<Vec<u8>, burn::store::RecordError>;
    /// Takes the weights and names of [`SequencePolicy::save`] over.
    ///
    /// # Errors
    /// The bytes are damaged, or of a policy of another shape.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), burn::store::RecordError>;
}

/// The device gave something else than f32 numbers back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the device did not give f32 numbers back")]
pub struct NotF32;
