//! Draws and quantiles per law. numpy's CPU seconds for 10⁷ draws, on the machine of the peers' baselines: t with 2
//! degrees of freedom .29, with 5 .42, Pareto .27, lognormal .25, stable .86.

use criterion::{Criterion, Throughput, criterion_group};
use std::hint::black_box;
use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::rng::{Purpose, SeedTree};

const LAWS: [&str; 16] = [
    "normal",
    "laplace",
    "exponential",
    "uniform",
    "log_normal",
    "weibull",
    "student_t:df=1",
    "student_t:df=1.5",
    "student_t:df=2",
    "student_t:df=5",
    "pareto:index=1.5",
    "levy",
    "stable:alpha=1.5",
    "stable:alpha=1.8,beta=0.5",
    "generalized_pareto:xi=0.5",
    "generalized_pareto:xi=-0.2",
];

fn laws() -> impl Iterator<Item = DistributionSpec> {
    LAWS.iter().filter_map(|spec| spec.parse().ok())
}

fn fill(c: &mut Criterion) {
    const N: usize = 100_000;
    let mut group = c.benchmark_group("fill");
    group.throughput(Throughput::Elements(N as u64)).sample_size(30);
    let mut out = vec![0.0; N];
    for law in laws() {
        let mut stream = SeedTree::new(1, 0).stream(Purpose::FreshError, 0);
        group.bench_function(law.to_string(), |b| {
            b.iter(|| law.part().fill(black_box(&mut out), &mut stream))
        });
    }
}

/// One value from the start of a fresh stream: what a frozen error costs.
fn fresh_stream(c: &mut Criterion) {
    let mut group = c.benchmark_group("fresh_stream");
    let family = SeedTree::new(1, 0).family(Purpose::Error);
    for law in laws() {
        let mut index = 0;
        group.bench_function(law.to_string(), |b| {
            b.iter(|| {
                index += 1;
                law.part().sample(&mut family.at(index))
            });
        });
    }
}

fn upper_quantile(c: &mut Criterion) {
    let mut group = c.benchmark_group("upper_quantile");
    group.sample_size(20);
    for law in laws() {
        let mut p = 0.0;
        group.bench_function(law.to_string(), |b| {
            b.iter(|| {
                p = (p + 0.618_033_988_75) % 1.0;
                law.part().upper_quantile(black_box(p))
            });
        });
    }
}

criterion_group!(group, fill, fresh_stream, upper_quantile);
