//! One training run: the loop, what it trains on, what it leaves, and how it goes on after an interruption.

pub mod arena;
pub mod checkpoint;
pub mod error;
pub mod influence;
pub mod policy_value;
pub mod responding;
pub mod setting;
pub mod sighting;
mod step_row;
mod track;
pub mod train;
pub mod trained;
