//! Faults between the condition of the runs and the rest.

use super::Contradiction;
use crate::config::sections::Document;
use crate::reward::HackRule;

const KEY: &str = "reward.condition";

/// What contradicts itself.
pub(super) fn condition(document: &Document) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let reward = &document.reward;
    if reward.condition.is_none() {
        return found;
    }
    let mut say = |message: String, help: &str| {
        found.push(Contradiction { path: KEY.to_owned(), message, help: help.to_owned() });
    };
    let planted = reward.plants_hacks();
    let nothing = match reward.hack_rule() {
        HackRule::Planted => !planted,
        HackRule::Overrated(_) => !planted && reward.error.is_none(),
        HackRule::UtilityBelow(_) => false,
    };
    if nothing {
        say(
            "a run cannot sight a hack where nothing is one".to_owned(),
            "add [[reward.exploits]], or leave the condition out",
        );
    }
    if document.policy.part().acts() {
        say(
            format!(
                "the probability of a hack must be known exactly, and policy.{} acts step by step",
                document.policy.name()
            ),
            "use policy.tabular, or leave the condition out",
        );
    }
    if document.trainer.part().steps() == 0 {
        say(
            "a run without a step of training sights nothing in training".to_owned(),
            "use trainer steps = 1 or more, or leave the condition out",
        );
    }
    found
}
