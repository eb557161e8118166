//! Steps of a learner on a table of 10⁴ outcomes, 1024 rollouts each: the bare learner, without records and statistics.

#[path = "../peers/job.rs"]
mod job;

use criterion::Criterion;

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("learner");
    let Ok(mut job) = job::Job::new() else { return };
    group.bench_function("tabular_step_of_10k_cells_by_1024", |b| b.iter(|| job.step()));
    group.finish();
}
