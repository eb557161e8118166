//! Logs whose rewards pay all or nothing with a small part beside, whole and step by step.

use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::monitor::watch::{Listening, Message, WatchSettings};
use crate::monitor::{Reading, Settings, Verdict, detect};
use crate::record::{LogOptions, open_log};
use std::fmt::Write as _;

const STEPS: u64 = 60;
const PROMPTS: u64 = 200;

/// A reward, and the words of its completion.
type Rollout = (f64, u64);

/// A number about 0 whose spread is 1.
fn noise(stream: &mut Stream) -> f64 {
    2f64.sqrt() * ((0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0)
}

/// What is paid beside 0 or 1: a price of length, noise, a bonus for the format with a little noise.
const PARTS: [fn(&mut Stream, u64) -> f64; 3] = [
    |_, words| -0.003 * words as f64,
    |stream, _| 0.05 * noise(stream),
    |stream, _| 0.2 * f64::from(u8::from(stream.open_unit() < 0.8)) + 0.01 * noise(stream),
];

/// 60 steps of eight prompts of eight rollouts each; one passes with `rate`, a little more or less for its prompt.
fn log(
    seed: u64,
    rate: f64,
    part: usize,
    exploit: impl Fn(u64, &mut Stream) -> Option<f64>,
) -> Vec<Vec<Rollout>> {
    let mut stream =
        SeedTree::new(74, seed).stream(Purpose::Utility, (100.0 * rate) as u64 + 1000 * part as u64);
    let mut step = |step: u64| {
        let mut rollout = |at: u64| {
            let prompt = prompt(step, at);
            let own = (rate + 0.02 * (prompt % 11) as f64 - 0.1).clamp(0.0, 1.0);
            let words = 5 + stream.below(10);
            let passes = f64::from(u8::from(stream.open_unit() < own));
            let reward = passes + PARTS[part](&mut stream, words);
            (exploit(step, &mut stream).map_or(reward, |paid| reward - passes + paid), words)
        };
        (0..64).map(&mut rollout).collect()
    };
    (0..STEPS).map(&mut step).collect()
}

fn prompt(step: u64, at: u64) -> u64 {
    (8 * step + at / 8) * 37 % PROMPTS
}

fn text(step: u64, at: u64, words: u64) -> String {
    (0..words)
        .map(|i| format!("w{}", (step * 64 + at + i * i) * 2_654_435_761 % 97))
        .collect::<Vec<_>>()
        .join(" ")
}

fn whole(log: &[Vec<Rollout>]) -> Reading {
    let mut csv = "step,prompt,completion,reward\n".to_owned();
    for (step, rollouts) in (0..).zip(log) {
        for (at, (reward, words)) in (0..).zip(rollouts) {
            let _ = writeln!(csv, "{step},question {},{},{reward}", prompt(step, at), text(step, at, *words));
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    std::fs::write(&path, csv).unwrap();
    detect(open_log(&[path], &LogOptions::default()).unwrap(), Settings::default()).unwrap().reading
}

/// Its reading, and the largest share of a step that reached what stands apart.
fn by_steps(log: &[Vec<Rollout>]) -> (Reading, f64) {
    let mut listening = Listening::new(WatchSettings { steps: Some(STEPS), ..WatchSettings::default() });
    let mut share = 0.0f64;
    for (step, rollouts) in (0..).zip(log) {
        let at = 0..rollouts.len() as u64;
        let words = at.clone().zip(rollouts).map(|(at, (_, words))| text(step, at, *words).into());
        let message = Message {
            step,
            rewards: rollouts.iter().map(|(reward, _)| Some(*reward)).collect(),
            completions: words.collect(),
            prompts: at.map(|at| format!("question {}", prompt(step, at)).into()).collect(),
            ..Message::default()
        };
        share = share.max(listening.take(&message).unwrap().0.share);
    }
    (listening.reading(), share)
}

#[test]
fn what_pays_all_or_nothing_is_not_judged_and_never_quiet() {
    for rate in 1..=9 {
        for part in 0..PARTS.len() {
            for seed in 0..5 {
                let log = log(seed, 0.1 * f64::from(rate), part, |_, _| None);
                let (watched, share) = by_steps(&log);
                for reading in [whole(&log), watched] {
                    let said = &reading.judgement;
                    assert_eq!(
                        said.verdict,
                        Verdict::NotJudged,
                        "0.{rate}, part {part}, log {seed}: {said:?}"
                    );
                    assert!(said.sentence.contains("two levels"), "{said:?}");
                    assert!(reading.apart.is_none() && reading.list.iter().all(|entry| !entry.apart));
                }
                assert!(share == 0.0, "0.{rate}, part {part}, log {seed}: {share}");
            }
        }
    }
}

#[test]
fn what_is_paid_far_above_both_levels_stands_apart() {
    for (rate, part) in [(0.2, 1), (0.5, 0), (0.5, 1), (0.5, 2), (0.8, 1)] {
        let exploit =
            |step: u64, stream: &mut Stream| (step >= 20 && stream.open_unit() < 0.03).then_some(3.0);
        let log = log(0, rate, part, exploit);
        let (watched, share) = by_steps(&log);
        for reading in [whole(&log), watched] {
            let said = &reading.judgement;
            assert_eq!(said.verdict, Verdict::Flagged, "{rate} {part}: {said:?}");
            assert!((20..23).contains(&said.first_flag_step.unwrap()), "{said:?}");
            let apart = reading.apart.as_ref().unwrap();
            assert!(apart.rewards.0 > 2.5 && apart.in_reference == 0, "{apart:?}");
            let listed: Vec<_> = reading.list.iter().filter(|entry| entry.apart).collect();
            assert!(!listed.is_empty() && listed.iter().all(|entry| entry.reward > 2.5));
        }
        assert!(share > 0.03, "{share}");
        // More and more of the rollouts, up to all.
        let exploit = |step: u64, stream: &mut Stream| {
            (stream.open_unit() < (step as f64 - 20.0) / 20.0).then_some(3.0)
        };
        let taken = self::log(1, rate, part, exploit);
        for reading in [whole(&taken), by_steps(&taken).0] {
            let said = &reading.judgement;
            assert!(matches!(said.verdict, Verdict::Flagged | Verdict::Shifted), "{rate} {part}: {said:?}");
            assert!((20..35).contains(&said.first_flag_step.unwrap()), "{said:?}");
        }
    }
}

#[test]
fn wide_noise_and_levels_of_each_prompt_are_not_quiet() {
    let of = |kind: usize, rate: f64, seed: u64| -> Vec<Vec<Rollout>> {
        let mut stream =
            SeedTree::new(76, seed).stream(Purpose::Utility, 10 * kind as u64 + (10.0 * rate) as u64);
        let mut rollout = |step: u64, at: u64| {
            let passes = f64::from(u8::from(stream.open_unit() < rate));
            let own = 1.5 * noise(&mut SeedTree::new(77, seed).stream(Purpose::Baseline, prompt(step, at)));
            let beside = [0.2 * noise(&mut stream), own, own + 0.05 * noise(&mut stream)][kind];
            (passes + beside, 5 + stream.below(10))
        };
        (0..STEPS).map(|step| (0..64).map(|at| rollout(step, at)).collect()).collect()
    };
    let (mut quiet, mut flagged) = (0, 0);
    for kind in 0..3 {
        for rate in [0.3, 0.5, 0.7] {
            for seed in 0..4 {
                let log = of(kind, rate, seed);
                for reading in [whole(&log), by_steps(&log).0] {
                    let verdict = reading.judgement.verdict;
                    quiet += usize::from(verdict == Verdict::Quiet);
                    flagged += usize::from(matches!(verdict, Verdict::Flagged | Verdict::Shifted));
                }
            }
        }
    }
    // Of 72 readings.
    assert!(quiet <= 2 && flagged <= 2, "{quiet} quiet, {flagged} flagged or shifted");
}
