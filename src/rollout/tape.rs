//! What a policy did in a batch of episodes, action by action: all that credit and gradient need of it.

use crate::foundation::softmax::{Settled, settle};
use crate::policies::SequencePolicy;

/// A batch of episodes side by side. Arrays of shape \[positions, rows\] or \[positions, rows, actions\] are position by position,
/// so that all rows of one position lie together; where an episode has ended they hold 0 and mean nothing.
#[derive(Debug, Clone, Default)]
pub struct Tape {
    /// Number of episodes.
    pub rows: usize,
    /// Number of actions to choose from.
    pub actions: usize,
    /// Positions, as many as the longest episode has actions.
    pub positions: usize,
    /// Most actions that an episode may have.
    pub horizon: usize,
    /// Prompt of each row.
    pub prompts: Vec<u32>,
    /// Actions of each row.
    pub lengths: Vec<u32>,
    /// Whether each row was cut off at the horizon.
    pub truncated: Vec<bool>,
    /// The symbol that was shown, \[positions, rows\].
    pub symbols: Vec<u32>,
    /// The action that was taken, \[positions, rows\].
    pub chosen: Vec<u32>,
    /// ln π₀ of every action, in nats, \[positions, rows, actions\].
    pub reference: Vec<f64>,
    /// The policy when it was sampled from.
    pub choice: Choice,
}

/// A policy along a tape: its distributions over the next action, given what was sampled before.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// π of every action, \[positions, rows, actions\].
    pub prob: Vec<f64>,
    /// ln π of the action taken, in nats, \[positions, rows\].
    pub log_prob: Vec<f64>,
    /// KL(π‖π₀) of the next action, in nats, \[positions, rows\].
    pub kl: Vec<f64>,
    /// Entropy of the next action, in nats, \[positions, rows\].
    pub entropy: Vec<f64>,
    /// Value head, \[positions, rows\]; empty without one.
    pub values: Vec<f32>,
}

impl Tape {
    /// Whether a row still acts at a position.
    pub fn acts(&self, position: usize, row: usize) -> bool {
        position < self.lengths[row] as usize
    }

    /// ln π₀ of the action taken, in nats.
    pub fn ref_log_prob(&self, position: usize, row: usize) -> f64 {
        let place = position * self.rows + row;
        self.reference[place * self.actions + self.chosen[place] as usize]
    }

    /// An empty tape for `rows` episodes of at most `horizon` actions; buffers are kept.
    pub(super) fn start(&mut self, rows: usize, actions: usize, horizon: usize) {
        (self.rows, self.actions, self.positions, self.horizon) = (rows, actions, 0, horizon);
        self.lengths.clear();
        self.lengths.resize(rows, 0);
        self.truncated.clear();
        for words in [&mut self.prompts, &mut self.symbols, &mut self.chosen] {
            words.clear();
        }
        self.reference.clear();
        self.choice.clear();
    }

    /// Makes room for one more position, and gives the place of its first row.
    pub(super) fn add_position(&mut self) -> usize {
        let place = self.positions * self.rows;
        self.positions += 1;
        let places = place + self.rows;
        self.symbols.resize(places, 0);
        self.chosen.resize(places, 0);
        self.reference.resize(places * self.actions, 0.0);
        self.choice.resize(places, self.actions);
        place
    }

    /// Works π out at a place from the network's correction.
    pub(super) fn settle(&mut self, place: usize, correction: &[f32]) -> Settled {
        let cells = place * self.actions..(place + 1) * self.actions;
        self.choice.settle(place, &self.reference[cells], correction)
    }

    /// Notes the action taken at a place, and ln π of it.
    pub(super) fn choose(&mut self, place: usize, action: usize, log_prob: f64) {
        self.chosen[place] = action as u32;
        self.choice.log_prob[place] = log_prob;
    }

    /// The episodes of some rows, in that order, as a tape of their own.
    pub fn select(&self, rows: std::ops::Range<usize>) -> Tape {
        let (all, actions) = (self.rows, self.actions);
        let positions =
            |from: &[u32]| from.chunks(all.max(1)).flat_map(|p| &p[rows.clone()]).copied().collect();
        let places = |from: &[f64]| from.chunks(all.max(1)).flat_map(|p| &p[rows.clone()]).copied().collect();
        let cells = rows.start * actions..rows.end * actions;
        let wide = |from: &[f64]| {
            from.chunks((all * actions).max(1)).flat_map(|p| &p[cells.clone()]).copied().collect::<Vec<f64>>()
        };
        let choice = &self.choice;
        Tape {
            rows: rows.len(),
            actions,
            positions: self.positions,
            horizon: self.horizon,
            prompts: self.prompts[rows.clone()].to_vec(),
            lengths: self.lengths[rows.clone()].to_vec(),
            truncated: self.truncated[rows.clone()].to_vec(),
            symbols: positions(&self.symbols),
            chosen: positions(&self.chosen),
            reference: wide(&self.reference),
            choice: Choice {
                prob: wide(&choice.prob),
                log_prob: places(&choice.log_prob),
                kl: places(&choice.kl),
                entropy: places(&choice.entropy),
                values: choice.values.chunks(all.max(1)).flat_map(|p| &p[rows.clone()]).copied().collect(),
            },
        }
    }

    /// Shows a policy these episodes again and writes what it would do now; its activations are kept.
    pub fn reconsider(&self, policy: &mut dyn SequencePolicy, now: &mut Choice) {
        let (rows, actions) = (self.rows, self.actions);
        let mut correction = vec![0f32; rows * actions];
        now.clear();
        now.resize(self.positions * rows, actions);
        policy.begin(&self.prompts, true);
        for position in 0..self.positions {
            let place = position * rows;
            policy.advance(&self.symbols[place..place + rows], &mut correction);
            now.values.extend_from_slice(policy.values());
            for row in (0..rows).filter(|&row| self.acts(position, row)) {
                let cells = (place + row) * actions..(place + row + 1) * actions;
                let correction = &correction[row * actions..(row + 1) * actions];
                let settled = now.settle(place + row, &self.reference[cells.clone()], correction);
                let action = self.chosen[place + row] as usize;
                now.log_prob[place + row] =
                    self.reference[cells.start + action] + f64::from(correction[action]) - settled.log_total;
            }
        }
    }

    /// Sum over the actions of each row of a quantity of shape \[positions, rows\].
    pub fn per_row(&self, quantity: impl Fn(usize, usize) -> f64) -> Vec<f64> {
        let mut sums = vec![0.0; self.rows];
        for position in 0..self.positions {
            for (row, sum) in sums.iter_mut().enumerate() {
                if self.acts(position, row) {
                    *sum += quantity(position, row);
                }
            }
        }
        sums
    }
}

impl Choice {
    fn clear(&mut self) {
        for numbers in [&mut self.prob, &mut self.log_prob, &mut self.kl, &mut self.entropy] {
            numbers.clear();
        }
        self.values.clear();
    }

    fn resize(&mut self, places: usize, actions: usize) {
        self.prob.resize(places * actions, 0.0);
        for numbers in [&mut self.log_prob, &mut self.kl, &mut self.entropy] {
            numbers.resize(places, 0.0);
        }
    }

    fn settle(&mut self, place: usize, reference: &[f64], correction: &[f32]) -> Settled {
        let cells = place * reference.len()..(place + 1) * reference.len();
        let settled = settle(reference, correction, &mut self.prob[cells]);
        (self.kl[place], self.entropy[place]) = (settled.kl, settled.entropy);
        settled
    }
}
