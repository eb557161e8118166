//! The sections of trainers, one file a trainer.

mod best_of_n;
mod conditioning;
mod construction;
mod exact;
mod grpo;
mod kl;
mod part;
mod ppo;
mod quantilizer;
mod reference;
mod reinforce;
mod rloo;

pub use best_of_n::BestOfN;
pub use conditioning::Conditioning;
pub use construction::Construction;
pub use exact::{Exact, ExactKl, Penalty};
pub use grpo::Grpo;
pub use kl::{LossKl, RewardKl};
pub use part::TrainerPart;
pub use ppo::Ppo;
pub use quantilizer::Quantilizer;
pub use reference::Reference;
pub use reinforce::Reinforce;
pub use rloo::Rloo;
