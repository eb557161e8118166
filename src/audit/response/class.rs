//! The whole class of a confirmed hack does not count: a bound.

use super::contract::{Findings, Response, Shown, Treatment, without};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Every rollout of the planted class of a confirmed hack has weight 0. It knows the class of rollouts that nobody read, as
/// someone would who understood the exploit: no response by outcomes does better.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Class {
    /// Steps from the look to its effect.
    pub delay: u64,
}

impl Response for Class {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn is_bound(&self) -> bool {
        true
    }

    fn treat(&self, shown: &Shown<'_>, findings: &Findings<'_>) -> Treatment {
        let mut classes: Vec<u32> = findings.all.iter().filter_map(|finding| finding.class).collect();
        classes.sort_unstable();
        let outcomes = findings.outcomes();
        // What is overrated and was not planted has class 0, and no class to go by.
        let of_class = |row: usize| {
            shown.classes.is_some_and(|own| own[row] > 0 && classes.binary_search(&own[row]).is_ok())
        };
        without(shown.observed.len(), |row| {
            outcomes.binary_search(&shown.observed.outcome[row]).is_ok() || of_class(row)
        })
    }
}
