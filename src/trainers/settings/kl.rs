//! The KL sections of trainers whose defaults differ from REINFORCE's.

use crate::foundation::scalar::{NonNegative, Positive};
use crate::trainers::loss::kl::{Controller, Estimator, KlPenalty, Per, Place};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The section of a trainer whose defaults differ: a key that is left out has the trainer's default, not REINFORCE's.
macro_rules! kl_section {
    ($(#[$doc:meta])* $name:ident, $coefficient:literal, $estimator:ident, $place:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name {
            /// β, in units of reward per nat; where a controller changes it, its initial value.
            pub coefficient: NonNegative,
            /// How KL(π‖π₀) is estimated from a batch.
            pub estimator: Estimator,
            /// Whether the penalty is taken from each rollout's reward or added to the loss.
            pub place: Place,
            /// Whether the estimate is made of each action's log-ratio and summed, or of the whole trajectory's.
            pub per: Per,
            /// What changes β during training.
            pub controller: Controller,
            /// Early stop: from the first step whose policy has a larger KL(π‖π₀), in nats, the policy is sampled but no
            /// longer updated, however β stands.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub stop: Option<Positive>,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    coefficient: NonNegative::known($coefficient),
                    estimator: Estimator::$estimator,
                    place: Place::$place,
                    per: Per::Token,
                    controller: Controller::Fixed,
                    stop: None,
                }
            }
        }

        impl From<&$name> for KlPenalty {
            fn from(section: &$name) -> Self {
                Self {
                    coefficient: section.coefficient,
                    estimator: section.estimator,
                    place: section.place,
                    per: section.per,
                    controller: section.controller.clone(),
                    stop: section.stop,
                }
            }
        }
    };
}

kl_section!(
    /// The penalty of RLHF's PPO and RLOO: k1 in the reward, 0.05 (TRL 1.16; of PPO, 1.12).
    RewardKl, 0.05, K1, Reward
);
kl_section!(
    /// GRPO's penalty: k3 in the loss. **The coefficient is 0 unless it is set**, as in TRL 1.16: nothing then holds the policy to
    /// the reference (Shao et al. 2024 use 0.04).
    LossKl, 0.0, K3, Loss
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_of_a_section_has_its_own_default() {
        let section: RewardKl = serde_json::from_str(r#"{ "estimator": "k2" }"#).unwrap();
        assert_eq!((section.coefficient.get(), section.place), (0.05, Place::Reward));
        let section: LossKl = serde_json::from_str("{}").unwrap();
        assert_eq!(
            (section.coefficient.get(), section.estimator, section.place),
            (0.0, Estimator::K3, Place::Loss)
        );
    }
}
