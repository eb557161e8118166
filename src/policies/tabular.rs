//! One logit per (prompt, outcome): the softmax policy on which everything can be computed exactly.

use super::PolicyPart;
use crate::record::Outcomes;
use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData, activation::log_softmax};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[policy.tabular]`: no settings.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tabular {}

impl PolicyPart for Tabular {
    fn parameters(&self, cells: usize) -> usize {
        cells
    }
}

/// π(outcome | prompt) ∝ π₀(outcome | prompt)·exp(θ): at θ = 0 it is the reference to the last bit.
#[derive(Module, Debug)]
pub struct TabularPolicy {
    /// θ, shape [prompts, outcomes], f32.
    theta: Param<Tensor<2>>,
    /// ln π₀ where it is not the same for all outcomes of a prompt, shape [prompts, outcomes].
    offset: Option<Tensor<2>>,
}

impl TabularPolicy {
    /// The reference itself, ready to be trained on `device`.
    pub fn new(table: &Outcomes, device: &Device) -> Self {
        let shape = [table.prompts, table.outcomes];
        let uniform = table
            .ref_log_prob
            .chunks(table.outcomes.max(1))
            .all(|row| row.iter().all(|l| Some(l) == row.first()));
        let offset = (!uniform).then(|| {
            let logs: Vec<f32> = table.ref_log_prob.iter().map(|&l| l as f32).collect();
            Tensor::from_data(TensorData::new(logs, shape), device)
        });
        let theta = Tensor::from_data(TensorData::new(vec![0f32; table.len()], shape), device);
        Self { theta: Param::from_tensor(theta), offset }
    }

    /// ln π of every cell, shape [prompts, outcomes], on the autodiff graph.
    pub fn log_probs(&self) -> Tensor<2> {
        log_softmax(self.logits(), 1)
    }

    /// ln π of every cell up to a constant of its prompt, shape [prompts, outcomes], on the autodiff graph.
    pub fn logits(&self) -> Tensor<2> {
        match &self.offset {
            Some(offset) => self.theta.val() + offset.clone(),
            None => self.theta.val(),
        }
    }

    /// The name under which burn keeps the gradient of θ.
    pub fn id(&self) -> ParamId {
        self.theta.id
    }

    /// θ, cell by cell; `None` if the device gives something else than f32 numbers back.
    pub fn theta(&self) -> Option<Vec<f32>> {
        self.theta.val().into_data().try_to_vec().ok()
    }
}
