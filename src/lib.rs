//! Would reward hacking under heavy-tailed reward error be seen, caught, and caught in time?
#![warn(missing_docs)]

pub mod cli;
pub mod detectors;
pub mod distributions;
mod error;
pub mod foundation;
pub mod record;
pub mod tails;
pub mod thresholds;

pub use error::Error;
