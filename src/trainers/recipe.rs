//! What a trainer that learns from samples comes down to, whatever the policy.

use super::{Baseline, KlPenalty, OptimizerSpec, Scale, ScaleRewards, Shaping, Surrogate};

/// What a sampled trainer's section comes down to.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The trainer's name in a config.
    pub name: &'static str,
    /// The descent rule.
    pub optimizer: OptimizerSpec,
    /// The penalty for leaving the reference.
    pub kl: KlPenalty,
    /// What is optimised in the place of the proxy.
    pub shaping: Shaping,
    /// From rewards to advantages.
    pub credit: Credit,
    /// The surrogate and its clip range ε; −A·ln π where there is none.
    pub surrogate: Option<(Surrogate, f64)>,
    /// Passes over a batch.
    pub epochs: u32,
    /// Mean estimate of the KL to the policy that sampled above which no further pass is made.
    pub target_kl: Option<f64>,
    /// Steps a pass, each on as many adjacent rollouts; rollouts are independent, so they need no shuffling.
    pub minibatches: u32,
    /// Weight of the mean entropy over all prompts, subtracted from the loss.
    pub entropy: f64,
    /// The value head's loss: its weight, and how far V may move within an update.
    pub value: Option<(f64, f64)>,
    /// Largest norm of the gradient over all weights together.
    pub max_grad_norm: Option<f64>,
}

/// From rewards to advantages.
#[derive(Debug, Clone, Copy)]
pub enum Credit {
    /// Compared over the whole batch.
    Batch(Baseline, Scale),
    /// Compared with the mean of the others of the group.
    LeaveOneOut,
    /// Compared with the group's mean, in units of a standard deviation.
    Group(ScaleRewards),
    /// Compared with the value head, by generalised advantage estimation.
    Critic {
        /// How advantages are scaled.
        scale: Scale,
        /// Discount γ.
        gamma: f64,
        /// Trace decay λ.
        lambda: f64,
    },
}
