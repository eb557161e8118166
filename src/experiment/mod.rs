//! From a config to tables: plan, train, judge, store, merge, summarise.

mod alarms;
mod arena;
pub mod benchmark;
mod checkpoint;
mod checks;
pub mod closed_forms;
mod cost;
mod curves;
mod expectations;
mod features;
pub mod ids;
mod judge;
mod manifest;
mod merge;
mod plan;
mod quantities;
mod rows;
mod run;
pub mod store;
mod summary;
mod timeline;
mod train;
mod trained;

pub use checkpoint::Checkpoints;
pub use cost::{Cost, cost};
pub use expectations::{Expectations, Method};
pub use plan::{Planned, plan};
pub use run::{ExperimentError, Finished, Options, Progress, run};
pub use train::{Setting, TrainError, train};
pub use trained::{Final, Trained};
