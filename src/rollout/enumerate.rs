//! How a policy differs from the reference on every trajectory of a deterministic process: prefixes that trajectories share are shown once.

use crate::environments::{Process, State};
use crate::foundation::softmax::settle;
use crate::policies::SequencePolicy;

/// All prefixes of a process's trajectories, position by position. It is made once for a process.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    actions: usize,
    trajectories: usize,
    levels: Vec<Level>,
}

/// The prefixes of one length that go on. Arrays have one entry a prefix, or `actions` of them.
#[derive(Debug, Clone, Default)]
struct Level {
    /// The prompts at the root; below, the place of the prefix without its last action.
    parents: Vec<u32>,
    symbols: Vec<u32>,
    reference: Vec<f64>,
    /// What each action leads to.
    children: Vec<Child>,
}

#[derive(Debug, Clone, Copy)]
enum Child {
    /// A prefix of the next level.
    Prefix(u32),
    /// A whole trajectory, by its place in lexicographic order.
    Whole(u32),
}

impl Tree {
    /// The tree of a deterministic process.
    pub fn new(process: &dyn Process) -> Self {
        let mut tree = Self { actions: process.actions(), ..Self::default() };
        let mut moves = Vec::new();
        for prompt in 0..process.prompts() {
            tree.grow(process, process.start(prompt), prompt as u32, 0, &mut moves);
        }
        tree
    }

    /// Adds the prefix that ends in `state`, and all below it: depth first, so that trajectories are met in order.
    fn grow(
        &mut self,
        process: &dyn Process,
        state: State,
        parent: u32,
        depth: usize,
        moves: &mut Vec<crate::environments::Move>,
    ) {
        if self.levels.len() == depth {
            self.levels.push(Level::default());
        }
        let level = &mut self.levels[depth];
        let own = level.parents.len();
        level.parents.push(parent);
        level.symbols.push(process.symbol(state) as u32);
        level.reference.extend_from_slice(process.reference(state));
        level.children.resize((own + 1) * self.actions, Child::Whole(0));
        for action in 0..self.actions {
            process.moves(state, action, moves);
            let Some(next) = moves.first().map(|m| m.next) else { continue };
            let child = if process.ended(next) {
                self.trajectories += 1;
                Child::Whole(self.trajectories as u32 - 1)
            } else {
                let below = self.levels.get(depth + 1).map_or(0, |level| level.parents.len());
                self.grow(process, next, own as u32, depth + 1, moves);
                Child::Prefix(below as u32)
            };
            self.levels[depth].children[own * self.actions + action] = child;
        }
    }

    /// Writes ln(π/π₀) of every trajectory, in nats, in lexicographic order within each prompt.
    pub fn log_ratios(&self, policy: &mut dyn SequencePolicy, out: &mut Vec<f64>) {
        out.clear();
        out.resize(self.trajectories, 0.0);
        let mut so_far = vec![0.0; self.levels.first().map_or(0, |level| level.parents.len())];
        let (mut correction, mut prob) = (Vec::new(), vec![0.0; self.actions]);
        for (depth, level) in self.levels.iter().enumerate() {
            if depth == 0 {
                policy.begin(&level.parents, false);
            } else {
                policy.branch(&level.parents);
            }
            correction.resize(level.children.len(), 0f32);
            policy.advance(&level.symbols, &mut correction);
            let below = self.levels.get(depth + 1).map_or(0, |level| level.parents.len());
            let mut next = vec![0.0; below];
            for (row, before) in so_far.iter().enumerate() {
                let cells = row * self.actions..(row + 1) * self.actions;
                let reference = &level.reference[cells.clone()];
                let settled = settle(reference, &correction[cells.clone()], &mut prob);
                for (f, child) in correction[cells.clone()].iter().zip(&level.children[cells]) {
                    let log_ratio = before + f64::from(*f) - settled.log_total;
                    match child {
                        Child::Prefix(place) => next[*place as usize] = log_ratio,
                        Child::Whole(place) => out[*place as usize] = log_ratio,
                    }
                }
            }
            so_far = next;
        }
    }
}
