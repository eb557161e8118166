//! What a run is judged by: detectors, alarms, the timeline, curves, and the benchmark's own measures.

pub mod alarms;
pub mod benchmark;
pub mod curves;
pub mod deployed;
pub mod error;
pub mod judge;
pub mod subject;
pub mod timeline;
pub mod verdict;
