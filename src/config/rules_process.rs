//! Faults between the keys of a process, of the policy in it, and of what its reward model errs on.

use super::sections::Document;
use crate::foundation::rng::SeedTree;
use crate::reward::MOST_TRAJECTORIES;

/// Says what contradicts itself.
pub(super) fn process(document: &Document, say: &mut impl FnMut(&str, String, &str)) {
    let (environment, policy) = (document.environment.name(), document.policy.name());
    if let Err(problem) = document.environment.part().draw(&SeedTree::new(document.seed, 0)) {
        say(&format!("environment.{environment}"), problem.to_string(), "change what it names");
    }
    if !document.reward.exploits.is_empty() {
        say(
            "reward.exploits",
            format!("an exploit is planted among the outcomes of a bandit, and this is {environment}"),
            "use [[reward.triggers]]: a pattern of actions or a state that the reward model overrates",
        );
    }
    let trajectories = document.environment.part().cells().filter(|cells| *cells <= MOST_TRAJECTORIES);
    if document.policy.part().acts() {
        let trainer = document.trainer.name();
        if document.trainer.part().recipe().is_none() {
            say(
                &format!("trainer.{trainer}"),
                format!(
                    "{trainer} is worked out on a table of all trajectories, and policy.{policy} acts step by step"
                ),
                "use policy.tabular, or a trainer that learns: reinforce, rloo, grpo or ppo",
            );
        }
    } else if trajectories.is_none() {
        say(
            &format!("policy.{policy}"),
            format!(
                "{policy} has a number for every trajectory, and there are more than {MOST_TRAJECTORIES} or chance plays a role"
            ),
            "use policy.product, mlp, gru or transformer, or a smaller environment",
        );
    }
    if document.reward.correlation.get() != 0.0 && trajectories.is_none() {
        say(
            "reward.correlation",
            format!(
                "an error can follow the utility only where all trajectories are known, at most {MOST_TRAJECTORIES}"
            ),
            "set correlation = 0, or use a smaller environment",
        );
    }
}
