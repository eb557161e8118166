//! Placebos: honest outcomes planted like exploits, which every measure of harm must ignore.

use super::Exploit;
use super::exploit::everywhere;
use crate::foundation::scalar::{Finite, OpenProbability, Probability};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// A class of outcomes that the reward model judges rightly: U = V, X = 0. No audit confirms one, and what is measured as the
/// harm of hacks must find none in it, however large or small its reward is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Placebo {
    /// Mass of the whole class under the reference.
    pub mass: OpenProbability,
    /// Number of outcomes the mass is spread over, per prompt; by default as for an exploit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcomes: Option<NonZeroU32>,
    /// Proxy reward U and true utility V of each.
    pub proxy: Finite,
    /// Share of the prompts in which the class exists.
    #[serde(default = "everywhere")]
    pub contexts: Probability,
}

impl From<&Placebo> for Exploit {
    /// The class with no error.
    fn from(placebo: &Placebo) -> Self {
        Self {
            mass: placebo.mass,
            outcomes: placebo.outcomes,
            proxy: placebo.proxy,
            utility: Some(placebo.proxy),
            contexts: placebo.contexts,
        }
    }
}
