//! One test binary: each file is a subject.

mod audit;
#[cfg(feature = "lab")]
mod config;
mod detectors;
mod metrics;
mod cli;
mod detect;
mod detectors;
mod diagnose;
mod readers;
mod tails;
//! Every test that goes through the public interface, in one binary.

mod plots;
mod report;
mod synthetic_run;
