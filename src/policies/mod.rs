//! Policies: burn modules whose weights come from our own streams.

mod gru;
mod gru_cell;
mod head;
mod linear;
mod mlp;
#[cfg(test)]
mod plain;
mod product;
mod sequence;
mod snapshot;
mod softmax;
mod tabular;
mod transformer;
mod transformer_graph;
mod transformer_step;
#[cfg(test)]
mod trials;
mod value;
mod weights;

pub use gru::Gru;
pub use mlp::Mlp;
pub use product::Product;
pub use sequence::{Memory, NotF32, SequencePolicy, Shape};
pub use snapshot::{Row, Snapshot};
pub use tabular::{Tabular, TabularPolicy};
pub use transformer::Transformer;
pub use value::TabularValue;

use crate::foundation::rng::SeedTree;
use burn::tensor::Device;
use std::fmt::Debug;
use std::num::NonZeroU32;

/// How a policy is built; the burn module itself is made per run.
pub trait PolicyPart: Debug + Send + Sync {
    /// Whether it acts step by step, in a process; else it chooses a whole trajectory at once, from a table.
    fn acts(&self) -> bool {
        true
    }
    /// The policy at the reference, for a process of these sizes, with initial weights from the streams of `seeds`; `None` for
    /// one that chooses a whole trajectory at once, from a table.
    fn sequence(
        &self,
        _shape: &Shape,
        _seeds: &SeedTree,
        _device: &Device,
    ) -> Option<Box<dyn SequencePolicy>> {
        None
    }
}

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

/// A size that a default states; 1 for 0.
const fn size(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(size) => size,
        None => NonZeroU32::MIN,
    }
}
