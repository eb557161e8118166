//! One bench binary: each file is a group.

mod best_of_n;
mod csv_reading;
mod feature_detectors;
#[cfg(feature = "lab")]
mod learner;
mod metrics;
#[cfg(feature = "lab")]
mod policies;
mod records;
mod samplers;
mod tails;
mod thresholds;
mod tilt;
mod watch;

criterion::criterion_group!(
    judge,
    best_of_n::benches,
    csv_reading::benches,
    feature_detectors::benches,
    metrics::benches,
    records::benches,
    tails::benches,
    thresholds::benches,
    tilt::benches,
    watch::benches
);
#[cfg(feature = "lab")]
criterion::criterion_group!(laboratory, learner::benches, policies::benches);

#[cfg(feature = "lab")]
criterion::criterion_main!(judge, samplers::group, laboratory);
#[cfg(not(feature = "lab"))]
criterion::criterion_main!(judge, samplers::group);
