//! Closed forms and exact sums: what a simulation must agree with, and what plans an audit.

pub mod adversary;
pub mod best_of_n;
pub mod binary;
pub mod capture;
pub mod cascade;
pub mod collision;
mod competition;
pub mod condensation;
pub mod conditioning;
pub mod construction;
mod convolution;
pub mod detectable;
mod error;
pub mod frontier;
pub mod influence;
mod interpolant;
mod ladder;
mod multiplier;
mod noise;
mod noisy_bulk;
pub mod power;
pub mod race;
pub mod records;
pub mod table;
pub mod tilt;
pub mod window;
pub mod zero_shot;

pub use error::TheoryError;
