//! Every test that goes through the public interface, in one binary: each file is a subject.

mod agents;
mod audit;
mod audit_figures;
mod auditors;
#[cfg(feature = "lab")]
mod benchmark;
mod benchmark_page;
mod book;
#[cfg(feature = "lab")]
mod bound;
mod calibration;
#[cfg(feature = "lab")]
mod checkpoints;
mod cli;
mod concatenated;
#[cfg(feature = "lab")]
mod config;
#[cfg(feature = "lab")]
mod conformance;
mod counted_means;
mod curve;
#[cfg(feature = "lab")]
mod deployed;
#[cfg(feature = "lab")]
mod deployment;
mod detect;
mod detector_power;
mod detectors;
mod diagnose;
mod distributions;
#[cfg(feature = "lab")]
mod episodes;
mod examples;
#[cfg(feature = "lab")]
mod expectations;
#[cfg(feature = "lab")]
mod experiments;
mod faults;
mod feature_detectors;
#[cfg(feature = "lab")]
mod features;
#[cfg(feature = "lab")]
mod findings;
mod fit;
#[cfg(feature = "lab")]
mod fixed_policies;
mod fuzz;
#[cfg(feature = "lab")]
mod gridworld;
#[cfg(feature = "lab")]
mod grpo;
#[cfg(feature = "lab")]
mod held_out;
#[cfg(feature = "slow")]
mod honest_laws;
mod house;
mod kept_page;
#[cfg(feature = "lab")]
mod kernels;
mod kinds;
#[cfg(feature = "lab")]
mod learning;
#[cfg(feature = "lab")]
mod marked;
mod metrics;
#[cfg(feature = "lab")]
mod mitigations;
mod monitors;
mod narrow;
mod no_rollouts;
mod observer;
#[cfg(feature = "lab")]
mod own_policy;
#[cfg(feature = "lab")]
mod parts;
#[cfg(all(feature = "lab", feature = "slow"))]
mod placebos;
mod places;
mod plots;
#[cfg(feature = "lab")]
mod ppo;
#[cfg(feature = "lab")]
mod projection;
mod readers;
mod reading;
mod remedies;
mod report;
#[cfg(feature = "lab")]
mod responses;
mod results_page;
#[cfg(feature = "lab")]
mod reward_functions;
#[cfg(feature = "lab")]
mod rloo;
#[cfg(feature = "lab")]
mod run;
#[cfg(feature = "lab")]
mod sequence_grpo;
#[cfg(feature = "lab")]
mod sequence_learning;
#[cfg(feature = "lab")]
mod sequence_updates;
#[cfg(feature = "lab")]
mod shards;
#[cfg(feature = "lab")]
mod sighted;
#[cfg(all(feature = "lab", unix))]
mod slurm;
mod spike;
#[cfg(feature = "lab")]
mod statistics;
mod synthetic_run;
mod table_policies;
#[cfg(feature = "lab")]
mod tail_and_outcomes;
mod tails;
mod taken_over;
mod tasks;
mod text_columns;
mod theory_cli;
mod theory_laws;
mod theory_power;
mod theory_tables;
mod thresholds;
mod tilting;
#[cfg(feature = "lab")]
mod token_race;
#[cfg(feature = "lab")]
mod trainers;
#[cfg(feature = "parquet")]
mod transcripts;
#[cfg(feature = "lab")]
mod verdict;
mod watch;
mod watch_again;
mod watch_ends;
mod watch_lines;
mod watch_words;
#[cfg(feature = "lab")]
mod ways;
#[cfg(feature = "lab")]
mod weights;
#[cfg(feature = "lab")]
mod windows;
#[cfg(feature = "lab")]
mod worlds;
mod wrong_guesses;
