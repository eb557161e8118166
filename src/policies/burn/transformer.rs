//! A causal transformer over the symbols shown so far: normalisation first, learned positions, GELU.

use super::adapter::trained;
use super::linear::Linear;
use super::network::{Heads, Network};
use crate::foundation::rng::SeedTree;
use crate::policies::initial::{Initial, Start};
use crate::policies::part::{PolicyPart, size};
use crate::policies::sequence::{Memory, SequencePolicy, Shape};
use burn::module::{Module, Param};
use burn::tensor::activation::{sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Width of the feed-forward layer, in widths (Vaswani et al. 2017).
pub(in crate::policies) const EXPANSION: usize = 4;
/// Added to the variance that a row is divided by the root of.
pub(in crate::policies) const EPSILON: f32 = 1e-5;
/// GELU(x) ≈ x·σ(x·(SLOPE + CURVE·x²)): Hendrycks & Gimpel 2016, equation 2, with ½(1 + tanh u) = σ(2u).
pub(in crate::policies) const SLOPE: f32 = 1.595_769;
pub(in crate::policies) const CURVE: f32 = 0.071_354_82;

/// `[policy.transformer]`: π(a | history) ∝ π₀(a | state)·exp(fₐ), with a row x for each symbol s shown so far, at position t:
///
/// - x = E\[s\] + P\[t\]
/// - of each layer: x ← x + W_o softmax(QKᵀ/√d + mask) V, of Q, K, V = W LN(x) by head, the mask −∞ at later positions; then x ← x + W₂ GELU(W₁ LN(x))
/// - f = W LN(x) at the last symbol
///
/// A head looks at d = ⌊width/heads⌋ numbers, at least one; the feed-forward layer is four times as wide. LN divides by √(variance + 10⁻⁵) and has gain and bias, each W a bias;
/// GELU(x) ≈ x·σ(1.5958·x + 0.0714·x³). W of the last line is 0 at the start, so that π is π₀.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Transformer {
    /// Numbers that stand for a position from layer to layer.
    pub width: NonZeroU32,
    /// Attention heads of a layer.
    pub heads: NonZeroU32,
    /// Layers, each attention and feed-forward.
    pub layers: NonZeroU32,
}

impl Default for Transformer {
    fn default() -> Self {
        Self { width: size(64), heads: size(4), layers: size(2) }
    }
}

impl PolicyPart for Transformer {
    fn sequence(&self, shape: &Shape, seeds: &SeedTree, device: &Device) -> Option<Box<dyn SequencePolicy>> {
        Some(trained(TransformerNetwork::new(self, shape, &mut Initial::new(seeds, device)), device))
    }
}

/// f from the last layer, of the sum of a row for the symbol and one for the position.
#[derive(Module, Debug)]
pub(in crate::policies) struct TransformerNetwork {
    /// Shape \[symbols, width\].
    symbols: Param<Tensor<2>>,
    /// Shape \[horizon, width\].
    positions: Param<Tensor<2>>,
    blocks: Vec<Block>,
    last: Norm,
    head: Linear,
}

impl TransformerNetwork {
    /// With weights from `initial`.
    pub fn new(settings: &Transformer, shape: &Shape, initial: &mut Initial) -> Self {
        let [width, heads, layers] =
            [settings.width, settings.heads, settings.layers].map(|number| number.get() as usize);
        let depth = (width / heads).max(1);
        Self {
            symbols: initial.matrix(shape.symbols, width, uniform(2)),
            positions: initial.matrix(shape.horizon, width, uniform(2)),
            blocks: (0..layers).map(|_| Block::new(width, heads, depth, initial)).collect(),
            last: Norm::new(width, initial),
            head: Linear::head(width, shape.heads(), initial),
        }
    }

    /// Attends to what `cache` holds and to symbols of shape \[positions · rows\] at `places`; `mask` is added to the scores.
    fn run(
        &self,
        symbols: Tensor<1, Int>,
        places: Tensor<1, Int>,
        positions: usize,
        cache: Vec<Tensor<4>>,
        mask: Option<Tensor<4>>,
    ) -> (Heads, Vec<Tensor<4>>) {
        let mut stream = self.symbols.val().select(0, symbols) + self.positions.val().select(0, places);
        let mut earlier = cache.into_iter();
        let mut kept = Vec::with_capacity(2 * self.blocks.len());
        for block in &self.blocks {
            let cache = earlier.next().zip(earlier.next());
            let (next, [keys, values]) = block.forward(stream, positions, cache, mask.as_ref());
            stream = next;
            kept.extend([keys, values]);
        }
        let last = self.last.forward(stream);
        (Heads { both: self.head.forward(last.clone()), hidden: Some(last) }, kept)
    }
}

impl Network for TransformerNetwork {
    /// Keys and values of every layer at all positions so far, shape \[rows, heads, positions, depth\]; nothing at the start.
    type State = Vec<Tensor<4>>;

    fn memory(&self) -> Memory {
        Memory::History
    }

    fn begin(&self, _prompts: Tensor<1, Int>) -> Vec<Tensor<4>> {
        Vec::new()
    }

