//! The zero-shot jump: the policy executes what training never showed.

use super::shift::{Shift, give};
use crate::foundation::scalar::OpenProbability;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::theory::TheoryError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Gives the hacks the mass `mass_after` in every prompt that has hacks, and leaves the rest in proportion. An adversary: it
/// knows the exploits without having sampled them. Of all policies with that mass on hacks it is the nearest to the trained one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Jump {
    /// P(hack) after the jump.
    pub mass_after: OpenProbability,
}

impl Shift for Jump {
    fn log_ratio(&self, table: &Outcomes, policy: &Snapshot) -> Result<Vec<f64>, TheoryError> {
        Ok(give(self.mass_after.get(), table, policy, |cell| table.hack[cell]))
    }

    fn needs_hacks(&self) -> bool {
        true
    }
}
