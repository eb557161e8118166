//! Detectors that see rewards only.

mod gpd_tail;
mod robust_z;
mod top_reward;

pub use gpd_tail::GpdTail;
pub use robust_z::RobustZ;
pub use top_reward::TopReward;
