//! What the two wings share: rollouts as columns, and the files they are kept in.
//!
//! [`Observed`] is what a practitioner's log can hold. [`Truth`] is what only a laboratory or a paid audit knows.
//! They are separate types and separate files, so that a detector or a trainer cannot name the true utility.

pub mod folder;
pub mod metric;
mod observed;
mod outcomes;
mod scores;
pub mod tables;
mod truth;

pub use observed::Observed;
pub use outcomes::Outcomes;
pub use scores::Scores;
pub use truth::Truth;
