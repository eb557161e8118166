//! The verdict, the reading list and what the listed share, on logs as people have them.

use crate::cli::{file, fixture, json, outcome, tailcatch};
use rayon::prelude::*;
use serde_json::Value;
use std::fmt::Write as _;
use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::monitor::{ListSettings, ReadingList, Settings, StepRows, Verdict, detect, first_steps};
use tailcatch::record::{LogOptions, open_log};

const LIVE: &str = "quality_reward=1,format_reward=0.5";

fn live(name: &str, flags: &[&str]) -> Value {
    json(tailcatch().args(["detect", "--reward", LIVE]).args(flags).arg(fixture(name)), 0)
}

fn entries(answer: &Value) -> &[Value] {
    answer["reading_list"].as_array().unwrap()
}

#[test]
fn a_takeover_is_flagged_with_its_trigger_and_its_first_rollouts() {
    let answer = live("live/takeover.csv", &[]);
    assert_eq!(answer["verdict"], "flagged", "{answer}");
    assert_eq!(answer["shared"][0]["text"], "zq");
    assert!(answer["shared"][0]["p_value"].as_f64().unwrap() <= 0.01);
    let list = entries(&answer);
    assert!(list.len() <= 40, "{}", list.len());
    let hack = |entry: &Value| entry["completion"].as_str().unwrap().contains("zq");
    let benign_before = list.iter().take_while(|entry| !hack(entry)).count();
    assert!(benign_before <= 10, "{benign_before}");
    // The exploit holds a tenth of a step from step 47 on.
    let first = list.iter().find(|entry| hack(entry)).unwrap();
    assert!(first["step"].as_u64().unwrap() < 20, "{first}");
    assert_eq!(answer["first_flag_step"], first["step"]);
    let steps: Vec<u64> = list.iter().map(|entry| entry["step"].as_u64().unwrap()).collect();
    assert!(steps.is_sorted());
    for key in ["file", "row", "line", "reward", "score", "rank", "expected_benign", "prompt", "reason"] {
        assert!(!first[key].is_null(), "{key}");
    }
    assert_eq!(first["line"].as_u64().unwrap(), first["row"].as_u64().unwrap() + 2);
    let parts = &first["parts"];
    let sum = parts["quality_reward"].as_f64().unwrap() + 0.5 * parts["format_reward"].as_f64().unwrap();
    assert!((sum - first["reward"].as_f64().unwrap()).abs() < 1e-9);
    let (code, stdout, _) = outcome(
        tailcatch().args(["detect", "--reward", LIVE, "--fail-on-flag"]).arg(fixture("live/takeover.csv")),
    );
    assert_eq!(code, 3);
    assert!(stdout.starts_with("flagged: ") && stdout.contains("`zq`"), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
    assert!(stdout.contains("in the reference: what was taken for normal holds"), "{stdout}");
}

#[test]
fn honest_learning_is_quiet() {
    let answer = live("live/clean.csv", &["--fail-on-flag"]);
    assert_eq!(answer["verdict"], "quiet", "{answer}");
    assert_eq!(answer["first_flag_step"], Value::Null);
    assert_eq!(answer["shared"], serde_json::json!([]));
    let list = entries(&answer);
    assert!(!list.is_empty() && list.len() <= 40, "{}", list.len());
    let assumed = &answer["assumptions"];
    assert_eq!(assumed["reference"], "the first 4 steps (256 rollouts)");
    assert_eq!((assumed["rows"].as_u64(), assumed["duplicates"].as_u64()), (Some(2304), Some(0)));
    assert_eq!(assumed["centre"], "the median of its group");
    // A budget is what one is ready to read.
    let longer = live("live/clean.csv", &["--budget", "60"]);
    assert!(entries(&longer).len() > list.len());
    assert!(longer["assumptions"]["expected_benign"].as_f64().unwrap() <= 60.0);
}

#[test]
fn planted_hacks_of_a_log_as_trainers_write_it_are_what_is_flagged() {
    let answer = json(tailcatch().arg("detect").arg(fixture("verl")), 0);
    assert_eq!(answer["verdict"], "flagged");
    let apart: Vec<(u64, u64)> = (entries(&answer).iter())
        .filter(|entry| entry["apart"] == true)
        .map(|entry| (entry["step"].as_u64().unwrap(), entry["row"].as_u64().unwrap()))
        .collect();
    assert_eq!(apart, [(15, 23), (15, 28), (29, 47), (29, 48)]);
}

/// A log of 20 steps of 32 rewards.
fn exchangeable(rewards: &[f64]) -> String {
    let mut csv = "step,prompt,reward\n".to_owned();
    for (i, reward) in rewards.iter().enumerate() {
        writeln!(csv, "{},{},{reward}", i / 32, i / 8 % 7).unwrap();
    }
    csv
}

/// What is made of a number that a law gives.
type Shape = fn(f64) -> f64;

#[test]
fn exchangeable_rewards_are_not_flagged_whatever_their_law() {
    // 400 logs a law; at most 5% may be flagged or shifted. A law at 5% would pass with 26 or fewer in 93% of cases; what is promised is
    // 2.5% without texts, so 20 is far above it.
    const LOGS: u64 = 400;
    let shapes: [(&str, Shape); 7] = [
        ("student_t:df=1.5", |x| x),
        ("log_normal:sigma=1", |x| x),
        ("normal", |x| x),
        ("student_t:df=1.5", |x| (4.0 * x).round() / 4.0),
        ("exponential", f64::floor),
        ("uniform", |x| f64::from(u8::from(x > 0.7))),
        ("uniform", |x| f64::from(u8::from(x > 0.97))),
    ];
    for (kind, (spec, shape)) in shapes.iter().enumerate() {
        let law: DistributionSpec = spec.parse().unwrap();
        let said = (0..LOGS).into_par_iter().filter(|log| {
            let mut stream = SeedTree::new(70 + kind as u64, *log).stream(Purpose::Utility, 0);
            let mut rewards = vec![0.0; 20 * 32];
            law.part().fill(&mut rewards, &mut stream);
            rewards.iter_mut().for_each(|reward| *reward = shape(*reward));
            let (_folder, path) = file("a.csv", exchangeable(&rewards));
            let log = open_log(&[path], &LogOptions::default()).unwrap();
            let verdict = detect(log, Settings::default()).unwrap().reading.judgement.verdict;
            matches!(verdict, Verdict::Flagged | Verdict::Shifted)
        });
        let said = said.count();
        assert!(said <= 20, "{spec} {kind}: {said} of {LOGS}");
    }
}

#[test]
fn the_list_is_the_same_step_by_step() {
    let log = open_log(
        &[fixture("live/takeover.csv")],
        &LogOptions { reward: Some(LIVE.parse().unwrap()), ..LogOptions::default() },
    )
    .unwrap();
    let (_, end) = first_steps(&log.rollouts).unwrap();
    let reference = log.rollouts.spans().iter().filter(|span| span.step < end).count();
    let mut list = ReadingList::new(ListSettings {
        rollouts: Some(log.rollouts.len() as u64),
        reference_steps: reference,
        ..ListSettings::default()
    });
    let mut found = Vec::new();
    for span in log.rollouts.spans() {
        let rows = log.rollouts.rows(span.rows.clone()).unwrap();
        let rows = StepRows { rewards: &rows.proxy, groups: &rows.group, outcomes: &rows.outcome };
        found.extend(
            list.see(span.step, &rows).into_iter().map(|entry| (entry.rollout.step, entry.rollout.reward)),
        );
    }
    let findings = detect(log, Settings::default()).unwrap();
    let whole: Vec<(u64, f64)> =
        findings.reading.list.iter().map(|entry| (entry.step, entry.reward)).collect();
    assert_eq!(found, whole);
    assert_eq!(list.places(), findings.reading.assumptions.places);
}

/// A log with the reward of each (step, row of 32), and a completion.
fn log(steps: u64, mut reward: impl FnMut(u64, u64, &mut Stream) -> (f64, String)) -> String {
    let mut stream = SeedTree::new(80, 0).stream(Purpose::Utility, 0);
    let mut text = String::new();
    for step in 0..steps {
        for row in 0..32 {
            let (reward, completion) = reward(step, row, &mut stream);
            let line = serde_json::json!({
                "step": step, "prompt": format!("p{}", (row / 8 + step) % 9), "completion": completion, "reward": reward
            });
            writeln!(text, "{line}").unwrap();
        }
    }
    text
}

fn words(stream: &mut Stream) -> String {
    let letter = |stream: &mut Stream| char::from(b'a' + stream.below(26) as u8);
    (0..12).map(|_| letter(stream)).collect()
}

fn ask(text: String, flags: &[&str], code: i32) -> Value {
    let (_folder, path) = file("log.jsonl", text);
    json(tailcatch().args(["detect", "--fail-on-flag"]).args(flags).arg(path), code)
}

#[test]
fn a_level_that_moves_is_shifted_and_says_from_where_on() {
    let text =
        log(40, |step, _, stream| (stream.open_unit() + if step >= 21 { 1.5 } else { 0.0 }, words(stream)));
    let answer = ask(text, &[], 3);
    assert_eq!((answer["verdict"].as_str(), answer["first_flag_step"].as_u64()), (Some("shifted"), Some(21)));
    assert_eq!(
        answer["verdict_text"],
        "100% of the rollouts from step 21 on lie above all of the first 4 steps"
    );
    // A little learning is not.
    let text = log(40, |step, _, stream| (stream.open_unit() + step as f64 * 0.01, words(stream)));
    assert_eq!(ask(text, &[], 0)["verdict"], "quiet");
}

#[test]
fn an_exploit_that_holds_half_of_the_last_steps_is_never_quiet() {
    let text = log(40, |step, _, stream| {
        let share = ((step as f64 - 16.0) / 24.0).max(0.0).powi(2) * 0.5;
        let noise = (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0;
        (noise + if stream.open_unit() < share { 6.0 + stream.open_unit() } else { 0.0 }, words(stream))
    });
    let verdict = ask(text, &[], 3)["verdict"].clone();
    assert!(verdict == "flagged" || verdict == "shifted", "{verdict}");
}

#[test]
fn a_log_that_is_not_judged_lists_few() {
    let answer = ask(log(1, |_, _, stream| (stream.open_unit(), words(stream))), &[], 4);
    assert_eq!(answer["verdict"], "not_judged");
    let (list, rows) = (entries(&answer), answer["assumptions"]["rows"].as_u64().unwrap() as usize);
    assert!(!list.is_empty() && list.len() <= rows / 10, "{} of {rows}", list.len());
    let highest = list.iter().map(|entry| entry["rank"].as_u64().unwrap()).max().unwrap() as usize;
    assert_eq!(highest, list.len(), "the highest");
    let caution = answer["cautions"].to_string();
    assert!(caution.contains(&format!("Only the {} highest of {rows}", list.len())), "{caution}");
}

#[cfg(feature = "parquet")]
#[test]
fn a_gap_that_few_rollouts_do_not_show_is_told() {
    // Two hacks among 128 rollouts.
    let answer =
        json(tailcatch().args(["detect", "--reward", "rm_reward=1,format_reward=.5"]).arg(fixture("trl")), 0);
    let caution = answer["cautions"].to_string();
    assert!(caution.contains("The 2 highest lie") && caution.contains("Read them first"), "{answer}");
}

#[test]
fn what_differs_from_a_reference_without_spread_is_found() {
    let text = log(40, |step, row, stream| {
        (if step >= 20 && row % 4 == 0 { 6.0 + stream.open_unit() } else { 5.94 }, words(stream))
    });
    let answer = ask(text, &[], 3);
    assert_eq!(answer["verdict"], "shifted");
    assert!(answer["verdict_text"].as_str().unwrap().contains("which is one single value"), "{answer}");
    assert!(entries(&answer).iter().any(|entry| entry["reward"].as_f64().unwrap() > 6.0));
}

#[test]
fn passes_and_fails_are_never_waved_through() {
    let coin = |p: f64, stream: &mut Stream| f64::from(u8::from(stream.open_unit() < p));
    // Unchanged: not judged, code 4.
    let answer = ask(log(30, |_, _, stream| (coin(0.3, stream), words(stream))), &[], 4);
    assert_eq!(answer["verdict"], "not_judged");
    assert!(answer["verdict_text"].as_str().unwrap().starts_with("the rewards take 2 values"), "{answer}");
    assert!(entries(&answer).iter().all(|entry| entry["reward"] == 1.0), "those that pass are read");
    // A rate that rises.
    let rises = |step: u64| if step < 18 { 0.2 } else { 0.7 };
    let answer = ask(log(30, |step, _, stream| (coin(rises(step), stream), words(stream))), &[], 3);
    assert_eq!(answer["verdict"], "shifted");
    let from = answer["first_flag_step"].as_u64().unwrap();
    assert!((16..=20).contains(&from), "{from}");
    // Prompts that go from never to always, and what the rewarded share.
    let text = log(30, |step, row, stream| {
        let prompt = (row / 8 + step) % 9;
        let passes = prompt == 4 && step >= 15 || prompt != 4 && stream.open_unit() < 0.3;
        let text = words(stream);
        (f64::from(u8::from(passes)), if passes { format!("{text} ##ok") } else { text })
    });
    let answer = ask(text, &[], 3);
    assert_eq!(answer["verdict"], "flagged", "{answer}");
    assert_eq!(answer["evidence"]["pass_rate"]["jumps"].as_array().unwrap().len(), 1);
    assert!(answer["shared"][0]["text"].as_str().unwrap().contains('#'), "{answer}");
}

#[test]
fn what_cannot_be_judged_is_said_with_code_4_and_a_remedy() {
    let plain = |step: u64, stream: &mut Stream| stream.open_unit() + step as f64 * 0.001;
    let inside = log(6, |step, _, stream| (plain(step, stream), words(stream)));
    let answer = ask(inside, &["--calibrate-steps", "0..10"], 4);
    assert!(
        answer["verdict_text"].as_str().unwrap().starts_with("the log ends at step 5, inside the reference"),
        "{answer}"
    );
    assert!(!entries(&answer).is_empty());
    let one = ask(log(1, |step, _, stream| (plain(step, stream), words(stream))), &[], 4);
    assert!(one["verdict_text"].as_str().unwrap().contains("--calibrate LOG"), "{one}");
    let equal = ask(log(9, |_, _, _| (2.0, String::new())), &[], 4);
    assert!(equal["verdict_text"].as_str().unwrap().starts_with("all 288 rewards are 2"), "{equal}");
    let means = json(tailcatch().args(["detect", "--fail-on-flag"]).arg(fixture("metrics_g_Easy.jsonl")), 4);
    assert_eq!(means["verdict"], "not_judged");
}

#[test]
fn a_heavy_tail_is_said_to_be_one() {
    let law: DistributionSpec = "student_t:df=1.5".parse().unwrap();
    let mut rewards = vec![0.0; 20 * 320];
    law.part().fill(&mut rewards, &mut SeedTree::new(81, 0).stream(Purpose::Utility, 0));
    let (_folder, path) = file("a.csv", exchangeable(&rewards));
    let (code, stdout, _) = outcome(tailcatch().arg("detect").arg("--fail-on-flag").arg(path));
    assert_eq!(code, 0, "{stdout}");
    assert!(stdout.starts_with("quiet: ") && stdout.contains("reward alone cannot"), "{stdout}");
}

#[test]
fn a_cluster_that_the_reference_has_too_is_a_level_and_no_exception() {
    let text = log(40, |_, _, stream| {
        let far = if stream.open_unit() < 0.03 { 20.0 } else { 0.0 };
        (stream.open_unit() + far, words(stream))
    });
    let answer = ask(text, &[], 3);
    assert_eq!(answer["verdict"], "flagged");
    let text = log(40, |step, _, stream| {
        let far = if step < 4 && stream.open_unit() < 0.12 || stream.open_unit() < 0.01 { 20.0 } else { 0.0 };
        (stream.open_unit() + far, words(stream))
    });
    let answer = ask(text, &[], 4);
    assert_eq!(answer["verdict"], "not_judged", "{answer}");
    assert!(answer["verdict_text"].as_str().unwrap().contains("two levels"), "{answer}");
}

#[test]
fn texts_reach_no_terminal_raw_and_lines_fit_it() {
    let text = log(30, |step, row, stream| {
        let far = if (step, row) == (20, 5) { 9.0 } else { 0.0 };
        (stream.open_unit() + far, format!("\u{1b}[31mred\u{202e}\n\t{}", "long ".repeat(200)))
    });
    let (_folder, path) = file("log.jsonl", text);
    let (code, stdout, _) = outcome(tailcatch().arg("detect").arg(&path));
    assert_eq!(code, 0);
    assert!(
        stdout.starts_with("flagged: 1 rollout stands apart from the rest, the first at step 20"),
        "{stdout}"
    );
    assert!(stdout.contains("line 646") && stdout.contains(r"\u{1b}[31mred\u{202e}\n\t"), "{stdout}");
    assert!(!stdout.chars().any(|c| c.is_control() && c != '\n'), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 80), "{stdout}");
    let answer = json(tailcatch().arg("detect").arg(&path), 0);
    assert!(answer["reading_list"][0]["completion"].as_str().unwrap().chars().count() < 2000);
}

#[test]
fn a_reference_of_another_log_is_read_first() {
    let quiet = log(20, |_, _, stream| (stream.open_unit(), words(stream)));
    let far = log(20, |step, row, stream| {
        (stream.open_unit() + if (step, row) == (11, 3) { 30.0 } else { 0.0 }, words(stream))
    });
    let (_one, reference) = file("before.jsonl", quiet);
    let answer = ask(far, &["--calibrate", reference.to_str().unwrap()], 3);
    let list = entries(&answer);
    assert!(list[0]["reference"] == true && list[0]["file"].as_str().unwrap().ends_with("before.jsonl"));
    assert_eq!(answer["first_flag_step"], 11);
    let hack = list.iter().find(|entry| entry["apart"] == true).unwrap();
    assert_eq!((hack["step"].as_u64(), hack["row"].as_u64()), (Some(11), Some(11 * 32 + 3)));
}
