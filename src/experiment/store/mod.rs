//! How results are kept: records on disk, and the tables inside them.

mod behind;
mod error;
pub(in crate::experiment) mod features;
pub(in crate::experiment) mod numerics;
pub(in crate::experiment) mod occupied;
pub(in crate::experiment) mod policy;
mod record;
mod records;
pub(in crate::experiment) mod rows;

pub use behind::{Behind, behind};
pub use error::StoreError;
pub use record::{Kept, Record, Stamp};
pub use records::{Found, Store, write_atomic};
