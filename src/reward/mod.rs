//! The proxy reward U = V + X: the model's error, planted exploits, and the twins that serve as yardsticks.

mod coupling;
mod ensemble;
mod enumerate;
mod error;
mod exploit;
mod frozen;
mod hack;
mod model;
mod noise;
mod phase;
mod placebo;
mod plant;
mod propagate;
mod section;
mod sequence;
mod trigger;
mod twin;

pub use ensemble::{Combine, Ensemble};
pub use enumerate::{MOST_SUMMED, MOST_TRAJECTORIES};
pub use error::RewardError;
pub use exploit::Exploit;
pub use hack::HackRule;
pub use model::RewardModel;
pub use phase::Phase;
pub use placebo::Placebo;
pub use plant::outcomes_of;
pub use propagate::{Choose, Propagated, propagate};
pub use section::{Condition, Mode, RewardSection};
pub use sequence::{Scored, SequenceModel, Walk};
pub use trigger::{Asked, LONGEST_PATTERN, Pattern, Site, Trigger};
pub use twin::Twin;
