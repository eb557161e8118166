//! Best of n by quadrature, one pair of laws and one n at a time.

use criterion::{BenchmarkId, Criterion};
use std::hint::black_box;
use tailcatch::distributions::DistributionSpec;
use tailcatch::theory::best_of_n::best_of_n;

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("best_of_n");
    let Ok(utility) = "normal".parse::<DistributionSpec>() else { return };
    for error in ["student_t:df=3", "levy", "normal"] {
        let Ok(law) = error.parse::<DistributionSpec>() else { return };
        for n in [16.0, 65536.0, 1e7] {
            group.bench_function(BenchmarkId::new(error, n), |b| {
                b.iter(|| best_of_n(utility.part(), law.part(), black_box(n)));
            });
        }
    }
    group.finish();
}
