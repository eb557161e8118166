//! Of which plan the tables of a run folder are: the mark that they are whole.

use serde::{Deserialize, Serialize};

/// File name of [`Made`].
pub const MADE: &str = "tables.json";

/// What the tables hold. It is written after the last of them, and taken back before the first is written anew.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Made {
    /// [`digest`] of the plan and the config; empty while the tables are written, or where another plan came since.
    pub of: String,
    /// Runs of the plan that are not in the tables.
    #[serde(default)]
    pub missing: Vec<MissingRun>,
}

/// A run that is not in the tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MissingRun {
    /// Number of the arm.
    pub arm: usize,
    /// Replicate, from 0.
    pub replicate: u64,
    /// Identity of the training run.
    pub train_id: String,
    /// Why it is not there.
    pub reason: String,
}

/// A short name of a plan and its config, as they stand in their files.
pub fn digest(plan: &str, config: &str) -> String {
    let mut hasher = blake3::Hasher::new();
    for text in [plan, config] {
        hasher.update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}
