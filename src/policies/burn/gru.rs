//! A gated recurrent unit over the symbols shown so far.

use super::adapter::trained;
use super::linear::Linear;
use super::network::{Heads, Network};
use crate::foundation::rng::SeedTree;
use crate::policies::initial::{Initial, Start};
use crate::policies::part::{PolicyPart, size};
use crate::policies::sequence::{Memory, SequencePolicy, Shape};
use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, tanh};
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `[policy.gru]`: π(a | history) ∝ π₀(a | state)·exp(f(h)ₐ), with h after the symbols shown so far, x the embedding of the last of them, and h = 0 before the first:
///
/// - r = σ(W_r x + U_r h), z = σ(W_z x + U_z h), n = tanh(W_n x + r ⊙ (U_n h))
/// - h ← (1 − z) ⊙ n + z ⊙ h
/// - f = W h
///
/// W and U are affine (each has a bias). W of the last line is 0 at the start, so that π is π₀.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Gru {
    /// Numbers in the state, and in the embedding of a symbol.
    pub hidden: NonZeroU32,
}

impl Default for Gru {
    fn default() -> Self {
        Self { hidden: size(64) }
    }
}

impl PolicyPart for Gru {
    fn sequence(&self, shape: &Shape, seeds: &SeedTree, device: &Device) -> Option<Box<dyn SequencePolicy>> {
        Some(trained(GruNetwork::new(self, shape, &mut Initial::new(seeds, device)), device))
    }
}

/// The cell as PyTorch documents `torch.nn.GRU` (Cho et al. 2014, with the reset gate behind the product). The state starts at
/// zero whatever the prompt, which the first symbol tells.
#[derive(Module, Debug)]
pub(in crate::policies) struct GruNetwork {
    /// Shape \[symbols, hidden\].
    embedding: Param<Tensor<2>>,
    /// To the reset, update and new gate, side by side.
    input: Linear,
    recurrent: Linear,
    head: Linear,
    hidden: usize,
}

impl GruNetwork {
    /// With weights from `initial`.
    pub fn new(settings: &Gru, shape: &Shape, initial: &mut Initial) -> Self {
        let hidden = settings.hidden.get() as usize;
        let uniform = Start::Uniform(1.0 / (hidden as f32).sqrt());
        Self {
            embedding: initial.matrix(shape.symbols, hidden, Start::Uniform(3f32.sqrt())),
            input: Linear::new([hidden, 3 * hidden], uniform, uniform, initial),
            recurrent: Linear::new([hidden, 3 * hidden], uniform, uniform, initial),
            head: Linear::head(hidden, shape.heads(), initial),
            hidden,
        }
    }
}

impl Network for GruNetwork {
    type State = Tensor<2>;

    fn memory(&self) -> Memory {
        Memory::History
    }

    fn begin(&self, prompts: Tensor<1, Int>) -> Tensor<2> {
        Tensor::zeros([prompts.dims()[0], self.hidden], &prompts.device())
    }

    fn step(&self, state: Tensor<2>, _position: usize, symbols: Tensor<1, Int>) -> (Heads, Tensor<2>) {
        let [rows, hidden] = state.dims();
        let x = self.input.forward(self.embedding.val().select(0, symbols));
        let h = self.recurrent.forward(state.clone());
        let gate =
            |m: &Tensor<2>, gate: usize| m.clone().slice([0..rows, hidden * gate..hidden * (gate + 1)]);
        let reset = sigmoid(gate(&x, 0) + gate(&h, 0));
        let update = sigmoid(gate(&x, 1) + gate(&h, 1));
        let new = tanh(gate(&x, 2) + reset * gate(&h, 2));
        let state = new.clone() + update * (state - new);
        (Heads { both: self.head.forward(state.clone()), hidden: Some(state.clone()) }, state)
    }

    fn scaled(&self, actions: usize, factor: f32) -> Option<Self> {
        Some(Self { head: self.head.scaled(actions, factor), ..self.clone() })
    }
}
