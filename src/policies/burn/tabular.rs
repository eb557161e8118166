//! One logit per (prompt, outcome): the softmax policy on which everything can be computed exactly.

use crate::policies::part::PolicyPart;
use burn::module::{Module, Param, ParamId};
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[policy.tabular]`, without settings: π(y | x) ∝ π₀(y | x)·exp(f) with f = θ\[x, y\], one number for each prompt x and outcome y. θ = 0 is π₀.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tabular {}

impl PolicyPart for Tabular {
    fn acts(&self) -> bool {
        false
    }
}

/// π(outcome | prompt) ∝ π₀(outcome | prompt)·exp(θ): at θ = 0 it is the reference to the last bit.
#[derive(Module, Debug)]
pub struct TabularPolicy {
    /// θ, shape [prompts, outcomes], f32.
    theta: Param<Tensor<2>>,
}

impl TabularPolicy {
    /// The reference itself on a table of (prompts, outcomes), ready to be trained on `device`.
    pub fn new(shape: [usize; 2], device: &Device) -> Self {
        let theta = TensorData::new(vec![0f32; shape[0] * shape[1]], shape);
        Self { theta: Param::from_tensor(Tensor::from_data(theta, device)) }
    }

    /// θ, shape \[prompts, outcomes\].
    pub fn theta(&self) -> Tensor<2> {
        self.theta.val()
    }

    /// ln π of every cell, from ln π₀ of every cell, both of shape \[prompts, outcomes\].
    pub fn log_probs(&self, reference: Tensor<2>) -> Tensor<2> {
        log_softmax(reference + self.theta.val(), 1)
    }

    /// The same policy with other numbers in the place of θ, cell by cell, on the same device and under the same name.
    pub fn with(&self, theta: Vec<f32>) -> Self {
        let replace = |old: Tensor<2>| {
            let new = Tensor::from_data(TensorData::new(theta, old.dims()), &old.device());
            new.set_require_grad(old.is_require_grad())
        };
        Self { theta: self.theta.clone().map(replace) }
    }

    /// The name under which burn keeps the gradient of θ.
    pub fn id(&self) -> ParamId {
        self.theta.id
    }

    /// θ, cell by cell; `None` if the device gives something else than f32 numbers back.
    pub fn numbers(&self) -> Option<Vec<f32>> {
        self.theta.val().into_data().try_to_vec().ok()
    }
}
