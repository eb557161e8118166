//! The multilayer perceptron, forward and backward by hand.

use super::head::Head;
use super::linear::{Factor, add, multiply, repeat, reserve, sum_rows};
use crate::foundation::activation::tanh;
use crate::policies::burn::mlp::{Mlp, MlpNetwork};
use crate::policies::sequence::{Memory, NotF32, SequencePolicy, Shape};
use crate::policies::weights::Weights;
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;

/// Stands in for [`MlpNetwork`]. Matrices in their order: the first layer's rows by place in the context and symbol (the last of them for
/// "none yet") and then by position; its bias; weights and bias of every further layer; weights and bias of the head.
#[derive(Debug)]
pub(in crate::policies) struct MlpPolicy {
    shape: Shape,
    hidden: usize,
    layers: usize,
    context: usize,
    weights: Weights<MlpNetwork>,
    head: Head,
    rows: usize,
    position: usize,
    record: bool,
    /// The last symbols of each row, the latest first, shape \[rows, context\].
    window: Vec<u32>,
    /// The windows at all positions, for the gradient.
    windows: Vec<u32>,
    /// Layer by layer, shape \[positions, rows, hidden\] each; of the present position only without `record`.
    activations: Vec<Vec<f32>>,
    /// Derivatives in a layer's output, and then in its input.
    slopes: [Vec<f32>; 2],
}

impl MlpPolicy {
    /// At the weights of `network`.
    pub fn new(network: MlpNetwork, shape: Shape, settings: &Mlp) -> Self {
        let [hidden, layers, context] =
            [settings.hidden, settings.layers, settings.context].map(|number| number.get() as usize);
        Self {
            shape,
            hidden,
            layers,
            context,
            weights: Weights::untracked(network),
            head: Head::new(hidden, shape.actions, shape.value),
            rows: 0,
            position: 0,
            record: false,
            window: Vec::new(),
            windows: Vec::new(),
            activations: vec![Vec::new(); layers],
            slopes: [Vec::new(), Vec::new()],
        }
    }

    /// Where the activations of the position just advanced to stand.
    fn present(&self) -> std::ops::Range<usize> {
        let size = self.rows * self.hidden;
        let slot = if self.record { self.position.saturating_sub(1) } else { 0 };
        slot * size..(slot + 1) * size
    }
}

/// Row of the first layer that belongs to a symbol at a place of the context.
fn row_of(symbols: usize, place: usize, symbol: u32) -> usize {
    place * (symbols + 1) + symbol as usize
}

impl SequencePolicy for MlpPolicy {
    fn memory(&self) -> Memory {
        if self.context == 1 { Memory::Symbol } else { Memory::History }
    }

    fn parameters(&self) -> usize {
        self.weights.flat().len()
    }

    fn begin(&mut self, prompts: &[u32], record: bool) {
        (self.rows, self.position, self.record) = (prompts.len(), 0, record);
        self.head.begin();
        self.window.clear();
        self.window.resize(self.rows * self.context, self.shape.symbols as u32);
        self.windows.clear();
        let steps = if record { self.shape.horizon } else { 1 };
        let length = steps * self.rows * self.hidden;
        self.activations.iter_mut().for_each(|layer| reserve(layer, length));
    }

