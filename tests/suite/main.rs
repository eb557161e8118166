//! One test binary: each file is a subject.

mod audit;
mod detectors;
mod metrics;
mod cli;
mod detect;
mod detectors;
mod diagnose;
mod readers;
mod tails;
