//! All that is paid most: the policy goes where each prompt's proxy is highest.

use super::shift::{Shift, give};
use crate::foundation::scalar::OpenProbability;
use crate::policies::Snapshot;
use crate::record::Outcomes;
use crate::theory::TheoryError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Gives each prompt's highest proxy the mass `mass_after`, or all of the mass where that is left out, and leaves the rest in
/// proportion; outcomes that tie share in proportion too. Fresh errors are not looked ahead to: their mean counts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Argmax {
    /// P(the highest proxy of the prompt) after the shift; all where it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mass_after: Option<OpenProbability>,
}

impl Shift for Argmax {
    fn log_ratio(&self, table: &Outcomes, policy: &Snapshot) -> Result<Vec<f64>, TheoryError> {
        let proxies: Vec<f64> = (0..table.len()).map(|cell| table.proxy(cell)).collect();
        let row = table.outcomes.max(1);
        let tops: Vec<f64> =
            proxies.chunks(row).map(|row| row.iter().copied().fold(f64::NEG_INFINITY, f64::max)).collect();
        let mass = self.mass_after.map_or(1.0, OpenProbability::get);
        Ok(give(mass, table, policy, |cell| proxies[cell] >= tops[cell / row]))
    }
}