    fn advance(&mut self, symbols: &[u32], logits: &mut [f32]) {
        let (hidden, rows, known) = (self.hidden, self.rows, self.shape.symbols);
        for (window, &symbol) in self.window.chunks_exact_mut(self.context).zip(symbols) {
            window.rotate_right(1);
            window[0] = symbol;
        }
        if self.record {
            self.windows.extend_from_slice(&self.window);
        }
        let time = self.context * (known + 1) + self.position;
        self.position += 1;
        let present = self.present();
        let table = self.weights.matrix(0);
        let here = &table[time * hidden..][..hidden];
        let bias = self.weights.matrix(1);
        let first = &mut self.activations[0][present.clone()];
        let (window, context) = (&self.window, self.context);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (out, window) in first.chunks_exact_mut(hidden).zip(window.chunks_exact(context)) {
                    out.copy_from_slice(here);
                    add(bias, out);
                    for (place, &symbol) in window.iter().enumerate() {
                        add(&table[row_of(known, place, symbol) * hidden..][..hidden], out);
                    }
                    out.iter_mut().for_each(|x| *x = tanh(*x));
                }
            },
        );
        for layer in 1..self.layers {
            let (before, after) = self.activations.split_at_mut(layer);
            let out = &mut after[0][present.clone()];
            let input = Factor::new(&before[layer - 1][present.clone()], rows, hidden);
            repeat(self.weights.matrix(2 * layer + 1), out);
            multiply(input, Factor::new(self.weights.matrix(2 * layer), hidden, hidden), 1.0, out);
            pulp::Arch::new().dispatch(
                #[inline(always)]
                || out.iter_mut().for_each(|x| *x = tanh(*x)),
            );
        }
        let last = &self.activations[self.layers - 1][present];
        let head = 2 * self.layers;
        self.head.forward(self.weights.matrix(head), self.weights.matrix(head + 1), last, logits);
    }

    fn values(&self) -> &[f32] {
        self.head.values()
    }

    fn hidden(&self) -> &[f32] {
        let last = &self.activations[self.layers - 1];
        last.get(self.present()).unwrap_or_default()
    }

    fn branch(&mut self, parents: &[u32]) {
        let (context, hidden, rows) = (self.context, self.hidden, self.rows);
        for &parent in parents {
            let parent = parent as usize;
            self.window.extend_from_within(parent * context..(parent + 1) * context);
        }
        self.window.drain(..rows * context);
        self.head.branch(parents);
        self.rows = parents.len();
        // Only the last layer can be asked for before the next symbol.
        let copy = &mut self.slopes[0];
        copy.clear();
        for &parent in parents {
            copy.extend_from_slice(&self.activations[self.layers - 1][parent as usize * hidden..][..hidden]);
        }
        let length = copy.len();
        self.activations.iter_mut().for_each(|layer| reserve(layer, length));
        self.activations[self.layers - 1][..length].copy_from_slice(&self.slopes[0]);
    }

    fn backward(&mut self, d_logits: &[f32], d_values: &[f32], gradient: &mut [f32]) -> Result<(), NotF32> {
        let (hidden, known) = (self.hidden, self.shape.symbols);
        let steps = self.position * self.rows;
        let all = steps * hidden;
        self.slopes.iter_mut().for_each(|slopes| reserve(slopes, all));
        let [out, input] = &mut self.slopes;
        let (mut out, mut input) = (&mut out[..all], &mut input[..all]);
        let mut rest = gradient;
        // The matrices are filled from the last to the first.
        let mut last = |index: usize| {
            let end = rest.len() - self.weights.matrix(index).len();
            rest.split_off_mut(end..).unwrap_or_default()
        };
        let head = 2 * self.layers;
        let (d_bias, d_weights) = (last(head + 1), last(head));
        let hiddens = &self.activations[self.layers - 1][..all];
        let parts = [d_weights, d_bias, &mut *out];
        self.head.backward(self.weights.matrix(head), hiddens, [d_logits, d_values], parts);
        for layer in (1..self.layers).rev() {
            through_tanh(&self.activations[layer][..all], out);
            let before = &self.activations[layer - 1];
            sum_rows(out, last(2 * layer + 1));
            let slopes = Factor::new(out, steps, hidden);
            multiply(Factor::transposed(before, steps, hidden), slopes, 0.0, last(2 * layer));
            multiply(slopes, Factor::transposed(self.weights.matrix(2 * layer), hidden, hidden), 0.0, input);
            std::mem::swap(&mut out, &mut input);
        }
        through_tanh(&self.activations[0][..all], out);
        sum_rows(out, last(1));
        let d_table = last(0);
        d_table.fill(0.0);
        let (context, rows, windows) = (self.context, self.rows, &self.windows);
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                for (index, (slopes, window)) in
                    out.chunks_exact(hidden).zip(windows.chunks_exact(context)).enumerate()
                {
                    for (place, &symbol) in window.iter().enumerate() {
                        add(slopes, &mut d_table[row_of(known, place, symbol) * hidden..][..hidden]);
                    }
                    add(slopes, &mut d_table[(context * (known + 1) + index / rows) * hidden..][..hidden]);
                }
            },
        );
        Ok(())
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

/// From derivatives in y = tanh(x) to those in x.
fn through_tanh(y: &[f32], slopes: &mut [f32]) {
    pulp::Arch::new().dispatch(
        #[inline(always)]
        || {
            slopes.iter_mut().zip(y).for_each(|(slope, y)| *slope *= 1.0 - y * y);
        },
    );
}
