//! Faults between the deployment and the rest.

use super::Contradiction;
use crate::config::sections::Document;
use crate::reward::HackRule;

/// What contradicts itself.
pub(super) fn deployment(document: &Document) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut say = |path: String, message: String, help: &str| {
        found.push(Contradiction { path, message, help: help.to_owned() });
    };
    let (policy, trainer) = (document.policy.name(), document.trainer.name());
    let Some(deployment) = &document.deployment else {
        if document.trainer.part().steps() == 0 {
            say(
                format!("trainer.{trainer}.steps"),
                "a run without a step has no rollout".to_owned(),
                "use steps = 1 or more, or add [deployment]",
            );
        }
        return found;
    };
    let shift = deployment.shift.name();
    if document.policy.part().acts() {
        say(
            "deployment.shift".to_owned(),
            format!(
                "{shift} moves mass on a table of all trajectories, and policy.{policy} acts step by step"
            ),
            "use policy.tabular, or leave [deployment] out",
        );
    }
    let reward = &document.reward;
    let planted = !reward.exploits.is_empty() || !reward.triggers.is_empty();
    if deployment.shift.part().needs_hacks() && !planted && reward.hack_rule() == HackRule::Planted {
        say(
            "deployment.shift".to_owned(),
            format!("{shift} moves mass to the hacks, and nothing is a hack here"),
            "add [[reward.exploits]] or [[reward.triggers]], or use reward.hack = { utility_below = 0.05 }",
        );
    }
    found
}
