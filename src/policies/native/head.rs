//! The last linear layer of a network: f, and the value where one is wanted, from the last hidden layer.

use super::linear::{Factor, multiply, repeat, reserve, sum_rows};

/// Splits one product per step into f and value; its weights, shape \[width, heads\], and bias, shape \[heads\], start at zero.
#[derive(Debug)]
pub(super) struct Head {
    width: usize,
    actions: usize,
    value: bool,
    /// f and value side by side, shape \[rows, heads\].
    both: Vec<f32>,
    /// Derivatives of the loss in `both` at all positions.
    slopes: Vec<f32>,
    values: Vec<f32>,
}

impl Head {
    /// On a hidden layer of `width` numbers.
    pub fn new(width: usize, actions: usize, value: bool) -> Self {
        Self { width, actions, value, both: Vec::new(), slopes: Vec::new(), values: Vec::new() }
    }

    /// Forgets the values of episodes before.
    pub fn begin(&mut self) {
        self.values.clear();
    }

    /// Columns of its weights.
    pub fn heads(&self) -> usize {
        self.actions + usize::from(self.value)
    }

    /// The value of each row at the last [`Head::forward`].
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Writes f of each row of `hidden` and keeps the values.
    pub fn forward(&mut self, weights: &[f32], bias: &[f32], hidden: &[f32], logits: &mut [f32]) {
        let (heads, rows) = (self.heads(), hidden.len() / self.width);
        let (hidden, weights) =
            (Factor::new(hidden, rows, self.width), Factor::new(weights, self.width, heads));
        if !self.value {
            repeat(bias, logits);
            multiply(hidden, weights, 1.0, logits);
            return;
        }
        reserve(&mut self.both, rows * heads);
        let both = &mut self.both[..rows * heads];
        repeat(bias, both);
        multiply(hidden, weights, 1.0, both);
        self.values.clear();
        for (row, logits) in both.chunks_exact(heads).zip(logits.chunks_exact_mut(self.actions)) {
            logits.copy_from_slice(&row[..self.actions]);
            self.values.push(row[self.actions]);
        }
    }

    /// Replaces the values by those of rows `parents`.
    pub fn branch(&mut self, parents: &[u32]) {
        let rows = self.values.len();
        if rows > 0 {
            self.values.extend(parents.iter().map(|_| 0.0));
            for (row, &parent) in parents.iter().enumerate() {
                self.values[rows + row] = self.values[parent as usize];
            }
            self.values.drain(..rows);
        }
    }

    /// Derivatives in f and value at all positions, side by side, shape \[positions · rows, heads\].
    pub fn slopes<'a>(&'a mut self, d_logits: &'a [f32], d_values: &[f32]) -> &'a [f32] {
        if !self.value {
            return d_logits;
        }
        let heads = self.heads();
        self.slopes.resize(d_values.len() * heads, 0.0);
        let both = self.slopes.chunks_exact_mut(heads);
        for ((both, logits), value) in both.zip(d_logits.chunks_exact(self.actions)).zip(d_values) {
            both[..self.actions].copy_from_slice(logits);
            both[self.actions] = *value;
        }
        &self.slopes
    }

    /// From derivatives in f and value at all positions to those in weights, bias and `hidden`, which holds one row each.
    pub fn backward(&mut self, weights: &[f32], hidden: &[f32], slopes: [&[f32]; 2], out: [&mut [f32]; 3]) {
        let (width, heads) = (self.width, self.heads());
        let rows = hidden.len() / width;
        let slopes = &self.slopes(slopes[0], slopes[1])[..rows * heads];
        let [d_weights, d_bias, d_hidden] = out;
        sum_rows(slopes, d_bias);
        let slopes = Factor::new(slopes, rows, heads);
        multiply(Factor::transposed(hidden, rows, width), slopes, 0.0, d_weights);
        multiply(slopes, Factor::transposed(weights, width, heads), 0.0, d_hidden);
    }
}
