//! From a config to tables: plan, train, judge, store, merge, summarise.

mod judging;
mod plan;
mod run;
pub mod store;
mod summary;
mod training;

pub use judging::benchmark;
pub use plan::cost::{Cost, cost};
pub use plan::ids;
pub use plan::runs::{Planned, plan};
pub use run::{ExperimentError, Finished, Options, Progress, run};
pub use summary::closed_forms;
pub use training::checkpoint::Checkpoints;
pub use training::policy_value::{Expectations, Method};
pub use training::train::{Setting, TrainError, train};
pub use training::trained::{Final, Trained};
