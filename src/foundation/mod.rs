//! What every other part stands on: random streams, bounded numbers, sums, order statistics, statuses.
//!
//! Nothing here knows of rewards or policies, nor of what stands in a file.

#[cfg(feature = "lab")]
pub(crate) mod activation;
pub mod atomic_file;
pub mod binomial;
pub mod bootstrap;
pub(crate) mod exponential;
pub mod failure;
pub(crate) mod format;
pub mod gao;
pub mod heads;
pub(crate) mod nearest;
pub mod numeric;
pub mod order;
pub mod presence;
pub mod quadrature;
pub(crate) mod radix;
pub mod registry;
pub mod resamples;
pub mod rng;
pub mod root;
pub mod runs;
pub mod scalar;
pub mod softmax;
pub mod special;
pub mod wilson;
