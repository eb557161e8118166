//! The `[audit]` section.

use crate::audit::{AuditorSpec, Budget, Reader, Records, ResponseSpec};
use crate::foundation::scalar::OpenProbability;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who audits a run, what is done about a confirmed hack, and when a detector raises an alarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AuditSection {
    /// When a rollout is read, and which, by the scores of each detector.
    pub auditor: AuditorSpec,
    /// Who reads.
    pub reader: Reader,
    /// What is done about a confirmed hack, in the run itself; the scores are the first detector's.
    pub response: ResponseSpec,
    /// Audits of the clock `top`, beside the auditor, each budget on its own: below 1 a fraction of the rollouts, from 1 on a
    /// count.
    #[schemars(length(min = 1))]
    pub budgets: Vec<Budget>,
    /// Steps between an audit and its answer, where no response says it.
    pub delay: u64,
    /// Nominal false-alarm rate of a detector's alarm threshold, per rollout.
    pub alarm_rate: OpenProbability,
}

impl Default for AuditSection {
    fn default() -> Self {
        Self {
            auditor: AuditorSpec::Records(Records::default()),
            reader: Reader::default(),
            response: ResponseSpec::default(),
            budgets: default_budgets(),
            delay: 0,
            alarm_rate: OpenProbability::known(1e-4),
        }
    }
}

impl AuditSection {
    /// Steps from a look to its effect.
    pub fn delay(&self) -> u64 {
        if self.response.acts() { self.response.part().delay() } else { self.delay }
    }
}

fn default_budgets() -> Vec<Budget> {
    [1e-3, 1e-2].into_iter().filter_map(|b| Budget::new(b).ok()).collect()
}
