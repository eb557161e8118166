//! One test binary: each file is a subject.

mod audit;
mod metrics;
