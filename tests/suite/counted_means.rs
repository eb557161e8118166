//! Step means beside which a counter of episodes, a rank or a number of rollouts stands: none of them makes a row one rollout.

use crate::cli::{file, json, outcome, tailcatch};
use std::fmt::Write as _;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::{LogOptions, Rows, read_log};

fn noise(i: u64) -> f64 {
    let mut stream = SeedTree::new(11, i).stream(Purpose::Utility, 0);
    (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0
}

/// Lines of JSON, one for each of these rows, with a reward that learns.
fn rows(rows: u64, of: impl Fn(u64) -> String) -> String {
    let mut text = String::new();
    for i in 0..rows {
        let reward = noise(i) / 8.0 + 0.01 * i as f64;
        writeln!(text, "{{{}, \"reward\": {reward}}}", of(i)).unwrap();
    }
    text
}

#[test]
fn means_are_told_beside_counters_and_reports() {
    let per_step: [(&str, &dyn Fn(u64) -> String); 5] = [
        ("a count of episodes", &|i| format!("\"step\": {i}, \"episode\": {}, \"kl\": 0.1", 512 * i)),
        ("of unlike batches", &|i| format!("\"step\": {i}, \"episode\": {}", 500 * i + i % 7)),
        ("all tokens of a step", &|i| {
            format!("\"step\": {i}, \"completion_tokens\": {}, \"kl\": 0.1", 30_000 + i % 9)
        }),
        ("steps in words", &|i| format!("\"step\": \"step {i}\"")),
        ("another counter", &|i| format!("\"consumed_samples\": {}", 512 * i)),
    ];
    for (what, of) in per_step {
        let (_folder, path) = file("a.jsonl", rows(200, of));
        let answer = json(tailcatch().args(["detect", "--fail-on-flag"]).arg(&path), 4);
        assert!(answer["verdict_text"].as_str().unwrap().contains("each row is a mean"), "{what}: {answer}");
        let (code, stdout, _) =
            outcome(tailcatch().args(["watch", "--idle", "0", "--state", "/dev/null"]).arg(&path));
        assert!(code == 0 && !stdout.contains("shifted"), "{what}: {stdout}");
        let rollouts = LogOptions { rows: Some(Rows::Rollouts), ..LogOptions::default() };
        assert!(!read_log(&[path], &rollouts).unwrap().meta.aggregate, "{what}, on request");
    }
}

#[test]
fn a_row_for_each_rank_or_data_set_is_a_mean_and_several_are_rollouts() {
    let aggregate = |of: &dyn Fn(u64) -> String| {
        let (_folder, path) = file("a.jsonl", rows(240, of));
        read_log(&[path], &LogOptions::default()).unwrap().meta
    };
    let ranks = aggregate(&|i| format!("\"step\": {}, \"rank\": {}", i / 8, i % 8));
    assert!(ranks.aggregate && ranks.notes.concat().contains("for each `rank`"), "{:?}", ranks.notes);
    assert!(!aggregate(&|i| format!("\"step\": {}, \"rank\": {}", i / 16, i % 8)).aggregate, "two of each");
    let sets = ["gsm8k", "math", "code"];
    assert!(
        aggregate(&|i| format!("\"step\": {}, \"dataset\": \"{}\"", i / 3, sets[i as usize % 3])).aggregate
    );
}

#[test]
fn a_mean_over_so_many_of_a_prompt_is_no_rollout() {
    let text = |n: &str| {
        rows(240, |i| format!("\"step\": {}, \"prompt_id\": {}{n}", i / 20, i % 20))
            .replace("\"reward\"", "\"mean_reward\"")
    };
    let aggregate = |n: &str| {
        let (_folder, path) = file("a.jsonl", text(n));
        read_log(&[path], &LogOptions::default()).unwrap().meta.aggregate
    };
    assert!(aggregate(", \"n\": 16") && !aggregate("") && !aggregate(", \"n\": 1"));
}

#[test]
fn episodes_that_are_numbered_one_by_one_are_rollouts() {
    for more in ["", ", \"loss\": 0.5"] {
        let (_folder, path) =
            file("a.jsonl", rows(200, |i| format!("\"step\": {i}, \"episode\": {i}{more}")));
        assert!(!read_log(&[path], &LogOptions::default()).unwrap().meta.aggregate, "{more}");
    }
}
