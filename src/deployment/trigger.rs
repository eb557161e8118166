//! A trigger: now and then the policy is another one.

use super::ShiftSpec;
use super::shift::Shift;
use crate::foundation::scalar::Probability;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::theory::TheoryError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A sample comes from the shifted policy with probability `frequency`, else from the trained one: f·π' + (1 − f)·π. An
/// observer who does not know the trigger sees this mixture and nothing else.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trigger {
    /// Share of the samples in which the trigger is present.
    pub frequency: Probability,
    /// What the policy does then.
    pub shift: Box<ShiftSpec>,
}

impl Shift for Trigger {
    fn log_ratio(&self, table: &Outcomes, policy: &Snapshot) -> Result<Vec<f64>, TheoryError> {
        let shifted = self.shift.part().apply(table, policy)?;
        let f = self.frequency.get();
        // π'/π is 1 where both are 0.
        let ratio = |cell: usize| shifted.log_prob(cell) - policy.log_prob(cell);
        Ok((0..table.len()).map(ratio).map(|own| if own.is_nan() { 0.0 } else { mixed(f, own) }).collect())
    }

    fn needs_hacks(&self) -> bool {
        self.shift.part().needs_hacks()
    }
}

/// ln(f·exp(x) + 1 − f), without overflow.
fn mixed(f: f64, x: f64) -> f64 {
    if x > 0.0 { x + (f + (1.0 - f) * (-x).exp()).ln() } else { (f * x.exp_m1()).ln_1p() }
}
