//! Closed forms and exact sums: what a simulation must agree with, and what plans an audit.

pub mod capture;
mod error;
pub mod frontier;
mod multiplier;
pub mod table;
pub mod tilt;

pub use error::TheoryError;
