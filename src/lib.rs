//! Would reward hacking under heavy-tailed reward error be seen, caught, and caught in time?
#![warn(missing_docs)]

pub mod detectors;
pub mod distributions;
pub mod foundation;
pub mod plots;
pub mod record;
pub mod report;
