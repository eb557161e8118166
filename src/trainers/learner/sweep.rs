//! Frees what burn's automatic differentiation keeps of weights that are gone.
//!
//! burn notes every tensor that has a gradient in one table for the whole process, and clears the table of dropped tensors only
//! in a backward pass. Where the closed forms give the gradient there is none, and each update would leave some kilobytes
//! behind, for as long as the process lives.

use burn::tensor::{Device, Tensor};

/// Updates after which it is done: seldom enough to cost nothing, often enough that less than a megabyte waits for it.
pub(super) const EVERY: u64 = 256;

/// Makes a backward pass over one number.
pub(super) fn sweep() {
    let one = Tensor::<1>::ones([1], &Device::flex().autodiff()).require_grad();
    drop(one.sum().backward());
}
