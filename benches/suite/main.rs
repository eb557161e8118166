//! One bench binary: each file is a group.

mod tails;

criterion::criterion_group!(suite, tails::benches);
criterion::criterion_main!(suite);