    fn step(
        &self,
        cache: Vec<Tensor<4>>,
        position: usize,
        symbols: Tensor<1, Int>,
    ) -> (Heads, Vec<Tensor<4>>) {
        let places = symbols.zeros_like() + position as i64;
        self.run(symbols, places, 1, cache, None)
    }

    fn forward(&self, _prompts: Tensor<1, Int>, symbols: Tensor<2, Int>) -> Tensor<2> {
        let ([positions, rows], device) = (symbols.dims(), symbols.device());
        let places: Vec<i64> = (0..positions * rows).map(|i| (i / rows) as i64).collect();
        let places = Tensor::from_data(TensorData::new(places, [positions * rows]), &device);
        let mask = future(positions, &self.symbols.val().device());
        self.run(symbols.reshape([positions * rows]), places, positions, Vec::new(), Some(mask)).0.both
    }

    fn scaled(&self, actions: usize, factor: f32) -> Option<Self> {
        Some(Self { head: self.head.scaled(actions, factor), ..self.clone() })
    }
}

/// A layer: attention and feed-forward, each behind a normalisation and beside a way around it.
#[derive(Module, Debug)]
struct Block {
    before: Norm,
    /// To query, key and value of every head, side by side.
    triple: Linear,
    back: Linear,
    between: Norm,
    wide: Linear,
    narrow: Linear,
    heads: usize,
    depth: usize,
}

impl Block {
    fn new(width: usize, heads: usize, depth: usize, initial: &mut Initial) -> Self {
        let (inner, wide) = (heads * depth, EXPANSION * width);
        let linear = |inputs: usize, outputs: usize, initial: &mut Initial| {
            Linear::new([inputs, outputs], uniform(inputs), Start::Zero, initial)
        };
        Self {
            before: Norm::new(width, initial),
            triple: linear(width, 3 * inner, initial),
            back: linear(inner, width, initial),
            between: Norm::new(width, initial),
            wide: linear(width, wide, initial),
            narrow: linear(wide, width, initial),
            heads,
            depth,
        }
    }

    /// The stream after the layer, shape \[positions · rows, width\], and keys and values of earlier positions and these.
    fn forward(
        &self,
        stream: Tensor<2>,
        positions: usize,
        cache: Option<(Tensor<4>, Tensor<4>)>,
        mask: Option<&Tensor<4>>,
    ) -> (Tensor<2>, [Tensor<4>; 2]) {
        let (heads, depth) = (self.heads, self.depth);
        let rows = stream.dims()[0] / positions;
        let normal = self.before.forward(stream.clone());
        let triple = self.triple.forward(normal).reshape([positions, rows, 3 * heads, depth]);
        let part = |which: usize| {
            let start = which * heads;
            triple
                .clone()
                .slice([0..positions, 0..rows, start..start + heads, 0..depth])
                .permute([1, 2, 0, 3])
        };
        let (keys, values) = match cache {
            Some((keys, values)) => {
                (Tensor::cat(vec![keys, part(1)], 2), Tensor::cat(vec![values, part(2)], 2))
            }
            None => (part(1), part(2)),
        };
        let scores = part(0).matmul(keys.clone().swap_dims(2, 3)).div_scalar((depth as f64).sqrt());
        let scores = match mask {
            Some(mask) => scores + mask.clone(),
            None => scores,
        };
        let attended = softmax(scores, 3).matmul(values.clone());
        let attended = attended.permute([2, 0, 1, 3]).reshape([positions * rows, heads * depth]);
        let stream = stream + self.back.forward(attended);
        let wide = gelu(self.wide.forward(self.between.forward(stream.clone())));
        (stream + self.narrow.forward(wide), [keys, values])
    }
}

/// Layer normalisation (Ba, Kiros & Hinton 2016) of every row.
#[derive(Module, Debug)]
struct Norm {
    /// Shape \[1, width\].
    gain: Param<Tensor<2>>,
    bias: Param<Tensor<2>>,
}

impl Norm {
    fn new(width: usize, initial: &mut Initial) -> Self {
        Self { gain: initial.matrix(1, width, Start::One), bias: initial.matrix(1, width, Start::Zero) }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let centred = x.clone() - x.mean_dim(1);
        let variance = (centred.clone() * centred.clone()).mean_dim(1);
        centred / variance.add_scalar(EPSILON).sqrt() * self.gain.val() + self.bias.val()
    }
}

/// Variance 1/inputs, after LeCun et al. 1998, "Efficient BackProp"; a symbol and its position are two inputs.
fn uniform(inputs: usize) -> Start {
    Start::Uniform((3.0 / inputs as f32).sqrt())
}

/// Far below every score where a position would look at a later one, 0 elsewhere.
fn future(positions: usize, device: &Device) -> Tensor<4> {
    let cell = |i: usize| if i % positions > i / positions { -1e30 } else { 0f32 };
    let numbers: Vec<f32> = (0..positions * positions).map(cell).collect();
    Tensor::from_data(TensorData::new(numbers, [1, 1, positions, positions]), device)
}

fn gelu(x: Tensor<2>) -> Tensor<2> {
    let square = x.clone() * x.clone();
    x.clone() * sigmoid(x * square.mul_scalar(CURVE).add_scalar(SLOPE))
}
