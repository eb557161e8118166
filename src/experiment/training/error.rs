//! Why a training run failed.

use crate::experiment::store::StoreError;
use crate::theory::TheoryError;
use crate::trainers::TrainerError;

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The trainer could not go on.
    #[error(transparent)]
    Trainer(#[from] TrainerError),
    /// The parts of the config do not fit each other.
    #[error("policy.{policy} and trainer.{trainer} do not fit this environment; `tailcatch check` says why")]
    Unfit {
        /// Name of the policy.
        policy: &'static str,
        /// Name of the trainer.
        trainer: &'static str,
    },
    /// The policy acts step by step.
    #[error("a policy that acts step by step cannot be shifted at deployment; leave [deployment] out")]
    Undeployable,
    /// No policy on this table is shifted as far as was asked.
    #[error("deployment.shift.{shift}: {problem}; change its settings, or leave [deployment] out")]
    Unshiftable {
        /// Name of the shift.
        shift: &'static str,
        /// What it refused.
        problem: TheoryError,
    },
    /// The run so far could not be kept or read back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The run so far could not be kept.
    #[error("step {step}: the run so far cannot be kept: {problem}")]
    Checkpoint {
        /// Step.
        step: u64,
        /// Why.
        problem: String,
    },
    /// The run was asked to stop, and is kept as far as it came where checkpoints are.
    #[error("stopped after step {step}")]
    Stopped {
        /// Last step that was taken.
        step: u64,
    },
    /// The audit that is to act on the run cannot.
    #[error("the audit by {name} cannot act on this run: {status}; choose another first detector or auditor")]
    Audit {
        /// The detector, or the auditor.
        name: &'static str,
        /// Why.
        status: String,
    },
    /// A run is conditioned on what cannot happen.
    #[error(
        "reward.condition = \"sighted\", but no hack can be sampled: the policy gives it no mass at any step; leave the condition out"
    )]
    Unsightable,
    /// A run is conditioned on what is not known exactly.
    #[error(
        "reward.condition = \"sighted\" needs the exact probability of a hack, and a policy that acts step by step does not give it; \
         use policy.tabular, or leave the condition out"
    )]
    Unsteered,
    /// A sampled reward is not finite.
    #[error("step {step}: a proxy reward of {value} was sampled; use a lighter law for reward.error")]
    Proxy {
        /// Step.
        step: u64,
        /// The reward.
        value: f64,
    },
}
