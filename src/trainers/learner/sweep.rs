//! Frees what burn's automatic differentiation keeps of weights that are gone.
//!
//! burn notes every tensor that has a gradient in one table for the whole process, and clears the table of dropped tensors only
//! in a backward pass. Weights whose gradient is worked out by hand are noted once, when they are made, and then given up; where no
//! policy is differentiated by burn there would be no such pass, for as long as the process lives.

use burn::tensor::{Device, Tensor};

/// Makes a backward pass over one number.
pub(super) fn sweep() {
    let one = Tensor::<1>::ones([1], &Device::flex().autodiff()).require_grad();
    drop(one.sum().backward());
}
