//! Tail estimators: a generalised Pareto fit of 10⁴ excesses, Hill for every k of 10⁶ values, k by double bootstrap of 10⁵.

use criterion::{BatchSize, Criterion};
use std::hint::black_box;
use tailcatch::foundation::order::descending;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::tails::{double_bootstrap, fit_excesses, hill_plot, kernel};

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let mut stream = SeedTree::new(1, 0).stream(Purpose::Bootstrap, 0);
    let mut uniform = |n: usize| -> Vec<f64> { (0..n).map(|_| stream.open_unit()).collect() };
    let mut group = criterion.benchmark_group("tails");
    for xi in [-0.2, 0.3, 1.0] {
        let excesses: Vec<f64> = uniform(10_000).into_iter().map(|p| (p.powf(-xi) - 1.0) / xi).collect();
        group.bench_function(format!("gpd_fit_10k_xi_{xi}"), |b| {
            b.iter(|| fit_excesses(black_box(&excesses), 0.0));
        });
    }
    let drawn: Vec<f64> = uniform(1_000_000).into_iter().map(|p| p.powf(-0.5)).collect();
    let values = descending(&drawn);
    group.sample_size(20);
    group.bench_function("sort_and_hill_every_k_1m", |b| {
        b.iter_batched(|| (), |()| hill_plot(&descending(black_box(&drawn))), BatchSize::PerIteration);
    });
    group.bench_function("hill_every_k_1m", |b| {
        b.iter_batched(|| (), |()| hill_plot(black_box(&values)), BatchSize::PerIteration);
    });
    group.bench_function("kernel_k_50k", |b| b.iter(|| kernel(black_box(&values), 50_000)));
    let streams = SeedTree::new(1, 0).family(Purpose::Bootstrap);
    group.sample_size(10);
    group.bench_function("double_bootstrap_100k_20_resamples", |b| {
        b.iter(|| double_bootstrap(black_box(&values[..100_000]), 20, &streams));
    });
    group.finish();
}
