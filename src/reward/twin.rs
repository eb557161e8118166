//! The twins of a run: the same seed with the cause of the hack absent, or with V and X exchanged.

use super::{Exploit, HackRule, RewardSection, Trigger};
use crate::foundation::scalar::Positive;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Which version of a run is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Twin {
    /// The run itself.
    Itself,
    /// The yardstick of harm: exploits absent where some are planted, else placebos absent where some are, else the error absent.
    Clean,
    /// The honest-outlier control: same U and seed, V and X exchanged. Every observable is byte-identical.
    Swapped,
    /// The placebo: what is planted is there, and is judged rightly (X = 0).
    Placebo,
}

impl RewardSection {
    /// Whether nothing is planted: no exploit, no placebo and no trigger.
    pub fn is_bare(&self) -> bool {
        self.exploits.is_empty() && self.placebos.is_empty() && self.triggers.is_empty()
    }

    /// Whether an exploit or a trigger is planted that pays anything else than what it is worth.
    pub fn plants_hacks(&self) -> bool {
        !self.exploits.is_empty() || self.triggers.iter().any(Trigger::errs)
    }

    /// Every planted class of a bandit: exploits, then placebos.
    pub fn planted(&self) -> Vec<Exploit> {
        self.exploits.iter().cloned().chain(self.placebos.iter().map(Exploit::from)).collect()
    }

    /// The section under which the clean twin is trained.
    pub fn clean(&self) -> Self {
        if self.is_bare() {
            Self {
                error: None,
                ensemble: None,
                condition: None,
                swap_twin: false,
                correlation: Self::default().correlation,
                ..self.clone()
            }
        } else {
            // Beside exploits, honest outcomes belong to the world; planted alone, they are what is asked about.
            let alone = self.exploits.is_empty() && self.triggers.is_empty();
            // What a trigger pays where it is worth as much belongs to the world too.
            let triggers = self.triggers.iter().filter(|own| !own.errs()).cloned().collect();
            let placebos = if alone { Vec::new() } else { self.placebos.clone() };
            Self {
                exploits: Vec::new(),
                placebos,
                triggers,
                hack: Some(HackRule::Planted),
                condition: None,
                swap_twin: false,
                ..self.clone()
            }
        }
    }

    /// The rule in force: as configured; else planted classes; else outcomes that are overrated by 3 robust standard deviations of U under π₀.
    pub fn hack_rule(&self) -> HackRule {
        self.hack.unwrap_or(if self.is_bare() {
            HackRule::Overrated(Positive::known(3.0))
        } else {
            HackRule::Planted
        })
    }
}
