//! The `[calibration]` section.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Rollouts of the reference policy, before training, from which detectors learn what is normal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CalibrationSection {
    /// How many.
    pub rollouts: NonZeroU32,
    /// Whether hacks among them were found and removed beforehand.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub vetted: bool,
}

impl Default for CalibrationSection {
    fn default() -> Self {
        Self { rollouts: NonZeroU32::MIN.saturating_add(9_999), vetted: false }
    }
}
