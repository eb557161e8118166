//! The proxy reward U = V + X: the model's error, planted exploits, and the twins that serve as yardsticks.

mod coupling;
mod ensemble;
mod exploit;
mod frozen;
mod hack;
mod model;
mod plant;
mod section;
mod twin;

pub use ensemble::{Combine, Ensemble};
pub use exploit::Exploit;
pub use hack::HackRule;
pub use model::{Phase, RewardError, RewardModel, Visit};
pub use plant::outcomes_of;
pub use section::{Mode, RewardSection};
pub use twin::Twin;
mod stub;
pub use stub::*;
