//! The gated recurrent unit, with back-propagation through time by hand.

use super::gru_cell::{self, Input, Kept};
use super::head::Head;
use super::linear::{Factor, add, multiply, repeat, reserve, sum_rows};
use crate::policies::burn::gru::GruNetwork;
use crate::policies::sequence::{Memory, NotF32, SequencePolicy, Shape};
use crate::policies::weights::Weights;
use burn::optim::ModuleOptimizer;
use burn::store::RecordError;

/// Matrices in their order.
const EMBEDDING: usize = 0;
const INPUT: usize = 1;
const INPUT_BIAS: usize = 2;
const RECURRENT: usize = 3;
const RECURRENT_BIAS: usize = 4;
const HEAD: usize = 5;
const HEAD_BIAS: usize = 6;

/// Stands in for [`GruNetwork`].
#[derive(Debug)]
pub(in crate::policies) struct GruPolicy {
    shape: Shape,
    hidden: usize,
    weights: Weights<GruNetwork>,
    head: Head,
    /// Embedding times input weights plus biases, shape \[symbols, 3·hidden\]; the input's part of the gates.
    table: Vec<f32>,
    rows: usize,
    position: usize,
    record: bool,
    /// Symbols shown, \[positions, rows\]; of the present position only without `record`.
    symbols: Vec<u32>,
    /// States before each position and after the last; two in turn without `record`.
    states: Vec<f32>,
    gates: Vec<f32>,
    inner: Vec<f32>,
    d_states: Vec<f32>,
    d_state: Vec<f32>,
    d_gates: Vec<f32>,
    d_new: Vec<f32>,
    d_table: Vec<f32>,
}

impl GruPolicy {
    /// At the weights of `network`.
    pub fn new(network: GruNetwork, shape: Shape, hidden: usize) -> Self {
        let mut policy = Self {
            shape,
            hidden,
            weights: Weights::untracked(network),
            head: Head::new(hidden, shape.actions, shape.value),
            table: vec![0.0; shape.symbols * 3 * hidden],
            rows: 0,
            position: 0,
            record: false,
            symbols: Vec::new(),
            states: Vec::new(),
            gates: Vec::new(),
            inner: Vec::new(),
            d_states: Vec::new(),
            d_state: Vec::new(),
            d_gates: Vec::new(),
            d_new: Vec::new(),
            d_table: vec![0.0; shape.symbols * 3 * hidden],
        };
        policy.look_up();
        policy
    }

    /// Computes the input's part of the gates for every symbol; to be done whenever weights have moved.
    fn look_up(&mut self) {
        let hidden = self.hidden;
        repeat(self.weights.matrix(INPUT_BIAS), &mut self.table);
        // The new gate's recurrent bias stands behind the reset gate, so only the other two can be folded in.
        let recurrent = &self.weights.matrix(RECURRENT_BIAS)[..2 * hidden];
        self.table.chunks_exact_mut(3 * hidden).for_each(|row| add(recurrent, &mut row[..2 * hidden]));
        let embedding = Factor::new(self.weights.matrix(EMBEDDING), self.shape.symbols, hidden);
        let input = Factor::new(self.weights.matrix(INPUT), hidden, 3 * hidden);
        multiply(embedding, input, 1.0, &mut self.table);
    }

    /// Numbers in the states of all rows.
    fn size(&self) -> usize {
        self.rows * self.hidden
    }

    /// Where the present state stands among `states`.
    fn present(&self) -> usize {
        if self.record { self.position } else { self.position % 2 }
    }
}

impl SequencePolicy for GruPolicy {
    fn memory(&self) -> Memory {
        Memory::History
    }

    fn parameters(&self) -> usize {
        self.weights.flat().len()
    }

    fn begin(&mut self, prompts: &[u32], record: bool) {
        (self.rows, self.position, self.record) = (prompts.len(), 0, record);
        self.head.begin();
        let size = self.size();
        self.symbols.clear();
        let steps = if record { self.shape.horizon } else { 1 };
        reserve(&mut self.states, (steps + 1) * size);
        reserve(&mut self.gates, steps * 3 * size);
        reserve(&mut self.inner, steps * size);
        self.states[..size].fill(0.0);
    }

    fn advance(&mut self, symbols: &[u32], logits: &mut [f32]) {
        let (size, hidden) = (self.size(), self.hidden);
        let (slot, from) = (if self.record { self.position } else { 0 }, self.present());
        if !self.record {
            self.symbols.clear();
        }
        self.symbols.extend_from_slice(symbols);
        self.position += 1;
        let to = self.present();
        let (low, high) = self.states.split_at_mut(from.max(to) * size);
        let (state, next) = if from < to {
            (&low[from * size..][..size], &mut high[..size])
        } else {
            (&high[..size], &mut low[to * size..][..size])
        };
        let gates = &mut self.gates[slot * 3 * size..][..3 * size];
        let recurrent = Factor::new(self.weights.matrix(RECURRENT), hidden, 3 * hidden);
        multiply(Factor::new(state, self.rows, hidden), recurrent, 0.0, gates);
        let bias = &self.weights.matrix(RECURRENT_BIAS)[2 * hidden..];
        let input = Input { symbols, table: &self.table, bias };
        gru_cell::forward(input, state, gates, &mut self.inner[slot * size..][..size], next);
        self.head.forward(self.weights.matrix(HEAD), self.weights.matrix(HEAD_BIAS), next, logits);
    }

