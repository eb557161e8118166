//! Optimizers of a policy against the proxy under a KL penalty to the reference.
//!
//! `settings` states them, one file a trainer; `learner` passes over batches and takes steps; `loss` has the arithmetic. Each
//! names those after it.

mod contradiction;
mod error;
mod learner;
mod loss;
mod settings;
#[cfg(test)]
mod trl;

pub use contradiction::Contradiction;
pub use error::TrainerError;
pub use learner::{
    Credited, Experience, Ground, Learner, OptimizerSpec, Recipe, SequenceLearner, TableLearner,
};
pub use loss::{
    Baseline, Clip, Controller, Credit, Estimator, ImportanceSamplingLevel, KlPenalty, LossType,
    MultiObjectiveAggregation, Objective, Per, Place, Scale, ScaleRewards, Shaper, Shaping, ShapingError,
    Surrogate, Weight, advantages, estimators, gae, group_relative, leave_one_out, median_of_means,
    normalised_then_summed, trimmed_mean,
};
pub use settings::{
    BestOfN, Conditioning, Construction, Exact, ExactKl, Grpo, LossKl, Penalty, Ppo, Quantilizer, Reference,
    Reinforce, RewardKl, Rloo, TrainerPart,
};

crate::registry! {
    /// The `[trainer.…]` section.
    pub enum TrainerSpec => dyn TrainerPart {
        "exact" => Exact: "the optimum itself: a KL, chi-squared or mixed penalty, at a fixed coefficient or a KL budget", "Kwa, Thomas & Garriga-Alonso 2024, section 2; Huang et al. 2024";
        "reinforce" => Reinforce: "policy gradient on burn with baseline, KL penalty and SGD or Adam", "Williams 1992; Ahmadian et al. 2024";
        "rloo" => Rloo: "policy gradient with groups of rollouts a prompt, each against the mean of the others", "Kool et al. 2019; Ahmadian et al. 2024";
        "grpo" => Grpo: "clipped policy gradient with advantages in units of their group's spread; no KL penalty unless set", "Shao et al. 2024, DeepSeekMath; TRL 1.16";
        "ppo" => Ppo: "several epochs on a batch under a clipped ratio, with a value head", "Schulman et al. 2017; Ziegler et al. 2019; defaults of TRL 1.12, the last to have it";
        "best_of_n" => BestOfN: "the best of n draws from the reference, exactly", "Stiennon et al. 2020; Beirami et al. 2024";
        "quantilizer" => Quantilizer: "a draw from the reference's top share by proxy", "Taylor 2016, Quantilizers";
        "conditioning" => Conditioning: "the reference given that the proxy reaches a threshold", "Kwa, Thomas & Garriga-Alonso 2024, theorems 5 and 6";
        "construction" => Construction: "the reference with its mass above a threshold raised", "Kwa, Thomas & Garriga-Alonso 2024, theorem 1";
        "reference" => Reference: "no training: rollouts of the reference", "the null of every detector";
    }
}
