//! Policies: burn modules whose weights come from our own streams, and kernels that stand in for them on the processor.

#[cfg(test)]
mod agreement;
mod apart;
mod backend;
mod burn;
mod initial;
mod native;
mod part;
mod sequence;
mod snapshot;
#[cfg(test)]
mod trials;
mod weights;

pub use self::burn::{Gru, Heads, Linear, Mlp, Network, Product, Rows, Transformer, trained};
pub use self::burn::{Tabular, TabularPolicy, TabularValue};
pub use backend::{Backend, Kernels};
pub use initial::{Initial, Start};
pub use part::PolicyPart;
pub use sequence::{Memory, NotF32, SequencePolicy, Shape};
pub use snapshot::{Row, Snapshot};

pub(crate) use native::{Bend, Ray};

use self::apart::Apart;
use self::burn::gru::GruNetwork;
use self::burn::mlp::MlpNetwork;
use self::burn::product::ProductNetwork;
use self::burn::transformer::TransformerNetwork;
use crate::foundation::rng::{Purpose, SeedTree};
use ::burn::tensor::Device;

crate::registry! {
    /// The `[policy.…]` section.
    pub enum PolicySpec => dyn PolicyPart {
        "tabular" => Tabular: "one logit per outcome and prompt, starting at the reference", "Sutton & Barto 2018, section 2.8 (gradient bandit)";
        "product" => Product: "an independent softmax per prompt and position", "Williams 1992, section 6 (independent units)";
        "mlp" => Mlp: "tanh layers on the last symbols and the position", "Rumelhart, Hinton & Williams 1986";
        "gru" => Gru: "a gated recurrent unit over the symbols shown so far", "Cho et al. 2014";
        "transformer" => Transformer: "causal attention over the symbols shown so far", "Vaswani et al. 2017; Xiong et al. 2020 (pre-norm)";
    }
}

impl Default for PolicySpec {
    fn default() -> Self {
        Self::Tabular(Tabular {})
    }
}

impl PolicySpec {
    /// The policy at the reference, for a process of these sizes, with initial weights from the streams of `seeds`; `None` for one
    /// that chooses a whole trajectory at once, from a table.
    pub fn sequence(
        &self,
        shape: &Shape,
        seeds: &SeedTree,
        backend: &Backend,
    ) -> Option<Box<dyn SequencePolicy>> {
        let network = || self.part().sequence(shape, seeds, backend.device());
        match backend.kernels() {
            Kernels::Native => self.native(shape, seeds).or_else(network),
            Kernels::Burn => network(),
        }
    }

    /// As [`PolicySpec::sequence`], but the value comes from a second network of the same build, which shares no weight with the
    /// policy and has initial weights of its own.
    pub fn apart(
        &self,
        shape: &Shape,
        seeds: &SeedTree,
        backend: &Backend,
    ) -> Option<Box<dyn SequencePolicy>> {
        if !shape.value {
            return self.sequence(shape, seeds, backend);
        }
        let policy = self.sequence(&Shape { value: false, ..*shape }, seeds, backend)?;
        let critic = self.sequence(shape, &seeds.apart(Purpose::Critic), backend)?;
        Some(Box::new(Apart::new(policy, critic, shape.actions)))
    }

    /// The kernels that stand in for the network on the processor, where there are any.
    fn native(&self, shape: &Shape, seeds: &SeedTree) -> Option<Box<dyn SequencePolicy>> {
        let initial = &mut Initial::new(seeds, &Device::flex());
        Some(match self {
            Self::Product(_) => {
                Box::new(native::ProductPolicy::new(ProductNetwork::new(shape, initial), *shape))
            }
            Self::Mlp(mlp) => {
                Box::new(native::MlpPolicy::new(MlpNetwork::new(mlp, shape, initial), *shape, mlp))
            }
            Self::Gru(gru) => {
                let hidden = gru.hidden.get() as usize;
                Box::new(native::GruPolicy::new(GruNetwork::new(gru, shape, initial), *shape, hidden))
            }
            Self::Transformer(settings) => {
                let network = TransformerNetwork::new(settings, shape, initial);
                Box::new(native::TransformerPolicy::new(network, *shape, settings))
            }
            // What is not listed is computed by its burn module.
            _ => return None,
        })
    }
}
