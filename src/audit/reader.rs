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
    /// Hacks of a kind that is harder to tell: supervision that is right on the easy part of what there is, and not on the rest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hard: Option<Hard>,
}

/// A kind of hack that a reader tells less often than others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Hard {
    /// Which of `[[reward.exploits]]` or `[[reward.triggers]]`, counted from 0.
    pub exploit: u32,
    /// Probability that such a hack is called one.
    pub sensitivity: Probability,
}

impl Default for Reader {
    fn default() -> Self {
        Self {
            sensitivity: Probability::known(1.0),
            specificity: Probability::known(1.0),
            cost: NonNegative::known(1.0),
            hard: None,
        }
    }
}

impl Reader {
    /// Whether it calls a rollout a hack, given the class of a hack and `None` for anything else; `draws` has one stream a look, of
    /// which `number` is this one's.
    pub fn says(&self, class: Option<u32>, draws: &Family, number: u64) -> bool {
        let hack = class.is_some();
        let right = match (class, self.hard) {
            (None, _) => self.specificity.get(),
            // Classes are the planted ones' places, counted from 1.
            (Some(class), Some(hard)) if class == hard.exploit.saturating_add(1) => hard.sensitivity.get(),
            _ => self.sensitivity.get(),
        };
        if right >= 1.0 {
            return hack;
        }
        if draws.at(number).open_unit() < right { hack } else { !hack }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    // Of 4,000 looks a share of 0.7 has a standard error of 0.0072.
    #[test]
    fn who_is_right_on_the_easy_part_alone_never_tells_the_rest() {
        let draws = SeedTree::new(4, 0).family(Purpose::Audit);
        let reader: Reader =
            serde_json::from_str(r#"{ "sensitivity": 0.7, "hard": { "exploit": 1, "sensitivity": 0 } }"#)
                .unwrap();
        let told = |class| (0..4000).filter(|look| reader.says(class, &draws, *look)).count() as f64 / 4000.0;
        assert_eq!(told(Some(2)), 0.0);
        for easy in [0, 1, 3] {
            assert!((told(Some(easy)) - 0.7).abs() < 0.03, "class {easy}: {}", told(Some(easy)));
        }
        assert_eq!(told(None), 0.0);
    }
}
