//! Rollouts near a confirmed hack do not count.

use super::contract::{Findings, Response, Shown, Treatment, without};
use crate::foundation::scalar::Positive;
use crate::record::{DISAGREEMENT, GRADIENT_NORM, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A rollout has weight 0 if it lies within `radius` of a confirmed hack, by the Euclidean distance between the policy's last
/// hidden layers. What is honest and near is removed too, and is counted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Neighbourhood {
    /// Largest distance, in the units of the features.
    pub radius: Positive,
    /// Steps from the look to its effect.
    #[serde(default)]
    pub delay: u64,
}

impl Response for Neighbourhood {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn needs_features(&self) -> bool {
        true
    }

    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment {
        let most = self.radius.get() * self.radius.get();
        let columns: Vec<&[f64]> = hidden_columns(shown.observed).collect();
        let near = |row: usize, centre: &[f64]| {
            let squares = columns.iter().zip(centre).map(|(column, x)| (column[row] - x).powi(2));
            squares.sum::<f64>() <= most
        };
        let outcomes = findings.outcomes();
        without(shown.observed.len(), |row| {
            outcomes.binary_search(&shown.observed.outcome[row]).is_ok()
                || findings
                    .all
                    .iter()
                    .any(|finding| !finding.features.is_empty() && near(row, &finding.features))
        })
    }
}

/// The activations among the features, in their order.
pub fn hidden_columns(observed: &Observed) -> impl Iterator<Item = &[f64]> {
    let own = observed.features.iter().filter(|(name, _)| name != DISAGREEMENT && name != GRADIENT_NORM);
    own.map(|(_, column)| column.as_slice())
}
