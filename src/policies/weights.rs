//! The weights of a network: a burn module for the optimizer, and the same numbers as one flat array.

use super::burn::Network;
use super::sequence::NotF32;
use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Gradients, Tensor, TensorData};

/// All weights of a network.
#[derive(Debug)]
pub(super) struct Weights<M> {
    module: M,
    /// All parameters in the order in which burn visits them, row by row.
    flat: Vec<f32>,
    /// Where each parameter begins in `flat`, and where it ends.
    places: Vec<std::ops::Range<usize>>,
}

impl<M: Module> Weights<M> {
    /// Of a module whose gradient is worked out by hand. burn does not track its parameters: each that it tracks is noted in a table
    /// behind one lock for all threads of the process, at every step.
    pub fn untracked(module: M) -> Self {
        Self::new(module.no_grad())
    }

    /// Of a module that burn differentiates.
    pub fn new(module: M) -> Self {
        let mut sizes = Sizes(Vec::new());
        module.visit(&mut sizes);
        let mut end = 0;
        let place = |size| {
            let start = end;
            end += size;
            start..end
        };
        let places = sizes.0.into_iter().map(place).collect();
        let mut flat = vec![0.0; end];
        // What is not f32 on the device stays NaN, and is reported at the first step.
        if read(&module, &mut flat).is_err() {
            flat.fill(f32::NAN);
        }
        Self { module, flat, places }
    }

    /// The module itself, on its differentiating device.
    pub fn module(&self) -> &M {
        &self.module
    }

    /// All weights, parameter by parameter and row by row.
    pub fn flat(&self) -> &[f32] {
        &self.flat
    }

    /// The numbers of a parameter, row by row.
    pub fn matrix(&self, index: usize) -> &[f32] {
        &self.flat[self.places[index].clone()]
    }

    /// One step of the optimizer along a flat gradient.
    pub fn descend(
        &mut self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: f64,
        gradient: &[f32],
    ) -> Result<(), NotF32> {
        let mut given = Given { rest: gradient, gradients: GradientsParams::new() };
        self.module.visit(&mut given);
        self.module = optimizer.step(learning_rate, self.module.clone(), given.gradients);
        read(&self.module, &mut self.flat)
    }

    /// Multiplies f of all `actions` by `factor`, and says whether the network can.
    pub fn scale(&mut self, actions: usize, factor: f32) -> Result<bool, NotF32>
    where
        M: Network,
    {
        let Some(scaled) = self.module.scaled(actions, factor) else { return Ok(false) };
        self.module = scaled;
        read(&self.module, &mut self.flat)?;
        Ok(true)
    }

    /// Weights and burn's names of the parameters.
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

/// Writes the gradient of Σ slopes·output in all parameters of a module, in the order in which burn visits them.
pub(super) fn gradient_of<M: Module>(
    module: &M,
    output: Tensor<2>,
    slopes: Vec<f32>,
    gradient: &mut [f32],
) -> Result<(), NotF32> {
    let slopes = Tensor::<2>::from_data(TensorData::new(slopes, output.dims()), &output.device());
    let gradients = (output * slopes).sum().backward();
    let mut taken = Taken { gradients: &gradients, rest: gradient, fault: None };
    module.visit(&mut taken);
    taken.fault.map_or(Ok(()), Err)
}

/// Copies the parameters into a flat array of their size.
fn read<M: Module>(module: &M, flat: &mut [f32]) -> Result<(), NotF32> {
    let mut read = Read { rest: flat, fault: None };
    module.visit(&mut read);
    read.fault.map_or(Ok(()), Err)
}

/// Copies the numbers of a tensor to the front of `rest`.
fn copy<const D: usize>(tensor: Tensor<D>, rest: &mut &mut [f32]) -> Result<(), NotF32> {
    let data = tensor.into_data();
    let numbers = data.as_slice::<f32>().map_err(|_| NotF32)?;
    let part = rest.split_off_mut(..numbers.len()).ok_or(NotF32)?;
    part.copy_from_slice(numbers);
    Ok(())
}

/// Numbers in each parameter.
struct Sizes(Vec<usize>);

impl ModuleVisitor for Sizes {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().dims().iter().product());
    }
}

/// Copies parameters out.
struct Read<'a> {
    rest: &'a mut [f32],
    fault: Option<NotF32>,
}

impl ModuleVisitor for Read<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.fault = self.fault.or(copy(param.val(), &mut self.rest).err());
    }
}

/// Hands a flat gradient over to the optimizer, parameter by parameter.
struct Given<'a> {
    rest: &'a [f32],
    gradients: GradientsParams,
}

impl ModuleVisitor for Given<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let shape = value.dims();
        let Some(part) = self.rest.split_off(..shape.iter().product()) else { return };
        let part = Tensor::<D>::from_data(TensorData::new(part.to_vec(), shape), &value.device());
        self.gradients.register(param.id, part.inner());
    }
}

/// Copies a gradient out, 0 for a parameter that nothing depends on.
struct Taken<'a> {
    gradients: &'a Gradients,
    rest: &'a mut [f32],
    fault: Option<NotF32>,
}

impl ModuleVisitor for Taken<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        let fault = match value.grad(self.gradients) {
            Some(gradient) => copy(gradient, &mut self.rest).err(),
            None => {
                let part = self.rest.split_off_mut(..value.dims().iter().product());
                part.map_or(Some(NotF32), |part| {
                    part.fill(0.0);
                    None
                })
            }
        };
        self.fault = self.fault.or(fault);
    }
}

#[cfg(test)]
mod tests {
    use super::super::initial::{Initial, Start};
    use super::*;
    use crate::foundation::rng::SeedTree;
    use burn::tensor::Device;

    const LAYOUT: [(usize, usize, Start); 3] =
        [(2, 3, Start::Uniform(0.5)), (1, 2, Start::One), (4, 1, Start::Zero)];

    #[derive(Module, Debug)]
    struct Matrices {
        matrices: Vec<Param<Tensor<2>>>,
    }

    fn of(layout: &[(usize, usize, Start)], seed: u64) -> Weights<Matrices> {
        let mut initial = Initial::new(&SeedTree::new(seed, 0), &Device::flex());
        let matrix = |&(rows, columns, start): &_| initial.matrix(rows, columns, start);
        Weights::new(Matrices { matrices: layout.iter().map(matrix).collect() })
    }

    fn weights(seed: u64) -> Weights<Matrices> {
        of(&LAYOUT, seed)
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
        let wider = of(&[(3, 3, Start::One), LAYOUT[1], LAYOUT[2]], 3);
        assert!(other.restore(&wider.save().unwrap()).is_err());
        assert!(other.restore(&of(&LAYOUT[..2], 3).save().unwrap()).is_err());
        assert_eq!(other.flat(), before);
        other.restore(&saved).unwrap();
        assert_eq!(other.flat(), weights(3).flat());
    }
}
