//! Zero-shot optimisation: the policy goes on where training left off, without a sample.

use super::shift::Shift;
use crate::foundation::scalar::Positive;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::theory::TheoryError;
use crate::theory::tilt::Tilter;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The policy optimises the proxy further: the exact tilt π' ∝ π·exp(U/β), with the one β for all prompts at which
/// KL(π'‖π), the mean over prompts, is `kl`. Of all policies at that divergence from the trained one it has the highest proxy.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tilt {
    /// KL(deployed ‖ trained), in nats.
    pub kl: Positive,
}

impl Shift for Tilt {
    fn log_ratio(&self, table: &Outcomes, policy: &Snapshot) -> Result<Vec<f64>, TheoryError> {
        // The trained policy stands where the reference does.
        let ref_log_prob = (0..table.len()).map(|cell| policy.log_prob(cell)).collect();
        let trained = Outcomes { ref_log_prob, ..table.clone() };
        let tilter = Tilter::new(&trained);
        let tilt = tilter.at_budget(self.kl.get())?;
        Ok(tilter.reweighting(tilt.beta)?.log_ratio)
    }
}
