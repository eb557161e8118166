//! Optimizers of a policy against the proxy under a KL penalty to the reference.

mod advantage;
pub mod estimators;
mod exact;
mod kl;
mod learner;
mod optimizer;
mod reinforce;

pub use advantage::{Baseline, Scale, advantages};
pub use exact::{Exact, ExactKl};
pub use kl::{Controller, Estimator, KlPenalty, Place};
pub use optimizer::OptimizerSpec;
pub use reinforce::Reinforce;

use crate::policies::Snapshot;
use crate::record::{Observed, Outcomes};
use crate::theory::tilt::TiltError;
use burn::tensor::Device;
use std::fmt::Debug;

/// Why a trainer could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// The exact optimum does not exist.
    #[error(transparent)]
    Tilt(#[from] TiltError),
    /// The weights could not be read back.
    #[error(
        "step {step}: the device did not give the policy's weights back as f32 numbers; run with --device cpu"
    )]
    Device {
        /// Step.
        step: u64,
    },
    /// Training left the numbers.
    #[error(
        "step {step}: the policy's weights are no longer finite; lower trainer.{trainer}.optimizer's learning_rate or scale advantages with advantage = \"batch_normalised\""
    )]
    Diverged {
        /// Step whose update did it.
        step: u64,
        /// Name of the trainer.
        trainer: &'static str,
    },
}

/// A trainer at work on one table. The loop is: snapshot, rollout, credit, update.
pub trait Trainer: Send {
    /// Writes π as it is now.
    fn snapshot(&self, table: &Outcomes, into: &mut Snapshot) -> Result<(), TrainerError>;
    /// The KL coefficient in force, in units of reward per nat.
    fn coefficient(&self) -> f64;
    /// Fills `reward` (what is optimised) and `advantage` from the proxy and the log-probabilities.
    fn credit(&self, observed: &mut Observed);
    /// Moves π by one batch. `cells` are the sampled cells, row by row; `kl` is KL(π‖π₀) of the policy that sampled.
    fn update(&mut self, observed: &Observed, cells: &[usize], kl: f64) -> Result<(), TrainerError>;
}

/// What every trainer's section states.
pub trait TrainerPart: Debug + Send + Sync {
    /// Rollouts a step.
    fn batch(&self) -> usize;
    /// Steps of a run.
    fn steps(&self) -> u64;
    /// What contradicts itself, as (key below the trainer's section, problem).
    fn contradictions(&self) -> Vec<(&'static str, String)>;
    /// Starts at the reference.
    fn start(&self, table: &Outcomes, device: &Device) -> Result<Box<dyn Trainer>, TrainerError>;
}

crate::registry! {
    /// The `[trainer.…]` section.
    pub enum TrainerSpec => dyn TrainerPart {
        "exact" => Exact: "the optimum itself: exponential tilt at a fixed KL coefficient or a KL budget", "Kwa, Thomas & Garriga-Alonso 2024, section 2; Peters & Schaal 2007";
        "reinforce" => Reinforce: "policy gradient on burn with baseline, KL penalty and SGD or Adam", "Williams 1992; Ahmadian et al. 2024";
    }
}
