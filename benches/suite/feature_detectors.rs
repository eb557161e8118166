//! Detectors of feature columns: fit and score of 10⁵ rows of 8 columns, 1% of them pushed away.

use criterion::{Criterion, Throughput};
use std::hint::black_box;
use tailcatch::detectors::features::{Covariance, Ecod, IsolationForest, Knn, Mahalanobis, Spectral};
use tailcatch::detectors::{Detector, Fitted};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::Scores;

#[path = "../peers/planted.rs"]
mod planted;

fn judge(detector: &dyn Detector, rows: &tailcatch::record::Observed) -> Option<Scores> {
    match detector.fit(rows, &mut SeedTree::new(1, 0).stream(Purpose::Detector, 0)) {
        Fitted::Ready(mut scorer) => scorer.score(rows).ok(),
        Fitted::Refused(_) => None,
    }
}

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let rows = planted::rows();
    let mut group = criterion.benchmark_group("feature_detectors");
    group.sample_size(10).throughput(Throughput::Elements(planted::ROWS as u64));
    let mcd = Mahalanobis { covariance: Covariance::Mcd, ..Mahalanobis::default() };
    let detectors: [(&str, &dyn Detector); 6] = [
        ("mahalanobis", &Mahalanobis::default()),
        ("mcd", &mcd),
        ("isolation_forest", &IsolationForest::default()),
        ("ecod", &Ecod::default()),
        ("knn", &Knn::default()),
        ("spectral", &Spectral::default()),
    ];
    for (name, detector) in detectors {
        group.bench_function(name, |b| b.iter(|| judge(black_box(detector), &rows)));
    }
    group.finish();
}
