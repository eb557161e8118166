//! The `[audit]` section.

use crate::audit::Budget;
use crate::foundation::scalar::OpenProbability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How many rollouts may be audited, and when a detector raises an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    /// Audits allowed in a run, each budget on its own: below 1 a fraction of the rollouts, from 1 on a count.
    #[schemars(length(min = 1))]
    pub budgets: Vec<Budget>,
    /// Steps between an audit and its answer.
    pub delay: u64,
    /// Nominal false-alarm rate of a detector's alarm threshold, per rollout.
    pub alarm_rate: OpenProbability,
}

impl Default for AuditSection {
    fn default() -> Self {
        Self { budgets: default_budgets(), delay: 0, alarm_rate: OpenProbability::known(1e-4) }
    }
}

fn default_budgets() -> Vec<Budget> {
    [1e-3, 1e-2].into_iter().filter_map(|b| Budget::new(b).ok()).collect()
}
