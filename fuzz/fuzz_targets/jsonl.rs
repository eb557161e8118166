#![no_main]

#[path = "../targets/judge.rs"]
#[allow(dead_code)]
mod judge;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| judge::jsonl(bytes));
