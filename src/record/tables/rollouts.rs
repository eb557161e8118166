//! Rows of single rollouts: what anyone may see, and the hidden side.

use serde::{Deserialize, Serialize};

table! {
    /// One rollout as anyone may see it.
    ObservedRow in "observed.csv" {
        /// Identity of the training run.
        train_id: String,
    }
    ObservedBody {
        /// Step, from 0.
        step: u64,
        /// Number of the rollout in its run.
        trajectory: u64,
        /// What was sampled; equal numbers are the same trajectory.
        outcome: u64,
        /// Prompt.
        prompt: u64,
        /// Rollouts compared with each other.
        group: u64,
        /// Raw proxy reward U.
        proxy: f64,
        /// Shaped reward.
        reward: Option<f64>,
        /// Advantage.
        advantage: Option<f64>,
        /// ln π.
        log_prob: Option<f64>,
        /// ln π₀.
        ref_log_prob: Option<f64>,
        /// Length of the completion.
        length: Option<f64>,
        /// Standard deviation over the members of a reward ensemble.
        disagreement: Option<f64>,
        /// Norm of the rollout's term of the policy gradient, in the logits, for a policy that acts step by step.
        gradient_norm: Option<f64>,
    }
}

table! {
    /// The hidden side of one rollout.
    TruthRow in "truth.csv" {
        /// Identity of the training run.
        train_id: String,
    }
    TruthBody {
        /// Number of the rollout in its run.
        trajectory: u64,
        /// True utility V.
        utility: f64,
        /// Error X.
        error: f64,
        /// Planted class, 0 for none.
        class: u32,
        /// What an audit would confirm.
        hack: bool,
    }
}
