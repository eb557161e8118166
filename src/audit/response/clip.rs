//! Rewards are clipped once something was confirmed.

use super::contract::{Findings, Response, Shown, Treatment};
use crate::foundation::scalar::Finite;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// From the first confirmation on every reward above `at` is paid as `at`: by default the largest reward among the rollouts of
/// the reference.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Clip {
    /// Steps from the look to its effect.
    pub delay: u64,
    /// Largest reward that is paid.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub at: Option<Finite>,
}

impl Response for Clip {
    fn delay(&self) -> u64 {
        self.delay
    }

    fn treat(&self, shown: &Shown<'_>, _: &Findings<'_>) -> Treatment {
        let most = self.at.map_or(shown.reference_max, f64::from);
        let proxy = &shown.observed.proxy;
        let above = proxy.iter().any(|u| *u > most);
        let labels = above.then(|| proxy.iter().map(|u| u.min(most)).collect());
        Treatment { labels, ..Treatment::default() }
    }
}
