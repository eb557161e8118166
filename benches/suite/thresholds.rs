//! Thresholds of streams: 10⁶ values of a Student-t law through SPOT, drift SPOT and the e-process.

use criterion::{BatchSize, Criterion, Throughput};
use std::hint::black_box;
use tailcatch::distributions::{Distribution, StudentT};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::foundation::scalar::Positive;
use tailcatch::thresholds::{DriftSpotWatcher, EProcessWatcher, Spot, SpotWatcher};

const ROWS: usize = 1_000_000;
const CALIBRATION: usize = 10_000;

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let mut values = vec![0.0; CALIBRATION + ROWS];
    let df = Positive::new(3.0).unwrap_or_else(|error| panic!("{error}"));
    let law = StudentT { df, ..StudentT::default() };
    law.fill(&mut values, &mut SeedTree::new(1, 0).stream(Purpose::Utility, 0));
    let (calibration, stream) = values.split_at(CALIBRATION);
    let spot =
        SpotWatcher::new(calibration, 1e-4, Spot::default()).unwrap_or_else(|status| panic!("{status}"));
    let drift = DriftSpotWatcher::new(calibration, 1e-4, 100, Spot::default())
        .unwrap_or_else(|status| panic!("{status}"));
    let process = EProcessWatcher::new(calibration, 1e-3, 0.05).unwrap_or_else(|status| panic!("{status}"));

    let mut group = criterion.benchmark_group("thresholds");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    group.bench_function("spot", |b| {
        let judge = |mut spot: SpotWatcher| stream.iter().filter(|x| spot.step(**x).is_err()).count();
        b.iter_batched(|| spot.clone(), |spot| black_box(judge(spot)), BatchSize::LargeInput);
    });
    group.bench_function("drift_spot", |b| {
        let judge = |mut spot: DriftSpotWatcher| stream.iter().filter(|x| spot.step(**x).is_err()).count();
        b.iter_batched(|| drift.clone(), |spot| black_box(judge(spot)), BatchSize::LargeInput);
    });
    group.bench_function("e_process", |b| {
        let judge =
            |mut process: EProcessWatcher| stream.chunks(256).filter(|s| process.step(s).is_err()).count();
        b.iter_batched(|| process.clone(), |process| black_box(judge(process)), BatchSize::LargeInput);
    });
    group.finish();
}
