//! All that a learner trains, as one burn module.

use crate::policies::{TabularPolicy, TabularValue};
use crate::trainers::loss::slopes::Gradient;
use burn::module::Module;
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Bytes, Device, Tensor, TensorData};

/// A policy, and a value head where the trainer has one.
#[derive(Module, Debug)]
pub(in crate::trainers) struct Network {
    pub policy: TabularPolicy,
    pub value: Option<TabularValue>,
}

impl Network {
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
