//! The causal transformer, position by position on a cache of keys and values.
//!
//! Episodes under way need no burn; the gradient is burn's own, of one forward pass over all positions at once.

use super::head::Head;
use super::linear::{Factor, add, multiply, repeat, reserve};
use super::transformer_step::{Cache, Sizes, gelu, normalise};
use crate::policies::burn::network::Network;
use crate::policies::burn::transformer::{EXPANSION, Transformer, TransformerNetwork};
use crate::policies::sequence::{Memory, NotF32, SequencePolicy, Shape};
use crate::policies::weights::{Weights, gradient_of};
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;
use burn::tensor::{Device, Int, Tensor, TensorData};

/// Matrices of a layer: gain and bias of a normalisation, weights and bias of query, key and value, weights and bias of the way
/// back; then gain and bias, and weights and bias twice, of the feed-forward part.
const PER_LAYER: usize = 12;

/// Stands in for [`TransformerNetwork`]. Matrices in their order: symbols, positions, [`PER_LAYER`] of every layer, gain and bias of the
/// last normalisation, weights and bias of the head.
#[derive(Debug)]
pub(in crate::policies) struct TransformerPolicy {
    width: usize,
    layers: usize,
    sizes: Sizes,
    weights: Weights<TransformerNetwork>,
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
    /// At the weights of `network`.
    pub fn new(network: TransformerNetwork, shape: Shape, settings: &Transformer) -> Self {
        let [width, heads, layers] =
            [settings.width, settings.heads, settings.layers].map(|number| number.get() as usize);
        let sizes = Sizes { heads, depth: (width / heads).max(1), horizon: shape.horizon };
        Self {
            width,
            layers,
            sizes,
            weights: Weights::new(network),
            head: Head::new(width, shape.actions, shape.value),
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
        self.head.begin();
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
            let matrix = |index: usize| weights.matrix(2 + layer * PER_LAYER + index);
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
        let last = 2 + self.layers * PER_LAYER;
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
        let symbols: Vec<i64> = self.symbols.iter().map(|&symbol| i64::from(symbol)).collect();
        let symbols = TensorData::new(symbols, [self.position, self.rows]);
        let symbols = Tensor::<2, Int>::from_data(symbols, &Device::flex());
        let prompts = Tensor::zeros([self.rows], &Device::flex());
        let network = self.weights.module();
        gradient_of(network, network.forward(prompts, symbols), slopes.to_vec(), gradient)
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

    fn scale(&mut self, actions: usize, factor: f32) -> Result<bool, NotF32> {
        self.weights.scale(actions, factor)
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
