//! What decides how a watched folder is read, and an end on request.

use crate::cli::tailcatch;
use std::fmt::Write as _;
use std::fs;
use tailcatch::monitor::Verdict;
use tailcatch::monitor::watch::{WatchSettings, Watching};
use tailcatch::record::LogOptions;

fn rollouts(steps: u64, reward: &str) -> String {
    let mut text = String::new();
    for i in 0..16 * steps {
        let row = format!("\"step\":{},\"prompt\":\"p{}\",\"completion\":\"c{i}\"", i / 16, i / 4);
        writeln!(text, "{{{row},\"{reward}\":{}}}", i * 37 % 101).unwrap();
    }
    text
}

#[test]
fn a_file_of_settings_does_not_decide_the_reward() {
    for (name, first) in
        [("generation_config.json", "{\"temperature\": 0.7}"), ("scores.csv", "score\n1\n2\n3\n")]
    {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), first).unwrap();
        let paths = vec![folder.path().to_owned()];
        let mut watching = Watching::new(paths, LogOptions::default(), WatchSettings::default());
        assert_eq!(watching.turn(false).unwrap().rollouts, 0, "{name}");
        fs::write(folder.path().join("a.jsonl"), rollouts(20, "reward")).unwrap();
        while watching.turn(true).unwrap().more {}
        let reading = watching.reading();
        assert_eq!(
            (reading.assumptions.reward.as_str(), reading.assumptions.rows),
            ("reward", 320),
            "{name}"
        );
    }
}

#[test]
fn what_is_mostly_left_out_is_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a.jsonl"), rollouts(2, "accuracy")).unwrap();
    let paths = vec![folder.path().to_owned()];
    let mut watching = Watching::new(paths, LogOptions::default(), WatchSettings::default());
    assert_eq!(watching.turn(false).unwrap().rollouts, 32);
    fs::write(folder.path().join("b.jsonl"), rollouts(20, "reward")).unwrap();
    let told = watching.turn(true).unwrap().notes.join("; ");
    assert!(told.contains("320 rows were left out and 32 read"), "{told}");
    let judgement = watching.reading().judgement;
    assert_eq!(judgement.verdict, Verdict::NotJudged);
    assert!(
        judgement.sentence.contains("--reward") && judgement.sentence.contains("a.jsonl"),
        "{}",
        judgement.sentence
    );
}

#[test]
fn what_comes_again_after_a_hard_end_has_the_number_that_it_had() {
    let folder = tempfile::tempdir().unwrap();
    let (log, state) = (folder.path().join("a.jsonl"), folder.path().join("state.json"));
    let text = rollouts(60, "reward");
    let entries = || -> Vec<serde_json::Value> {
        let mut watch = tailcatch();
        watch.args(["watch", "--steps", "60", "--idle", "0", "--jsonl", "--state"]).arg(&state).arg(&log);
        let out = watch.output().unwrap().stdout;
        let lines = String::from_utf8(out).unwrap();
        let lines = lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
        lines.filter(|line| line.get("verdict").is_none()).collect()
    };
    let half = text.match_indices('\n').nth(16 * 30 - 1).unwrap().0 + 1;
    fs::write(&log, &text[..half]).unwrap();
    let first = entries();
    let kept = fs::read(&state).unwrap();
    fs::write(&log, &text).unwrap();
    let rest = entries();
    // As a process that is killed before it writes its state leaves it.
    fs::write(&state, kept).unwrap();
    assert_eq!(entries(), rest);
    let numbers = first.iter().chain(&rest).map(|entry| entry["number"].as_u64().unwrap());
    assert!(!first.is_empty() && !rest.is_empty());
    assert!(numbers.eq(1..=(first.len() + rest.len()) as u64));
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_with_the_verdict_and_the_state() {
    use std::process::{Command, Stdio};
    use std::time::{Duration, Instant};
    for signal in ["-INT", "-TERM"] {
        let folder = tempfile::tempdir().unwrap();
        let (log, state) = (folder.path().join("a.jsonl"), folder.path().join("state"));
        fs::write(&log, rollouts(30, "reward")).unwrap();
        let mut command = tailcatch();
        command.args(["watch", "--jsonl", "--every", "60", "--steps", "30", "--state"]).arg(&state).arg(&log);
        let child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // The state is written once something is listed, and the program sleeps.
        let begun = Instant::now();
        while !state.exists() && begun.elapsed() < Duration::from_secs(60) {
            std::thread::sleep(Duration::from_millis(20));
        }
        assert!(Command::new("kill").arg(signal).arg(child.id().to_string()).status().unwrap().success());
        let ended = child.wait_with_output().unwrap();
        let last = String::from_utf8_lossy(&ended.stdout).lines().last().unwrap_or_default().to_owned();
        assert_eq!(ended.status.code(), Some(0), "{signal}");
        assert!(last.contains("\"verdict\""), "{signal}: {last}");
        assert!(begun.elapsed() < Duration::from_secs(55), "{signal} waits for no look");
    }
}