    fn values(&self) -> &[f32] {
        self.head.values()
    }

    fn hidden(&self) -> &[f32] {
        &self.states[self.present() * self.size()..][..self.size()]
    }

    fn branch(&mut self, parents: &[u32]) {
        let (hidden, from) = (self.hidden, self.present() * self.size());
        // Gates are free between two positions: the states wait there.
        let waiting = &mut self.gates;
        waiting.clear();
        for &parent in parents {
            waiting.extend_from_slice(&self.states[from + parent as usize * hidden..][..hidden]);
        }
        self.head.branch(parents);
        self.rows = parents.len();
        let size = self.size();
        reserve(&mut self.states, 2 * size);
        let to = self.present() * size;
        self.states[to..to + size].copy_from_slice(&self.gates);
        reserve(&mut self.gates, 3 * size);
        reserve(&mut self.inner, size);
    }

    fn backward(&mut self, d_logits: &[f32], d_values: &[f32], gradient: &mut [f32]) -> Result<(), NotF32> {
        let (size, hidden, steps) = (self.size(), self.hidden, self.position);
        let all = steps * size;
        for (buffer, length) in [
            (&mut self.d_states, all),
            (&mut self.d_state, size),
            (&mut self.d_gates, 3 * all),
            (&mut self.d_new, all),
        ] {
            reserve(buffer, length);
        }
        let mut rest = gradient;
        let mut next = |index: usize| {
            let length = self.weights.matrix(index).len();
            rest.split_off_mut(..length).unwrap_or_default()
        };
        let (d_embedding, d_input, d_input_bias) = (next(EMBEDDING), next(INPUT), next(INPUT_BIAS));
        let (d_recurrent, d_recurrent_bias) = (next(RECURRENT), next(RECURRENT_BIAS));
        let out = [next(HEAD), next(HEAD_BIAS), &mut self.d_states[..all]];
        let hiddens = &self.states[size..][..all];
        self.head.backward(self.weights.matrix(HEAD), hiddens, [d_logits, d_values], out);

        let recurrent = Factor::transposed(self.weights.matrix(RECURRENT), hidden, 3 * hidden);
        let d_state = &mut self.d_state[..size];
        d_state.fill(0.0);
        for step in (0..steps).rev() {
            let (narrow, wide) = (step * size..(step + 1) * size, 3 * step * size..3 * (step + 1) * size);
            add(&self.d_states[narrow.clone()], d_state);
            let kept = Kept {
                gates: &self.gates[wide.clone()],
                inner: &self.inner[narrow.clone()],
                state: &self.states[narrow.clone()],
            };
            let d_gates = &mut self.d_gates[wide];
            gru_cell::backward(kept, d_state, d_gates, &mut self.d_new[narrow], hidden);
            if step > 0 {
                multiply(Factor::new(d_gates, self.rows, 3 * hidden), recurrent, 1.0, d_state);
            }
        }

        let d_gates = &self.d_gates[..3 * all];
        let before = Factor::transposed(&self.states, steps * self.rows, hidden);
        multiply(before, Factor::new(d_gates, steps * self.rows, 3 * hidden), 0.0, d_recurrent);
        sum_rows(d_gates, d_recurrent_bias);
        self.d_table.fill(0.0);
        let d_table = &mut self.d_table;
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let rows = d_gates.chunks_exact(3 * hidden).zip(self.d_new[..all].chunks_exact(hidden));
                for ((d_gates, d_new), &symbol) in rows.zip(&self.symbols) {
                    let row = &mut d_table[symbol as usize * 3 * hidden..][..3 * hidden];
                    add(&d_gates[..2 * hidden], &mut row[..2 * hidden]);
                    add(d_new, &mut row[2 * hidden..]);
                }
            },
        );
        sum_rows(d_table, d_input_bias);
        let symbols = self.shape.symbols;
        let d_table = Factor::new(d_table, symbols, 3 * hidden);
        let input = Factor::transposed(self.weights.matrix(INPUT), hidden, 3 * hidden);
        multiply(d_table, input, 0.0, d_embedding);
        multiply(Factor::transposed(self.weights.matrix(EMBEDDING), symbols, hidden), d_table, 0.0, d_input);
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
        self.weights.descend(optimizer, learning_rate, gradient)?;
        self.look_up();
        Ok(())
    }

    fn scale(&mut self, actions: usize, factor: f32) -> Result<bool, NotF32> {
        self.weights.scale(actions, factor)
    }

    fn save(&self) -> Result<Vec<u8>, RecordError> {
        self.weights.save()
    }

    fn restore(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        self.weights.restore(bytes)?;
        self.look_up();
        Ok(())
    }
}
