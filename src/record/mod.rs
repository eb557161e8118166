//! What the two halves share: rollouts as columns, and the files they are kept in.
//!
//! [`Observed`] is what a practitioner's log can hold. [`Truth`] is what only a laboratory or a paid audit knows.
//! They are separate types and separate files, so that a detector or a trainer cannot name the true utility.
//!
//! Three rooms: `columns` (rollouts in memory), [`tables`] (the rows of every CSV file, and folders of them), `read` (logs of any
//! format as rollouts).

mod columns;
mod read;
pub mod tables;

pub use columns::{DISAGREEMENT, GRADIENT_NORM, Observed, ObservedTable, Outcomes, Scores, Truth};
pub(crate) use read::parse_json;
pub use read::{
    Again, ColumnData, Equal, Error, Follower, GroupSource, Holders, InMemory, InSteps, LeftOut, Log,
    LogMeta, LogOptions, NoRollouts, Origin, Part, Place, Progress, Prompts, Recurrence, Recurrences,
    RewardSpec, Roles, Rollouts, Rows, Span, StepSource, Tagged, Texts, Turn, log_files, numeric_columns,
    open_log, read_column, read_holders, read_log, read_numbers, read_outcomes, read_tagged, run_of,
};
pub use tables::{benchmark, checked, endpoint, folder, made, metric, recorded, verdict};
