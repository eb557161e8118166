//! Rollouts as columns: what anyone may see, what only the laboratory knows, and what a detector says of them.

mod observed;
mod observed_table;
mod outcomes;
mod scores;
mod truth;

pub use observed::{DISAGREEMENT, GRADIENT_NORM, Observed};
pub use observed_table::ObservedTable;
pub use outcomes::Outcomes;
pub use scores::Scores;
pub use truth::Truth;
