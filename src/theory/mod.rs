//! Closed forms and exact sums: what a simulation must agree with, and what plans an audit.

pub mod best_of_n;
pub mod binary;
pub mod conditioning;
pub mod construction;
mod convolution;
mod error;
mod ladder;
pub mod table;
pub mod tilt;

pub use error::TheoryError;
