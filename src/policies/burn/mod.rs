//! Networks as burn differentiates them.

#[cfg(test)]
mod plain;
mod tabular;
pub(super) mod transformer;
mod value;

pub use tabular::{Tabular, TabularPolicy};
pub use value::TabularValue;
