//! All that a learner trains, as one burn module.

use crate::policies::{TabularPolicy, TabularValue};
use crate::trainers::loss::slopes::{Dense, Gradient, Slopes};
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Device, Tensor, TensorData};

/// Stands for ln 0, whose products with a probability of 0 would be NaN.
const NOTHING: f64 = -1e30;

/// A policy, and a value head where the trainer has one.
#[derive(Module, Debug)]
pub(in crate::trainers) struct Network {
    pub policy: TabularPolicy,
    pub value: Option<TabularValue>,
}

impl Network {
    /// The gradient of a minibatch's loss in all weights, through burn's automatic differentiation: what
    /// [`Gradient::new`] has in closed form. `None` if the device gives something else than f32 numbers back.
    pub fn gradient(&self, slopes: Slopes, dense: Dense, reference: &[f64]) -> Option<Gradient> {
        let theta = self.policy.theta();
        let (shape, device) = (theta.dims(), theta.device());
        let on_device = |numbers: Vec<f32>| Tensor::<2>::from_data(TensorData::new(numbers, shape), &device);
        let table = |pushes: &[(usize, f64)]| {
            let mut numbers = vec![0f32; reference.len()];
            pushes.iter().for_each(|(cell, slope)| numbers[*cell] += *slope as f32);
            on_device(numbers)
        };
        let reference = on_device(reference.iter().map(|log| log.max(NOTHING) as f32).collect());
        let log_prob = self.policy.log_probs(reference.clone());
        let mut loss = (log_prob.clone() * table(&slopes.log_prob)).sum();
        if !slopes.logit.is_empty() {
            loss = loss + (theta.clone() * table(&slopes.logit)).sum();
        }
        if dense.entropy != 0.0 || dense.kl != 0.0 {
            let pull = log_prob.clone().mul_scalar(dense.entropy)
                + (log_prob.clone() - reference).mul_scalar(dense.kl);
            loss = loss + (log_prob.exp() * pull).sum().div_scalar(shape[0] as f64);
        }
        let gradient = theta.grad(&loss.backward())?.into_data();
        Some(Gradient { logit: gradient.try_to_vec().ok()?, value: slopes.value })
    }

    /// One step of the optimizer along a gradient over tables of this shape, (prompts, outcomes).
    pub fn descend(
        &self,
        optimizer: &mut ModuleOptimizer,
        learning_rate: f64,
        gradient: Gradient,
        shape: [usize; 2],
        device: &Device,
    ) -> Self {
        let mut gradients = GradientsParams::new();
        let logit = Tensor::<2>::from_data(TensorData::new(gradient.logit, shape), device);
        gradients.register(self.policy.id(), logit);
        if let (Some(head), Some(value)) = (&self.value, gradient.value) {
            let value = Tensor::<1>::from_data(TensorData::new(value, [shape[0]]), device);
            gradients.register(head.id(), value);
        }
        optimizer.step(learning_rate, self.clone(), gradients)
    }

    /// The weights, with the names under which an optimizer knows them.
    pub fn to_bytes(&self) -> Result<Vec<u8>, RecordError> {
        Ok(self.clone().into_record().into_bytes()?.to_vec())
    }

    /// The same network with other weights and names.
    pub fn with_bytes(&self, bytes: Vec<u8>) -> Result<Self, RecordError> {
        let record = ModuleRecord::from_bytes(Bytes::from_bytes_vec(bytes))?;
        self.clone().try_load_record(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policies::Snapshot;
    use proptest::prelude::*;

    /// Prompts and outcomes, ln π₀ before it is normalised, θ, and slopes by cell.
    type Drawn = ([usize; 2], Vec<f64>, Vec<f64>, Vec<(usize, f64)>);

    /// Numbers of a table of any shape, ones included.
    fn tables() -> impl Strategy<Value = Drawn> {
        (1usize..4, 1usize..40).prop_flat_map(|(prompts, outcomes)| {
            let cells = prompts * outcomes;
            let push = (0..cells, -2.0..2.0);
            let numbers = || prop::collection::vec(-3.0..1.0, cells);
            (Just([prompts, outcomes]), numbers(), numbers(), prop::collection::vec(push, 1..9))
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_closed_form_is_what_burn_differentiates(
            (shape, raw, theta, pushes) in tables(),
            entropy in prop_oneof![Just(0.0), 0.1..1.0],
            kl in prop_oneof![Just(0.0), 0.1..1.0],
            apart in any::<bool>(),
        ) {
            let total = |row: &[f64]| row.iter().map(|log| log.exp()).sum::<f64>().ln();
            let reference: Vec<f64> =
                raw.chunks(shape[1]).flat_map(|row| row.iter().map(|log| log - total(row)).collect::<Vec<_>>()).collect();
            let device = Device::flex();
            let network = Network { policy: TabularPolicy::new(shape, &device.clone().autodiff()), value: None };
            let push = Gradient { logit: theta.iter().map(|t| -*t as f32).collect(), value: None };
            let sgd = &mut burn::optim::SgdConfig::new().init();
            let network = network.descend(sgd, 1.0, push, shape, &device);
            let mut policy = Snapshot::default();
            policy.set_from(&reference, shape[1], &network.policy.numbers().unwrap());
            let slopes = || {
                let mut totals = vec![0.0; shape[0]];
                pushes.iter().for_each(|(cell, slope)| totals[cell / shape[1]] += slope);
                let logit = if apart { pushes.clone() } else { Vec::new() };
                Slopes { log_prob: pushes.clone(), totals, logit, value: None }
            };
            let dense = Dense { entropy, kl };
            let native = Gradient::new(slopes(), dense, &policy, &reference, shape[1]);
            let burn = network.gradient(slopes(), dense, &reference).unwrap();
            let largest = pushes.iter().fold(0.1f64, |m, (_, slope)| m.max(slope.abs())) as f32;
            for (cell, (native, burn)) in native.logit.iter().zip(&burn.logit).enumerate() {
                prop_assert!((native - burn).abs() < 1e-5 * largest, "cell {}: {} against {}", cell, native, burn);
            }
        }
    }
}
