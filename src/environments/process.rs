//! Finite decision processes: what an environment is in which a trajectory is made of several actions.

use std::fmt::Debug;

/// Where an episode stands. A process packs into it all that its future depends on (prompt, time, what its utility
/// remembers); to everyone else it is opaque.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct State(pub u64);

/// One way in which an action may turn out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Move {
    /// Its probability given state and action.
    pub probability: f64,
    /// The state that it leads to.
    pub next: State,
    /// Its part of the trajectory's true utility V, which is the sum over all moves.
    pub utility: f64,
}

/// An episodic decision process with finitely many states, actions and observations; true utility only. One replicate's,
/// so that all that was drawn at random is part of it.
///
/// An episode starts in `start(prompt)`, prompts being drawn uniformly among the first `trained`, and takes actions until `ended`, after at most
/// `horizon` of them. Of a state, a policy is shown its `symbol`, and it knows the number of actions taken so far.
pub trait Process: Debug + Send + Sync {
    /// Number of prompts.
    fn prompts(&self) -> usize;
    /// Number of prompts that rollouts answer in training: the first. What comes after training answers all of them.
    fn trained(&self) -> usize {
        self.prompts()
    }
    /// Number of actions.
    fn actions(&self) -> usize;
    /// Number of symbols that a policy may be shown.
    fn symbols(&self) -> usize;
    /// Most actions of an episode.
    fn horizon(&self) -> usize;
    /// Whether every action has one outcome, so that the trajectory is its actions.
    fn deterministic(&self) -> bool;
    /// First state of an episode.
    fn start(&self, prompt: usize) -> State;
    /// What a policy sees of a state, below `symbols`.
    fn symbol(&self, state: State) -> usize;
    /// Whether no action follows.
    fn ended(&self, state: State) -> bool;
    /// Whether an episode that ended here was cut off at the horizon, and might have gone on.
    fn truncated(&self, _state: State) -> bool {
        false
    }
    /// ln π₀ of each action in a state that has not ended, in nats; sums to one after exp.
    fn reference(&self, state: State) -> &[f64];
    /// Replaces `into` by all ways in which `action` may turn out in a state that has not ended; their probabilities sum to
    /// one. The order is fixed: a uniform number picks among them.
    fn moves(&self, state: State, action: usize, into: &mut Vec<Move>);
    /// Whether a state is a glitch, in which a reward model may err.
    fn glitch(&self, _state: State) -> bool {
        false
    }
}
