//! Faults between keys: each value is right on its own, and together they contradict each other.

mod audit;
mod bandit;
mod columns;
mod condition;
mod contradiction;
mod deployment;
mod ensemble;
mod process;
mod size;
mod trainer;

pub(super) use columns::unobservable;
pub(super) use contradiction::{Contradiction, References};

use super::sections::Document;
use crate::distributions::Standardized;
use crate::environments::EnvironmentSpec;
use crate::reward::{HackRule, Mode};

/// Everything that contradicts itself in the configuration of one arm.
pub(super) fn contradictions(document: &Document, references: &mut References) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut say = |path: &str, message: String, help: &str| {
        found.push(Contradiction { path: path.to_owned(), message, help: help.to_owned() });
    };
    let reach = match &document.environment {
        EnvironmentSpec::Bandit(bandit) => bandit::bandit(document, bandit, references, &mut say),
        _ => process::process(document, &mut say),
    };
    let reward = &document.reward;
    if reward.correlation.get() != 0.0 {
        if reward.error.is_none() {
            say(
                "reward.correlation",
                "a correlation with the utility needs an error".to_owned(),
                "add reward.error, or set correlation = 0",
            );
        } else if reward.mode == Mode::Fresh {
            say(
                "reward.correlation",
                "a fresh error is redrawn at every visit, so it cannot follow the utility".to_owned(),
                "set mode = \"frozen\", or correlation = 0",
            );
        }
    }
    if let Some(law) = &reward.error
        && let Err(problem) = Standardized::new(law.clone(), reward.standardize)
    {
        say("reward.standardize", problem.to_string(), "standardize = \"iqr\" exists for every law");
    }
    if !reward.plants_hacks() && matches!(reward.hack, Some(HackRule::Planted)) {
        say(
            "reward.hack",
            "a hack is to be a planted class, but there is no exploit or trigger".to_owned(),
            "add [[reward.exploits]] or [[reward.triggers]], or use hack = { utility_below = 0.05 }",
        );
    }

    found.extend(ensemble::ensemble(reward));
    found.extend(condition::condition(document));
    found.extend(deployment::deployment(document));
    found.extend(audit::audit(document));
    found.extend(size::size(document));
    found.extend(trainer::trainer(document));
    let mut say = |path: &str, message: String, help: &str| {
        found.push(Contradiction { path: path.to_owned(), message, help: help.to_owned() });
    };

    let trainer = document.trainer.name();
    for fault in document.trainer.part().contradictions() {
        say(&format!("trainer.{trainer}.{}", fault.key), fault.problem, &fault.remedy);
    }
    if let (Some(largest), Some((key, budget))) = (reach, document.trainer.part().kl_target())
        && budget > largest
    {
        say(
            &format!("trainer.{trainer}.{key}"),
            format!(
                "a KL of {budget} nats is out of reach: the largest that this reference allows is {largest:.4}"
            ),
            "lower the budget, or allow more outcomes: KL ≤ ln(1/π₀) of the rarest, which is ln K for K outcomes and a uniform reference",
        );
    }

    for i in 1..document.detectors.len() {
        if let Some(first) = document.detectors[..i].iter().position(|d| *d == document.detectors[i]) {
            let name = document.detectors[i].name();
            say(
                &format!("detectors.{i}"),
                format!("{name} stands here twice with the same settings (entries {first} and {i})"),
                "remove one of the two: its scores would count twice",
            );
        }
    }
    let budgets = &document.audit.budgets;
    for i in 1..budgets.len() {
        if budgets[..i].contains(&budgets[i]) {
            say(
                &format!("audit.budgets.{i}"),
                "this budget stands here twice".to_owned(),
                "remove one of the two",
            );
        }
    }
    found
}
