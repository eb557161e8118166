//! The `[reward]` section.

use super::{Ensemble, Exploit, HackRule, Placebo, Trigger};
use crate::distributions::DistributionSpec;
use crate::distributions::Standardize;
use crate::foundation::scalar::Correlation;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How the proxy reward errs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RewardSection {
    /// `frozen`: a fixed mistake per outcome, exploitable; `fresh`: noise, redrawn at every visit.
    pub mode: Mode,
    /// Law of the error X; without it the proxy is the utility.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<DistributionSpec>,
    /// `none`; `sd`: mean 0 and standard deviation 1; `iqr`: median 0 and the interquartile range of N(0, 1).
    pub standardize: Standardize,
    /// Gaussian-copula correlation of error and utility; needs mode `frozen`.
    pub correlation: Correlation,
    /// Several reward models in the place of one; needs `error` and mode `frozen`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<Ensemble>,
    /// Planted classes of outcomes of a bandit.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exploits: Vec<Exploit>,
    /// Planted classes of honest outcomes of a bandit: what is measured as harm must ignore them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub placebos: Vec<Placebo>,
    /// Patterns of actions, or states, that the reward model overrates.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub triggers: Vec<Trigger>,
    /// What an audit confirms as a hack.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hack: Option<HackRule>,
    /// Also run the honest-outlier control, in which V and X change places.
    pub swap_twin: bool,
}

impl Default for RewardSection {
    fn default() -> Self {
        Self {
            mode: Mode::Frozen,
            error: None,
            standardize: Standardize::None,
            correlation: Correlation::known(0.0),
            ensemble: None,
            exploits: Vec::new(),
            placebos: Vec::new(),
            triggers: Vec::new(),
            hack: None,
            swap_twin: false,
        }
    }
}

/// Whether the error is a property of the outcome or of the visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// X is a pure function of the trajectory.
    Frozen,
    /// X is redrawn at every visit.
    Fresh,
}
