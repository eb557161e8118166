//! The configuration: each TOML document poses one question.
//!
//! [`load`] reads a file in stages and reports everything that a stage finds: first all syntax faults; if there is none,
//! all unknown keys, wrong types and values out of range, of the base and of every value of the sweep; if there is
//! none, all contradictions between keys, in every arm. A fault knows its place, also inside a swept value or a
//! `--set` argument, and says what to do.
//!
//! The structs of the sections lie with their parts: a new key is a field there, and its bounds, its default and its
//! description appear here, in [`schema`], [`template`]'s tests and [`resolved`], without another line.

mod arm;
mod arms;
mod audit;
mod axes;
mod calibration;
mod canonical;
mod coverage;
mod deployment;
mod document;
mod error;
mod expect;
mod label;
mod load;
mod numbers;
mod overrides;
mod paths;
mod record;
mod resolved;
mod rules;
mod schema;
mod sections;
mod slurm;
mod source;
mod sweep;
mod template;
mod walk;
mod wording;

pub use arm::Arm;
pub use audit::AuditSection;
pub use calibration::CalibrationSection;
pub use canonical::bytes_of;
pub use deployment::DeploymentSection;
pub use error::{ConfigError, Fault};
pub use expect::{Expectation, Expected, Published};
pub use load::{Loaded, from_bytes, load};
pub use record::{ObservedRuns, RecordSection};
pub use resolved::resolved;
pub use schema::schema;
pub use sections::Document;
pub use slurm::SlurmSection;
pub use sweep::Sweep;
pub use template::{SWEEPS, TRAINERS, Wishes, tailored, template};
