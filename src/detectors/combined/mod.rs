//! Detectors made of other detectors: they see what their members see.

mod members;
mod rank_mean;

pub use members::{InvalidMembers, Members};
pub use rank_mean::RankMean;
