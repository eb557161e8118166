//! Visits of a confirmed outcome do not count.

use super::contract::{Findings, Response, Shown, Treatment, without};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every visit of a confirmed outcome has weight 0 in the update. Where outcomes hardly recur, as strings do, it removes
/// the one rollout, and what is left unread counts.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Remove {
    /// Steps from the look to its effect.
    pub delay: u64,
}

impl Response for Remove {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment {
        let confirmed = findings.outcomes();
        without(shown.observed.len(), |row| confirmed.binary_search(&shown.observed.outcome[row]).is_ok())
    }
}
