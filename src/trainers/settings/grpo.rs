//! Group-relative policy optimisation: PPO's clip without a value head, advantages from each prompt's own answers.

use super::kl::LossKl;
use super::part::{TrainerPart, uneven};
use crate::foundation::scalar::Positive;
use crate::trainers::contradiction::Contradiction;
use crate::trainers::learner::optimizer::OptimizerSpec;
use crate::trainers::learner::recipe::Recipe;
use crate::trainers::loss::average::LossType;
use crate::trainers::loss::group::{self, MultiObjectiveAggregation, ScaleRewards};
use crate::trainers::loss::kl::{Estimator, KlPenalty, Per, Place};
use crate::trainers::loss::objective::{Credit, Objective};
use crate::trainers::loss::shaping::Shaping;
use crate::trainers::loss::surrogate::{Clip, ImportanceSamplingLevel, Surrogate};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::{NonZeroU32, NonZeroU64};

/// Groups of G rollouts a prompt, advantage A = (reward − group mean)/(group sd + 1e-4), ratio clip ε, KL in the loss. What is maximised is
/// J = (1/B)·Σ min(r·A, clip(r, 1 − ε, 1 + ε\_high)·A) − β·k3 over the actions of B rollouts, with r = π/π of the sampling and k3 = π₀/π − 1 − ln(π₀/π) at the action.
///
/// **Without `kl.coefficient` there is no KL penalty at all**: the default is 0, as in TRL 1.16 (Shao et al. 2024 use 0.04). An
/// advantage never exceeds (G − 1)/√G, so that a reward of 10⁶ moves the policy no more than one of 10.
///
/// A group's mean holds the rollout itself, which shortens the reward's gradient by (G − 1)/G, and the penalty in the loss is
/// not shortened: with `scale_rewards = "none"` and k2 or the exact sum, training settles at the exponential tilt of
/// β·G/(G − 1); with k3 (the default) at π ∝ π₀/(λ − U), the optimum under KL(π₀‖π), unless `use_bias_correction_kl` is set.
///
/// **The defaults of TRL 1.16** are `loss_type = "dapo"`, `use_bias_correction_kl = true` (false before 1.10), `max_grad_norm = 1` and
/// `optimizer = { adamw = { learning_rate = 1e-6 } }`, whose step size falls linearly to 0 there and stays here; the rest is as
/// here. Loss and gradient equal those of TRL 1.16 for all of it (`tests/suite/fixtures/trl_grpo.json`). A minibatch is a step of the
/// optimizer there, and is shuffled; here it is adjacent rollouts. A rollout without a reward has advantage 0 there and
/// counts in no advantage, as one of weight 0 does here; there it still counts in the loss's denominator and in its penalty.
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
    /// How the pay of several reward functions (`reward.triggers` with `own_function`) becomes one advantage: `sum_then_normalize` where it is
    /// left out, or `normalize_then_sum`, each within its group in units of its own spread, so that it is all the same what each pays.
    #[serde(skip_serializing_if = "MultiObjectiveAggregation::is_sum")]
    pub multi_objective_aggregation: MultiObjectiveAggregation,
    /// Passes over a batch (TRL's `num_iterations`); the ratio clip acts from the second descent step on.
    pub epochs: NonZeroU32,
    /// Descent steps a pass, each on an equal part of the batch (TRL's `steps_per_generation` over `gradient_accumulation_steps`); 1
    /// where it is left out.
    #[serde(skip_serializing_if = "is_one")]
    pub minibatches: NonZeroU32,
    /// Clip range ε of the ratio to the policy that sampled.
    pub epsilon: Positive,
    /// How far the ratio may rise above 1 where A > 0; `epsilon` where it is left out (Yu et al. 2025, DAPO: 0.28).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub epsilon_high: Option<Positive>,
    /// Largest ratio that pushes where A < 0, above 1 + `epsilon_high`; no limit where it is left out (INTELLECT-2 2025: 4). Without
    /// it a single bad rollout that has become likely is pushed down without bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delta: Option<Positive>,
    /// Of what the ratio is taken: `token`, each action, where it is left out, or `sequence`, the rollout, by the geometric mean over
    /// its actions.
    #[serde(skip_serializing_if = "ImportanceSamplingLevel::is_token")]
    pub importance_sampling_level: ImportanceSamplingLevel,
    /// What the loss of an action is divided by, for B rollouts: `sum`, B, where it is left out; `grpo`, B and the rollout's length;
    /// `bnpo`, the minibatch's actions; `dr_grpo`, B and the largest length; `dapo`, the batch's actions over `minibatches`. For
    /// policies that act step by step: an outcome of a table is one action.
    #[serde(skip_serializing_if = "LossType::is_sum")]
    pub loss_type: LossType,
    /// Whether rollouts that were cut off at the largest length have no part in the loss; they count in advantages. `false` where it
    /// is left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub mask_truncated_completions: bool,
    /// Whether the k3 penalty of an action is multiplied by its ratio to the policy that sampled, and differentiated with it, which makes
    /// its gradient r·(ln π − ln π₀): that of KL(π‖π₀), with k2's optimum. `false` where it is left out.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub use_bias_correction_kl: bool,
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
            multi_objective_aggregation: MultiObjectiveAggregation::SumThenNormalize,
            epochs: NonZeroU32::MIN,
            minibatches: NonZeroU32::MIN,
            epsilon: Positive::known(0.2),
            epsilon_high: None,
            delta: None,
            importance_sampling_level: ImportanceSamplingLevel::Token,
            loss_type: LossType::Sum,
            mask_truncated_completions: false,
            use_bias_correction_kl: false,
            shaping: Shaping::None,
            max_grad_norm: None,
            kl: LossKl::default(),
        }
    }
}

