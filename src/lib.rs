//! Would reward hacking under heavy-tailed reward error be seen, caught, and caught in time?
#![warn(missing_docs)]

pub mod audit;
pub mod cli;
pub mod detectors;
pub mod distributions;
mod error;
pub mod foundation;
pub mod metrics;
pub mod plots;
pub mod record;
pub mod report;
pub mod tails;
pub mod theory;
pub mod thresholds;

#[cfg(feature = "lab")]
pub mod config;
#[cfg(feature = "lab")]
pub mod environments;
#[cfg(feature = "lab")]
pub mod experiment;
#[cfg(feature = "lab")]
pub mod policies;
#[cfg(feature = "lab")]
pub mod reward;
#[cfg(feature = "lab")]
pub mod rollout;
#[cfg(feature = "lab")]
pub mod trainers;

pub use error::Error;
