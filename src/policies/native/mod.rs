//! Kernels written by hand for the processor.

mod gru;
mod gru_cell;
mod head;
mod linear;
mod mlp;
mod product;
mod softmax;
mod transformer;
mod transformer_step;

pub use gru::Gru;
pub use mlp::Mlp;
pub use product::Product;
pub(super) use softmax::{BLOCK, Scale, Softmax};
pub use transformer::Transformer;
