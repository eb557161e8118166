//! Who computes a network.

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
