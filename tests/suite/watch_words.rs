//! `watch` ends with the verdict that `detect` gives on the finished log, whatever its texts do.

use std::fmt::Write as _;
use std::path::Path;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::monitor::watch::{WatchSettings, Watching};
use tailcatch::monitor::{Reading, Settings, Verdict, detect};
use tailcatch::record::{LogOptions, open_log};

const STEPS: u64 = 60;

fn normal(stream: &mut Stream) -> f64 {
    (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0
}

/// 60 steps of four groups of eight; of each step's completions `share` end on a text and are paid `more`.
fn log(seed: u64, more: f64, share: &dyn Fn(u64) -> f64) -> String {
    let mut stream = SeedTree::new(181, seed).stream(Purpose::Utility, 0);
    let mut text = "step,prompt,completion,reward\n".to_owned();
    for step in 0..STEPS {
        for row in 0..32u64 {
            let holds = stream.open_unit() < share(step);
            let reward = normal(&mut stream) + if holds { more } else { 0.0 };
            let letters = (0..40).map(|_| char::from(b"abcdefghij klmno"[stream.below(16) as usize]));
            let said = letters.collect::<String>() + if holds { " Certainly!!" } else { "" };
            let _ = writeln!(text, "{step},question {},{said},{reward}", (step * 4 + row / 8) % 16);
        }
    }
    text
}

/// The finished log's reading, and that of the log as it grew.
fn both(path: &Path) -> [Reading; 2] {
    let paths = [path.to_owned()];
    let settings = WatchSettings { steps: Some(STEPS), ..WatchSettings::default() };
    let mut watching = Watching::new(paths.to_vec(), LogOptions::default(), settings);
    watching.turn(true).unwrap();
    let whole = open_log(&paths, &LogOptions::default()).unwrap();
    [detect(whole, Settings::default()).unwrap().reading, watching.reading()]
}

#[test]
fn a_watched_log_ends_with_the_verdict_of_the_finished_one() {
    let ramp = |low: f64, high: f64, from: f64, to: f64| {
        move |step: u64| low + (high - low) * ((step as f64 - from) / (to - from)).clamp(0.0, 1.0)
    };
    let slow = ramp(0.0, 0.95, 10.0, 55.0);
    let (seldom, often) = (ramp(0.01, 0.95, 10.0, 50.0), ramp(0.04, 0.97, 10.0, 50.0));
    let (fast, half) = (ramp(0.0, 1.0, 30.0, 31.0), ramp(0.0, 0.5, 10.0, 55.0));
    let (drift, to_half) = (ramp(0.3, 0.5, 10.0, 55.0), |_: u64| 0.5);
    let (quiet, shifted) = (Some(Verdict::Quiet), Some(Verdict::Shifted));
    type Share<'a> = &'a dyn Fn(u64) -> f64;
    let cases: [(&str, f64, Share<'_>, Option<Verdict>); 10] = [
        ("slow", 1.0, &slow, shifted),
        ("slow, seldom there before", 1.0, &seldom, shifted),
        ("slow, now and then there before", 1.0, &often, shifted),
        ("at once", 1.5, &fast, shifted),
        ("to a half", 1.0, &half, None),
        ("none", 0.0, &|_| 0.0, quiet),
        ("not paid for", 0.0, &slow, quiet),
        ("not paid for, seldom there before", 0.0, &seldom, quiet),
        ("a word that drifts", 0.3, &drift, quiet),
        ("a word that stays", 0.3, &to_half, quiet),
    ];
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    for (name, more, share, wanted) in cases {
        for seed in 0..3 {
            std::fs::write(&path, log(seed, more, share)).unwrap();
            let [read, watched] = both(&path);
            let said = (&read.judgement, &watched.judgement);
            assert_eq!(said.0.verdict, said.1.verdict, "{name} {seed}: {said:#?}");
            assert!(wanted.is_none_or(|wanted| wanted == said.0.verdict), "{name} {seed}: {said:#?}");
            if wanted == shifted {
                assert!(said.1.sentence.contains("`Certainly!!`"), "{name} {seed}: {said:#?}");
            }
        }
    }
}

#[test]
fn a_text_that_grew_is_told_with_its_shares() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let share = |step: u64| if step < 6 { 0.04 } else { (0.04 + 0.03 * (step - 6) as f64).min(0.95) };
    // Paid for it is a shift, else a caution of a quiet log; the words are those of what was counted.
    for more in [1.0, 0.0] {
        std::fs::write(&path, log(0, more, &share)).unwrap();
        for reading in both(&path) {
            let text = reading.new_text.unwrap();
            let of = |(n, all): (usize, usize)| n as f64 / all as f64;
            assert!(of(text.late) > 0.85 && (0.005..0.1).contains(&of(text.reference)), "{text:?}");
            // Three that hold it are named by their lines.
            let lines: Vec<String> =
                std::fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect();
            assert_eq!(text.examples.len(), 3, "{text:?}");
            for at in &text.examples {
                let line = &lines[at.own_line().unwrap() as usize - 1];
                assert!(
                    line.contains("Certainly!!") && line.starts_with(&format!("{},", at.step)),
                    "{at:?} {line}"
                );
                assert!(line.ends_with(&format!(",{}", at.reward)) && at.file == path, "{at:?} {line}");
            }
            let judgement = &reading.judgement;
            let (said, kind) = match more {
                0.0 => (judgement.cautions.join(" "), "The texts have changed: `Certainly!!` is in 9"),
                _ => (judgement.sentence.clone(), "text that grew is paid for: `Certainly!!` is in 9"),
            };
            assert!(said.contains(kind) && said.contains("of the first 6 steps"), "{judgement:?}");
        }
    }
}
