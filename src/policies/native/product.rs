//! The table of logits of every prompt and position, without a graph.

use super::linear::add;
use crate::policies::burn::product::ProductNetwork;
use crate::policies::sequence::{Memory, NotF32, SequencePolicy, Shape};
use crate::policies::weights::Weights;
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;

/// Stands in for [`ProductNetwork`].
#[derive(Debug)]
pub(in crate::policies) struct ProductPolicy {
    shape: Shape,
    weights: Weights<ProductNetwork>,
    /// Prompt of each row.
    prompts: Vec<u32>,
    position: usize,
    values: Vec<f32>,
}

impl ProductPolicy {
    /// At the weights of `network`.
    pub fn new(network: ProductNetwork, shape: Shape) -> Self {
        let weights = Weights::untracked(network);
        Self { shape, weights, prompts: Vec::new(), position: 0, values: Vec::new() }
    }

    /// The (prompt, position) of a row.
    fn cell(&self, prompt: u32, position: usize) -> usize {
        prompt as usize * self.shape.horizon + position
    }

    fn read_values(&mut self, position: usize) {
        if self.shape.value {
            let (column, horizon) = (self.weights.matrix(1), self.shape.horizon);
            self.values.clear();
            let value = |&prompt: &u32| column[prompt as usize * horizon + position];
            self.values.extend(self.prompts.iter().map(value));
        }
    }
}

impl SequencePolicy for ProductPolicy {
    fn memory(&self) -> Memory {
        Memory::Position
    }

    fn parameters(&self) -> usize {
        self.weights.flat().len()
    }

    fn begin(&mut self, prompts: &[u32], _record: bool) {
        self.prompts.clear();
        self.prompts.extend_from_slice(prompts);
        self.position = 0;
        self.values.clear();
    }

    fn advance(&mut self, _symbols: &[u32], logits: &mut [f32]) {
        let (actions, table) = (self.shape.actions, self.weights.matrix(0));
        for (&prompt, logits) in self.prompts.iter().zip(logits.chunks_exact_mut(actions)) {
            logits.copy_from_slice(&table[self.cell(prompt, self.position) * actions..][..actions]);
        }
        self.read_values(self.position);
        self.position += 1;
    }

    fn values(&self) -> &[f32] {
        &self.values
    }

    fn hidden(&self) -> &[f32] {
        &[]
    }

    fn branch(&mut self, parents: &[u32]) {
        let rows = self.prompts.len();
        for &parent in parents {
            self.prompts.push(self.prompts[parent as usize]);
        }
        self.prompts.drain(..rows);
        if let Some(position) = self.position.checked_sub(1) {
            self.read_values(position);
        }
    }

    fn backward(&mut self, d_logits: &[f32], d_values: &[f32], gradient: &mut [f32]) -> Result<(), NotF32> {
        let (actions, rows) = (self.shape.actions, self.prompts.len());
        gradient.fill(0.0);
        let (d_table, d_column) = gradient.split_at_mut(self.weights.matrix(0).len());
        for (index, slopes) in d_logits.chunks_exact(actions).enumerate() {
            let cell = self.cell(self.prompts[index % rows], index / rows);
            add(slopes, &mut d_table[cell * actions..][..actions]);
        }
        if self.shape.value {
            for (index, slope) in d_values.iter().enumerate() {
                d_column[self.cell(self.prompts[index % rows], index / rows)] += slope;
            }
        }
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
