//! All that a learner trains, as one burn module.

use crate::policies::{TabularPolicy, TabularValue};
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// A policy, and a value head where the trainer has one.
#[derive(Module, Debug)]
pub(super) struct Network {
    pub policy: TabularPolicy,
    pub value: Option<TabularValue>,
}

impl Network {
    /// Scales the gradients of all weights down together, so that their norm is at most `largest`; `None` if the device does
    /// not give numbers back.
    pub fn limit(&self, gradients: &mut GradientsParams, largest: f64) -> Option<()> {
        let square = |numbers: Vec<f32>| numbers.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>();
        let policy = self.policy.id();
        let value = self.value.as_ref().map(TabularValue::id);
        let of_policy: Option<Tensor<2>> = gradients.get(policy);
        let of_value: Option<Tensor<1>> = value.and_then(|id| gradients.get(id));
        let mut total = 0.0;
        if let Some(gradient) = &of_policy {
            total += square(gradient.clone().into_data().try_to_vec().ok()?);
        }
        if let Some(gradient) = &of_value {
            total += square(gradient.clone().into_data().try_to_vec().ok()?);
        }
        let norm = total.sqrt();
        if norm > largest {
            if let Some(gradient) = of_policy {
                gradients.register(policy, gradient.mul_scalar(largest / norm));
            }
            if let (Some(id), Some(gradient)) = (value, of_value) {
                gradients.register(id, gradient.mul_scalar(largest / norm));
            }
        }
        Some(())
    }
}
