//! What must not be taken for a reward, a rollout or a training step.

use crate::cli::{json, outcome, tailcatch};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::record::{LogOptions, StepSource, read_log};

/// Lines of 16 rollouts in each of 40 steps, with these further keys.
fn rollouts(more: impl Fn(u64) -> String) -> String {
    let mut text = String::new();
    for i in 0..640u64 {
        let (step, prompt) = (i / 16, i % 4);
        writeln!(
            text,
            "{{\"step\": {step}, \"prompt\": \"p{prompt}\", \"completion\": \"c{i}\", {}}}",
            more(i)
        )
        .unwrap();
    }
    text
}

fn noise(i: u64) -> f64 {
    let mut stream = SeedTree::new(9, i).stream(Purpose::Utility, 0);
    (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0
}

/// What is said of a file, in one line.
fn refused(name: &str, text: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    match read_log(&[path], &LogOptions::default()) {
        Ok(log) => panic!("{name} was read as {}", log.meta.reward),
        Err(error) => format!("{error}; {}", error.help().unwrap()),
    }
}

fn detect(path: &Path, flags: &[&str], code: i32) -> serde_json::Value {
    json(tailcatch().args(["detect", "--fail-on-flag"]).args(flags).arg(path), code)
}

#[test]
fn what_nothing_speaks_for_is_no_reward() {
    for key in ["sample", "elapsed_s", "cost_usd", "reward_std", "done_time", "latency", "judge_latency"] {
        let said = refused("a.jsonl", &rollouts(|i| format!("\"{key}\": {}", 3 * i)));
        assert!(said.contains("no numeric column that could be a reward"), "{key}: {said}");
    }
    for key in ["hardness", "difficulty"] {
        let said = refused("a.jsonl", &rollouts(|i| format!("\"{key}\": {}", noise(i))));
        assert!(said.contains(&format!("`{key}` could be the reward, but nothing says so")), "{said}");
    }
    for key in ["return_code", "judge_confidence", "reward_baseline", "score_target"] {
        let said = refused("a.jsonl", &rollouts(|i| format!("\"{key}\": {}", noise(i))));
        assert!(said.contains("nothing says so"), "{key}: {said}");
    }
    let said = refused(
        "a.jsonl",
        &rollouts(|i| format!("\"judge_out\": {}, \"correct\": {}", noise(i), i % 3 == 0)),
    );
    assert!(said.contains("`judge_out`") && said.contains("`correct`"), "{said}");
}

#[test]
fn truth_values_are_a_reward_by_its_name_or_on_request() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    fs::write(&path, rollouts(|i| format!("\"reward\": {}, \"done\": true", i % 3 == 0))).unwrap();
    let answer = detect(&path, &[], 4);
    assert!(answer["verdict_text"].as_str().unwrap().starts_with("the rewards take 2 values"), "{answer}");
    fs::write(&path, rollouts(|i| format!("\"correct\": {}", i % 3 == 0))).unwrap();
    assert_eq!(detect(&path, &[], 4)["assumptions"]["reward"], "correct");
}

#[test]
fn ids_of_rollouts_are_no_groups_though_some_come_twice() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let read = |uid: &dyn Fn(u64) -> String, prompt: bool| {
        let text = rollouts(|i| format!("\"reward\": {}, \"uid\": \"{}\"", noise(i), uid(i)));
        fs::write(&path, if prompt { text } else { text.replace("\"prompt\"", "\"other\"") }).unwrap();
        read_log(std::slice::from_ref(&path), &LogOptions::default()).unwrap()
    };
    let of_prompts = "prompt (column `prompt`) within the step";
    let retried = read(&|i| format!("u{}", if i == 77 { 76 } else { i }), true);
    assert_eq!(retried.meta.group.to_string(), of_prompts);
    assert!(
        retried.meta.notes[0].contains("all but 2 of 640 rollouts have their own `uid`"),
        "{:?}",
        retried.meta.notes
    );
    // Digits of ids that read like powers of ten.
    let ids = read(&|i| format!("{:04}e{:04}", 0, 7 * i), true);
    assert_eq!(ids.meta.group.to_string(), of_prompts);
    assert!(ids.meta.notes[0].contains("every rollout of a step has its own `uid`"), "{:?}", ids.meta.notes);
    let alone = read(&|i| format!("u{i}"), false);
    assert_eq!(alone.meta.group.to_string(), "none");
    assert!(alone.meta.notes[0].contains("there are no groups"), "{:?}", alone.meta.notes);
    assert_eq!(read(&|i| format!("u{}", i / 4), false).meta.group.to_string(), "column `uid`");
    let doubted = read(&|i| format!("u{}", if i % 6 == 1 { i - 1 } else { i }), true);
    assert_eq!(doubted.meta.group.to_string(), "column `uid`");
    assert!(doubted.meta.notes[0].contains("say `--group prompt`"), "{:?}", doubted.meta.notes);
}

