//! What is minimised, whatever the policy.

use super::advantage::{Baseline, Scale};
use super::average::LossType;
use super::group::ScaleRewards;
use super::kl::KlPenalty;
use super::surrogate::Clip;

/// The terms of a trainer's loss.
#[derive(Debug, Clone)]
pub struct Objective {
    /// The penalty for leaving the reference.
    pub kl: KlPenalty,
    /// From rewards to advantages.
    pub credit: Credit,
    /// Whether the penalty in the loss is multiplied by the ratio to the policy that sampled, and differentiated with it.
    pub corrects_kl: bool,
    /// The surrogate and where it is clipped; −A·ln π where there is none.
    pub surrogate: Option<Clip>,
    /// How the loss is averaged over actions.
    pub loss_type: LossType,
    /// Whether rollouts that were cut off at the horizon have no part in the loss. They count in advantages.
    pub mask_truncated: bool,
    /// Weight of the mean entropy over all prompts, subtracted from the loss.
    pub entropy: f64,
    /// The value head's loss: its weight, and how far V may move within an update.
    pub value: Option<(f64, f64)>,
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
    /// Each reward function's pay compared with the group's mean, in units of its standard deviation, and their sum with the batch's.
    EachFunction,
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
