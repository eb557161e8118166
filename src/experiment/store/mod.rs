//! How results are kept: records on disk, and the tables inside them.

mod append;
mod behind;
mod error;
pub(in crate::experiment) mod features;
mod found;
mod near;
pub(in crate::experiment) mod numerics;
pub(in crate::experiment) mod occupied;
pub(in crate::experiment) mod policy;
mod record;
mod records;
pub(in crate::experiment) mod rows;
mod segment;
mod segments;
#[cfg(test)]
mod tests;

pub use behind::{Behind, behind};
pub use error::StoreError;
pub use found::Found;
pub use near::Near;
pub use record::{Kept, Record, Stamp};
pub use records::{Store, write_atomic};
