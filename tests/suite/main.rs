//! One test binary: each file is a subject.

mod detectors;
mod tails;
#[cfg(feature = "lab")]
mod config;
