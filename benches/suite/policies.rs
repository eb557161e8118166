//! One update of each policy that acts step by step: sampling by inversion from softmax(ln π₀ + f), the gradient of a REINFORCE
//! loss with a KL penalty, clipping to a norm of 1 and a step of Adam; one forward pass serves sampling and loss.
//!
//! Vocabulary 32, length 16 (the perceptron: 1), batch 256. Throughput is in rollouts a second.

use burn::optim::{AdamConfig, ModuleOptimizer};
use criterion::{Criterion, Throughput};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::policies::{
    Backend, Gru, Mlp, PolicySpec, Product, Row, SequencePolicy, Shape, Snapshot, Transformer,
};

const BATCH: usize = 256;
const ACTIONS: usize = 32;
/// The symbol of a prompt; the others are the actions.
const PROMPT: u32 = 32;
const COEFFICIENT: f64 = 0.05;

/// A policy under training and the arrays of its updates.
struct Job {
    policy: Box<dyn SequencePolicy>,
    optimizer: ModuleOptimizer,
    reference: Vec<f64>,
    now: Snapshot,
    slopes: Vec<f32>,
    chosen: Vec<usize>,
    reward: Vec<f64>,
    gradient: Vec<f32>,
    step: u64,
}

impl Job {
    fn new(spec: &PolicySpec, horizon: usize) -> Option<Self> {
        let shape = Shape { prompts: 1, symbols: ACTIONS + 1, actions: ACTIONS, horizon, value: false };
        let policy = spec.sequence(&shape, &SeedTree::new(1, 0), &Backend::default())?;
        Some(Self {
            optimizer: AdamConfig::new().with_epsilon(1e-8).init(),
            reference: vec![-(ACTIONS as f64).ln(); BATCH * ACTIONS],
            now: Snapshot::default(),
            slopes: vec![0.0; horizon * BATCH * ACTIONS],
            chosen: vec![0; horizon * BATCH],
            reward: vec![0.0; BATCH],
            gradient: vec![0.0; policy.parameters()],
            policy,
            step: 0,
        })
    }

    fn update(&mut self) {
        let family = SeedTree::new(1, 0).family(Purpose::Action);
        let first = self.step * BATCH as u64;
        let mut streams: Vec<_> = (first..first + BATCH as u64).map(|rollout| family.at(rollout)).collect();
        let mut logits = vec![0f32; BATCH * ACTIONS];
        let mut symbols = vec![PROMPT; BATCH];
        self.reward.fill(0.0);
        self.policy.begin(&[0; BATCH], true);
        let positions =
            self.slopes.chunks_exact_mut(BATCH * ACTIONS).zip(self.chosen.chunks_exact_mut(BATCH));
        for (slopes, chosen) in positions {
            self.policy.advance(&symbols, &mut logits);
            self.now.set_from(&self.reference, ACTIONS, &logits);
            for (row, stream) in streams.iter_mut().enumerate() {
                let cell = self.now.sample(row, stream);
                let action = cell % ACTIONS;
                let ratio = self.now.log_prob(cell) - self.reference[cell];
                self.reward[row] += (action as f64 - 15.5) / 36.8 - COEFFICIENT * ratio;
                (chosen[row], symbols[row]) = (cell, action as u32);
            }
            let probs = self.now.rows().flat_map(Row::probs);
            slopes.iter_mut().zip(probs).for_each(|(slope, prob)| *slope = prob as f32);
        }
        let mean = self.reward.iter().sum::<f64>() / BATCH as f64;
        let positions = self.slopes.chunks_exact_mut(BATCH * ACTIONS).zip(self.chosen.chunks_exact(BATCH));
        for (slopes, chosen) in positions {
            for ((slopes, cell), reward) in slopes.chunks_exact_mut(ACTIONS).zip(chosen).zip(&self.reward) {
                let share = ((reward - mean) / BATCH as f64) as f32;
                slopes.iter_mut().for_each(|slope| *slope *= share);
                slopes[cell % ACTIONS] -= share;
            }
        }
        let _ = self.policy.backward(&self.slopes, &[], &mut self.gradient);
        let norm = self.gradient.iter().map(|&g| f64::from(g).powi(2)).sum::<f64>().sqrt();
        if norm > 1.0 {
            self.gradient.iter_mut().for_each(|g| *g /= norm as f32);
        }
        let _ = self.policy.descend(&mut self.optimizer, 3e-3, &self.gradient);
        self.step += 1;
    }
}

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("policies");
    group.sample_size(10).throughput(Throughput::Elements(BATCH as u64));
    for (spec, horizon) in [
        (PolicySpec::Product(Product {}), 16),
        (PolicySpec::Mlp(Mlp::default()), 1),
        (PolicySpec::Gru(Gru::default()), 16),
        (PolicySpec::Transformer(Transformer::default()), 16),
    ] {
        if let Some(mut job) = Job::new(&spec, horizon) {
            group.bench_function(spec.name(), |b| b.iter(|| job.update()));
        }
    }
    group.finish();
}
