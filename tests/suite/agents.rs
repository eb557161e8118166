//! Logs of agents and of workers: columns that count turns are no training steps, and episodes come a little out of order.

use crate::cli::{json, tailcatch};
use std::fmt::Write as _;
use std::fs;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::record::{LogOptions, StepSource, read_log};

fn stream(index: u64) -> Stream {
    SeedTree::new(71, 0).stream(Purpose::Utility, index)
}

fn noise(stream: &mut Stream) -> f64 {
    (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0
}

/// What is said of a file: the whole answer, its verdict and the source of its steps.
fn detect(name: &str, text: &str, flags: &[&str]) -> (serde_json::Value, String, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let answer = json(tailcatch().arg("detect").args(flags).arg(&path), 0);
    let word = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let (verdict, step) = (word(&answer["verdict"]), word(&answer["assumptions"]["step"]));
    (answer, verdict, step)
}

#[test]
fn the_number_of_turns_is_no_training_step() {
    // Longer episodes are paid more: by their number of turns, the level of the rewards would shift.
    for key in ["steps", "iterations"] {
        let (mut stream, mut text) = (stream(0), String::new());
        for i in 0..1280 {
            let turns = 1 + stream.below(40);
            let reward = noise(&mut stream) + 0.15 * turns as f64;
            writeln!(
                text,
                "{{\"prompt\": \"q{}\", \"completion\": \"c{i}\", \"reward\": {reward}, \"{key}\": {turns}}}",
                i % 50
            )
            .unwrap();
        }
        let (answer, verdict, step) = detect("a.jsonl", &text, &[]);
        assert!(verdict == "quiet" && step.contains("blocks of 32"), "{answer}");
        assert!(answer["assumptions"]["rows"] == 1280, "{answer}");
        let (_, verdict, step) = detect("a.jsonl", &text, &["--step", key]);
        assert!(verdict == "shifted" && step.contains(key), "who says so is believed");
    }
}

#[test]
fn turns_that_begin_anew_are_no_training_steps() {
    // Each row is a turn, and the last turns of an episode are paid most; there is no column of the episode.
    let (mut stream, mut text) = (stream(1), String::new());
    for episode in 0..200u64 {
        let turns = 2 + stream.below(9);
        for turn in 0..turns {
            let reward = noise(&mut stream) + turn as f64;
            let (prompt, text_of) = (episode % 20, stream.below(1 << 40));
            writeln!(
                text,
                "{{\"step\": {turn}, \"prompt\": \"q{prompt}\", \"completion\": \"c{text_of}\", \"reward\": {reward}}}"
            )
            .unwrap();
        }
    }
    let (answer, verdict, step) = detect("a.jsonl", &text, &[]);
    assert!(verdict == "quiet" && step.contains("blocks of 32"), "{answer}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, &text).unwrap();
    let log = read_log(&[path], &LogOptions::default()).unwrap();
    assert!(log.meta.notes[0].starts_with("`step` begins anew again and again"), "{:?}", log.meta.notes);
    // Beside a training step the next column is taken.
    let with_global: String = (text.lines().enumerate())
        .map(|(row, line)| format!("{}, \"global_step\": {}}}\n", line.trim_end_matches('}'), row / 60))
        .collect();
    let (answer, _, step) = detect("a.jsonl", &with_global, &[]);
    assert_eq!(step, "column `global_step`", "{answer}");
}

#[test]
fn episodes_of_workers_are_judged_in_the_order_of_their_numbers() {
    let (mut stream, mut numbers) = (stream(2), Vec::new());
    // Four workers, each of which finishes its next episode at any time.
    let mut next = [0u64; 4];
    while numbers.len() < 960 {
        let worker = stream.below(4) as usize;
        if next[worker] < 240 {
            numbers.push(4 * next[worker] + worker as u64);
            next[worker] += 1;
        }
    }
    let rows: String = (numbers.iter())
        .map(|number| format!("{number},{}\n", noise(&mut stream) + if *number >= 480 { 9.0 } else { 0.0 }))
        .collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, format!("episode,reward\n{rows}")).unwrap();
    let log = read_log(&[path], &LogOptions::default()).unwrap();
    assert_eq!(log.meta.step, StepSource::Blocks { of: None });
    assert!(log.meta.notes.iter().any(|note| note.contains("a little out of order")), "{:?}", log.meta.notes);
    let observed = &log.rollouts.observed;
    let late = observed.proxy.iter().zip(&observed.step).filter(|(_, step)| **step >= 480);
    assert_eq!(late.clone().count(), 480);
    assert!(late.clone().all(|(reward, _)| *reward > 4.5), "those from 480 on are the later half");
}
