//! Who learns from samples: the passes over a batch, the optimizer's step, and what is kept of them.

mod checkpoint;
pub(super) mod contract;
pub(super) mod experience;
pub(super) mod fixed;
mod gradient;
mod model;
mod network;
pub(super) mod optimizer;
pub(super) mod recipe;
mod sequence;
mod sweep;
pub(super) mod tabular;

pub use contract::{Credited, Ground, Learner, TableLearner};
pub use experience::Experience;
pub use optimizer::OptimizerSpec;
pub use recipe::Recipe;
pub use sequence::SequenceLearner;
