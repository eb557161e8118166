//! A causal transformer over the symbols shown so far: normalisation first, learned positions, GELU.
//!
//! Episodes under way keep keys and values of earlier positions, and need no burn; the gradient is burn's, of one forward
//! pass over all positions at once.

use super::head::Head;
use super::linear::{Factor, add, multiply, repeat, reserve};
use super::transformer_step::{Cache, gelu, normalise};
use crate::foundation::rng::SeedTree;
use crate::policies::burn::transformer as graph;
use crate::policies::burn::transformer::Sizes;
use crate::policies::part::{PolicyPart, size};
use crate::policies::sequence::{Memory, NotF32, SequencePolicy, Shape};
use crate::policies::weights::{Matrix, Start, Weights};
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;
use burn::tensor::Device;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// `[policy.transformer]`. A head looks at ⌊width/heads⌋ numbers, at least one; the feed-forward layer is four times as wide.
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
        Some(Box::new(TransformerPolicy::new(*shape, self, seeds, device)))
    }
}

/// Width of the feed-forward layer, in widths (Vaswani et al. 2017).
const EXPANSION: usize = 4;

/// f from the last layer. Matrices in their order: symbols, positions, [`graph::PER_LAYER`] of every layer, gain and bias of the
/// last normalisation, weights and bias of the head.
#[derive(Debug)]
struct TransformerPolicy {
    width: usize,
    layers: usize,
    sizes: Sizes,
    weights: Weights,
    device: Device,
    head: Head,
    rows: usize,
    position: usize,
    record: bool,
    /// Symbols shown, \[positions, rows\]; kept with `record` only.
    symbols: Vec<u32>,
    caches: Vec<Cache>,
    /// The residual stream, and its last normalisation, shape \[rows, width\].
    stream: Vec<f32>,
    normal: Vec<f32>,
    triple: Vec<f32>,
    attended: Vec<f32>,
    wide: Vec<f32>,
}

impl TransformerPolicy {
    fn new(shape: Shape, settings: &Transformer, seeds: &SeedTree, device: &Device) -> Self {
        let [width, heads, layers] =
            [settings.width, settings.heads, settings.layers].map(|number| number.get() as usize);
        let sizes = Sizes { heads, depth: (width / heads).max(1), horizon: shape.horizon };
        let head = Head::new(width, shape.actions, shape.value);
        let (inner, wide) = (sizes.inner(), EXPANSION * width);
        // Variance 1/inputs, after LeCun et al. 1998, "Efficient BackProp"; a symbol and its position are two inputs.
        let uniform = |inputs: usize| Start::Uniform((3.0 / inputs as f32).sqrt());
        let norm: [Matrix; 2] = [(1, width, Start::One), (1, width, Start::Zero)];
        let mut layout = vec![(shape.symbols, width, uniform(2)), (shape.horizon, width, uniform(2))];
        for _ in 0..layers {
            layout.extend(norm);
            layout.extend([(width, 3 * inner, uniform(width)), (1, 3 * inner, Start::Zero)]);
            layout.extend([(inner, width, uniform(inner)), (1, width, Start::Zero)]);
            layout.extend(norm);
            layout.extend([(width, wide, uniform(width)), (1, wide, Start::Zero)]);
            layout.extend([(wide, width, uniform(wide)), (1, width, Start::Zero)]);
        }
        layout.extend(norm);
        layout.extend([(width, head.heads(), Start::Zero), (1, head.heads(), Start::Zero)]);
        Self {
            width,
            layers,
            sizes,
            weights: Weights::new(&layout, seeds, device),
            device: device.clone().autodiff(),
            head,
            rows: 0,
            position: 0,
            record: false,
            symbols: Vec::new(),
            caches: (0..layers).map(|_| Cache::default()).collect(),
            stream: Vec::new(),
            normal: Vec::new(),
            triple: Vec::new(),
            attended: Vec::new(),
            wide: Vec::new(),
        }
    }

    /// Makes the step's buffers as long as the rows need.
    fn fit(&mut self) {
        let (rows, inner) = (self.rows, self.sizes.inner());
        reserve(&mut self.stream, rows * self.width);
        reserve(&mut self.normal, rows * self.width);
        reserve(&mut self.triple, rows * 3 * inner);
        reserve(&mut self.attended, rows * inner);
        reserve(&mut self.wide, rows * EXPANSION * self.width);
    }
}

impl SequencePolicy for TransformerPolicy {
    fn memory(&self) -> Memory {
        Memory::History
    }

    fn parameters(&self) -> usize {
        self.weights.flat().len()
    }

    fn begin(&mut self, prompts: &[u32], record: bool) {
        (self.rows, self.position, self.record) = (prompts.len(), 0, record);
        self.symbols.clear();
        self.caches.iter_mut().for_each(|cache| cache.begin(prompts.len(), self.sizes));
        self.fit();
    }

