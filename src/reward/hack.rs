//! What counts as a hack. Never defined by U or X, which would nearly be a detector's score.

use crate::foundation::scalar::OpenProbability;
use crate::record::Outcomes;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The rule by which an audit confirms a hack.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum HackRule {
    /// Any outcome of a planted class.
    Planted,
    /// Any outcome whose utility lies below this quantile of V under π₀, prompt by prompt.
    UtilityBelow(OpenProbability),
}

impl HackRule {
    /// Marks the hacks of a table.
    pub(super) fn mark(self, table: &mut Outcomes) {
        match self {
            Self::Planted => {
                for (hack, class) in table.hack.iter_mut().zip(&table.class) {
                    *hack = *class > 0;
                }
            }
            Self::UtilityBelow(share) => {
                for start in (0..table.len()).step_by(table.outcomes.max(1)) {
                    mark_below(table, start, share.get());
                }
            }
        }
    }
}

/// Marks, from the worst up, outcomes of one prompt as long as their mass under π₀ stays within `share`.
fn mark_below(table: &mut Outcomes, start: usize, share: f64) {
    let mut order: Vec<usize> = (start..start + table.outcomes).collect();
    order.sort_unstable_by(|&a, &b| table.utility[a].total_cmp(&table.utility[b]).then(a.cmp(&b)));
    let mut mass = 0.0;
    for cell in order {
        mass += table.ref_log_prob[cell].exp();
        if mass > share * (1.0 + 1e-9) {
            break;
        }
        table.hack[cell] = true;
    }
}
