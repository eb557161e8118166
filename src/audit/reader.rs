//! Who reads: what a look reveals, how often it errs, and what it costs.

use crate::foundation::rng::Family;
use crate::foundation::scalar::{NonNegative, Probability};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a look at one rollout reveals. It was paid for, and nothing else was.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Revealed {
    /// Whether the reader calls it a hack.
    pub hack: bool,
    /// True utility V of the visit.
    pub utility: f64,
    /// Error X of the visit.
    pub error: f64,
}

/// A reader, who may err; each look costs the same, whether it confirms or not.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Reader {
    /// Probability that a hack is called one.
    pub sensitivity: Probability,
    /// Probability that anything else is called none.
    pub specificity: Probability,
    /// What a look costs.
    pub cost: NonNegative,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            sensitivity: Probability::known(1.0),
            specificity: Probability::known(1.0),
            cost: NonNegative::known(1.0),
        }
    }
}

impl Reader {
    /// Whether it calls a rollout a hack; `draws` has one stream a look, of which `number` is this one's.
    pub fn says(&self, hack: bool, draws: &Family, number: u64) -> bool {
        let right = if hack { self.sensitivity.get() } else { self.specificity.get() };
        if right >= 1.0 {
            return hack;
        }
        if draws.at(number).open_unit() < right { hack } else { !hack }
    }
}
