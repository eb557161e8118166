//! Detectors that see rewards only.

mod cumulative_reward;
mod extreme_deviates;
mod gesd;
mod gpd_tail;
mod hill_tail;
mod length_residual;
mod robust_z;
mod tail_cusum;
mod top_reward;
mod within_prompt;

pub use cumulative_reward::CumulativeReward;
pub use gesd::Gesd;
pub use gpd_tail::GpdTail;
pub use hill_tail::HillTail;
pub use length_residual::LengthResidual;
pub use robust_z::RobustZ;
pub use tail_cusum::TailCusum;
pub use top_reward::TopReward;
pub use within_prompt::WithinPrompt;
