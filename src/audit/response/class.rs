//! The whole class of a confirmed hack does not count: a bound.

use super::contract::{Findings, Response, Shown, Treatment, without};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;

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
        let classes: HashSet<u32> = findings.all.iter().filter_map(|finding| finding.class).collect();
        let outcomes = findings.outcomes();
        // What is overrated and was not planted has class 0, and no class to go by.
        let of_class =
            |row: usize| shown.classes.is_some_and(|own| own[row] > 0 && classes.contains(&own[row]));
        without(shown.observed.len(), |row| outcomes.contains(&shown.observed.outcome[row]) || of_class(row))
    }
}
