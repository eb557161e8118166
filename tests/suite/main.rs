//! One test binary: each file is a subject.

mod audit;
mod detectors;
mod metrics;
mod tails;
