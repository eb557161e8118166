//! Weights before training: drawn from our own streams, so that a seed gives the same network everywhere.

use crate::foundation::rng::{Family, Purpose, SeedTree};
use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

/// What a matrix holds before training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Start {
    /// 0 everywhere.
    Zero,
    /// 1 everywhere.
    One,
    /// Uniform from −bound to bound.
    Uniform(f32),
}

/// Makes the weights of a network, ready to be trained. Matrix i is drawn row by row from stream i of
/// [`Purpose::Initialization`]; a network asks for its matrices in the order of its fields.
#[derive(Debug)]
pub struct Initial {
    family: Family,
    made: u64,
    device: Device,
}

impl Initial {
    /// No matrix made yet.
    pub fn new(seeds: &SeedTree, device: &Device) -> Self {
        // burn's optimizers move tensors of an automatically differentiating device only.
        Self { family: seeds.family(Purpose::Initialization), made: 0, device: device.clone().autodiff() }
    }

    /// The next matrix; a vector is a matrix of one row.
    pub fn matrix(&mut self, rows: usize, columns: usize, start: Start) -> Param<Tensor<2>> {
        let mut stream = self.family.at(self.made);
        self.made += 1;
        let mut draw = || match start {
            Start::Zero => 0.0,
            Start::One => 1.0,
            Start::Uniform(bound) => bound * (2.0 * stream.open_unit() - 1.0) as f32,
        };
        let numbers: Vec<f32> = (0..rows * columns).map(|_| draw()).collect();
        Param::from_tensor(Tensor::from_data(TensorData::new(numbers, [rows, columns]), &self.device))
    }
}
