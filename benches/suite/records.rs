//! The `records` auditor over 10⁶ rollouts of a Student-t law, at places from few to many: what a rollout costs.
//!
//! A rollout that does not enter the ranking costs a draw, a look-up and a comparison; one that does, O(log k).

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput};
use std::hint::black_box;
use tailcatch::audit::{Auditing, Batch, Ground, Records, Reference, Rule, Trail};
use tailcatch::distributions::{Distribution, StudentT};
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::foundation::scalar::Positive;

const ROLLOUTS: usize = 1_000_000;
const REFERENCE: usize = 20_000;
const STEP: usize = 256;

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let mut scores = vec![0.0; REFERENCE + ROLLOUTS];
    let law = StudentT { df: positive(3.0), ..StudentT::default() };
    law.fill(&mut scores, &mut stream(Purpose::Utility));
    let outcomes: Vec<u64> = (0..scores.len() as u64).collect();
    let (reference, run) = scores.split_at(REFERENCE);
    let (before, sampled) = outcomes.split_at(REFERENCE);
    let mut group = criterion.benchmark_group("records");
    group.sample_size(10).throughput(Throughput::Elements(ROLLOUTS as u64));
    for places in [1, 16, 256, 4096] {
        let benign_looks = positive(f64::from(places) * (ROLLOUTS as f64 / REFERENCE as f64).ln());
        let rule = Records { benign_looks, read_reference: false };
        let start = || {
            let reference = Reference { scores: reference, outcomes: before };
            let steps = (ROLLOUTS / STEP) as u64;
            let ground =
                Ground { reference, rollouts: ROLLOUTS as u64, steps, rng: stream(Purpose::Detector) };
            rule.start(ground).unwrap_or_else(|status| panic!("{status}"))
        };
        group.bench_function(BenchmarkId::from_parameter(places), |b| {
            b.iter_batched(start, |auditor| black_box(audit(auditor, sampled, run)), BatchSize::LargeInput);
        });
    }
    group.finish();
}

/// Looks of a run in which nobody is a hack.
fn audit(mut auditor: Box<dyn Auditing>, outcomes: &[u64], scores: &[f64]) -> u64 {
    let mut trail = Trail::default();
    for (step, (outcomes, scores)) in outcomes.chunks(STEP).zip(scores.chunks(STEP)).enumerate() {
        let (first, step) = (step * STEP, step as u64);
        let batch = Batch { step, first, outcomes, scores, p_values: None, handled: None };
        auditor.step(&batch, &mut |_| false, &mut trail);
    }
    trail.looks()
}

fn positive(value: f64) -> Positive {
    Positive::new(value).unwrap_or_else(|error| panic!("{error}"))
}

fn stream(purpose: Purpose) -> Stream {
    SeedTree::new(1, 0).stream(purpose, 0)
}
