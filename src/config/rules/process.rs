//! Faults between the keys of a process, of the policy in it, and of what its reward model errs on.

use crate::config::sections::Document;
use crate::environments::{EnvironmentError, EnvironmentSpec, Process, State, World};
use crate::foundation::rng::SeedTree;
use crate::reward::{LONGEST_PATTERN, MOST_SUMMED, MOST_TRAJECTORIES, Pattern};
use crate::trainers::Controller;
use std::collections::HashMap;

/// Says what contradicts itself; gives the largest KL(π‖π₀) in reach, in nats, where trajectories are few enough to be listed.
pub(super) fn process(document: &Document, say: &mut impl FnMut(&str, String, &str)) -> Option<f64> {
    let (environment, policy) = (document.environment.name(), document.policy.name());
    let trajectories = document.environment.part().cells().filter(|cells| *cells <= MOST_TRAJECTORIES);
    let mut reach = None;
    match document.environment.part().draw(&SeedTree::new(document.seed, 0)) {
        Err(problem) => {
            let key = match &problem {
                EnvironmentError::Map { .. } => "environment.gridworld.map".to_owned(),
                EnvironmentError::Size { key, .. } => format!("environment.{environment}.{key}"),
                _ => format!("environment.{environment}"),
            };
            say(&key, problem.to_string(), "change what it names");
        }
        Ok(World::Process(process)) => {
            triggers(document, process.as_ref(), say);
            held_out(document, process.as_ref(), say);
            reach = trajectories.map(|_| largest_kl(process.as_ref()));
        }
        Ok(World::Table(_)) => {}
    }
    if !document.reward.exploits.is_empty() {
        say(
            "reward.exploits",
            format!("an exploit is planted among the outcomes of a bandit, and this is {environment}"),
            "use [[reward.triggers]]: a pattern of actions or a state that the reward model overrates",
        );
    }
    if !document.reward.placebos.is_empty() {
        say(
            "reward.placebos",
            format!("a placebo is planted among the outcomes of a bandit, and this is {environment}"),
            "use [[reward.triggers]] with proxy = utility: what it pays is then what it is worth",
        );
    }
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
    reach
}

/// −ln π₀ of the rarest trajectory, in nats, averaged over the prompts: no policy of a deterministic process is further away.
fn largest_kl(process: &dyn Process) -> f64 {
    let (mut known, prompts) = (HashMap::new(), process.prompts());
    (0..prompts).map(|prompt| rarest(process, process.start(prompt), &mut known)).sum::<f64>()
        / prompts as f64
}

fn rarest(process: &dyn Process, state: State, known: &mut HashMap<State, f64>) -> f64 {
    if process.ended(state) {
        return 0.0;
    }
    if let Some(found) = known.get(&state) {
        return *found;
    }
    let mut moves = Vec::new();
    let mut found = 0f64;
    for (action, log_prob) in process.reference(state).iter().enumerate() {
        process.moves(state, action, &mut moves);
        for turn in &moves {
            found = found.max(rarest(process, turn.next, known) - log_prob);
        }
    }
    known.insert(state, found);
    found
}

/// What would look at prompts that training holds out, or would not look at them afterwards.
fn held_out(document: &Document, process: &dyn Process, say: &mut impl FnMut(&str, String, &str)) {
    let (all, trained) = (process.prompts(), process.trained());
    for (place, trigger) in document.reward.triggers.iter().enumerate() {
        if !(0..all).any(|prompt| trigger.prompts.holds(prompt, trained)) {
            say(
                &format!("reward.triggers.{place}.prompts"),
                format!("no prompt is one of these: there are {all}, of which training answers {trained}"),
                "change it, or environment.tokens.held_out",
            );
        }
    }
    if trained == all {
        return;
    }
    const KEY: &str = "environment.tokens.held_out";
    let trainer = document.trainer.name();
    let few = document.environment.part().cells().is_some_and(|cells| cells <= MOST_SUMMED);
    if document.policy.part().acts() && !few {
        say(
            KEY,
            format!(
                "what a policy does in answer to them is summed over at most {MOST_SUMMED} trajectories, and there are more"
            ),
            "use a smaller vocabulary, length or number of prompts",
        );
    }
    let recipe = document.trainer.part().recipe();
    match recipe.map(|recipe| recipe.objective.kl.controller) {
        Some(Controller::Fixed) => {}
        Some(_) => say(
            KEY,
            "what controls the KL is told that of all prompts, those that are held out among them".to_owned(),
            "use controller = \"fixed\"",
        ),
        None => say(
            KEY,
            format!("{trainer} is worked out on the table of all prompts"),
            "use a trainer that learns from rollouts: reinforce, rloo, grpo or ppo",
        ),
    }
}

/// Patterns that no trajectory can hold.
fn triggers(document: &Document, process: &dyn Process, say: &mut impl FnMut(&str, String, &str)) {
    let longest = process.horizon().min(LONGEST_PATTERN);
    for (place, trigger) in document.reward.triggers.iter().enumerate() {
        let key = format!("reward.triggers.{place}.pattern");
        let length = match &trigger.pattern {
            Pattern::Tokens(n) => n.get() as usize,
            Pattern::Explicit(actions) => {
                if let Some(action) = actions.iter().find(|action| **action as usize >= process.actions()) {
                    say(
                        &key,
                        format!(
                            "there is no action {action}: they are numbered from 0 to {}",
                            process.actions() - 1
                        ),
                        "change the pattern",
                    );
                }
                actions.len()
            }
            Pattern::Glitch => {
                let glitches = matches!(&document.environment, EnvironmentSpec::Gridworld(world)
                    if world.map.iter().any(|row| row.contains('X')));
                if !glitches {
                    say(
                        &key,
                        "this environment has no glitch to enter".to_owned(),
                        "use environment.gridworld with an X on its map, or a pattern of actions",
                    );
                }
                1
            }
        };
        if length == 0 || length > longest {
            say(
                &key,
                format!("a pattern of {length} actions cannot stand in a trajectory of at most {longest}"),
                "change the pattern, or the length of trajectories",
            );
        }
    }
}
