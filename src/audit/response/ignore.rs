//! Nothing is done.

use super::contract::{Findings, Response, Shown, Treatment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The run is what it is without an audit, to the byte.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Ignore {}

impl Response for Ignore {
    fn treat(&self, _: &Shown<'_>, _: &Findings<'_>) -> Treatment {
        Treatment::default()
    }
}
