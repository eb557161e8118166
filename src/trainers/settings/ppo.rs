//! Proximal policy optimisation, as RLHF uses it: a value head, several epochs a batch, and a clip on the ratio.

use super::kl::RewardKl;
use super::part::{TrainerPart, uneven};
use crate::foundation::scalar::{NonNegative, Positive, Probability};
use crate::trainers::contradiction::Contradiction;
use crate::trainers::learner::optimizer::OptimizerSpec;
use crate::trainers::learner::recipe::Recipe;
use crate::trainers::loss::advantage::Scale;
use crate::trainers::loss::average::LossType;
use crate::trainers::loss::kl::KlPenalty;
use crate::trainers::loss::objective::{Credit, Objective};
use crate::trainers::loss::shaping::Shaping;
use crate::trainers::loss::surrogate::{Clip, Surrogate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroU64};

/// Loss −mean min(rᵢAᵢ, clip(rᵢ, 1 ± ε)Aᵢ) + vf_coef·½·mean max((V − R)², (V clipped − R)²) − entropy_coef·H, with KL taken
/// from the reward and A = R − V, whitened over the batch.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ppo {
    /// Rollouts B a step.
    pub batch: NonZeroU32,
    /// Steps.
    pub steps: NonZeroU64,
    /// The descent rule, of the policy and of the value head.
    pub optimizer: OptimizerSpec,
    /// Passes over a batch.
    pub epochs: NonZeroU32,
    /// Descent steps a pass, each on an equal part of the batch.
    pub minibatches: NonZeroU32,
    /// No further pass is made over a batch once its mean k3 estimate of KL(π of the sampling‖π) exceeds this, in nats; no limit
    /// where it is left out (the early stopping of Spinning Up and CleanRL).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_kl: Option<Positive>,
    /// How advantages are scaled.
    pub advantage: Scale,
    /// Discount γ of generalised advantage estimation; nothing to act on where a trajectory is one action.
    pub gamma: Probability,
    /// Its trace decay λ.
    pub lam: Probability,
    /// What is maximised within the clip.
    pub surrogate: Surrogate,
    /// Clip range ε of the ratio to the policy that sampled.
    pub cliprange: Positive,
    /// Weight of the value head's loss; plain gradient descent overshoots where its product with the learning rate is above 2.
    pub vf_coef: Positive,
    /// Whether the value comes from a network of its own, of the policy's build, in place of a head on the policy's; for policies that act step by
    /// step (a table's values are apart anyway).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub separate_critic: bool,
    /// How far the value of a prompt may move in an update, in units of reward.
    pub cliprange_value: Positive,
    /// Weight of the policy's mean entropy, which is added to what is maximised.
    pub entropy_coef: NonNegative,
    /// Largest norm of the gradient over all weights together, the value head's too; no limit where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_grad_norm: Option<Positive>,
    /// What is optimised in the place of the proxy.
    pub shaping: Shaping,
    /// The penalty for leaving the reference.
    pub kl: RewardKl,
}

impl Default for Ppo {
    fn default() -> Self {
        Self {
            batch: NonZeroU32::MIN.saturating_add(255),
            steps: NonZeroU64::MIN.saturating_add(299),
            optimizer: OptimizerSpec::Sgd { learning_rate: Positive::known(12.8) },
            epochs: NonZeroU32::MIN.saturating_add(3),
            minibatches: NonZeroU32::MIN,
            target_kl: None,
            advantage: Scale::BatchNormalised,
            gamma: Probability::known(1.0),
            lam: Probability::known(0.95),
            surrogate: Surrogate::Clipped,
            cliprange: Positive::known(0.2),
            vf_coef: Positive::known(0.1),
            separate_critic: false,
            cliprange_value: Positive::known(0.2),
            entropy_coef: NonNegative::known(0.0),
            max_grad_norm: None,
            shaping: Shaping::None,
            kl: RewardKl::default(),
        }
    }
}

impl TrainerPart for Ppo {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }

    fn steps(&self) -> u64 {
        self.steps.get()
    }

    fn passes(&self) -> u32 {
        self.epochs.get().saturating_mul(self.minibatches.get())
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
        found.extend(uneven(self.batch, self.minibatches));
        if self.batch.get() < 2 && self.advantage == Scale::BatchNormalised {
            found.push(Contradiction::new(
                "batch",
                "a single rollout has no spread to be whitened by",
                "raise batch or use advantage = \"raw\"",
            ));
        }
        found
    }

    fn recipe(&self) -> Option<Recipe> {
        Some(Recipe {
            name: "ppo",
            optimizer: self.optimizer.clone(),
            separate_critic: self.separate_critic,
            shaping: self.shaping,
            objective: Objective {
                kl: KlPenalty::from(&self.kl),
                credit: Credit::Critic {
                    scale: self.advantage,
                    gamma: self.gamma.get(),
                    lambda: self.lam.get(),
                },
                corrects_kl: false,
                surrogate: Some(Clip::around(self.surrogate, self.cliprange.get())),
                loss_type: LossType::Sum,
                mask_truncated: false,
                entropy: self.entropy_coef.get(),
                value: Some((self.vf_coef.get(), self.cliprange_value.get())),
            },
            epochs: self.epochs.get(),
            target_kl: self.target_kl.map(Positive::get),
            minibatches: self.minibatches.get(),
            max_grad_norm: self.max_grad_norm.map(Positive::get),
        })
    }
}
