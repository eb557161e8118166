//! Ranking measures and the audit at the size of a long run: 10⁶ rollouts.

use criterion::{Criterion, Throughput};
use std::hint::black_box;
use tailcatch::audit::{Budget, History};
use tailcatch::distributions::{Distribution, Normal};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::metrics::Ranking;
use tailcatch::metrics::roc::auroc;
use tailcatch::record::Observed;

const ROWS: usize = 1_000_000;
const BATCH: usize = 256;

/// A run of `ROWS` rollouts over `outcomes` outcomes.
fn run(outcomes: u64) -> Observed {
    let mut stream = SeedTree::new(1, 0).stream(Purpose::Action, outcomes);
    Observed {
        step: (0..ROWS).map(|row| (row / BATCH) as u64).collect(),
        outcome: (0..ROWS).map(|_| stream.below(outcomes)).collect(),
        ..Observed::default()
    }
}

/// Registers the group.
pub fn benches(c: &mut Criterion) {
    let mut scores = vec![0.0; ROWS];
    Normal::default().fill(&mut scores, &mut SeedTree::new(1, 0).stream(Purpose::Utility, 0));

    let mut group = c.benchmark_group("metrics");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    for (name, every) in [("auroc/rare", 10_000), ("auroc/balanced", 2)] {
        let labels: Vec<bool> = (0..ROWS).map(|row| row % every == 0).collect();
        group.bench_function(name, |b| {
            b.iter(|| Ranking::new(black_box(&scores), &labels).and_then(|ranking| auroc(&ranking)));
        });
    }
    group.finish();

    let mut group = c.benchmark_group("audit");
    group.sample_size(10).throughput(Throughput::Elements(ROWS as u64));
    let steps = ROWS.div_ceil(BATCH) as u64;
    for outcomes in [10_000, 1 << 48] {
        let observed = run(outcomes);
        group.bench_function(format!("history/outcomes={outcomes}"), |b| {
            b.iter(|| History::new(black_box(&observed)))
        });
        let history = History::new(&observed).unwrap_or_else(|error| panic!("{error}"));
        for budget in [1e-3, 1e-1] {
            let paid = Budget::new(budget).unwrap_or_else(|error| panic!("{error}"));
            group.bench_function(format!("replay/outcomes={outcomes}/budget={budget}"), |b| {
                b.iter(|| history.replay(black_box(&scores), paid, steps, |row| row % 1000 == 0));
            });
        }
    }
    group.finish();
}
