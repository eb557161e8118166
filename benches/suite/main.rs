//! One bench binary: each file is a group.

mod metrics;
mod samplers;
mod tails;

criterion::criterion_group!(judge, metrics::benches, tails::benches);
criterion::criterion_main!(judge, samplers::group);
