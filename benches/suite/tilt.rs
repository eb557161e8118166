//! Exact tilting of 10⁶ outcomes with an uneven reference: a path of 50 coefficients, and one KL budget.

use criterion::Criterion;
use std::hint::black_box;
use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::numeric::log_sum_exp;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::Outcomes;
use tailcatch::theory::tilt::Tilter;

const CELLS: usize = 1_000_000;

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let column = |law: &str, purpose| {
        let mut out = vec![0.0; CELLS];
        if let Ok(law) = law.parse::<DistributionSpec>() {
            law.part().fill(&mut out, &mut SeedTree::new(1, 0).stream(purpose, 0));
        }
        out
    };
    let logs = column("normal", Purpose::Baseline);
    let total = log_sum_exp(&logs);
    let table = Outcomes {
        prompts: 1,
        outcomes: CELLS,
        ref_log_prob: logs.iter().map(|log| log - total).collect(),
        utility: column("normal", Purpose::Utility),
        error: column("student_t:df=3", Purpose::Error),
        class: vec![0; CELLS],
        hack: vec![false; CELLS],
    };
    let tilter = Tilter::new(&table);
    let mut group = criterion.benchmark_group("tilt");
    group.sample_size(10);
    let betas: Vec<f64> = (0..50).map(|i| 0.05 * 2000f64.powf(f64::from(i) / 49.0)).collect();
    group.bench_function("path_of_50_on_1m", |b| b.iter(|| tilter.path(black_box(&betas))));
    group.bench_function("one_budget_of_1m", |b| b.iter(|| tilter.at_budget(black_box(1.0))));
    group.finish();
}
