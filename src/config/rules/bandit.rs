//! Faults between the keys of a bandit and what is planted in it.

use super::contradiction::References;
use crate::config::sections::Document;
use crate::environments::{Bandit, Reference};
use crate::foundation::rng::SeedTree;
use crate::reward::{Exploit, outcomes_of};

/// Cells of the largest table: about 40 bytes each.
const MOST_CELLS: usize = 10_000_000;

/// Says what contradicts itself; gives the largest KL(π‖π₀) in reach, in nats, where that is known.
pub(super) fn bandit(
    document: &Document,
    bandit: &Bandit,
    references: &mut References,
    say: &mut impl FnMut(&str, String, &str),
) -> Option<f64> {
    let cells = bandit.outcomes.get() as usize * bandit.contexts.get() as usize;
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

    if !document.reward.triggers.is_empty() {
        say(
            "reward.triggers",
            "a trigger is a pattern of actions or a state, and a bandit has one action".to_owned(),
            "use [[reward.exploits]], or environment.tokens or environment.gridworld",
        );
    }
    let policy = document.policy.name();
    if document.policy.part().acts() {
        say(
            &format!("policy.{policy}"),
            format!("{policy} acts step by step, and a bandit is one choice"),
            "use policy.tabular, or environment.tokens or environment.gridworld",
        );
    }
    let classes = document.reward.planted();
    let planted = classes_fit(&classes, document.reward.exploits.len(), bandit.outcomes.get() as usize, say);
    lowest.filter(|_| planted).map(|lowest| largest_kl(bandit, &classes, lowest))
}

/// Reads a reference file and gives its smallest ln π₀.
fn lowest_of(bandit: &Bandit, seed: u64) -> Result<f64, String> {
    let one_prompt = Bandit { contexts: std::num::NonZeroU32::MIN, ..bandit.clone() };
    let table = one_prompt.table(&SeedTree::new(seed, 0)).map_err(|error| error.to_string())?;
    Ok(table.ref_log_prob.iter().copied().fold(f64::INFINITY, f64::min))
}

/// Whether the planted classes, of which the first `exploits` are exploits and the others placebos, have room among K outcomes and
/// leave mass to the rest.
fn classes_fit(
    classes: &[Exploit],
    exploits: usize,
    outcomes: usize,
    say: &mut impl FnMut(&str, String, &str),
) -> bool {
    let Some(last) = classes.len().checked_sub(1) else { return true };
    let (kind, place) = match last.checked_sub(exploits) {
        Some(place) => ("placebos", place),
        None => ("exploits", last),
    };
    let mut fit = true;
    let mass: f64 = classes.iter().map(|e| e.mass.get()).sum();
    if mass >= 1.0 {
        fit = false;
        say(
            &format!("reward.{kind}.{place}.mass"),
            format!("the masses of the exploits sum to {mass}; below 1 is needed"),
            "lower a mass: what the exploits leave is shared by all other outcomes",
        );
    }
    let occupied: usize = classes.iter().map(|e| outcomes_of(e, outcomes)).sum();
    if occupied >= outcomes {
        fit = false;
        say(
            &format!("reward.{kind}.{place}.outcomes"),
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
