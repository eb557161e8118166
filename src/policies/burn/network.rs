//! What a burn module gives to be a policy.

use crate::policies::sequence::Memory;
use burn::module::Module;
use burn::tensor::{Int, Tensor};
use std::fmt::Debug;

/// A network that acts step by step. All rows of a batch are at the same position.
///
/// Its float parameters are what is trained, in the order in which burn visits them. They come from
/// [`Initial`](crate::policies::Initial), never from burn's own generator, so that a seed says what they are.
pub trait Network: Module + 'static {
    /// What it carries from position to position, a row an episode.
    type State: Rows;
    /// What it remembers.
    fn memory(&self) -> Memory;
    /// The state before the first symbol, for prompts of shape \[rows\].
    fn begin(&self, prompts: Tensor<1, Int>) -> Self::State;
    /// Shows each row its next symbol, shape \[rows\], at a position from 0.
    fn step(&self, state: Self::State, position: usize, symbols: Tensor<1, Int>) -> (Heads, Self::State);
    /// [`Heads::both`] at all positions, shape \[positions · rows, heads\], from symbols of shape \[positions, rows\]: what the
    /// gradient is taken of. Overridden where one pass over all positions is quicker than one after another.
    fn forward(&self, prompts: Tensor<1, Int>, symbols: Tensor<2, Int>) -> Tensor<2> {
        let [positions, rows] = symbols.dims();
        let mut state = self.begin(prompts);
        let mut all = Vec::with_capacity(positions);
        for position in 0..positions {
            let shown = symbols.clone().slice([position..position + 1, 0..rows]).reshape([rows]);
            let (heads, next) = self.step(state, position, shown);
            state = next;
            all.push(heads.both);
        }
        Tensor::cat(all, 0)
    }
    /// The same network with the f of all `actions` multiplied by `factor`, and the value as it is; parameters keep their names. A network that is to
    /// be held at a KL needs it; `None` without.
    fn scaled(&self, _actions: usize, _factor: f32) -> Option<Self> {
        None
    }
}

/// What a network says at a position.
#[derive(Debug, Clone)]
pub struct Heads {
    /// f of each action and then the value where one is wanted, shape \[rows, [`Shape::heads`](crate::policies::Shape::heads)\].
    pub both: Tensor<2>,
    /// The last hidden layer, shape \[rows, width\], where there is one.
    pub hidden: Option<Tensor<2>>,
}

/// Numbers of several episodes, a row each.
pub trait Rows: Debug + Clone + Send {
    /// Copies of rows `parents`, shape \[new rows\].
    fn select(self, parents: &Tensor<1, Int>) -> Self;
}

impl Rows for () {
    fn select(self, _parents: &Tensor<1, Int>) -> Self {}
}

impl<const D: usize> Rows for Tensor<D> {
    fn select(self, parents: &Tensor<1, Int>) -> Self {
        Tensor::select(self, 0, parents.clone())
    }
}

impl<const D: usize> Rows for Tensor<D, Int> {
    fn select(self, parents: &Tensor<1, Int>) -> Self {
        Tensor::select(self, 0, parents.clone())
    }
}

impl<S: Rows> Rows for Vec<S> {
    fn select(self, parents: &Tensor<1, Int>) -> Self {
        self.into_iter().map(|part| part.select(parents)).collect()
    }
}
