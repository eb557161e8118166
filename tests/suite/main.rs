//! One test binary: each file is a subject.

mod cli;
mod detect;
mod detectors;
mod diagnose;
mod readers;
mod tails;
