//! One bench binary: each file is a group.

mod best_of_n;
mod metrics;
mod samplers;
mod tails;
mod tilt;

criterion::criterion_group!(judge, best_of_n::benches, metrics::benches, tails::benches, tilt::benches);
criterion::criterion_main!(judge, samplers::group);
