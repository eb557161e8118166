//! The twins of a run: the same seed with the cause of the hack absent, or with V and X exchanged.

use super::{HackRule, RewardSection};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which version of a run is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Twin {
    /// The run itself.
    Itself,
    /// The yardstick of harm: exploits absent where some are planted, otherwise the error absent.
    Clean,
    /// The honest-outlier control: same U and seed, V and X exchanged. Every observable is byte-identical.
    Swapped,
}

impl RewardSection {
    /// Whether nothing is planted: no exploit and no trigger.
    pub fn is_bare(&self) -> bool {
        self.exploits.is_empty() && self.triggers.is_empty()
    }

    /// The section under which the clean twin is trained.
    pub fn clean(&self) -> Self {
        if self.is_bare() {
            Self {
                error: None,
                ensemble: None,
                swap_twin: false,
                correlation: Self::default().correlation,
                ..self.clone()
            }
        } else {
            Self {
                exploits: Vec::new(),
                triggers: Vec::new(),
                hack: Some(HackRule::Planted),
                swap_twin: false,
                ..self.clone()
            }
        }
    }

    /// The rule in force: as configured; else planted classes; else V below its 5% quantile under π₀.
    pub fn hack_rule(&self) -> HackRule {
        self.hack.unwrap_or(if self.is_bare() {
            HackRule::UtilityBelow(crate::foundation::scalar::OpenProbability::known(0.05))
        } else {
            HackRule::Planted
        })
    }
}
