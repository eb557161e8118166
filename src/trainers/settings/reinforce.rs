//! REINFORCE with a baseline and a KL penalty.

use super::part::TrainerPart;
use crate::foundation::scalar::Positive;
use crate::trainers::contradiction::Contradiction;
use crate::trainers::learner::optimizer::OptimizerSpec;
use crate::trainers::learner::recipe::Recipe;
use crate::trainers::loss::advantage::{Baseline, Scale};
use crate::trainers::loss::average::LossType;
use crate::trainers::loss::kl::KlPenalty;
use crate::trainers::loss::objective::{Credit, Objective};
use crate::trainers::loss::shaping::Shaping;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroU64};

/// Policy gradient: loss −(1/B) Σ Aᵢ ln π(yᵢ), plus β·KL where the penalty is placed in the loss.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reinforce {
    /// Rollouts B a step.
    pub batch: NonZeroU32,
    /// Steps.
    pub steps: NonZeroU64,
    /// The descent rule.
    pub optimizer: OptimizerSpec,
    /// What is subtracted from the rewards.
    pub baseline: Baseline,
    /// How advantages are scaled.
    pub advantage: Scale,
    /// What is optimised in the place of the proxy.
    pub shaping: Shaping,
    /// Largest norm of the gradient over all weights together; no limit where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_grad_norm: Option<Positive>,
    /// The penalty for leaving the reference.
    pub kl: KlPenalty,
}

impl Default for Reinforce {
    fn default() -> Self {
        Self {
            batch: NonZeroU32::MIN.saturating_add(255),
            steps: NonZeroU64::MIN.saturating_add(299),
            optimizer: OptimizerSpec::Sgd { learning_rate: Positive::known(12.8) },
            baseline: Baseline::Mean,
            advantage: Scale::Raw,
            shaping: Shaping::None,
            max_grad_norm: None,
            kl: KlPenalty::default(),
        }
    }
}

impl TrainerPart for Reinforce {
    fn batch(&self) -> usize {
        self.batch.get() as usize
    }

    fn steps(&self) -> u64 {
        self.steps.get()
    }

    fn passes(&self) -> u32 {
        1
    }

    fn kl_target(&self) -> Option<(&'static str, f64)> {
        self.kl.target()
    }

    fn shaping(&self) -> Shaping {
        self.shaping
    }

    fn contradictions(&self) -> Vec<Contradiction> {
        let mut found = self.kl.contradictions(self.batch);
        found.extend(self.shaping.contradiction());
        found.extend(self.baseline.contradiction(self.batch));
        if self.batch.get() < 2 && self.baseline != Baseline::None {
            found.push(Contradiction::new(
                "batch",
                "a baseline of the batch needs at least two rollouts",
                "raise batch or use baseline = \"none\"",
            ));
        }
        found
    }

    fn recipe(&self) -> Option<Recipe> {
        Some(Recipe {
            name: "reinforce",
            optimizer: self.optimizer.clone(),
            separate_critic: false,
            shaping: self.shaping,
            objective: Objective {
                kl: self.kl.clone(),
                credit: Credit::Batch(self.baseline, self.advantage),
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