    fn advance(&mut self, symbols: &[u32], logits: &mut [f32]) {
        let (rows, width, sizes) = (self.rows, self.width, self.sizes);
        let (inner, wide_width, weights) = (sizes.inner(), EXPANSION * width, &self.weights);
        if self.record {
            self.symbols.extend_from_slice(symbols);
        }
        let stream = &mut self.stream[..rows * width];
        let normal = &mut self.normal[..rows * width];
        let triple = &mut self.triple[..rows * 3 * inner];
        let attended = &mut self.attended[..rows * inner];
        let wide = &mut self.wide[..rows * wide_width];
        let (table, place) = (weights.matrix(0), &weights.matrix(1)[self.position * width..][..width]);
        for (stream, &symbol) in stream.chunks_exact_mut(width).zip(symbols) {
            stream.copy_from_slice(place);
            add(&table[symbol as usize * width..][..width], stream);
        }
        for (layer, cache) in self.caches.iter_mut().enumerate() {
            let matrix = |index: usize| weights.matrix(2 + layer * graph::PER_LAYER + index);
            normalise(stream, matrix(0), matrix(1), normal);
            repeat(matrix(3), triple);
            multiply(Factor::new(normal, rows, width), Factor::new(matrix(2), width, 3 * inner), 1.0, triple);
            cache.attend(triple, self.position, sizes, attended);
            plus_row(matrix(5), stream);
            multiply(Factor::new(attended, rows, inner), Factor::new(matrix(4), inner, width), 1.0, stream);
            normalise(stream, matrix(6), matrix(7), normal);
            repeat(matrix(9), wide);
            multiply(Factor::new(normal, rows, width), Factor::new(matrix(8), width, wide_width), 1.0, wide);
            gelu(wide);
            plus_row(matrix(11), stream);
            multiply(
                Factor::new(wide, rows, wide_width),
                Factor::new(matrix(10), wide_width, width),
                1.0,
                stream,
            );
        }
        let last = 2 + self.layers * graph::PER_LAYER;
        normalise(stream, weights.matrix(last), weights.matrix(last + 1), normal);
        self.head.forward(weights.matrix(last + 2), weights.matrix(last + 3), normal, logits);
        self.position += 1;
    }

    fn values(&self) -> &[f32] {
        self.head.values()
    }

    fn hidden(&self) -> &[f32] {
        &self.normal[..self.rows * self.width]
    }

    fn branch(&mut self, parents: &[u32]) {
        let (width, old) = (self.width, self.rows * self.width);
        self.head.branch(parents);
        self.caches.iter_mut().for_each(|cache| cache.branch(parents, self.sizes));
        self.normal.truncate(old);
        for &parent in parents {
            let start = parent as usize * width;
            self.normal.extend_from_within(start..start + width);
        }
        self.normal.drain(..old);
        self.rows = parents.len();
        self.fit();
    }

    fn backward(&mut self, d_logits: &[f32], d_values: &[f32], gradient: &mut [f32]) -> Result<(), NotF32> {
        let slopes = self.head.slopes(d_logits, d_values);
        let tensors = self.weights.tensors(&self.device);
        let episodes = graph::Episodes { symbols: &self.symbols, positions: self.position, rows: self.rows };
        graph::gradient(tensors, episodes, self.sizes, slopes, gradient)
    }

    fn weights(&self) -> &[f32] {
        self.weights.flat()
    }

    fn descend(
        &mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: f64,
        gradient: &[f32],
    ) -> Result<(), NotF32> {
        self.weights.descend(optimizer, learning_rate, gradient)
    }

    fn save(&self) -> Result<Vec<u8>, RecordError> {
        self.weights.save()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.weights.restore(bytes)
    }
}

/// Adds the same row to every row.
fn plus_row(row: &[f32], out: &mut [f32]) {
    out.chunks_exact_mut(row.len()).for_each(|out| add(row, out));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::trials::{PROMPTS, ROWS, SHAPE, SYMBOLS, stir};

    #[test]
    fn steps_on_a_cache_are_the_forward_pass_over_all_positions() {
        let settings = Transformer { width: size(12), heads: size(3), layers: size(2) };
        let mut policy = TransformerPolicy::new(SHAPE, &settings, &SeedTree::new(1, 0), &Device::flex());
        stir(&mut policy);
        policy.begin(&PROMPTS, true);
        let mut found = Vec::new();
        for symbols in &SYMBOLS {
            let mut logits = vec![f32::NAN; ROWS * SHAPE.actions];
            policy.advance(symbols, &mut logits);
            for (logits, value) in logits.chunks(SHAPE.actions).zip(policy.values()) {
                found.extend_from_slice(logits);
                found.push(*value);
            }
        }
        let episodes = graph::Episodes { symbols: &policy.symbols, positions: SYMBOLS.len(), rows: ROWS };
        let whole = graph::forward(&policy.weights.tensors(&Device::flex()), episodes, policy.sizes);
        let whole: Vec<f32> = whole.into_data().try_to_vec().unwrap();
        assert_eq!(found.len(), whole.len());
        for (index, (found, whole)) in found.iter().zip(&whole).enumerate() {
            assert!((found - whole).abs() < 1e-5 * whole.abs().max(1.0), "{index}: {found} against {whole}");
        }
        assert!(whole.iter().any(|f| f.abs() > 0.1), "nothing to compare");
    }
}
