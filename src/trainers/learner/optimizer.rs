//! Gradient-descent rules, from burn.

use crate::foundation::scalar::{NonNegative, OpenProbability, Positive};
use burn::optim::{AdamConfig, AdamWConfig, ModuleOptimizer, SgdConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `optimizer = { sgd = { learning_rate = 12.8 } }`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerSpec {
    /// Plain stochastic gradient descent: no momentum, no decay, no clipping.
    Sgd {
        /// Step size on the mean loss; α·batch for a per-rollout logit step α.
        learning_rate: Positive,
    },
    /// Adam (Kingma & Ba 2015).
    Adam {
        /// Step size.
        learning_rate: Positive,
        /// Decay of the first moment.
        #[serde(default = "beta_1")]
        beta_1: OpenProbability,
        /// Decay of the second moment.
        #[serde(default = "beta_2")]
        beta_2: OpenProbability,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: Positive,
    },
    /// Adam with decoupled weight decay (Loshchilov & Hutter 2019): before each step weights are multiplied by 1 − learning_rate·weight_decay.
    /// Weights of 0 are the reference, so that the decay pulls the policy there.
    #[serde(rename = "adamw")]
    AdamW {
        /// Step size.
        learning_rate: Positive,
        /// Decay of the weights; 0 is Adam, and TRL's default.
        #[serde(default = "weight_decay")]
        weight_decay: NonNegative,
        /// Decay of the first moment.
        #[serde(default = "beta_1")]
        beta_1: OpenProbability,
        /// Decay of the second moment.
        #[serde(default = "beta_2")]
        beta_2: OpenProbability,
        /// Added to the root of the second moment.
        #[serde(default = "epsilon")]
        epsilon: Positive,
    },
}

fn weight_decay() -> NonNegative {
    NonNegative::known(0.0)
}
fn beta_1() -> OpenProbability {
    OpenProbability::known(0.9)
}
fn beta_2() -> OpenProbability {
    OpenProbability::known(0.999)
}
fn epsilon() -> Positive {
    Positive::known(1e-8)
}

impl OptimizerSpec {
    /// A fresh burn optimizer and its step size.
    pub(in crate::trainers) fn build(&self) -> (ModuleOptimizer, f64) {
        match self {
            Self::Sgd { learning_rate } => (SgdConfig::new().init(), learning_rate.get()),
            Self::Adam { learning_rate, beta_1, beta_2, epsilon } => (
                AdamConfig::new()
                    .with_beta_1(beta_1.get() as f32)
                    .with_beta_2(beta_2.get() as f32)
                    .with_epsilon(epsilon.get() as f32)
                    .init(),
                learning_rate.get(),
            ),
            Self::AdamW { learning_rate, weight_decay, beta_1, beta_2, epsilon } => (
                AdamWConfig::new()
                    .with_weight_decay(weight_decay.get() as f32)
                    .with_beta_1(beta_1.get() as f32)
                    .with_beta_2(beta_2.get() as f32)
                    .with_epsilon(epsilon.get() as f32)
                    .init(),
                learning_rate.get(),
            ),
        }
    }
}
