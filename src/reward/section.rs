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
    /// Which runs are sampled: `sighted`, those that sample a hack at least once in training, each with the exact probability
    /// P_seen of being one; all of them where it is left out. For hacks so rare that most runs would show nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub condition: Option<Condition>,
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
            condition: None,
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

/// What a run is conditioned on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// A hack is sampled at least once in training.
    Sighted,
}
