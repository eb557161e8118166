//! What the tests of trainers share: a toy table worked out by hand, and a light-tailed one that is learned to the end.

use serde_json::json;
use tailcatch::environments::Bandit;
use tailcatch::experiment::Expectations;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, Snapshot};
use tailcatch::record::{Observed, Outcomes};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::Sampler;
use tailcatch::theory::tilt::Tilter;
use tailcatch::trainers::{Experience, Ground, TableLearner, TrainerPart};

/// An uneven reference over two prompts.
pub fn table() -> Outcomes {
    let logs = |weights: [f64; 4]| {
        let total: f64 = weights.iter().sum();
        weights.map(|w| (w / total).ln())
    };
    Outcomes {
        prompts: 2,
        outcomes: 4,
        ref_log_prob: [logs([1.0, 2.0, 3.0, 4.0]), logs([5.0, 1.0, 1.0, 1.0])].concat(),
        utility: vec![0.0; 8],
        error: vec![0.0; 8],
        class: vec![0; 8],
        hack: vec![false; 8],
    }
}

/// The batch of cells as a trainer sees it.
pub fn observed(cells: &[usize], proxy: &[f64], policy: &Snapshot, table: &Outcomes) -> Observed {
    Observed {
        proxy: proxy.to_vec(),
        prompt: cells.iter().map(|c| (c / table.outcomes) as u64).collect(),
        log_prob: Some(cells.iter().map(|c| policy.log_prob(*c)).collect()),
        ref_log_prob: Some(cells.iter().map(|c| table.ref_log_prob[*c]).collect()),
        ..Observed::default()
    }
}

/// Gradient of the loss in θ by hand: Σ wᵢ(1[cell] − π) within each prompt, plus the exact penalty's.
pub fn by_hand(
    cells: &[usize],
    weights: &[f64],
    exact: f64,
    policy: &Snapshot,
    table: &Outcomes,
) -> Vec<f64> {
    let mut gradient = vec![0.0; table.len()];
    for (cell, weight) in cells.iter().zip(weights) {
        gradient[*cell] += weight;
        let start = cell / table.outcomes * table.outcomes;
        for (other, slope) in gradient.iter_mut().enumerate().skip(start).take(table.outcomes) {
            *slope -= weight * policy.prob(other);
        }
    }
    for start in (0..table.len()).step_by(table.outcomes) {
        let row = start..start + table.outcomes;
        let gain = |cell: usize| policy.log_prob(cell) - table.ref_log_prob[cell];
        let kl: f64 = row.clone().map(|c| policy.prob(c) * gain(c)).sum();
        for cell in row {
            gradient[cell] += exact / table.prompts as f64 * policy.prob(cell) * (gain(cell) - kl);
        }
    }
    gradient
}

/// The toy batch: cells of the table, adjacent rows of a prompt forming a group of three.
pub const CELLS: [usize; 12] = [0, 3, 3, 5, 6, 4, 1, 2, 3, 7, 4, 4];

/// Their rewards; the last group has no spread.
pub const REWARDS: [f64; 12] = [1.0, -2.0, 0.5, 3.0, 0.1, -0.4, 0.7, 2.5, -1.5, 0.3, 0.3, 0.3];

/// The toy batch as a trainer sees it, in groups of three.
pub fn in_threes(policy: &Snapshot, table: &Outcomes) -> Observed {
    let group = (0..CELLS.len() as u64).map(|row| row - row % 3).collect();
    Observed { group, ..observed(&CELLS, &REWARDS, policy, table) }
}

/// Asserts that the trainer's π is π₀·exp(θ), in ln π to 1e-5.
pub fn assert_policy(what: &str, trainer: &mut TableLearner, theta: &[f64], table: &Outcomes) {
    let (found, mut expected) = (trainer.policy(), Snapshot::default());
    expected.set(table, |cell| theta[cell]);
    for cell in 0..table.len() {
        let (a, b) = (found.log_prob(cell), expected.log_prob(cell));
        assert!((a - b).abs() < 1e-5, "{what}, cell {cell}: {a} against {b}");
    }
}

/// A policy that was trained on a light-tailed table of 2 prompts × 50 outcomes.
pub struct Learned {
    pub table: Outcomes,
    pub policy: Snapshot,
    /// KL(π‖π₀) on average over the last fifth of the steps.
    pub late_kl: f64,
}

impl Learned {
    /// E[U] − β·KL(π‖π₀), exactly.
    pub fn objective(&self, beta: f64) -> f64 {
        let exact = Expectations::enumerated(&self.policy, &self.table);
        exact.proxy() - beta * exact.kl
    }

    /// The largest possible E[U] − β·KL(π‖π₀).
    pub fn best(&self, beta: f64) -> f64 {
        let best = Tilter::new(&self.table).at_coefficient(beta).unwrap();
        best.proxy - beta * best.kl
    }
}

/// Trains to the last step.
pub fn learn(seed: u64, settings: &dyn TrainerPart) -> Learned {
    assert_eq!(settings.contradictions(), Vec::new());
    let environment: Bandit = serde_json::from_value(json!({ "outcomes": 50, "contexts": 2 })).unwrap();
    let reward: RewardSection =
        serde_json::from_value(json!({ "error": { "normal": { "sd": 0.5 } } })).unwrap();
    let seeds = SeedTree::new(seed, 0);
    let model = RewardModel::build(&environment, &reward, &seeds, Twin::Itself).unwrap();
    let table = model.table().unwrap();
    let mut trainer = settings
        .start(Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() })
        .unwrap();
    let (sampler, mut policy) = (Sampler::training(&seeds).in_groups(settings.group()), Snapshot::default());
    let mut kls = Vec::new();
    for step in 0..settings.steps() {
        policy.clone_from(trainer.policy());
        let exact = Expectations::enumerated(&policy, table);
        kls.push(exact.kl);
        let count = settings.batch();
        let mut batch = sampler.batch(&model, table, &policy, (step, step * count as u64, count));
        trainer.credit(&Experience::new(&batch.observed, &batch.cells[..])).write_to(&mut batch.observed);
        trainer.update(&Experience::new(&batch.observed, &batch.cells[..]), exact.kl).unwrap();
    }
    policy.clone_from(trainer.policy());
    let late = &kls[kls.len() * 4 / 5..];
    let late_kl = late.iter().sum::<f64>() / late.len() as f64;
    Learned { table: table.clone(), policy, late_kl }
}
