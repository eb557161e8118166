//! Optimizers of a policy against the proxy under a KL penalty to the reference.

mod advantage;
mod best_of_n;
mod checkpoint;
mod conditioning;
mod construction;
pub mod estimators;
mod exact;
mod fixed;
mod gae;
mod group;
mod grpo;
mod jump;
mod kl;
mod learner;
mod network;
mod optimizer;
mod ppo;
mod quantilizer;
mod recipe;
mod reference;
mod reinforce;
mod rloo;
mod robust;
mod sequence;
mod shaping;
mod slopes;
mod surrogate;
mod token_credit;
mod token_slopes;

pub use advantage::{Baseline, Scale, advantages};
pub use best_of_n::BestOfN;
pub use conditioning::Conditioning;
pub use construction::Construction;
pub use exact::{Exact, ExactKl, Penalty};
pub use gae::gae;
pub use group::{ScaleRewards, group_relative, leave_one_out};
pub use grpo::Grpo;
pub use jump::Jump;
pub use kl::{Controller, Estimator, KlPenalty, LossKl, Per, Place, RewardKl};
pub use optimizer::OptimizerSpec;
pub use ppo::Ppo;
pub use quantilizer::Quantilizer;
pub use recipe::{Credit, Recipe};
pub use reference::Reference;
pub use reinforce::Reinforce;
pub use rloo::Rloo;
pub use robust::{median_of_means, trimmed_mean};
pub use sequence::SequenceLearner;
pub use shaping::{Shaper, Shaping, ShapingError};
pub use surrogate::Surrogate;

use fixed::Fixed;
use learner::Learner;

use crate::policies::Snapshot;
use crate::record::{Observed, Outcomes};
use crate::theory::TheoryError;
use burn::tensor::Device;
use std::fmt::Debug;
use std::num::NonZeroU32;

/// Why a trainer could not start or go on.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainerError {
    /// Rewards cannot be shaped as asked.
    #[error(transparent)]
    Shaping(#[from] ShapingError),
    /// The policy does not exist on this table.
    #[error(transparent)]
    Theory(#[from] TheoryError),
    /// The weights could not be read back.
    #[error(
        "step {step}: the device did not give the policy's weights back as f32 numbers; run with --device cpu"
    )]
    Device {
        /// Step.
        step: u64,
    },
    /// The weights could not be written, or are not those of this policy.
    #[error("the checkpoint cannot be used ({0}); remove the .partial.record of this run, and run again")]
    Checkpoint(String),
    /// Training left the numbers.
    #[error(
        "step {step}: the policy's weights are no longer finite; lower trainer.{trainer}.optimizer's learning_rate, or normalise the advantages"
    )]
    Diverged {
        /// Step whose update did it.
        step: u64,
        /// Name of the trainer.
        trainer: &'static str,
    },
}

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

/// What every trainer's section states.
pub trait TrainerPart: Debug + Send + Sync {
    /// Rollouts a step.
    fn batch(&self) -> usize;
    /// Rollouts in a row that answer the same prompt; it divides the batch.
    fn group(&self) -> NonZeroU32 {
        NonZeroU32::MIN
    }
    /// Steps of a run; one for a policy that does not learn.
    fn steps(&self) -> u64 {
        1
    }
    /// Descent steps that a step takes, each over the weights of every cell; 0 for a policy that does not learn.
    fn passes(&self) -> u32 {
        0
    }
    /// The KL that it is told to reach, in nats, and its key below the trainer's section.
    fn kl_target(&self) -> Option<(&'static str, f64)> {
        None
    }
    /// What it optimises in the place of the proxy.
    fn shaping(&self) -> Shaping {
        Shaping::None
    }
    /// What contradicts itself, as (key below the trainer's section, problem).
    fn contradictions(&self) -> Vec<(&'static str, String)> {
        Vec::new()
    }
    /// How it learns from samples; `None` for a policy that does not learn.
    fn recipe(&self) -> Option<Recipe> {
        None
    }
    /// Starts at the reference, on a table.
    fn start(&self, ground: Ground<'_>) -> Result<Box<dyn Trainer>, TrainerError> {
        Ok(match self.recipe() {
            Some(recipe) => Box::new(Learner::new(recipe, ground)?),
            None => Box::new(Fixed::new(ground.table, &vec![0.0; ground.table.len()], None)),
        })
    }
}

crate::registry! {
    /// The `[trainer.…]` section.
    pub enum TrainerSpec => dyn TrainerPart {
        "exact" => Exact: "the optimum itself: a KL, chi-squared or mixed penalty, at a fixed coefficient or a KL budget", "Kwa, Thomas & Garriga-Alonso 2024, section 2; Huang et al. 2024";
        "reinforce" => Reinforce: "policy gradient on burn with baseline, KL penalty and SGD or Adam", "Williams 1992; Ahmadian et al. 2024";
        "rloo" => Rloo: "policy gradient with groups of rollouts a prompt, each against the mean of the others", "Kool et al. 2019; Ahmadian et al. 2024";
        "grpo" => Grpo: "clipped policy gradient with advantages in units of their group's spread; no KL penalty unless set", "Shao et al. 2024, DeepSeekMath; defaults of TRL";
        "ppo" => Ppo: "several epochs on a batch under a clipped ratio, with a value head", "Schulman et al. 2017; Ziegler et al. 2019; defaults of TRL";
        "best_of_n" => BestOfN: "the best of n draws from the reference, exactly", "Stiennon et al. 2020; Beirami et al. 2024";
        "quantilizer" => Quantilizer: "a draw from the reference's top share by proxy", "Taylor 2016, Quantilizers";
        "conditioning" => Conditioning: "the reference given that the proxy reaches a threshold", "Kwa, Thomas & Garriga-Alonso 2024, theorems 5 and 6";
        "construction" => Construction: "the reference with its mass above a threshold raised", "Kwa, Thomas & Garriga-Alonso 2024, theorem 1";
        "reference" => Reference: "no training: rollouts of the reference", "the null of every detector";
        "jump" => Jump: "plays the reference, then jumps zero-shot to the hacks", "Hubinger et al. 2019, Risks from Learned Optimization, section 4";
    }
}
