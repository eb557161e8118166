//! The zero-shot jump: the policy executes what training never showed.

use super::shift::Shift;
use crate::foundation::scalar::OpenProbability;
use crate::policies::Snapshot;
use crate::record::Outcomes;
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
    fn log_ratio(&self, table: &Outcomes, policy: &Snapshot) -> Vec<f64> {
        let mass = self.mass_after.get();
        let mut theta = vec![0.0; table.len()];
        for start in (0..table.len()).step_by(table.outcomes.max(1)) {
            let row = start..start + table.outcomes;
            let hacks = row.clone().filter(|&cell| table.hack[cell]);
            let before: f64 = hacks.map(|cell| policy.log_prob(cell).exp()).sum();
            if before > 0.0 && before < 1.0 {
                let (up, down) = ((mass / before).ln(), (-mass).ln_1p() - (-before).ln_1p());
                for cell in row {
                    theta[cell] = if table.hack[cell] { up } else { down };
                }
            }
        }
        theta
    }
}
