//! A linear layer.

use crate::policies::initial::{Initial, Start};
use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor};

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

    /// Shape \[rows, outputs\], of `x` of shape \[rows, inputs\].
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        x.matmul(self.weights.val()) + self.bias.val()
    }

    /// The same where row i of x is 1 at `ones[i]` and 0 elsewhere.
    pub fn rows(&self, ones: Tensor<1, Int>) -> Tensor<2> {
        self.weights.val().select(0, ones) + self.bias.val()
    }
}
