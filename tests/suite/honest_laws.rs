//! Of honest logs one in twenty at most is flagged or shifted, whatever the law of the rewards: rewards are exchangeable, and texts have
//! nothing to do with them.
//!
//! `cargo test --release --features slow --test suite honest_laws -- --nocapture` gives the table of `docs/your_logs.md`.

use rayon::prelude::*;
use std::fmt::Write as _;
use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::foundation::scalar::OpenProbability;
use tailcatch::foundation::wilson::clopper_pearson;
use tailcatch::monitor::{Settings, Verdict, detect};
use tailcatch::record::{LogOptions, open_log};

const LOGS: u64 = 200;
/// Groups of a step, and rollouts of a group.
const GROUPS: u64 = 5;
const OF_GROUP: u64 = 8;
/// The share of all logs that may be flagged or shifted.
const ALLOWED: f64 = 0.05;

/// What is made of a number that a law gives.
type Shape = fn(f64) -> f64;

const LAWS: [(&str, &str, Shape); 8] = [
    ("normal", "normal", |x| x),
    ("Student t, 3", "student_t:df=3", |x| x),
    ("Student t, 1.5", "student_t:df=1.5", |x| x),
    ("log-normal", "log_normal:sigma=1", |x| x),
    ("Bernoulli .1", "uniform", |x| f64::from(u8::from(x > 0.9))),
    ("Bernoulli .5", "uniform", |x| f64::from(u8::from(x > 0.5))),
    ("Bernoulli .9", "uniform", |x| f64::from(u8::from(x > 0.1))),
    ("normal in quarters", "normal", |x| (4.0 * x).round() / 4.0),
];

/// Words, the frequent ones more often.
fn words(stream: &mut Stream) -> String {
    let count = 4 + stream.below(12);
    let word = |_| format!("w{}", 400f64.powf(stream.open_unit()) as u64);
    (0..count).map(word).collect::<Vec<String>>().join(" ")
}

/// A log of 1,000 to 4,980 rollouts. `grouped`: prompts are known, with eight rollouts each in a step.
fn log(number: u64, law: &DistributionSpec, shape: Shape, grouped: bool) -> String {
    let mut stream = SeedTree::new(120 + u64::from(grouped), number).stream(Purpose::Utility, 0);
    let of_step = GROUPS * OF_GROUP;
    let mut rewards = vec![0.0; (1000 + 20 * number) as usize];
    law.part().fill(&mut rewards, &mut stream);
    let mut text =
        if grouped { "step,prompt,completion,reward\n" } else { "step,completion,reward\n" }.to_owned();
    for (row, reward) in (0..).zip(rewards) {
        let _ = write!(text, "{},", row / of_step);
        if grouped {
            let _ = write!(text, "question {},", row / OF_GROUP % 37);
        }
        let _ = writeln!(text, "{} {row},{}", words(&mut stream), shape(reward));
    }
    text
}

fn verdict(text: &str) -> Verdict {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, text).unwrap();
    let log = open_log(&[path], &LogOptions::default()).unwrap();
    detect(log, Settings::default()).unwrap().reading.judgement.verdict
}

#[test]
fn one_in_twenty_at_most_is_flagged_or_shifted() {
    let level = OpenProbability::new(0.95).unwrap();
    let within = |hits: u64| clopper_pearson(hits, LOGS, level).unwrap();
    let mut table = "| rewards | groups | flagged | shifted | not judged | flagged or shifted |\n|---|---|---|---|---|---|\n".to_owned();
    let mut too_many = Vec::new();
    for (name, spec, shape) in LAWS {
        let law: DistributionSpec = spec.parse().unwrap();
        for grouped in [true, false] {
            let verdicts: Vec<Verdict> =
                (0..LOGS).into_par_iter().map(|number| verdict(&log(number, &law, shape, grouped))).collect();
            let of = |verdict: Verdict| verdicts.iter().filter(|own| **own == verdict).count() as u64;
            let (flagged, shifted) = (of(Verdict::Flagged), of(Verdict::Shifted));
            let found = within(flagged + shifted);
            let _ = writeln!(
                table,
                "| {name} | {} | {flagged} | {shifted} | {} | {:.1}% [{:.1}, {:.1}] |",
                if grouped { "of eight" } else { "none" },
                of(Verdict::NotJudged),
                100.0 * (flagged + shifted) as f64 / LOGS as f64,
                100.0 * found.low,
                100.0 * found.high
            );
            // More than one in twenty, beyond chance.
            if found.low > ALLOWED {
                too_many.push(format!("{name}, grouped {grouped}: {} of {LOGS}", flagged + shifted));
            }
        }
    }
    println!("{table}");
    assert!(too_many.is_empty(), "{too_many:?}\n{table}");
}
