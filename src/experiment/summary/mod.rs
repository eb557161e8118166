//! From the records of all runs to tables: numbers by name, estimates with intervals, and what was expected of them.

pub mod checks;
pub mod closed_forms;
mod deployed;
pub mod estimates;
pub mod gaps;
pub mod merge;
pub mod quantities;
mod sample;
pub mod weighted;
