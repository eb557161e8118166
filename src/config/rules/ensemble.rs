//! Faults between the keys of `[reward]` that belong to an ensemble.

use super::contradiction::Contradiction;
use crate::reward::{Mode, RewardSection};

/// What an ensemble contradicts.
pub(super) fn ensemble(reward: &RewardSection) -> Option<Contradiction> {
    reward.ensemble.as_ref()?;
    let (message, help) = if reward.error.is_none() {
        (
            "the members of an ensemble differ by their errors, and there is none",
            "add reward.error, or remove the ensemble",
        )
    } else if reward.mode == Mode::Fresh {
        (
            "the members of an ensemble err in a fixed way each, and a fresh error is redrawn at every visit",
            "set mode = \"frozen\", or remove the ensemble",
        )
    } else if reward.correlation.get() != 0.0 {
        (
            "the errors of an ensemble are tied to each other, and cannot be tied to the utility as well",
            "set reward.correlation = 0, or remove the ensemble; reward.ensemble.correlation ties the members",
        )
    } else {
        return None;
    };
    Some(Contradiction {
        path: "reward.ensemble".to_owned(),
        message: message.to_owned(),
        help: help.to_owned(),
    })
}
