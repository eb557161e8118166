//! The `[[expect]]` sections: what the runs are held against.

use super::sweep::Arm;
use crate::foundation::scalar::{Correlation, Finite, NonNegative, Positive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::num::NonZeroU64;

/// One expectation: a number of the summary, in some arms or all, and what it should be.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expectation {
    /// Name of the number in `summary.csv`.
    pub metric: String,
    /// The arms: those that have all of these swept values, written as in the tables, for example
    /// `["student_t(df=3)", "10000"]`, or as `key=value`; all arms where nothing stands here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub arms: Vec<String>,
    /// Arms that have any of these swept values are left out.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
    /// What is expected.
    pub value: Expected,
}

/// Where an expected number comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Computed for each arm from its own settings: see `tailcatch list closed_forms`.
    ClosedForm,
    /// A published number.
    Published(Published),
    /// A bound: the number differs from 0 by no more than this, beyond its own error.
    AtMost(Positive),
    /// Rank correlation (Spearman) over the arms with another number of the summary.
    Ordered {
        /// The other number.
        by: String,
        /// Largest rank correlation that counts as ordered, such as −0.95.
        at_most: Correlation,
    },
}

/// A published number with its error.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Published {
    /// The number.
    pub estimate: Finite,
    /// Its standard error; where it was not published, `replicates` stand in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub standard_error: Option<NonNegative>,
    /// Replicates behind it: its error is then taken to be what so many of ours would have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicates: Option<NonZeroU64>,
    /// Where it was published.
    pub source: String,
}

impl Expectation {
    /// Whether it speaks of an arm.
    pub fn covers(&self, arm: &Arm) -> bool {
        let has = |label: &String| arm.places(label).next().is_some();
        self.arms.iter().all(has) && !self.except.iter().any(has)
    }

    /// Comparisons that it makes.
    pub fn comparisons(&self, arms: &[Arm]) -> usize {
        match self.value {
            Expected::Ordered { .. } => 1,
            _ => arms.iter().filter(|arm| self.covers(arm)).count(),
        }
    }

    /// What contradicts itself, as (key below the section, problem; remedy).
    pub(super) fn contradictions(&self, arms: &[Arm]) -> Vec<(&'static str, String)> {
        let mut found = Vec::new();
        for (key, labels) in [("arms", &self.arms), ("except", &self.except)] {
            for label in labels {
                let places: BTreeSet<usize> = arms.iter().flat_map(|arm| arm.places(label)).collect();
                if places.len() > 1 {
                    let problem = format!("two swept keys have the value {label}; write it as key={label}");
                    found.push((key, problem));
                }
                if !places.is_empty() {
                    continue;
                }
                let mut known: Vec<&str> =
                    arms.iter().flat_map(|arm| &arm.values).map(String::as_str).collect();
                known.sort_unstable();
                known.dedup();
                let listed = if known.is_empty() {
                    "nothing is swept here".to_owned()
                } else {
                    format!("the swept values are {}", known.join(", "))
                };
                found.push((key, format!("no arm has the value {label}; {listed}")));
            }
        }
        if found.is_empty() && !arms.iter().any(|arm| self.covers(arm)) {
            found.push(("arms", "no arm has all of these values; name fewer".to_owned()));
        }
        if let Expected::Ordered { at_most, .. } = &self.value
            && at_most.get() >= 0.0
        {
            let problem =
                "a rank correlation of 0 or more orders nothing; give a negative one, such as -0.95";
            found.push(("value.ordered.at_most", problem.to_owned()));
        }
        if let Expected::Published(Published { standard_error: None, replicates: None, .. }) = self.value {
            let problem =
                "a published number needs an error to be compared; add standard_error, or replicates";
            found.push(("value.published", problem.to_owned()));
        }
        found
    }
}
