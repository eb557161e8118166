//! Every policy as one plain burn module: what it is. Trained through burn's automatic differentiation, on any device.

pub(super) mod adapter;
pub(super) mod gru;
pub(super) mod linear;
pub(super) mod mlp;
pub(super) mod network;
pub(super) mod product;
pub(super) mod tabular;
pub(super) mod transformer;
mod value;

pub use adapter::trained;
pub use gru::Gru;
pub use linear::Linear;
pub use mlp::Mlp;
pub use network::{Heads, Network, Rows};
pub use product::Product;
pub use tabular::{Tabular, TabularPolicy};
pub use transformer::Transformer;
pub use value::TabularValue;
