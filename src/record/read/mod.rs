//! Files of rewards, read: which files, which format, which column means what, and the rollouts that they hold.

mod blocks;
mod bookkeeping;
mod build;
mod cell;
mod choose;
mod column;
mod copies;
mod csv;
mod csv_split;
mod episodes;
mod epochs;
mod error;
mod files;
mod follow;
mod format;
mod groups;
mod grown;
mod help;
mod holders;
mod in_steps;
mod inspect;
mod json;
mod json_records;
mod json_shape;
mod json_split;
mod json_value;
mod layout;
mod lines;
mod log;
mod looks;
mod means;
mod names;
mod names_of;
mod natural;
mod notes;
mod open;
mod optional;
mod options;
mod outcomes;
#[cfg(feature = "parquet")]
mod parquet;
#[cfg(feature = "parquet")]
mod parquet_field;
#[cfg(feature = "parquet")]
mod parquet_file;
#[cfg(feature = "parquet")]
mod parquet_flat;
#[cfg(all(test, feature = "parquet"))]
mod parquet_tests;
mod part;
mod path_step;
mod plan;
mod present;
mod progress;
#[cfg(feature = "parquet")]
mod quiet;
mod ready;
mod recurrences;
mod repeat;
mod repeats;
mod restarts;
mod reward;
mod roles;
mod rollouts;
mod row;
mod run_column;
mod run_files;
mod sketch;
mod source;
mod spool;
mod texts;
mod turns;
mod unfold;
mod unread;
mod utf16;
mod writer;

pub use column::{ColumnData, read_column};
pub use error::{Error, Place};
pub use files::log_files;
pub use follow::{Follower, Turn};
pub use holders::{Equal, Holders, Prompts, read_holders};
pub use in_steps::InSteps;
pub(crate) use json_value::parse as parse_json;
pub use log::{GroupSource, InMemory, LeftOut, Log, LogMeta, Origin, StepSource};
pub use names_of::numeric_columns;
pub use open::{open_log, read_log};
pub use options::{LogOptions, Rows};
pub use outcomes::{read_numbers, read_outcomes};
pub use part::Part;
pub use path_step::run_of;
pub use progress::Progress;
pub use recurrences::{Again, Recurrence, Recurrences};
pub use reward::RewardSpec;
pub use roles::Roles;
pub use rollouts::{Rollouts, Span};
pub use texts::Texts;
