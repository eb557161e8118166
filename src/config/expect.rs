//! The `[[expect]]` sections: what the runs are held against.

use crate::foundation::scalar::{Correlation, Finite, NonNegative, Positive};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
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
    /// A lower bound: the number lies above this by more than its own error.
    AtLeast(Finite),
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
