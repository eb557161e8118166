//! One binary for all benchmarks: a module a group.

mod samplers;

criterion::criterion_main!(samplers::group);
