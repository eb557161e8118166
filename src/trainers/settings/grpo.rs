//! Group-relative policy optimisation: PPO's clip without a value head, advantages from each prompt's own answers.

use super::kl::LossKl;
use super::part::TrainerPart;
use crate::foundation::scalar::Positive;
use crate::trainers::contradiction::Contradiction;
use crate::trainers::learner::optimizer::OptimizerSpec;
use crate::trainers::learner::recipe::Recipe;
use crate::trainers::loss::group::{self, ScaleRewards};
use crate::trainers::loss::kl::KlPenalty;
use crate::trainers::loss::objective::{Credit, Objective};
use crate::trainers::loss::shaping::Shaping;
use crate::trainers::loss::surrogate::Surrogate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroU64};

/// Groups of G rollouts a prompt, advantage (r − group mean)/(group sd + 1e-4), ratio clip ε, KL in the loss.
///
/// **Without `kl.coefficient` there is no KL penalty at all**: the default is 0, as in TRL (Shao et al. 2024 use 0.04). An
/// advantage never exceeds (G − 1)/√G, so that a reward of 10⁶ moves the policy no more than one of 10.
///
/// A group's mean holds the rollout itself, which shortens the reward's gradient by (G − 1)/G, and the penalty in the loss is
/// not shortened: with `scale_rewards = "none"` and k2 or the exact sum, training settles at the exponential tilt of
/// β·G/(G − 1); with k3 (the default) at π ∝ π₀/(λ − U), the optimum under KL(π₀‖π).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Grpo {
    /// Rollouts B a step: B/G prompts, G rollouts each.
    pub batch: NonZeroU32,
    /// Rollouts G of a prompt; 2 or more, and it divides the batch.
    pub group: NonZeroU32,
    /// Steps.
    pub steps: NonZeroU64,
    /// The descent rule.
    pub optimizer: OptimizerSpec,
    /// What advantages are divided by.
    pub scale_rewards: ScaleRewards,
    /// Passes over a batch (TRL's `num_iterations`); the ratio clip acts from the second on.
    pub epochs: NonZeroU32,
    /// Clip range ε of the ratio to the policy that sampled.
    pub epsilon: Positive,
    /// What is optimised in the place of the proxy.
    pub shaping: Shaping,
    /// Largest norm of the gradient over all weights together; no limit where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_grad_norm: Option<Positive>,
    /// The penalty for leaving the reference. **Its coefficient is 0 unless it is set.**
    pub kl: LossKl,
}

impl Default for Grpo {
    fn default() -> Self {
        Self {
            batch: NonZeroU32::MIN.saturating_add(255),
            group: NonZeroU32::MIN.saturating_add(7),
            steps: NonZeroU64::MIN.saturating_add(299),
            optimizer: OptimizerSpec::Sgd { learning_rate: Positive::known(12.8) },
            scale_rewards: ScaleRewards::Group,
            epochs: NonZeroU32::MIN,
            epsilon: Positive::known(0.2),
            shaping: Shaping::None,
            max_grad_norm: None,
            kl: LossKl::default(),
        }
    }
}

impl TrainerPart for Grpo {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }

    fn group(&self) -> NonZeroU32 {
        self.group
    }

    fn steps(&self) -> u64 {
        self.steps.get()
    }

    fn passes(&self) -> u32 {
        self.epochs.get()
    }

    fn kl_target(&self) -> Option<(&'static str, f64)> {
        KlPenalty::from(&self.kl).target()
    }

    fn shaping(&self) -> Shaping {
        self.shaping
    }

    fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = KlPenalty::from(&self.kl).contradictions(self.batch);
        found.extend(self.shaping.contradiction());
        found.extend(group::contradiction(self.group, self.batch));
        found
    }

    fn recipe(&self) -> Option<Recipe> {
        Some(Recipe {
            name: "grpo",
            optimizer: self.optimizer.clone(),
            shaping: self.shaping,
            objective: Objective {
                kl: KlPenalty::from(&self.kl),
                credit: Credit::Group(self.scale_rewards),
                surrogate: Some((Surrogate::Clipped, self.epsilon.get())),
                entropy: 0.0,
                value: None,
            },
            epochs: self.epochs.get(),
            target_kl: None,
            minibatches: 1,
            max_grad_norm: self.max_grad_norm.map(Positive::get),
        })
    }
}
