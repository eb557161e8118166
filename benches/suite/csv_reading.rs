//! A CSV of a million rows of 118 bytes: what `detect` does to load it, beside the csv crate's own walk over it with one record that
//! is used again. Both in processor time, since the reader takes two threads: the shares of one run can be compared.

use criterion::{BenchmarkId, Criterion, Throughput};
use rustix::time::{ClockId, clock_gettime};
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::{LogOptions, open_log};

const ROWS: u64 = 1_000_000;
/// Rollouts of a step, and of a prompt that follow each other.
const STEP: u64 = 1024;
const GROUP: u64 = 8;
const WORDS: [&str; 8] = ["alpha", "bravo", "delta", "gamma", "omega", "sigma", "theta", "kappa"];

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let text = log();
    let path = std::env::temp_dir().join(format!("tailcatch-bench-{}.csv", std::process::id()));
    fs::write(&path, &text).unwrap_or_else(|error| panic!("{error}"));
    let mut group = criterion.benchmark_group("csv");
    group.sample_size(20).throughput(Throughput::Bytes(text.len() as u64));
    for (name, read) in [("the csv crate's walk", walk as fn(&Path) -> u64), ("open_log", load)] {
        group.bench_with_input(BenchmarkId::from_parameter(name), &path, |b, path| {
            b.iter_custom(|times| {
                let start = processor_time();
                for _ in 0..times {
                    assert_eq!(black_box(read(path)), ROWS);
                }
                processor_time() - start
            });
        });
    }
    group.finish();
    let _ = fs::remove_file(&path);
}

/// Steps, prompts, completions, rewards and KLs.
fn log() -> String {
    let mut stream = SeedTree::new(1, 0).stream(Purpose::Utility, 0);
    let mut text = "step,prompt,completion,reward,kl\n".to_owned();
    for i in 0..ROWS {
        let (step, prompt) = (i / STEP, i / GROUP % 5000);
        write!(text, "{step},What is {prompt:05} plus {:05}?,", prompt * 7).unwrap_or_default();
        for _ in 0..8 {
            text.push_str(WORDS[stream.below(8) as usize]);
            text.push(' ');
        }
        let (reward, kl) = (stream.open_unit() * 4.0 - 2.0, stream.open_unit() / 10.0);
        writeln!(text, "is what it says {:05},{reward:.6},{kl:.6}", (step * 31 + prompt) % 99_991)
            .unwrap_or_default();
    }
    text
}

/// Rows that the csv crate finds.
fn walk(path: &Path) -> u64 {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|error| panic!("{error}"));
    let (mut record, mut rows) = (csv::ByteRecord::new(), 0);
    while reader.read_byte_record(&mut record).unwrap_or_else(|error| panic!("{error}")) {
        rows += u64::from(record.len() == 5);
    }
    rows
}

/// Rollouts of the log.
fn load(path: &Path) -> u64 {
    let log = open_log(&[path.to_owned()], &LogOptions::default()).unwrap_or_else(|error| panic!("{error}"));
    log.rollouts.len() as u64
}

/// Of all threads of this process.
fn processor_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}
