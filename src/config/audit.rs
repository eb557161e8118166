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
    /// A cheap reader, who reads first: the other one then reads only what this one confirmed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub screen: Option<Reader>,
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
            screen: None,
            response: ResponseSpec::default(),
            budgets: default_budgets(),
            delay: 0,
            alarm_rate: OpenProbability::known(1e-4),
        }
    }
}

impl AuditSection {
    /// What an audit costs that made so many looks, of which a screen passed so many on.
    pub fn cost(&self, looks: u64, passed: u64) -> f64 {
        match &self.screen {
            Some(screen) => looks as f64 * screen.cost.get() + passed as f64 * self.reader.cost.get(),
            None => looks as f64 * self.reader.cost.get(),
        }
    }

    /// Steps from a look to its effect.
    pub fn delay(&self) -> u64 {
        if self.response.acts() { self.response.part().delay() } else { self.delay }
    }
}

fn default_budgets() -> Vec<Budget> {
    [1e-3, 1e-2].into_iter().filter_map(|b| Budget::new(b).ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::scalar::NonNegative;

    #[test]
    fn a_screen_is_paid_for_every_look_and_the_reader_for_what_it_passes_on() {
        let at = |cost: f64| Reader { cost: NonNegative::known(cost), ..Reader::default() };
        let alone = AuditSection { reader: at(4.0), ..AuditSection::default() };
        assert_eq!(alone.cost(100, 0), 400.0, "100 looks at 4");
        let cascade = AuditSection { screen: Some(at(0.5)), ..alone };
        assert_eq!(cascade.cost(100, 7), 78.0, "100 looks at .5, and 7 at 4");
        assert_eq!(cascade.cost(0, 0), 0.0);
    }
}
