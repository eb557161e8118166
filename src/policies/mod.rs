//! Policies: burn modules whose weights come from our own streams.

mod sequence;
mod snapshot;
mod softmax;
mod tabular;
mod value;

pub use sequence::{Memory, NotF32, SequencePolicy, Shape};
pub use snapshot::Snapshot;
pub use tabular::{Tabular, TabularPolicy};
pub use value::TabularValue;

use crate::foundation::rng::SeedTree;
use burn::tensor::Device;
use std::fmt::Debug;

/// How a policy is built; the burn module itself is made per run.
pub trait PolicyPart: Debug + Send + Sync {
    /// Trainable numbers for a table of `cells` cells.
    fn parameters(&self, cells: usize) -> usize;
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
    }
}

impl Default for PolicySpec {
    fn default() -> Self {
        Self::Tabular(Tabular {})
    }
}
