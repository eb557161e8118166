//! What is to be run: every run with its identities, what all of it will cost, and with what it is made.

pub mod cautions;
pub mod cost;
pub mod id;
pub mod ids;
pub mod manifest;
pub mod part;
pub mod runs;
