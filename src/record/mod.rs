//! What the two wings share: rollouts as columns, and the files they are kept in.
//!
//! [`Observed`] is what a practitioner's log can hold. [`Truth`] is what only a laboratory or a paid audit knows.
//! They are separate types and separate files, so that a detector or a trainer cannot name the true utility.

pub mod benchmark;
mod error;
pub mod folder;
pub mod metric;
mod observed;
mod outcomes;
mod read_cell;
mod read_column;
mod read_csv;
mod read_files;
mod read_jsonl;
mod read_log;
mod read_outcomes;
#[cfg(feature = "parquet")]
mod read_parquet;
mod read_roles;
mod rollouts;
mod scores;
pub mod tables;
mod truth;

pub use error::{Error, Place};
pub use observed::{DISAGREEMENT, GRADIENT_NORM, Observed};
pub use outcomes::Outcomes;
pub use read_column::{ColumnData, read_column};
pub use read_files::log_files;
pub use read_log::{Log, OpenLog, Origin, open_log, read_log};
pub use read_outcomes::read_outcomes;
pub use read_roles::{RewardSpec, Roles};
pub use rollouts::{Rollouts, Span};
pub use scores::Scores;
pub use truth::Truth;

pub(crate) use error::nearest;
