//! Detectors that also see what the owner of the policy sees: log-probabilities and advantages.

mod cumulative_influence;
mod disagreement;
mod gradient_norm;
mod influence;
mod log_ratio;
mod shares;
mod surprise;

pub use cumulative_influence::CumulativeInfluence;
pub use disagreement::Disagreement;
pub use gradient_norm::GradientNorm;
pub use influence::Influence;
pub use log_ratio::LogRatio;
pub use surprise::Surprise;