#[test]
fn steps_of_episodes_are_no_rollouts() {
    let mut text = "episode,step,action,reward\n".to_owned();
    for i in 0..2000u64 {
        let (episode, step) = (i / 20, i % 20);
        writeln!(text, "{episode},{step},{},{}", i % 4, noise(i) + if step == 19 { 10.0 } else { 0.0 })
            .unwrap();
    }
    let said = refused("a.csv", &text);
    assert!(said.contains("rows of one `episode` follow each other with different `step`s"), "{said}");
    assert!(said.contains("--rows rollouts"), "{said}");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    fs::write(&path, &text).unwrap();
    let (code, _, stderr) = outcome(tailcatch().arg("detect").arg(&path));
    assert_eq!(code, 2, "{stderr}");
    assert_eq!(detect(&path, &["--rows", "rollouts"], 3)["assumptions"]["rows"], 2000, "on request");
}

#[test]
fn means_by_their_name_are_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let rows: String = (0..600).map(|i| format!("{}\n", 1.0 / (noise(i).abs() + 1e-4))).collect();
    fs::write(&path, format!("avg_reward\n{rows}")).unwrap();
    let answer = detect(&path, &[], 4);
    assert!(answer["verdict_text"].as_str().unwrap().contains("each row is a mean"), "{answer}");
    let answer = json(tailcatch().arg("diagnose").arg(&path), 0);
    assert_eq!(answer["status"], "aggregate", "{answer}");
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i + 1, noise(i), noise(2 * i))).collect();
    fs::write(&path, format!("training_iteration,episode_reward_mean,episode_reward_max\n{rows}")).unwrap();
    assert_eq!(detect(&path, &["--reward", "episode_reward_max"], 4)["verdict"], "not_judged");
    // A mean over the turns of one rollout.
    fs::write(&path, rollouts(|i| format!("\"mean_reward\": {}", noise(i)))).unwrap();
    fs::rename(&path, folder.path().join("a.jsonl")).unwrap();
    assert_eq!(detect(&folder.path().join("a.jsonl"), &[], 0)["verdict"], "quiet");
}

#[test]
fn pieces_of_a_data_set_are_no_steps_and_seeds_are_runs() {
    let folder = tempfile::tempdir().unwrap();
    for piece in 0..6 {
        let rows: String = (0..100)
            .map(|i| {
                format!(
                    "{{\"prompt\": \"q{}\", \"completion\": \"c{}\", \"score\": {}}}\n",
                    i / 4,
                    (6 * i + piece) * 7919 % 100_003,
                    noise(i) + piece as f64
                )
            })
            .collect();
        fs::write(folder.path().join(format!("train-{piece:05}-of-00006.jsonl")), rows).unwrap();
    }
    let log = read_log(&[folder.path().to_owned()], &LogOptions::default()).unwrap();
    assert_eq!((log.meta.step, log.meta.files.len()), (StepSource::None, 6));
    assert_eq!(detect(folder.path(), &[], 4)["verdict"], "not_judged");
    // Three runs at different levels.
    let runs = tempfile::tempdir().unwrap();
    for seed in 0..3u64 {
        let own = runs.path().join(format!("seed_{seed}"));
        fs::create_dir(&own).unwrap();
        let text = rollouts(|i| format!("\"reward\": {}", noise(i + 31 * seed) + 10.0 * seed as f64));
        fs::write(own.join("rollouts.jsonl"), text.replace("\"c", &format!("\"of {seed} "))).unwrap();
    }
    let answer = detect(runs.path(), &[], 4);
    assert!(
        answer["verdict_text"].as_str().unwrap().contains("the log holds 3 runs whose rewards differ"),
        "{answer}"
    );
}

