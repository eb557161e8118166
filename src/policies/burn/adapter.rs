//! A burn module as a policy in training.

use super::network::{Heads, Network, Rows};
use crate::policies::sequence::{Memory, NotF32, SequencePolicy};
use crate::policies::weights::{Weights, gradient_of};
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;
use burn::tensor::{Device, Int, Tensor, TensorData};
use std::cell::OnceCell;

/// A policy that samples on `device` by the steps of a network, without a graph, and is trained through burn's automatic
/// differentiation of its [`Network::forward`].
pub fn trained<N: Network>(network: N, device: &Device) -> Box<dyn SequencePolicy> {
    Box::new(Trained::new(network, device))
}

#[derive(Debug)]
struct Trained<N: Network> {
    weights: Weights<N>,
    device: Device,
    /// The network without automatic differentiation.
    plain: N,
    /// Present state of the episodes, once they have begun.
    state: Option<N::State>,
    /// Prompts of the rows, and with `record` the symbols shown, \[positions, rows\].
    prompts: Vec<u32>,
    symbols: Vec<u32>,
    position: usize,
    record: bool,
    values: Vec<f32>,
    hidden: Option<Tensor<2>>,
    /// The numbers of `hidden`, fetched from the device when asked for.
    fetched: OnceCell<Vec<f32>>,
}

impl<N: Network> Trained<N> {
    fn new(network: N, device: &Device) -> Self {
        let weights = Weights::new(network);
        Self {
            plain: weights.module().valid(),
            weights,
            device: device.clone(),
            state: None,
            prompts: Vec::new(),
            symbols: Vec::new(),
            position: 0,
            record: false,
            values: Vec::new(),
            hidden: None,
            fetched: OnceCell::new(),
        }
    }

    fn index<const D: usize>(&self, numbers: &[u32], shape: [usize; D]) -> Tensor<D, Int> {
        let numbers: Vec<i64> = numbers.iter().map(|&number| i64::from(number)).collect();
        Tensor::from_data(TensorData::new(numbers, shape), &self.device)
    }

    /// Keeps the hidden layer, and fetches it once it is asked for.
    fn keep(&mut self, hidden: Option<Tensor<2>>) {
        self.hidden = hidden;
        self.fetched = OnceCell::new();
    }
}

impl<N: Network> SequencePolicy for Trained<N> {
    fn memory(&self) -> Memory {
        self.plain.memory()
    }

    fn parameters(&self) -> usize {
        self.weights.flat().len()
    }

    fn begin(&mut self, prompts: &[u32], record: bool) {
        (self.position, self.record) = (0, record);
        self.prompts.clear();
        self.prompts.extend_from_slice(prompts);
        self.symbols.clear();
        self.values.clear();
        self.state = Some(self.plain.begin(self.index(prompts, [prompts.len()])));
        self.keep(None);
    }

    fn advance(&mut self, symbols: &[u32], logits: &mut [f32]) {
        let Some(state) = self.state.take() else { return };
        if self.record {
            self.symbols.extend_from_slice(symbols);
        }
        let shown = self.index(symbols, [symbols.len()]);
        let (Heads { both, hidden }, next) = self.plain.step(state, self.position, shown);
        self.state = Some(next);
        self.position += 1;
        let [rows, heads] = both.dims();
        let actions = logits.len() / rows.max(1);
        let both: Vec<f32> = both.into_data().iter::<f32>().collect();
        self.values.clear();
        for (both, logits) in both.chunks_exact(heads).zip(logits.chunks_exact_mut(actions.max(1))) {
            logits.copy_from_slice(&both[..actions]);
            self.values.extend(both.get(actions));
        }
        self.keep(hidden);
    }

    fn values(&self) -> &[f32] {
        &self.values
    }

    fn hidden(&self) -> &[f32] {
        self.fetched.get_or_init(|| match &self.hidden {
            Some(hidden) => hidden.clone().into_data().iter::<f32>().collect(),
            None => Vec::new(),
        })
    }

    fn branch(&mut self, parents: &[u32]) {
        let index = self.index(parents, [parents.len()]);
        self.state = self.state.take().map(|state| state.select(&index));
        let hidden = self.hidden.take().map(|hidden| hidden.select(0, index));
        self.keep(hidden);
        self.prompts = parents.iter().map(|&parent| self.prompts[parent as usize]).collect();
        if !self.values.is_empty() {
            self.values = parents.iter().map(|&parent| self.values[parent as usize]).collect();
        }
    }

    fn backward(&mut self, d_logits: &[f32], d_values: &[f32], gradient: &mut [f32]) -> Result<(), NotF32> {
        let rows = self.prompts.len();
        let prompts = self.index(&self.prompts, [rows]);
        let symbols = self.index(&self.symbols, [self.position, rows]);
        let both = self.weights.module().forward(prompts, symbols);
        let [all, heads] = both.dims();
        let mut slopes = Vec::with_capacity(all * heads);
        let actions = d_logits.len() / all.max(1);
        for (row, logits) in d_logits.chunks_exact(actions.max(1)).enumerate() {
            slopes.extend_from_slice(logits);
            slopes.extend(d_values.get(row));
        }
        gradient_of(self.weights.module(), both, slopes, gradient)
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
        self.weights.descend(optimizer, learning_rate, gradient)?;
        self.plain = self.weights.module().valid();
        Ok(())
    }

    fn scale(&mut self, actions: usize, factor: f32) -> Result<bool, NotF32> {
        let can = self.weights.scale(actions, factor)?;
        self.plain = self.weights.module().valid();
        Ok(can)
    }

    fn save(&self) -> Result<Vec<u8>, RecordError> {
        self.weights.save()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.weights.restore(bytes)?;
        self.plain = self.weights.module().valid();
        Ok(())
    }
}
