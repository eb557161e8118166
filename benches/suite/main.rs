//! One bench binary: each file is a group.

mod metrics;
mod tails;

criterion::criterion_group!(suite, metrics::benches, tails::benches);
criterion::criterion_main!(suite);
