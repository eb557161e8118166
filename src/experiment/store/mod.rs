//! How results are kept: records on disk, and the tables inside them.

mod behind;
pub(in crate::experiment) mod features;
pub(in crate::experiment) mod policy;
mod records;
pub(in crate::experiment) mod rows;

pub use behind::{Behind, behind};
pub use records::{Record, Store, StoreError, commit, temporary, write_atomic};
