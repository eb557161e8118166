//! Faults between the deployment and the rest.

use super::Contradiction;
use crate::config::sections::Document;
use crate::reward::{HackRule, MOST_SUMMED};

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
    if document.trainer.part().steps() == 0 && deployment.steps == 0 {
        say(
            format!("trainer.{trainer}.steps"),
            "a run without a step has no rollout".to_owned(),
            "use steps = 1 or more, here or in [deployment]",
        );
    }
    match (deployment.samples.is_some(), deployment.monitors.is_empty()) {
        (false, true) if deployment.steps == 0 => say(
            "deployment.steps".to_owned(),
            "nothing is sampled of the deployed policy".to_owned(),
            "add samples and monitors, or steps",
        ),
        (true, true) => say(
            "deployment.samples".to_owned(),
            "samples are drawn for monitors, and there is none".to_owned(),
            "add monitors, such as [{ reading_list = {} }, { random = {} }]: see `tailcatch list deployment_monitors`",
        ),
        (false, false) => say(
            "deployment.monitors".to_owned(),
            "monitors watch samples, and none are drawn".to_owned(),
            "add samples = 10000, or as many as the deployment is planned for",
        ),
        _ => {}
    }
    let monitors = &deployment.monitors;
    for i in 1..monitors.len() {
        if let Some(first) = monitors[..i].iter().position(|own| *own == monitors[i]) {
            say(
                format!("deployment.monitors.{i}"),
                format!(
                    "{} stands here twice with the same settings (entries {first} and {i})",
                    monitors[i].name()
                ),
                "remove one of the two",
            );
        }
    }
    let shift = deployment.shift.name();
    if document.policy.part().acts() {
        let few = document.environment.part().cells().is_some_and(|cells| cells <= MOST_SUMMED);
        if deployment.steps > 0 {
            say(
                "deployment.steps".to_owned(),
                format!(
                    "{shift} moves mass on a table of all trajectories, and policy.{policy} acts step by step"
                ),
                "use policy.tabular, or samples and monitors in the place of steps",
            );
        }
        if !few {
            say(
                "deployment.samples".to_owned(),
                format!(
                    "what policy.{policy} has learned is deployed as a table of at most {MOST_SUMMED} trajectories, and there are more"
                ),
                "use a smaller vocabulary, length or number of prompts",
            );
        }
    }
    let reward = &document.reward;
    let planted = reward.plants_hacks();
    if deployment.shift.part().needs_hacks() && !planted && reward.hack_rule() == HackRule::Planted {
        say(
            "deployment.shift".to_owned(),
            format!("{shift} moves mass to the hacks, and nothing is a hack here"),
            "add [[reward.exploits]] or [[reward.triggers]], or use reward.hack = { utility_below = 0.05 }",
        );
    }
    found
}
