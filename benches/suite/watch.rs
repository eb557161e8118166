//! A watched log: 300 steps of 64 rollouts, each a file of JSON lines that comes between two turns, and the same from lines.

use criterion::{Criterion, Throughput};
use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;
use std::path::PathBuf;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::monitor::watch::{Listening, WatchSettings, Watching};
use tailcatch::record::LogOptions;

const STEPS: u64 = 300;
const ROLLOUTS: u64 = 64;

/// Registers the group.
pub fn benches(criterion: &mut Criterion) {
    let mut stream = SeedTree::new(1, 0).stream(Purpose::Utility, 0);
    let (mut files, mut lines) = (Vec::new(), Vec::new());
    for step in 0..STEPS {
        let (mut file, mut rewards, mut completions) = (String::new(), String::new(), String::new());
        for i in 0..ROLLOUTS {
            let (reward, text) = (
                stream.open_unit(),
                format!("{} {}", "words of a completion ".repeat(10), stream.below(1 << 40)),
            );
            writeln!(
                file,
                "{{\"step\":{step},\"prompt\":\"p{}\",\"completion\":\"{text}\",\"reward\":{reward}}}",
                i / 8
            )
            .unwrap_or_default();
            let comma = if i == 0 { "" } else { "," };
            write!(rewards, "{comma}{reward}").unwrap_or_default();
            write!(completions, "{comma}\"{text}\"").unwrap_or_default();
        }
        files.push(file);
        lines.push(format!("{{\"step\":{step},\"rewards\":[{rewards}],\"completions\":[{completions}]}}"));
    }
    let settings = WatchSettings { steps: Some(STEPS), ..WatchSettings::default() };
    let mut group = criterion.benchmark_group("watch");
    group.sample_size(10).throughput(Throughput::Elements(STEPS));
    let folder: PathBuf = std::env::temp_dir().join(format!("tailcatch-bench-watch-{}", std::process::id()));
    group.bench_function("a file a step", |b| {
        b.iter(|| {
            let _ = fs::remove_dir_all(&folder);
            fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{error}"));
            let mut watching = Watching::new(vec![folder.clone()], LogOptions::default(), settings.clone());
            for (step, text) in files.iter().enumerate() {
                fs::write(folder.join(format!("{step}.jsonl")), text)
                    .unwrap_or_else(|error| panic!("{error}"));
                black_box(watching.turn(false).unwrap_or_else(|error| panic!("{error}")));
            }
        });
    });
    let _ = fs::remove_dir_all(&folder);
    group.bench_function("lines", |b| {
        b.iter(|| {
            let mut listening = Listening::new(settings.clone());
            for line in &lines {
                black_box(listening.hear(line).unwrap_or_else(|error| panic!("{error}")));
            }
        });
    });
    group.finish();
}
