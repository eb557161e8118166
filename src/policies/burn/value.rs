//! A value head: the reward that is expected of each prompt.

use burn::module::{Module, Param, ParamId};
use burn::tensor::{Device, Tensor, TensorData};

/// V(prompt), one number a prompt, starting at 0.
#[derive(Module, Debug)]
pub struct TabularValue {
    /// V, one number a prompt, f32.
    values: Param<Tensor<1>>,
}

impl TabularValue {
    /// Zero everywhere, ready to be trained on `device`.
    pub fn new(prompts: usize, device: &Device) -> Self {
        let values = Tensor::from_data(TensorData::new(vec![0f32; prompts], [prompts]), device);
        Self { values: Param::from_tensor(values) }
    }

    /// V, prompt by prompt; `None` if the device gives something else than f32 numbers back.
    pub fn numbers(&self) -> Option<Vec<f32>> {
        self.values.val().into_data().try_to_vec().ok()
    }

    /// The name under which burn keeps the gradient of V.
    pub fn id(&self) -> ParamId {
        self.values.id
    }
}