/// Whether the batch is one minibatch.
fn is_one(minibatches: &NonZeroU32) -> bool {
    *minibatches == NonZeroU32::MIN
}

impl Grpo {
    /// How far the ratio may rise above 1.
    fn high(&self) -> f64 {
        self.epsilon_high.unwrap_or(self.epsilon).get()
    }

    /// What contradicts itself in how actions are clipped, penalised and averaged.
    fn averaging(&self) -> Vec<Contradiction> {
        let mut found = Vec::new();
        if let Some(delta) = self.delta
            && delta.get() <= 1.0 + self.high()
        {
            found.push(Contradiction::new(
                "delta",
                format!(
                    "{delta} is not above 1 + epsilon_high = {}, from where on the clip acts",
                    1.0 + self.high()
                ),
                "use 4, or lower epsilon_high",
            ));
        }
        let kl = &self.kl;
        if self.use_bias_correction_kl
            && (kl.estimator, kl.place, kl.per) != (Estimator::K3, Place::Loss, Per::Token)
        {
            found.push(Contradiction::new(
                "use_bias_correction_kl",
                "the correction is one of k3 of each action, in the loss",
                "set kl.estimator = \"k3\", kl.place = \"loss\" and kl.per = \"token\", or use_bias_correction_kl = false",
            ));
        }
        if !self.multi_objective_aggregation.is_sum()
            && (self.scale_rewards != ScaleRewards::Group
                || self.shaping != Shaping::None
                || kl.place != Place::Loss)
        {
            found.push(Contradiction::new(
                "multi_objective_aggregation",
                "each function is divided by its spread in the group, as it pays: nothing else scales, shapes or penalises it before",
                "set scale_rewards = \"group\", shaping = \"none\" and kl.place = \"loss\", or use \"sum_then_normalize\"",
            ));
        }
        if self.loss_type != LossType::Sum && (kl.estimator == Estimator::Exact || kl.per == Per::Sequence) {
            found.push(Contradiction::new(
                "loss_type",
                "the KL of a whole rollout is no mean over its actions",
                "use loss_type = \"sum\", or kl.estimator = \"k3\" with kl.per = \"token\"",
            ));
        }
        found
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
        found.extend(group::contradiction(self.group, self.batch));
        found.extend(uneven(self.batch, self.minibatches));
        found.extend(self.averaging());
        found
    }

    fn recipe(&self) -> Option<Recipe> {
        Some(Recipe {
            name: "grpo",
            optimizer: self.optimizer.clone(),
            separate_critic: false,
            shaping: self.shaping,
            objective: Objective {
                kl: KlPenalty::from(&self.kl),
                credit: match self.multi_objective_aggregation {
                    MultiObjectiveAggregation::SumThenNormalize => Credit::Group(self.scale_rewards),
                    MultiObjectiveAggregation::NormalizeThenSum => Credit::EachFunction,
                },
                corrects_kl: self.use_bias_correction_kl,
                surrogate: Some(Clip {
                    high: self.high(),
                    delta: self.delta.map(Positive::get),
                    level: self.importance_sampling_level,
                    ..Clip::around(Surrogate::Clipped, self.epsilon.get())
                }),
                loss_type: self.loss_type,
                mask_truncated: self.mask_truncated_completions,
                entropy: 0.0,
                value: None,
            },
            epochs: self.epochs.get(),
            target_kl: None,
            minibatches: self.minibatches.get(),
            max_grad_norm: self.max_grad_norm.map(Positive::get),
        })
    }
}
