#![no_main]

#[path = "../targets/lab.rs"]
#[allow(dead_code)]
mod lab;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| lab::set(bytes));
