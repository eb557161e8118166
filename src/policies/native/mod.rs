//! Kernels written by hand for the processor: each stands in for a network of [`super::burn`], and agrees with it in f, value and
//! gradient up to rounding.

mod gru;
mod gru_cell;
mod head;
mod linear;
mod mlp;
mod product;
mod ray;
mod softmax;
mod transformer;
mod transformer_step;

pub(super) use gru::GruPolicy;
pub(super) use mlp::MlpPolicy;
pub(super) use product::ProductPolicy;
pub(crate) use ray::{Bend, Ray};
pub(super) use softmax::{BLOCK, Scale, Softmax};
pub(super) use transformer::TransformerPolicy;
