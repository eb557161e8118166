//! The policy is left as it is.

use super::contract::{Findings, Response, Shown, Treatment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From the first confirmation on the policy is sampled and no longer updated.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Stop {
    /// Steps from the look to its effect.
    pub delay: u64,
}

impl Response for Stop {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn treat(&self, _: &Shown<'_>, _: &Findings<'_>) -> Treatment {
        Treatment { stop: true, ..Treatment::default() }
    }
}
