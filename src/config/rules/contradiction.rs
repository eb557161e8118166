//! What a rule finds, and what it remembers between arms.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// One contradiction.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::config) struct Contradiction {
    /// Dotted key under which the caret goes.
    pub path: String,
    pub message: String,
    pub help: String,
}

/// Smallest ln π₀ of each reference file that was read, or what is wrong with it.
pub(in crate::config) type References = BTreeMap<(PathBuf, u32), Result<f64, String>>;
