//! What a trainer that learns from samples comes down to, whatever the policy.

use super::optimizer::OptimizerSpec;
use crate::trainers::loss::objective::Objective;
use crate::trainers::loss::shaping::Shaping;

/// What a sampled trainer's section comes down to.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The trainer's name in a config.
    pub name: &'static str,
    /// The descent rule.
    pub optimizer: OptimizerSpec,
    /// What is optimised in the place of the proxy.
    pub shaping: Shaping,
    /// The loss.
    pub objective: Objective,
    /// Whether the value comes from a network of its own, where a policy acts step by step.
    pub separate_critic: bool,
    /// Passes over a batch.
    pub epochs: u32,
    /// Mean estimate of the KL to the policy that sampled above which no further pass is made.
    pub target_kl: Option<f64>,
    /// Steps a pass, each on as many adjacent rollouts; rollouts are independent, so they need no shuffling.
    pub minibatches: u32,
    /// Largest norm of the gradient over all weights together.
    pub max_grad_norm: Option<f64>,
}
