//! A multilayer perceptron on the last symbols and the position.

use super::adapter::trained;
use super::linear::Linear;
use super::network::{Heads, Network};
use crate::foundation::rng::SeedTree;
use crate::policies::initial::{Initial, Start};
use crate::policies::part::{PolicyPart, size};
use crate::policies::sequence::{Memory, SequencePolicy, Shape};
use burn::module::{Module, Param};
use burn::tensor::activation::tanh;
use burn::tensor::{Device, Int, Tensor};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `[policy.mlp]`: π(a | history) ∝ π₀(a | state)·exp(fₐ), with the last symbols s\_t, s\_(t−1) … as far as `context` reaches, and the position t:
///
/// - h₁ = tanh(b + P\[t\] + Σ_j E_j\[s\_(t−j)\]), j = 0 … `context` − 1; a place before the start has a row of its own
/// - h\_(l+1) = tanh(W_l h_l + b_l)
/// - f = W h_L + b
///
/// W of the last line is 0 at the start, so that π is π₀.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mlp {
    /// Numbers in a hidden layer.
    pub hidden: NonZeroU32,
    /// Hidden layers.
    pub layers: NonZeroU32,
    /// How many of the last symbols it sees.
    pub context: NonZeroU32,
}

impl Default for Mlp {
    fn default() -> Self {
        Self { hidden: size(64), layers: size(2), context: NonZeroU32::MIN }
    }
}

impl PolicyPart for Mlp {
    fn sequence(&self, shape: &Shape, seeds: &SeedTree, device: &Device) -> Option<Box<dyn SequencePolicy>> {
        Some(trained(MlpNetwork::new(self, shape, &mut Initial::new(seeds, device)), device))
    }
}

/// Tanh layers. The first is the sum of a row for each symbol in the context, by its place there (the last row of a place stands
/// for "none yet"), and a row for the position.
#[derive(Module, Debug)]
pub(in crate::policies) struct MlpNetwork {
    /// Shape \[context · (symbols + 1) + horizon, hidden\].
    table: Param<Tensor<2>>,
    bias: Param<Tensor<2>>,
    layers: Vec<Linear>,
    head: Linear,
    symbols: usize,
    context: usize,
}

impl MlpNetwork {
    /// With weights from `initial`.
    pub fn new(settings: &Mlp, shape: &Shape, initial: &mut Initial) -> Self {
        let [hidden, layers, context] =
            [settings.hidden, settings.layers, settings.context].map(|number| number.get() as usize);
        // Variance 1/(inputs that are not 0), after LeCun et al. 1998, "Efficient BackProp".
        let uniform = |inputs: usize| Start::Uniform((3.0 / inputs as f32).sqrt());
        let rows = context * (shape.symbols + 1) + shape.horizon;
        Self {
            table: initial.matrix(rows, hidden, uniform(context + 1)),
            bias: initial.matrix(1, hidden, Start::Zero),
            layers: (1..layers)
                .map(|_| Linear::new([hidden, hidden], uniform(hidden), Start::Zero, initial))
                .collect(),
            head: Linear::head(hidden, shape.heads(), initial),
            symbols: shape.symbols,
            context,
        }
    }

    /// From windows of the last symbols, the latest first, shape \[rows, context\], and the position of each row.
    fn heads(&self, window: Tensor<2, Int>, positions: Tensor<1, Int>) -> Heads {
        let rows = window.dims()[0];
        let per_place = self.symbols as i64 + 1;
        let first = positions + self.context as i64 * per_place;
        let mut sum = self.table.val().select(0, first) + self.bias.val();
        for place in 0..self.context {
            let symbols = window.clone().slice([0..rows, place..place + 1]).reshape([rows]);
            sum = sum + self.table.val().select(0, symbols + place as i64 * per_place);
        }
        let layer = |x: Tensor<2>, layer: &Linear| tanh(layer.forward(x));
        let last = self.layers.iter().fold(tanh(sum), layer);
        Heads { both: self.head.forward(last.clone()), hidden: Some(last) }
    }
}

impl Network for MlpNetwork {
    /// The last symbols, the latest first, shape \[rows, context\].
    type State = Tensor<2, Int>;

    fn memory(&self) -> Memory {
        if self.context == 1 { Memory::Symbol } else { Memory::History }
    }

    fn begin(&self, prompts: Tensor<1, Int>) -> Tensor<2, Int> {
        Tensor::full([prompts.dims()[0], self.context], self.symbols as i64, &prompts.device())
    }

    fn step(
        &self,
        window: Tensor<2, Int>,
        position: usize,
        symbols: Tensor<1, Int>,
    ) -> (Heads, Tensor<2, Int>) {
        let window = shift(window, symbols.clone());
        (self.heads(window.clone(), symbols.zeros_like() + position as i64), window)
    }

    fn forward(&self, prompts: Tensor<1, Int>, symbols: Tensor<2, Int>) -> Tensor<2> {
        let [positions, rows] = symbols.dims();
        let mut window = self.begin(prompts);
        let mut windows = Vec::with_capacity(positions);
        let mut places = Vec::with_capacity(positions);
        for position in 0..positions {
            let shown = symbols.clone().slice([position..position + 1, 0..rows]).reshape([rows]);
            places.push(shown.zeros_like() + position as i64);
            window = shift(window, shown);
            windows.push(window.clone());
        }
        self.heads(Tensor::cat(windows, 0), Tensor::cat(places, 0)).both
    }

    fn scaled(&self, actions: usize, factor: f32) -> Option<Self> {
        Some(Self { head: self.head.scaled(actions, factor), ..self.clone() })
    }
}

/// The windows after one symbol more.
fn shift(window: Tensor<2, Int>, symbols: Tensor<1, Int>) -> Tensor<2, Int> {
    let [rows, context] = window.dims();
    let newest = symbols.reshape([rows, 1]);
    if context == 1 {
        return newest;
    }
    Tensor::cat(vec![newest, window.slice([0..rows, 0..context - 1])], 1)
}
