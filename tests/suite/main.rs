//! Every test that goes through the public interface, in one binary: each file is a subject.

mod audit;
mod cli;
#[cfg(feature = "lab")]
mod config;
mod detect;
mod detectors;
mod diagnose;
mod distributions;
mod house;
mod metrics;
mod plots;
mod readers;
mod report;
#[cfg(feature = "lab")]
mod run;
#[cfg(feature = "lab")]
mod statistics;
mod synthetic_run;
#[cfg(feature = "lab")]
mod tail_and_outcomes;
mod tails;
mod theory_cli;
mod theory_power;
mod tilting;
#[cfg(feature = "lab")]
mod trainers;
#[cfg(feature = "lab")]
mod windows;
#[cfg(feature = "lab")]
mod worlds;
