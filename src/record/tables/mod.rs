//! The rows of every CSV file, each defined once: writers, readers, figures and report all use these.
//!
//! An absent value is an empty cell, never 0. KL and log-probabilities are in nats; steps count from 0. A row whose run or arm is
//! known only where tables are put together comes in two types: the whole row, and its body, which is what a record keeps.

macro_rules! table {
    ($(#[$doc:meta])* $name:ident in $file:literal { $($(#[$field_doc:meta])* $field:ident : $type:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $name {
            $($(#[$field_doc])* pub $field: $type,)+
        }

        impl $name {
            /// The file this row stands in.
            pub const FILE: &'static str = $file;
            /// Column names, in order, without the sweep's keys.
            pub const COLUMNS: &'static [&'static str] = &[$(stringify!($field),)+];
        }
    };
    (
        $(#[$doc:meta])* $name:ident in $file:literal { $($(#[$id_doc:meta])* $id:ident : $id_type:ty,)+ }
        $body:ident { $($(#[$field_doc:meta])* $field:ident : $type:ty,)+ }
    ) => {
        table! {
            $(#[$doc])*
            $name in $file {
                $($(#[$id_doc])* $id: $id_type,)+
                $($(#[$field_doc])* $field: $type,)+
            }
        }

        impl $name {
            /// Columns that say whose row it is; they come first.
            pub const IDENTITY: &'static [&'static str] = &[$(stringify!($id),)+];
        }

        #[doc = concat!("What a record holds of a [`", stringify!($name), "`].")]
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        pub struct $body {
            $($(#[$field_doc])* pub $field: $type,)+
        }
    };
}

pub mod benchmark;
pub mod checked;
mod deployment;
mod drawn;
pub mod endpoint;
mod file_names;
pub mod folder;
mod folder_error;
mod judgement;
pub mod made;
mod manifest;
pub mod metric;
pub mod recorded;
mod rollouts;
mod run;
mod summary;
mod table_files;
pub mod verdict;

pub use deployment::{DeploymentBody, DeploymentRow};
pub use judgement::{DetectorBody, DetectorRow, FlagBody, FlagRow};
pub use rollouts::{ObservedBody, ObservedRow, TruthBody, TruthRow};
pub use run::{ReplicateBody, ReplicateRow, StepBody, StepRow};
pub use summary::{
    AGREES, BOUND, CheckBody, CheckRow, DIFFERS, HillBody, HillRow, LOWER_BOUND, ROUNDING, SummaryBody,
    SummaryRow, SurvivalBody, SurvivalRow,
};
