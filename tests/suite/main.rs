//! Every test that goes through the public interface, in one binary.

mod plots;
mod report;
mod synthetic_run;
