//! Detectors that also see what the owner of the policy sees: log-probabilities and advantages.

mod influence;
mod log_ratio;

pub use influence::Influence;
pub use log_ratio::LogRatio;
