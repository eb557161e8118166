//! With what the results of a run folder were made.

use serde::{Deserialize, Serialize};
use std::fmt;

/// With what the results were made. Holds no time of day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the program.
    pub version: String,
    /// Version of the meaning of numbers.
    pub semantics: u32,
    /// Commit of the source tree, where it was known.
    pub git_commit: Option<String>,
    /// Root seed.
    pub seed: u64,
    /// Device on which networks were trained.
    pub device: String,
    /// Whose code computed them: `native`, kernels written by hand for the processor, or `burn`.
    #[serde(default = "native")]
    pub kernels: String,
    /// Worker threads.
    pub threads: usize,
    /// What the last digits of the tables depend on.
    pub numerics: Numerics,
    /// With what the records were made that the tables were put together from; empty before there are tables.
    #[serde(default)]
    pub made_with: Vec<MadeWith>,
}

/// Records that were made with the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MadeWith {
    /// What their last digits depend on.
    pub numerics: Numerics,
    /// How many there are.
    pub records: usize,
}

/// What computed networks before manifests said it.
fn native() -> String {
    "native".to_owned()
}

/// Results are the same to the bit only where all of these are equal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numerics {
    /// Target triple.
    pub target: String,
    /// CPU features that the mathematics library picks its code by.
    pub cpu_features: String,
    /// Hash of the binary.
    pub binary: String,
}

impl fmt::Display for Numerics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "binary {} on {} with {}", self.binary, self.target, self.cpu_features)
    }
}
