//! The `[sweep]` section as it is written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Dotted keys, as written, each with the values it takes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Sweep(
    #[schemars(with = "std::collections::BTreeMap<String, Vec<serde_json::Value>>")] toml::Table,
);

impl Sweep {
    /// Whether nothing is swept.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
