//! What a plan will take, before it runs.

use super::ids::train_id;
use super::runs::keeps_rollouts;
use crate::config::{Document, Loaded};
use crate::environments::World;
use crate::foundation::rng::SeedTree;
use crate::policies::{Backend, PolicySpec, Shape};
use crate::reward::MOST_SUMMED;
use crate::reward::{MOST_TRAJECTORIES, Twin};
use crate::trainers::{Penalty, TrainerSpec};
use std::collections::HashSet;

/// Rough cost of all runs that a plan names, clean and swap twins included.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Rollouts sampled in training.
    pub rollouts: u64,
    /// Processor time of runs, tables, figures and report. The constants are fitted to the experiments of this repository on one x86-64
    /// machine.
    pub cpu_seconds: f64,
    /// Bytes of records and tables.
    pub disk_bytes: u64,
    /// How many of them are rollouts one by one, which `record.observed` asks for.
    pub observed_bytes: u64,
}

/// Seconds for one cell of a table, once: its draws, sums and quantiles.
const CELL: f64 = 2e-7;
/// Seconds for one cell under a mixed penalty, whose equation is solved cell by cell.
const MIXED: f64 = 7e-6;
/// Seconds for one cell at one descent step of a sampled trainer: softmax, sums, backward pass, optimizer.
const CELL_STEP: f64 = 5e-9;
/// Seconds for one cell whose error goes with its utility: two quantiles and a sort.
const COUPLED: f64 = 5e-7;
/// Seconds for one cell and one member of an ensemble: its hash, its draw and two quantiles.
const MEMBER: f64 = 6e-7;
/// Seconds for one step, whatever its size.
const STEP: f64 = 1e-5;
/// Seconds for one rollout: draws, credit, one detector's score and audit.
const ROLLOUT: f64 = 7e-8;
/// Bytes of one rollout in its record and in the merged tables.
const ROLLOUT_BYTES: u64 = 330;
/// Seconds for one rollout that is written: in its record, in the tables, in the figures of scores.
const KEPT: f64 = 5e-6;
/// Seconds for the tables, figures and report of an experiment, of one run, and of one of its steps.
const TABLES: f64 = 0.15;
const RUN: f64 = 3e-3;
const ROW: f64 = 8e-6;

/// Seconds for one number of a network at one action: forward, backward, and the way back through time.
const WEIGHT: f64 = 2.5e-10;
/// Seconds for one number of a network at one prefix: forward alone.
const FORWARD: f64 = 8e-11;
/// Seconds for one action beside the network: its softmax, its draw, its credit.
const ACTION: f64 = 6e-7;
/// Seconds for one trajectory of a sum over all.
const SUMMED: f64 = 1.1e-7;
/// Seconds for one pass of a network that burn differentiates, whatever its size.
const TRACKED: f64 = 1.3e-3;

/// Seconds of a policy that acts step by step: for one rollout that is sampled and learned from, and for summing over all
/// trajectories, so many as there are.
fn acting(document: &Document, trajectories: f64) -> (f64, f64) {
    let seeds = SeedTree::new(document.seed, 0);
    let Ok(World::Process(process)) = document.environment.part().draw(&seeds) else { return (0.0, 0.0) };
    let shape = Shape {
        prompts: process.prompts(),
        symbols: process.symbols(),
        actions: process.actions(),
        horizon: process.horizon(),
        value: false,
    };
    let network = document.policy.sequence(&shape, &seeds, &Backend::default());
    let networks =
        if document.trainer.part().recipe().is_some_and(|recipe| recipe.separate_critic) { 2.0 } else { 1.0 };
    let weights = networks * network.map_or(0, |network| network.parameters()) as f64;
    let rollout = process.horizon() as f64 * (ACTION + weights * WEIGHT);
    // Prefixes that trajectories share are shown once, and nothing is differentiated.
    let prefixes = trajectories / (process.actions() as f64 - 1.0).max(1.0);
    (rollout, prefixes * weights * FORWARD + trajectories * SUMMED)
}

/// Seconds to train one run of a config once, its table made anew.
pub fn training(document: &Document) -> f64 {
    let (environment, trainer) = (document.environment.part(), document.trainer.part());
    // Where a policy acts, there is a table of the trajectories only while they are few.
    let acts = document.policy.part().acts();
    let tabled = |cells: &usize| !acts || *cells <= MOST_TRAJECTORIES;
    let cells = environment.cells().filter(tabled).map_or(0.0, |cells| cells as f64);
    let steps = trainer.steps() as f64;
    let passes = f64::from(trainer.passes());
    let training = match (acts, passes) {
        (true, _) => {
            let summed = environment.cells().filter(|cells| *cells <= MOST_SUMMED).unwrap_or(0) as f64;
            let (rollout, sum) = acting(document, summed);
            let tracked = if matches!(document.policy, PolicySpec::Transformer(_)) { TRACKED } else { 0.0 };
            steps * ((trainer.batch() as f64 * rollout + tracked) * passes.max(1.0) + sum)
        }
        (false, 0.0) => {
            let mixed = matches!(&document.trainer, TrainerSpec::Exact(exact) if matches!(exact.penalty, Penalty::Mixed { .. }));
            cells * (CELL + if mixed { MIXED } else { 0.0 }) + all_steps(document) as f64 * STEP
        }
        (false, passes) => steps * (STEP + cells * CELL_STEP * passes),
    };
    cells * (CELL + erring(document)) + training
}

