//! One bench binary: each file is a group.

mod best_of_n;
#[cfg(feature = "lab")]
mod learner;
mod metrics;
mod samplers;
mod tails;
mod tilt;

criterion::criterion_group!(judge, best_of_n::benches, metrics::benches, tails::benches, tilt::benches);
#[cfg(feature = "lab")]
criterion::criterion_group!(lab, learner::benches);

#[cfg(feature = "lab")]
criterion::criterion_main!(judge, samplers::group, lab);
#[cfg(not(feature = "lab"))]
criterion::criterion_main!(judge, samplers::group);
