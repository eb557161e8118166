//! REINFORCE leave-one-out: several answers to each prompt, each the others' baseline.

use super::kl::RewardKl;
use super::part::TrainerPart;
use crate::foundation::scalar::Positive;
use crate::trainers::contradiction::Contradiction;
use crate::trainers::learner::optimizer::OptimizerSpec;
use crate::trainers::learner::recipe::Recipe;
use crate::trainers::loss::average::LossType;
use crate::trainers::loss::group;
use crate::trainers::loss::kl::KlPenalty;
use crate::trainers::loss::objective::{Credit, Objective};
use crate::trainers::loss::shaping::Shaping;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroU64};

/// Policy gradient with groups of G rollouts a prompt: loss −(1/B) Σ Aᵢ ln π(yᵢ), where Aᵢ is rᵢ less the mean of the other
/// G − 1 rewards of its group, and the KL penalty is part of r. One update a batch: advantages and gradient are then those of TRL
/// 1.16, whose clip acts on later ones alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Rloo {
    /// Rollouts B a step: B/G prompts, G rollouts each.
    pub batch: NonZeroU32,
    /// Rollouts G of a prompt; 2 or more, and it divides the batch.
    pub group: NonZeroU32,
    /// Steps.
    pub steps: NonZeroU64,
    /// The descent rule.
    pub optimizer: OptimizerSpec,
    /// What is optimised in the place of the proxy.
    pub shaping: Shaping,
    /// Largest norm of the gradient over all weights together; no limit where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_grad_norm: Option<Positive>,
    /// The penalty for leaving the reference.
    pub kl: RewardKl,
}

impl Default for Rloo {
    fn default() -> Self {
        Self {
            batch: NonZeroU32::MIN.saturating_add(255),
            group: NonZeroU32::MIN.saturating_add(1),
            steps: NonZeroU64::MIN.saturating_add(299),
            optimizer: OptimizerSpec::Sgd { learning_rate: Positive::known(12.8) },
            shaping: Shaping::None,
            max_grad_norm: None,
            kl: RewardKl::default(),
        }
    }
}

impl TrainerPart for Rloo {
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
        1
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
            name: "rloo",
            optimizer: self.optimizer.clone(),
            separate_critic: false,
            shaping: self.shaping,
            objective: Objective {
                kl: KlPenalty::from(&self.kl),
                credit: Credit::LeaveOneOut,
                corrects_kl: false,
                surrogate: None,
                loss_type: LossType::Sum,
                mask_truncated: false,
                entropy: 0.0,
                value: None,
            },
            epochs: 1,
            target_kl: None,
            minibatches: 1,
            max_grad_norm: self.max_grad_norm.map(Positive::get),
        })
    }
}
