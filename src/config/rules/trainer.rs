//! Faults between the trainer's keys and what it learns from: an outcome of a table is one action.

use super::contradiction::Contradiction;
use crate::config::sections::Document;
use crate::environments::EnvironmentSpec;
use crate::trainers::{Credit, ImportanceSamplingLevel, LossType};

/// Keys of rollouts of several actions where each is one, and of rollouts that are cut off where none is.
pub(super) fn trainer(document: &Document) -> Vec<Contradiction> {
    let Some(recipe) = document.trainer.part().recipe() else { return Vec::new() };
    let (objective, policy) = (recipe.objective, document.policy.name());
    let mut found = Vec::new();
    let mut say = |key: &str, message: String, help: &str| {
        let path = format!("trainer.{}.{key}", recipe.name);
        found.push(Contradiction { path, message, help: help.to_owned() });
    };
    let sequence = objective.surrogate.is_some_and(|clip| clip.level == ImportanceSamplingLevel::Sequence);
    if !document.policy.part().acts() {
        if recipe.separate_critic {
            say(
                "separate_critic",
                format!("the values of policy.{policy} share nothing with it anyway"),
                "remove it, or use a policy that acts step by step: product, mlp, gru or transformer",
            );
        }
        for (set, key, value) in [
            (objective.loss_type != LossType::Sum, "loss_type", "sum"),
            (sequence, "importance_sampling_level", "token"),
        ] {
            if set {
                say(
                    key,
                    format!(
                        "a rollout of policy.{policy} is one action, so that there is nothing to average over"
                    ),
                    &format!(
                        "use {key} = \"{value}\", or a policy that acts step by step: product, mlp, gru or transformer"
                    ),
                );
            }
        }
    }
    let functions =
        document.policy.part().acts() && document.reward.triggers.iter().any(|own| own.own_function);
    if matches!(objective.credit, Credit::EachFunction) && !functions {
        say(
            "multi_objective_aggregation",
            "there is one reward function alone, and nothing to sum".to_owned(),
            "set own_function = true in one of [[reward.triggers]], with a policy that acts step by step",
        );
    }
    let endless = matches!(&document.environment, EnvironmentSpec::Tokens(tokens) if !tokens.end);
    if objective.mask_truncated && (endless || !document.policy.part().acts()) {
        say(
            "mask_truncated_completions",
            "no rollout is cut off here: strings are cut only where a token ends them and it did not come"
                .to_owned(),
            "remove it, or set environment.tokens.end = true with a policy that acts step by step",
        );
    }
    found
}
