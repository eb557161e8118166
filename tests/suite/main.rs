//! One test binary: each file is a subject.

#[cfg(feature = "lab")]
mod config;
mod detectors;
mod tails;
