//! The weights of a network: matrices in a burn module for the optimizer, and the same numbers as one flat array.

use super::sequence::NotF32;
use crate::foundation::rng::{Purpose, SeedTree};
use burn::module::{Module, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Device, Tensor, TensorData};

/// What a matrix holds before training.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Start {
    /// 0 everywhere.
    Zero,
    /// 1 everywhere.
    One,
    /// Uniform from −bound to bound.
    Uniform(f32),
}

/// Rows, columns and start of a matrix; a vector is a matrix of one row.
pub(super) type Matrix = (usize, usize, Start);

/// The matrices as burn trains them.
#[derive(Module, Debug)]
struct Matrices {
    matrices: Vec<Param<Tensor<2>>>,
}

/// All weights of a network. Matrix i is drawn row by row from stream i of [`Purpose::Initialization`].
#[derive(Debug)]
pub(super) struct Weights {
    module: Matrices,
    device: Device,
    /// All matrices in their order, row by row.
    flat: Vec<f32>,
    /// Where each matrix begins in `flat`, and its shape.
    places: Vec<(usize, [usize; 2])>,
}

impl Weights {
    /// Matrices of these shapes, ready to be trained on `device`.
    pub fn new(layout: &[Matrix], seeds: &SeedTree, device: &Device) -> Self {
        // burn's optimizers move tensors of an automatically differentiating device only.
        let device = device.clone().autodiff();
        let family = seeds.family(Purpose::Initialization);
        let (mut flat, mut places, mut matrices) = (Vec::new(), Vec::new(), Vec::new());
        for (index, &(rows, columns, start)) in layout.iter().enumerate() {
            let mut stream = family.at(index as u64);
            let mut draw = || match start {
                Start::Zero => 0.0,
                Start::One => 1.0,
                Start::Uniform(bound) => bound * (2.0 * stream.open_unit() - 1.0) as f32,
            };
            let numbers: Vec<f32> = (0..rows * columns).map(|_| draw()).collect();
            places.push((flat.len(), [rows, columns]));
            flat.extend_from_slice(&numbers);
            let data = TensorData::new(numbers, [rows, columns]);
            matrices.push(Param::from_tensor(Tensor::from_data(data, &device)));
        }
        Self { module: Matrices { matrices }, device, flat, places }
    }

    /// All weights, matrix by matrix and row by row.
    pub fn flat(&self) -> &[f32] {
        &self.flat
    }

    /// The numbers of a matrix, row by row.
    pub fn matrix(&self, index: usize) -> &[f32] {
        let (start, [rows, columns]) = self.places[index];
        &self.flat[start..start + rows * columns]
    }

    /// The matrices as tensors of `device`, in their order.
    pub fn tensors(&self, device: &Device) -> Vec<Tensor<2>> {
        let tensor = |(index, &(_, shape)): (usize, &(usize, [usize; 2]))| {
            Tensor::from_data(TensorData::new(self.matrix(index).to_vec(), shape), device)
        };
        self.places.iter().enumerate().map(tensor).collect()
    }

    /// One step of the optimizer along a flat gradient.
    pub fn descend(
        &mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: f64,
        gradient: &[f32],
    ) -> Result<(), NotF32> {
        let mut gradients = GradientsParams::new();
        for (matrix, &(start, shape)) in self.module.matrices.iter().zip(&self.places) {
            let part = gradient[start..start + shape[0] * shape[1]].to_vec();
            let part = Tensor::<2>::from_data(TensorData::new(part, shape), &self.device).inner();
            gradients.register(matrix.id, part);
        }
        self.module = optimizer.step(learning_rate, self.module.clone(), gradients);
        read(&self.module, &mut self.flat)
    }

    /// Weights and burn's names of the matrices.
    pub fn save(&self) -> Result<Vec<u8>, RecordError> {
        Ok(self.module.clone().into_record().into_bytes()?.to_vec())
    }

    /// Takes the weights and names of [`Weights::save`] over; nothing changes where that fails.
    pub fn restore(&mut self, bytes: &[u8]) -> Result<(), RecordError> {
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes.to_vec()))?;
        let module = self.module.clone().try_load_record(record)?;
        let mut flat = vec![0.0; self.flat.len()];
        read(&module, &mut flat).map_err(|fault| RecordError::Validation(fault.to_string()))?;
        self.module = module;
        self.flat = flat;
        Ok(())
    }
}

/// Copies the matrices into a flat array of their size.
fn read(module: &Matrices, flat: &mut [f32]) -> Result<(), NotF32> {
    let mut rest = flat;
    for matrix in &module.matrices {
        let data = matrix.val().into_data();
        let numbers = data.as_slice::<f32>().map_err(|_| NotF32)?;
        let part = rest.split_off_mut(..numbers.len()).ok_or(NotF32)?;
        part.copy_from_slice(numbers);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAYOUT: [Matrix; 3] = [(2, 3, Start::Uniform(0.5)), (1, 2, Start::One), (4, 1, Start::Zero)];

    fn weights(seed: u64) -> Weights {
        Weights::new(&LAYOUT, &SeedTree::new(seed, 0), &Device::flex())
    }

    #[test]
    fn matrices_start_as_they_are_told_and_repeat_with_the_seed() {
        let weights = weights(3);
        assert!(weights.matrix(0).iter().all(|w| w.abs() < 0.5 && *w != 0.0));
        assert_eq!((weights.matrix(1), weights.matrix(2)), ([1.0; 2].as_slice(), [0.0; 4].as_slice()));
        assert_eq!(weights.flat(), self::weights(3).flat());
        assert_ne!(weights.flat(), self::weights(4).flat());
    }

    #[test]
    fn a_step_goes_down_the_gradient_matrix_by_matrix() {
        let mut weights = weights(3);
        let before = weights.flat().to_vec();
        let gradient: Vec<f32> = (0..12).map(|i| i as f32).collect();
        weights.descend(&mut burn::optim::SgdConfig::new().init(), 0.5, &gradient).unwrap();
        for (i, (after, before)) in weights.flat().iter().zip(before).enumerate() {
            assert!((after - (before - 0.5 * i as f32)).abs() < 1e-6, "weight {i}");
        }
    }

    #[test]
    fn damaged_bytes_and_other_shapes_are_refused_and_change_nothing() {
        let saved = weights(3).save().unwrap();
        let mut other = weights(4);
        let before = other.flat().to_vec();
        for length in [0, 10, saved.len() / 2, saved.len() - 1] {
            assert!(other.restore(&saved[..length]).is_err(), "{length} bytes");
        }
        let wider =
            Weights::new(&[(3, 3, Start::One), LAYOUT[1], LAYOUT[2]], &SeedTree::new(3, 0), &Device::flex());
        assert!(other.restore(&wider.save().unwrap()).is_err());
        let fewer = Weights::new(&LAYOUT[..2], &SeedTree::new(3, 0), &Device::flex());
        assert!(other.restore(&fewer.save().unwrap()).is_err());
        assert_eq!(other.flat(), before);
        other.restore(&saved).unwrap();
        assert_eq!(other.flat(), weights(3).flat());
    }
}
