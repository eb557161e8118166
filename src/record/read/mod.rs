//! Files of rewards, read: which files, which format, which column means what, and the rollouts that they hold.

mod build;
mod cell;
mod column;
mod csv;
mod error;
mod files;
mod help;
mod jsonl;
mod layout;
mod lines;
mod log;
mod open;
mod optional;
mod options;
mod outcomes;
#[cfg(feature = "parquet")]
mod parquet;
mod roles;
mod rollouts;
mod row;
mod texts;
mod writer;

pub use column::{ColumnData, read_column};
pub use error::{Error, Place};
pub use files::log_files;
pub use log::{GroupSource, InMemory, LeftOut, Log, LogMeta, Origin, StepSource};
pub use open::{open_log, read_log};
pub use options::{LogOptions, Rows};
pub use outcomes::read_outcomes;
pub use roles::{RewardSpec, Roles};
pub use rollouts::{Rollouts, Span};
pub use texts::Texts;
