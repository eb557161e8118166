//! The policy goes back to before the hack was first sampled.

use super::contract::{Findings, Response, Shown, Treatment};
use super::remove::Remove;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU64;

/// On a confirmation the policy, its optimizer and the KL coefficient go back to the last point kept before the outcome was first
/// sampled; its visits count no longer, for it would be learned again. Steps go on: what was sampled stays sampled.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RollBack {
    /// Steps from the look to its effect.
    pub delay: u64,
    /// Steps between the points that are kept.
    pub every: NonZeroU64,
}

impl Default for RollBack {
    fn default() -> Self {
        Self { delay: 0, every: NonZeroU64::MIN.saturating_add(9) }
    }
}

impl Response for RollBack {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn restore_every(&self) -> Option<u64> {
        Some(self.every.get())
    }

    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment {
        let new = &findings.all[findings.all.len() - findings.new.min(findings.all.len())..];
        let back_to = new.iter().filter_map(|finding| finding.first_sampled).min();
        Treatment { back_to, ..Remove { delay: self.delay }.treat(shown, findings) }
    }
}
