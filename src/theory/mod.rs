//! Closed forms and exact sums: what a simulation must agree with, and what plans an audit.

pub mod tilt;
