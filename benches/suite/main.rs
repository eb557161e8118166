//! One bench binary: each file is a group.

mod tails;

criterion::criterion_group!(suite, tails::benches);
mod metrics;

criterion::criterion_group!(suite, metrics::benches);
criterion::criterion_main!(suite);