/// Seconds for the error of one cell, beyond a plain draw.
fn erring(document: &Document) -> f64 {
    let reward = &document.reward;
    let members = reward.ensemble.as_ref().map_or(0, |own| own.members.get());
    let coupled = if reward.correlation.get() == 0.0 { 0.0 } else { COUPLED };
    if members > 1 { f64::from(members) * MEMBER } else { coupled }
}

/// Seconds for so many passes over the rollouts of a run and its calibration: draws, credit, a detector's score, an audit.
pub fn judging(document: &Document, passes: f64) -> f64 {
    let calibration = f64::from(document.calibration.rollouts.get());
    (rollouts(document) as f64 + calibration) * ROLLOUT * passes
}

/// Seconds to watch the deployed policy and the clean twin's, from their trusted rollouts on, and bytes of the two policies.
fn deployment(document: &Document) -> (f64, u64) {
    let Some((section, samples)) = document.deployment.as_ref().and_then(|own| Some((own, own.samples?)))
    else {
        return (0.0, 0);
    };
    let seen = samples.get() as f64 + f64::from(document.calibration.rollouts.get());
    let cells = document.environment.part().cells().unwrap_or(0) as u64;
    (2.0 * seen * ROLLOUT * (1.0 + section.monitors.len() as f64), 16 * cells)
}

fn all_steps(document: &Document) -> u64 {
    let deployed = document.deployment.as_ref().map_or(0, |deployment| deployment.steps);
    document.trainer.part().steps().saturating_add(deployed)
}

fn rollouts(document: &Document) -> u64 {
    (document.trainer.part().batch() as u64).saturating_mul(all_steps(document))
}

/// Seconds to train one run and its twins, and to judge and watch them.
pub fn seconds(document: &Document) -> f64 {
    versions(document) as f64 * one(document) + beside(document)
}

/// Seconds to train one run or one of its twins, and to judge it.
fn one(document: &Document) -> f64 {
    let detectors = 1.0 + document.detectors.len() as f64;
    training(document) + rollouts(document) as f64 * ROLLOUT * detectors
}

/// Seconds that a run takes beside it and its twins: the reference's rollouts, and who watches at deployment.
fn beside(document: &Document) -> f64 {
    let detectors = 1.0 + document.detectors.len() as f64;
    let calibration = f64::from(document.calibration.rollouts.get()) * ROLLOUT * detectors;
    calibration + deployment(document).0
}

/// Training runs that one run takes: itself and its twins.
fn versions(document: &Document) -> u64 {
    if document.reward.swap_twin { 3 } else { 2 }
}

/// How many training runs of an arm's first replicate no arm before it shares: clean twins, mostly, of arms that differ in their audit.
fn new_versions(document: &Document, known: &mut HashSet<String>) -> u64 {
    let twins = [Twin::Itself, Twin::Clean, Twin::Swapped];
    let asked = twins.into_iter().filter(|twin| document.reward.swap_twin || *twin != Twin::Swapped);
    // What cannot be written out is counted.
    let ids = asked.map(|twin| train_id(document, 0, twin, &Backend::default()));
    ids.filter(|id| id.as_ref().map_or(true, |id| known.insert(id.to_string()))).count() as u64
}

/// Adds up the plan.
pub fn cost(loaded: &Loaded) -> Cost {
    let mut cost = Cost { rollouts: 0, cpu_seconds: TABLES, disk_bytes: 0, observed_bytes: 0 };
    let mut known = HashSet::new();
    for arm in &loaded.arms {
        let document = &arm.document;
        let (versions, rollouts) = (new_versions(document, &mut known), rollouts(document));
        let (_, kept_policies) = deployment(document);
        let runs = document.replicates.get();
        // Either all of the later ones keep them or none does.
        let (first, later) = (keeps_rollouts(document, 0), keeps_rollouts(document, 1));
        let keep = if later { runs } else { u64::from(first) };
        let times = u64::saturating_mul;
        let observed = times(keep, times(versions * ROLLOUT_BYTES, rollouts));
        let others = times(runs, times(all_steps(document), 300).saturating_add(kept_policies));
        cost.rollouts = cost.rollouts.saturating_add(times(runs, times(versions, rollouts)));
        let told = RUN + all_steps(document) as f64 * ROW;
        cost.cpu_seconds += runs as f64 * (versions as f64 * one(document) + beside(document) + told);
        cost.cpu_seconds += keep as f64 * times(versions, rollouts) as f64 * KEPT;
        cost.observed_bytes = cost.observed_bytes.saturating_add(observed);
        cost.disk_bytes = cost.disk_bytes.saturating_add(observed).saturating_add(others);
    }
    cost
}
