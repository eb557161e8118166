//! Faults between keys: each value is right on its own, and together they contradict each other.

use super::rules_reward;
use super::sections::Document;
use crate::distributions::Standardized;
use crate::environments::{Bandit, Environment as _, EnvironmentSpec, Reference};
use crate::foundation::rng::SeedTree;
use crate::reward::{Exploit, HackRule, Mode, outcomes_of};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Cells of the largest table: about 40 bytes each.
const MOST_CELLS: usize = 10_000_000;

/// One contradiction.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Contradiction {
    /// Dotted key under which the caret goes.
    pub path: String,
    pub message: String,
    pub help: String,
}

/// Smallest ln π₀ of each reference file that was read, or what is wrong with it.
pub(super) type References = BTreeMap<(PathBuf, u32), Result<f64, String>>;

/// Everything that contradicts itself in the configuration of one arm.
pub(super) fn contradictions(document: &Document, references: &mut References) -> Vec<Contradiction> {
    let mut found = Vec::new();
    let mut say = |path: &str, message: String, help: &str| {
        found.push(Contradiction { path: path.to_owned(), message, help: help.to_owned() });
    };
    let EnvironmentSpec::Bandit(bandit) = &document.environment;
    let cells = document.environment.part().cells();
    if cells > MOST_CELLS {
        say(
            "environment.bandit.outcomes",
            format!("outcomes × contexts is {cells} cells; {MOST_CELLS} is the limit"),
            "lower one of the two: a table of ten million cells takes about 400 MB",
        );
    }

    let lowest = match &bandit.reference {
        Reference::Uniform => Some(-f64::from(bandit.outcomes.get()).ln()),
        Reference::File(_) if cells > MOST_CELLS => None,
        Reference::File(path) => {
            let key = (path.clone(), bandit.outcomes.get());
            match references.entry(key).or_insert_with(|| lowest_of(bandit, document.seed)) {
                Ok(lowest) => Some(*lowest),
                Err(problem) => {
                    say(
                        "environment.bandit.reference.file",
                        problem.clone(),
                        "a CSV with a header, a column log_prob and one row an outcome is needed; its path is taken from the \
                         working directory",
                    );
                    None
                }
            }
        }
    };

    let reward = &document.reward;
    let planted = exploits_fit(&reward.exploits, bandit.outcomes.get() as usize, &mut say);
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
    if reward.exploits.is_empty() && matches!(reward.hack, Some(HackRule::Planted)) {
        say(
            "reward.hack",
            "a hack is to be a planted class, but there is no exploit".to_owned(),
            "add [[reward.exploits]], or use hack = { utility_below = 0.05 }",
        );
    }

    found.extend(rules_reward::ensemble(reward));
    let mut say = |path: &str, message: String, help: &str| {
        found.push(Contradiction { path: path.to_owned(), message, help: help.to_owned() });
    };

    let trainer = document.trainer.name();
    for (key, problem) in document.trainer.part().contradictions() {
        // The remedy follows the problem, after a semicolon.
        let (problem, help) = problem.split_once("; ").unwrap_or((problem.as_str(), "change one of the two"));
        say(&format!("trainer.{trainer}.{key}"), problem.to_owned(), help);
    }
    if let (true, Some(lowest), Some((key, budget))) = (planted, lowest, document.trainer.part().kl_target())
    {
        let largest = largest_kl(bandit, &reward.exploits, lowest);
        if budget > largest {
            say(
                &format!("trainer.{trainer}.{key}"),
                format!(
                    "a KL of {budget} nats is out of reach: the largest that this reference allows is {largest:.4}"
                ),
                "lower the budget, or raise outcomes: KL ≤ ln(1/π₀) of the rarest outcome, which is ln K for a uniform reference",
            );
        }
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

/// Reads a reference file and gives its smallest ln π₀.
fn lowest_of(bandit: &Bandit, seed: u64) -> Result<f64, String> {
    let one_prompt = Bandit { contexts: std::num::NonZeroU32::MIN, ..bandit.clone() };
    let table = one_prompt.outcomes(&SeedTree::new(seed, 0)).map_err(|error| error.to_string())?;
    Ok(table.ref_log_prob.iter().copied().fold(f64::INFINITY, f64::min))
}

/// Whether the planted classes have room among K outcomes and leave mass to the rest.
fn exploits_fit(exploits: &[Exploit], outcomes: usize, say: &mut impl FnMut(&str, String, &str)) -> bool {
    let Some(last) = exploits.len().checked_sub(1) else { return true };
    let mut fit = true;
    let mass: f64 = exploits.iter().map(|e| e.mass.get()).sum();
    if mass >= 1.0 {
        fit = false;
        say(
            &format!("reward.exploits.{last}.mass"),
            format!("the masses of the exploits sum to {mass}; below 1 is needed"),
            "lower a mass: what the exploits leave is shared by all other outcomes",
        );
    }
    let occupied: usize = exploits.iter().map(|e| outcomes_of(e, outcomes)).sum();
    if occupied >= outcomes {
        fit = false;
        say(
            &format!("reward.exploits.{last}.outcomes"),
            format!("the exploits occupy {occupied} of {outcomes} outcomes; at least one must be left"),
            "lower the outcomes of an exploit, or raise environment.bandit.outcomes",
        );
    }
    fit
}

/// The largest KL(π‖π₀), in nats: per prompt −ln π₀ of the rarest outcome, averaged over the prompts.
///
/// `lowest` is the smallest ln π₀ before classes claim their mass. A class of mass q on m outcomes gives each q/m; the
/// others share 1 − Σq. Which outcomes and prompts a class takes differs by replicate, so that this is an upper bound:
/// it is exact for a uniform reference with at most one class that does not exist everywhere, and what it refuses is
/// out of reach in every replicate.
fn largest_kl(bandit: &Bandit, exploits: &[Exploit], lowest: f64) -> f64 {
    let outcomes = bandit.outcomes.get() as usize;
    let prompts = f64::from(bandit.contexts.get());
    let uniform = matches!(bandit.reference, Reference::Uniform);
    let everywhere = |e: &&Exploit| (e.contexts.get() * prompts).round().max(1.0) >= prompts;
    let rarest = |classes: &[&Exploit]| {
        let mass: f64 = classes.iter().map(|e| e.mass.get()).sum();
        let taken: usize = classes.iter().map(|e| outcomes_of(e, outcomes)).sum();
        let rest = if uniform {
            ((outcomes - taken) as f64).ln() - (-mass).ln_1p()
        } else {
            // The classes' outcomes held some mass before, which can only raise the share of the rest.
            -lowest - (-mass).ln_1p()
        };
        classes.iter().map(|e| (outcomes_of(e, outcomes) as f64 / e.mass.get()).ln()).fold(rest, f64::max)
    };
    let always: Vec<&Exploit> = exploits.iter().filter(everywhere).collect();
    let sometimes: Vec<&Exploit> = exploits.iter().filter(|e| !everywhere(e)).collect();
    match sometimes.as_slice() {
        [] => rarest(&always),
        [one] => {
            let share = (one.contexts.get() * prompts).round().max(1.0) / prompts;
            let with: Vec<&Exploit> = exploits.iter().collect();
            share * rarest(&with) + (1.0 - share) * rarest(&always)
        }
        several => {
            // The joint occurrence is random: the worst that any prompt can hold, everywhere.
            let mass: f64 = exploits.iter().map(|e| e.mass.get()).sum();
            let rest = -lowest - (-mass).ln_1p();
            several
                .iter()
                .chain(&always)
                .map(|e| (outcomes_of(e, outcomes) as f64 / e.mass.get()).ln())
                .fold(rest, f64::max)
        }
    }
}
