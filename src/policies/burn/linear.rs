//! A linear layer.

use crate::policies::initial::{Initial, Start};
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData};

/// x·weights + bias.
#[derive(Module, Debug)]
pub struct Linear {
    /// Shape \[inputs, outputs\].
    weights: Param<Tensor<2>>,
    /// Shape \[1, outputs\].
    bias: Param<Tensor<2>>,
}

impl Linear {
    /// With weights and bias as told.
    pub fn new(sizes: [usize; 2], weights: Start, bias: Start, initial: &mut Initial) -> Self {
        let [inputs, outputs] = sizes;
        Self { weights: initial.matrix(inputs, outputs, weights), bias: initial.matrix(1, outputs, bias) }
    }

    /// The last layer of a network: zero everywhere, so that training starts at the reference.
    pub fn head(inputs: usize, heads: usize, initial: &mut Initial) -> Self {
        Self::new([inputs, heads], Start::Zero, Start::Zero, initial)
    }

    /// The same with the first `outputs` multiplied by `factor`.
    pub fn scaled(&self, outputs: usize, factor: f32) -> Self {
        let scale = |param: &Param<Tensor<2>>| param.clone().map(|old| scaled(old, outputs, factor));
        Self { weights: scale(&self.weights), bias: scale(&self.bias) }
    }

    /// Shape \[rows, outputs\], of `x` of shape \[rows, inputs\].
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weights.val()) + self.bias.val()
    }

    /// The same where row i of x is 1 at `ones[i]` and 0 elsewhere.
    pub fn rows(&self, ones: Tensor<1, Int>) -> Tensor<2> {
        self.weights.val().select(0, ones) + self.bias.val()
    }
}

/// The same numbers with the first columns multiplied, tracked as before.
pub(super) fn scaled(old: Tensor<2>, columns: usize, factor: f32) -> Tensor<2> {
    let wide = old.dims()[1];
    let factors = (0..wide).map(|column| if column < columns { factor } else { 1.0 }).collect();
    let factors = Tensor::<2>::from_data(TensorData::new(factors, [1, wide]), &old.device());
    let tracked = old.is_require_grad();
    (old.detach() * factors).detach().set_require_grad(tracked)
}
