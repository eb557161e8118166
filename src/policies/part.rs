//! What a policy's settings can build.

use super::sequence::{SequencePolicy, Shape};
use crate::foundation::rng::SeedTree;
use burn::tensor::Device;
use std::fmt::Debug;
use std::num::NonZeroU32;

/// How a policy is built; the burn module itself is made per run.
pub trait PolicyPart: Debug + Send + Sync {
    /// Whether it acts step by step, in a process; else it chooses a whole trajectory at once, from a table.
    fn acts(&self) -> bool {
        true
    }
    /// The policy as its burn module computes it on `device`, at the reference, for a process of these sizes, with initial weights from the streams of `seeds`; `None` for
    /// one that chooses a whole trajectory at once, from a table.
    fn sequence(
        &self,
        _shape: &Shape,
        _seeds: &SeedTree,
        _device: &Device,
    ) -> Option<Box<dyn SequencePolicy>> {
        None
    }
}

/// A size that a default states; 1 for 0.
pub(super) const fn size(number: u32) -> NonZeroU32 {
    match NonZeroU32::new(number) {
        Some(size) => size,
        None => NonZeroU32::MIN,
    }
}
