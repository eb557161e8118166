//! One logit per (prompt, position, action): independent softmax policies, position by position.

use super::adapter::trained;
use super::linear::scaled;
use super::network::{Heads, Network};
use crate::foundation::rng::SeedTree;
use crate::policies::initial::{Initial, Start};
use crate::policies::part::PolicyPart;
use crate::policies::sequence::{Memory, SequencePolicy, Shape};
use burn::module::{Module, Param};
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `[policy.product]`, without settings: π(a | history) ∝ π₀(a | state)·exp(fₐ) with f = θ\[prompt, position, a\], looked up. What was written before is not seen. θ = 0 is π₀.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Product {}

impl PolicyPart for Product {
    fn sequence(&self, shape: &Shape, seeds: &SeedTree, device: &Device) -> Option<Box<dyn SequencePolicy>> {
        Some(trained(ProductNetwork::new(shape, &mut Initial::new(seeds, device)), device))
    }
}

/// f is looked up, and so is the value, one number a (prompt, position).
#[derive(Module, Debug)]
pub(in crate::policies) struct ProductNetwork {
    /// Shape \[prompts · horizon, actions\].
    table: Param<Tensor<2>>,
    /// Shape \[1, prompts · horizon\].
    values: Option<Param<Tensor<2>>>,
    horizon: usize,
}

impl ProductNetwork {
    /// The reference; `initial` gives the order of the matrices.
    pub fn new(shape: &Shape, initial: &mut Initial) -> Self {
        let cells = shape.prompts * shape.horizon;
        Self {
            table: initial.matrix(cells, shape.actions, Start::Zero),
            values: shape.value.then(|| initial.matrix(1, cells, Start::Zero)),
            horizon: shape.horizon,
        }
    }

    /// f and value of cells (prompt, position).
    fn heads(&self, cells: Tensor<1, Int>) -> Tensor<2> {
        let f = self.table.val().select(0, cells.clone());
        match &self.values {
            Some(values) => Tensor::cat(vec![f, values.val().select(1, cells).transpose()], 1),
            None => f,
        }
    }
}

impl Network for ProductNetwork {
    /// The cell of each row's prompt at position 0.
    type State = Tensor<1, Int>;

    fn memory(&self) -> Memory {
        Memory::Position
    }

    fn begin(&self, prompts: Tensor<1, Int>) -> Tensor<1, Int> {
        prompts * self.horizon as i64
    }

    fn step(
        &self,
        first: Tensor<1, Int>,
        position: usize,
        _symbols: Tensor<1, Int>,
    ) -> (Heads, Tensor<1, Int>) {
        (Heads { both: self.heads(first.clone() + position as i64), hidden: None }, first)
    }

    fn forward(&self, prompts: Tensor<1, Int>, symbols: Tensor<2, Int>) -> Tensor<2> {
        let first = self.begin(prompts);
        let cells = (0..symbols.dims()[0]).map(|position| first.clone() + position as i64).collect();
        self.heads(Tensor::cat(cells, 0))
    }

    fn scaled(&self, actions: usize, factor: f32) -> Option<Self> {
        let table = self.table.clone().map(|old| scaled(old, actions, factor));
        Some(Self { table, ..self.clone() })
    }
}
