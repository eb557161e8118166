//! Visits of a confirmed outcome are paid what they are worth.

use super::contract::{Findings, Response, Shown, Treatment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// U ← V: what is optimised at every visit of a confirmed outcome is the true utility that the look revealed.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Relabel {
    /// Steps from the look to its effect.
    pub delay: u64,
}

impl Response for Relabel {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment {
        let mut worth: Vec<(u64, f64)> =
            findings.all.iter().map(|finding| (finding.outcome, finding.revealed.utility)).collect();
        worth.sort_by_key(|(outcome, _)| *outcome);
        let find = |outcome: &u64| worth.binary_search_by_key(outcome, |(own, _)| *own).ok();
        let observed = shown.observed;
        let label = |(outcome, proxy): (&u64, &f64)| {
            find(outcome).and_then(|at| worth.get(at)).map_or(*proxy, |(_, utility)| *utility)
        };
        let known = observed.outcome.iter().any(|outcome| find(outcome).is_some());
        let labels = known.then(|| observed.outcome.iter().zip(&observed.proxy).map(label).collect());
        Treatment { labels, ..Treatment::default() }
    }
}
