//! From rewards to the derivatives of a loss: credit, surrogate and penalties, as numbers in f64.

pub(super) mod advantage;
pub(super) mod average;
pub(super) mod compared;
pub mod estimators;
pub(super) mod gae;
pub(super) mod group;
pub(super) mod kl;
pub(super) mod norm;
pub(super) mod objective;
pub(super) mod projection;
mod robust;
pub(super) mod shaping;
pub(super) mod slopes;
pub(super) mod surrogate;
pub(super) mod token_credit;
pub(super) mod token_slopes;
pub(super) mod weight;

pub use advantage::{Baseline, Scale, advantages};
pub use average::LossType;
pub use gae::gae;
pub use group::{
    MultiObjectiveAggregation, ScaleRewards, group_relative, leave_one_out, normalised_then_summed,
};
pub use kl::{Controller, Estimator, KlPenalty, Per, Place};
pub use objective::{Credit, Objective};
pub use robust::{median_of_means, trimmed_mean};
pub use shaping::{Shaper, Shaping, ShapingError};
pub use surrogate::{Clip, ImportanceSamplingLevel, Surrogate};
pub use weight::Weight;
