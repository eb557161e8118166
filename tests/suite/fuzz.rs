//! The targets of `fuzz/` under the stable compiler: kept inputs, then mutations of them, without a panic or a hang.
//!
//! `FUZZ_SECONDS` says how long each target is mutated: 60 in CI, 600 by hand. `FUZZ_SEED` has other mutations. An input that fails is
//! written to the folder for temporary files and named.

#[cfg_attr(not(feature = "parquet"), expect(dead_code))]
#[path = "../../fuzz/targets/judge.rs"]
mod judge;
#[cfg(feature = "lab")]
#[path = "../../fuzz/targets/lab.rs"]
mod lab;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};

use rand::RngExt;

/// What stands in for a piece of an input.
const WORDS: [&[u8]; 32] = [
    b"NaN",
    b"-inf",
    b"1e308",
    b"1e309",
    b"5e-324",
    b"-0",
    b"-1",
    b"0",
    b"1_000",
    b"18446744073709551616",
    b"9007199254740993",
    b"true",
    b"null",
    b"\"",
    b"\"\"",
    b"'''",
    b",",
    b";",
    b"\n",
    b"\r\n",
    b"\t",
    b"\0",
    b"\xff\xfe",
    b"\xef\xbb\xbf",
    b"\xe2\x80\xa8",
    b"{",
    b"}",
    b"[",
    b"]]",
    b"=",
    b"\\u0000",
    b"0.1",
];

fn seconds() -> Duration {
    let asked = std::env::var("FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(asked.unwrap_or(0.5))
}

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// Files below a folder, whose names end so.
fn below(folder: &Path, extension: Option<&str>) -> Vec<Vec<u8>> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        if path.is_dir() {
            found.extend(below(&path, extension));
        } else if extension.is_none_or(|wanted| path.extension().is_some_and(|own| own == wanted)) {
            let bytes = fs::read(&path).unwrap();
            found.extend((bytes.len() < 100_000).then_some(bytes));
        }
    }
    found
}

fn mutate(input: &[u8], other: &[u8], rng: &mut Stream) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=bytes.len());
        let end = (at + rng.random_range(1..40)).min(bytes.len());
        let word = WORDS[rng.random_range(0..WORDS.len())];
        match rng.random_range(0..8) {
            0 if at < bytes.len() => bytes[at] ^= 1 << rng.random_range(0..8),
            1 if at < bytes.len() => bytes[at] = rng.random_range(0..=255),
            2 => drop(bytes.splice(at..at, word.iter().copied())),
            3 => drop(bytes.drain(at..end)),
            4 => {
                let piece = bytes[at..end].to_vec();
                drop(bytes.splice(at..at, piece));
            }
            5 => bytes.truncate(at),
            6 => {
                let from = rng.random_range(0..=other.len());
                let to = (from + rng.random_range(1..80)).min(other.len());
                drop(bytes.splice(at..end, other[from..to].iter().copied()));
            }
            _ => {
                // A number where a number was.
                let digits = |byte: &u8| byte.is_ascii_digit();
                if let Some(start) = bytes.iter().skip(at).position(digits).map(|after| at + after) {
                    let length = bytes[start..].iter().take_while(|byte| digits(byte)).count();
                    drop(bytes.splice(start..start + length, word.iter().copied()));
                }
            }
        }
    }
    bytes
}

/// Ends the test with the input that failed.
fn tried(name: &str, target: fn(&[u8]), bytes: &[u8]) -> Duration {
    let start = Instant::now();
    let ended = catch_unwind(AssertUnwindSafe(|| target(bytes)));
    let took = start.elapsed();
    // Machines are shared: what is slow once is tried again.
    let slow = took > Duration::from_secs(5) && {
        let again = Instant::now();
        let _ = catch_unwind(AssertUnwindSafe(|| target(bytes)));
        again.elapsed() > Duration::from_secs(5)
    };
    if ended.is_err() || slow {
        let path =
            std::env::temp_dir().join(format!("fuzz-{name}-{}", blake3::hash(bytes).to_hex().split_at(12).0));
        fs::write(&path, bytes).unwrap();
        let what = if slow { format!("took {took:?}") } else { "panicked".to_owned() };
        panic!("{name} {what} on {}", path.display());
    }
    took
}

fn driven(name: &str, target: fn(&[u8]), inputs: Vec<Vec<u8>>, least: usize) {
    assert!(inputs.len() >= least, "{name}: only {} inputs are kept", inputs.len());
    for input in &inputs {
        tried(name, target, input);
    }
    let seed = std::env::var("FUZZ_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(1);
    let mut rng = SeedTree::new(seed, 0).stream(Purpose::Bootstrap, 0);
    let start = Instant::now();
    let (mut count, mut slowest) = (0_u64, Duration::ZERO);
    while start.elapsed() < seconds() {
        let [one, other] = [(); 2].map(|()| &inputs[rng.random_range(0..inputs.len())]);
        let bytes = mutate(one, other, &mut rng);
        slowest = slowest.max(tried(name, target, &bytes));
        count += 1;
    }
    println!("{name}: {count} mutations, the slowest {slowest:?}");
    assert!(count > 0);
}

/// Kept inputs of a target, and files of the repository that it reads.
fn inputs(name: &str, others: &[(&str, Option<&str>)]) -> Vec<Vec<u8>> {
    let mut found = below(&here("fuzz/corpus").join(name), None);
    for (folder, extension) in others {
        found.extend(below(&here(folder), *extension));
    }
    found
}

#[cfg(feature = "lab")]
#[test]
fn fuzz_toml() {
    driven("toml", lab::toml, inputs("toml", &[("experiments", Some("toml"))]), 20);
}

#[cfg(feature = "lab")]
#[test]
fn fuzz_set() {
    driven("set", lab::set, inputs("set", &[]), 5);
}

#[test]
fn fuzz_spec() {
    driven("spec", judge::spec, inputs("spec", &[]), 5);
}

#[test]
fn fuzz_csv() {
    driven("csv", judge::csv, inputs("csv", &[("tests/suite/fixtures/kinds", Some("csv"))]), 5);
}

#[test]
fn fuzz_jsonl() {
    let folders =
        [("tests/suite/fixtures/kinds", Some("jsonl")), ("tests/suite/fixtures/verl", Some("jsonl"))];
    driven("jsonl", judge::jsonl, inputs("jsonl", &folders), 5);
}

#[cfg(feature = "parquet")]
#[test]
fn fuzz_parquet() {
    driven("parquet", judge::parquet, inputs("parquet", &[("tests/suite/fixtures", Some("parquet"))]), 2);
}

/// The driver finds a panic, and says on what.
#[test]
fn a_target_that_panics_is_found() {
    fn target(bytes: &[u8]) {
        assert!(!bytes.contains(&b'7'), "seven");
    }
    let found = catch_unwind(|| tried("seven", target, b"a7")).unwrap_err();
    let said = found.downcast_ref::<String>().unwrap();
    assert!(said.contains("seven panicked on"), "{said}");
    fs::remove_file(said.rsplit(' ').next().unwrap()).unwrap();
}
