//! One training run: the loop, what it trains on, what it leaves, and how it goes on after an interruption.

pub mod arena;
pub mod checkpoint;
pub mod policy_value;
pub mod train;
pub mod trained;
