//! From a config to tables: plan, train, judge, store, merge, summarise.

pub mod auditing;
mod deploy;
mod error;
mod folder;
mod judging;
mod merging;
mod plan;
mod run;
pub mod slurm;
pub mod store;
mod stored;
mod summary;
mod survey;
mod training;
mod work;

pub use error::ExperimentError;
pub use judging::{benchmark, verdict};
pub use merging::{Lenience, Tabulated, merge};
pub use plan::cautions::{Caution, cautions};
pub use plan::cost::{Cost, cost};
pub use plan::ids;
pub use plan::part::{Ids, Part, Shard};
pub use plan::runs::{Planned, plan};
pub use run::{Finished, Outlook, outlook, prepare, run};
pub use stored::{Count, Stored};
pub use summary::closed_forms;
pub use summary::gaps::{Gap, gaps};
pub use training::arena::calibration;
pub use training::checkpoint::Checkpoints;
pub use training::error::TrainError;
pub use training::policy_value::{Expectations, Method};
pub use training::setting::{Audited, Setting};
pub use training::sighting::Sighting;
pub use training::train::{Course, Done, train, train_under};
pub use training::trained::{Final, Trained};
pub use work::{Options, Progress};
