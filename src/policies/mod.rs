//! Policies: burn modules whose weights come from our own streams.

mod snapshot;
mod tabular;
mod value;

pub use snapshot::Snapshot;
pub use tabular::{Tabular, TabularPolicy};
pub use value::TabularValue;

use std::fmt::Debug;

/// How a policy is built; the burn module itself is made per run.
pub trait PolicyPart: Debug + Send + Sync {
    /// Trainable numbers for a table of `cells` cells.
    fn parameters(&self, cells: usize) -> usize;
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
