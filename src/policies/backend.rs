//! Where networks live, and whose code computes them.

use burn::tensor::Device;
use std::fmt;

/// Which code computes f, values and gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kernels {
    /// Kernels written by hand for the processor, where a policy has them; else as [`Kernels::Burn`].
    #[default]
    Native,
    /// The burn module that defines the policy, differentiated by burn, on any device.
    Burn,
}

impl Kernels {
    /// As it is written on the command line and in a manifest.
    pub fn name(self) -> &'static str {
        match self {
            Self::Native => "native",
            Self::Burn => "burn",
        }
    }
}

impl fmt::Display for Kernels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A device and the kernels used on it. Results on two of them differ in their last digits, so both are part of a run's identity.
#[derive(Debug, Clone)]
pub struct Backend {
    device: Device,
    device_name: &'static str,
    kernels: Kernels,
}

impl Backend {
    /// The processor.
    pub fn cpu(kernels: Kernels) -> Self {
        Self { device: Device::flex(), device_name: "cpu", kernels }
    }

    /// What a manifest names; `None` where this program has no such.
    pub fn named(device: &str, kernels: &str) -> Option<Self> {
        match (device, kernels) {
            ("cpu", "native") => Some(Self::cpu(Kernels::Native)),
            ("cpu", "burn") => Some(Self::cpu(Kernels::Burn)),
            #[cfg(feature = "wgpu")]
            ("wgpu", "burn") => Some(Self::wgpu()),
            _ => None,
        }
    }

    /// A graphics processor through wgpu, on which there are no kernels but burn's.
    #[cfg(feature = "wgpu")]
    pub fn wgpu() -> Self {
        Self { device: Device::wgpu(Default::default()), device_name: "wgpu", kernels: Kernels::Burn }
    }

    /// Where tensors live.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The device's name, as in a manifest.
    pub fn device_name(&self) -> &'static str {
        self.device_name
    }

    /// Whose code computes.
    pub fn kernels(&self) -> Kernels {
        self.kernels
    }
}

impl Default for Backend {
    /// Kernels written by hand, on the processor.
    fn default() -> Self {
        Self::cpu(Kernels::Native)
    }
}