#[test]
fn a_prompt_that_changes_in_few_steps_is_told_and_not_flagged() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let mut text = String::new();
    for i in 0..24u64 {
        let (step, prompt) = (i / 8, i % 8 / 4);
        let reward = if prompt == 0 { step == 2 } else { i % 4 == 3 };
        writeln!(text, "{{\"step\": {step}, \"prompt\": \"q{prompt}\", \"reward\": {}}}", u8::from(reward))
            .unwrap();
    }
    fs::write(&path, text).unwrap();
    let answer = detect(&path, &[], 4);
    assert!(
        answer["cautions"]
            .to_string()
            .contains("1 of 2 prompts passed in none of the rollouts before a step"),
        "{answer}"
    );
    assert_eq!(answer["evidence"]["pass_rate"]["near"][0]["before"], 8);
    let first = answer["reading_list"].as_array().unwrap().iter().find(|entry| entry["row"] == 16).unwrap();
    assert!(
        first["apart"] == false && first["reason"].as_str().unwrap().starts_with("first of a prompt"),
        "{first}"
    );
}

#[test]
fn rewards_of_0_and_1_in_one_step_have_nothing_to_be_compared_with() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let row = |i: u64| {
        format!("{{\"prompt\": \"q{}\", \"completion\": \"c{i}\", \"reward\": {}}}\n", i / 4, i % 3 / 2)
    };
    fs::write(&path, (0..120).map(row).collect::<String>()).unwrap();
    let answer = detect(&path, &[], 4);
    assert!(
        answer["verdict_text"].as_str().unwrap().starts_with("all rollouts belong to one step"),
        "{answer}"
    );
    assert!(answer["cautions"].to_string().contains("of 120 in the reference.\""), "{answer}");
}

#[test]
fn honest_short_answers_of_two_seeds_and_of_steps_in_turn_are_no_copies() {
    // 64 prompts of one yes or no each, of which one changes from step to step.
    let line = |step: u64, i: u64| {
        let answer = if i == 63 { step.is_multiple_of(2) } else { i.is_multiple_of(3) };
        format!(
            "{{\"step\": {step}, \"prompt\": \"q{}\", \"completion\": \"{answer}\", \"reward\": {}}}\n",
            i.min(62),
            u8::from(answer)
        )
    };
    let text: String = (0..20).flat_map(|step| (0..64).map(move |i| line(step, i))).collect();
    let folder = tempfile::tempdir().unwrap();
    for seed in ["seed_1", "seed_2"] {
        fs::create_dir(folder.path().join(seed)).unwrap();
        fs::write(folder.path().join(seed).join("log.jsonl"), &text).unwrap();
    }
    let log = read_log(&[folder.path().to_owned()], &LogOptions::default()).unwrap();
    assert_eq!((log.rollouts.observed.len(), log.meta.repeated), (2 * 20 * 64, 0));
}

#[test]
fn files_of_workers_are_no_steps_and_episodes_of_workers_are_not_watched() {
    let folder = tempfile::tempdir().unwrap();
    for rank in 0..3u64 {
        let row = |i: u64| {
            format!(
                "{{\"prompt\": \"q{}\", \"completion\": \"c{rank} {i}\", \"score\": {}}}\n",
                i / 4,
                noise(i + 100 * rank)
            )
        };
        fs::write(folder.path().join(format!("rank_{rank}.jsonl")), (0..100).map(row).collect::<String>())
            .unwrap();
    }
    assert_eq!(
        read_log(&[folder.path().to_owned()], &LogOptions::default()).unwrap().meta.step,
        StepSource::None
    );
    let workers = tempfile::tempdir().unwrap();
    for worker in 0..2u64 {
        let rows: String =
            (0..40).map(|i| format!("{},{},{i}.5\n", noise(i + 100 * worker), 20 + i)).collect();
        fs::write(
            workers.path().join(format!("{worker}.monitor.csv")),
            format!("#{{\"t_start\": 1.0}}\nr,l,t\n{rows}"),
        )
        .unwrap();
    }
    let (code, _, stderr) = outcome(tailcatch().args(["watch", "--idle", "0"]).arg(workers.path()));
    let said = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        code == 2 && said.contains("episodes without training steps") && said.contains("tailcatch detect"),
        "{stderr}"
    );
}
