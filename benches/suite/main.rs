//! One bench binary: each file is a group.

mod metrics;
mod samplers;
mod tails;
mod tilt;

criterion::criterion_group!(judge, metrics::benches, tails::benches, tilt::benches);
criterion::criterion_main!(judge, samplers::group);
