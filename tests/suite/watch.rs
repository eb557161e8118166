//! `watch`: the list of a log that grows is the list of the finished log, however it grew.

use crate::cli::{fixture, outcome, tailcatch};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::monitor::watch::{Kept, Listening, Turned, WatchSettings, Watching};
use tailcatch::monitor::{Apart, Calibrate, ListEntry, Reading, Settings, Verdict, detect};
use tailcatch::record::{LogOptions, open_log};

const LIVE: &str = "quality_reward=1,format_reward=0.5";

fn options(reward: Option<&str>) -> LogOptions {
    LogOptions { reward: reward.map(|reward| reward.parse().unwrap()), ..LogOptions::default() }
}

fn settings(steps: usize) -> WatchSettings {
    WatchSettings { steps: Some(steps as u64), ..WatchSettings::default() }
}

/// A file in a folder.
fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    path
}

/// What `detect` says of a finished log, and the number of its steps.
fn finished(path: &Path, options: &LogOptions) -> (Reading, usize) {
    let log = open_log(&[path.to_owned()], options).unwrap();
    let steps = log.rollouts.spans().len();
    let calibrate = Calibrate::Own;
    (detect(log, Settings { calibrate, ..Settings::default() }).unwrap().reading, steps)
}

/// What identifies an entry and what is said of it, but for texts and for what stands apart only in the end.
fn essence(list: &[ListEntry]) -> Vec<(u64, String, usize, Option<u64>, String)> {
    let mut all: Vec<_> = (list.iter())
        .map(|entry| {
            let name = entry.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let numbers = format!(
                "{} {} {} {} {:.9} {}",
                entry.reward, entry.score, entry.rank, entry.of, entry.expected_benign, entry.reason
            );
            (entry.step, name, entry.row, entry.line, numbers)
        })
        .collect();
    all.sort();
    all
}

/// All entries of some turns.
fn listed(turns: Vec<Turned>) -> Vec<ListEntry> {
    turns.into_iter().flat_map(|turned| turned.entries).collect()
}

/// Lets `text` grow in `path`, in pieces that end anywhere but hold a record, and watches; the program is started anew now and then.
fn grow(
    path: &Path,
    text: &str,
    watched: &Path,
    reward: Option<&str>,
    steps: usize,
    seed: u64,
) -> (Vec<ListEntry>, Reading) {
    let mut stream = SeedTree::new(seed, 0).stream(Purpose::Audit, 0);
    let state = path.with_file_name(".state.json");
    let kept = Kept::new(state, &[watched.to_owned()], &options(reward), &settings(steps));
    let mut watching = kept.open(options(reward)).unwrap();
    let (mut turns, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let piece = 6_000 + stream.below(30_000) as usize;
        let mut end = (at + piece).min(text.len());
        while !text.is_char_boundary(end) {
            end += 1;
        }
        let mut log = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        log.write_all(&text.as_bytes()[at..end]).unwrap();
        at = end;
        turns.push(watching.turn(false).unwrap());
        if stream.below(4) == 0 {
            kept.save(&watching).unwrap();
            watching = kept.open(options(reward)).unwrap();
        }
    }
    turns.push(watching.turn(true).unwrap());
    (listed(turns), watching.reading())
}

/// What stands apart, without the places: a watched log does not keep those.
fn placeless(whole: &Reading) -> Option<Apart> {
    let mut apart = whole.apart.clone()?;
    apart.places.clear();
    Some(apart)
}

#[test]
fn a_file_that_grows_anyhow_gives_the_list_of_the_finished_one() {
    for (name, verdict) in [("live/takeover.csv", Verdict::Flagged), ("live/clean.csv", Verdict::Quiet)] {
        let source = fixture(name);
        let (whole, steps) = finished(&source, &options(Some(LIVE)));
        assert_eq!(whole.judgement.verdict, verdict);
        let text = fs::read_to_string(&source).unwrap();
        for seed in 0..3 {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join(Path::new(name).file_name().unwrap());
            let (found, reading) = grow(&path, &text, &path, Some(LIVE), steps, seed);
            assert_eq!(essence(&found), essence(&whole.list), "{name} {seed}");
            assert_eq!(essence(&reading.list), essence(&whole.list));
            assert_eq!(reading.judgement.verdict, verdict, "{name} {seed}");
            assert_eq!(reading.apart, placeless(&whole));
            assert_eq!(reading.levels, whole.levels);
            assert!(found.iter().all(|entry| entry.completion.is_some() && entry.parts.len() == 2));
        }
    }
}

/// A log of `steps` steps of 16 rollouts with quoted line breaks, and hacks from a third on.
fn lines(steps: usize, stream: &mut Stream) -> Vec<(u64, f64, String, String)> {
    let mut rows = Vec::new();
    for step in 0..steps {
        for i in 0..16u64 {
            let noise = (0..6).map(|_| stream.open_unit()).sum::<f64>() - 3.0;
            let hack = 3 * step > steps && stream.open_unit() < 0.05;
            let text =
                format!("answer {}\n\"{}\", {}", stream.below(1 << 40), if hack { "zq" } else { "ab" }, step);
            rows.push((
                step as u64,
                if hack { 15.0 + noise } else { noise },
                format!("prompt {}", i / 4),
                text,
            ));
        }
    }
    rows
}

#[test]
fn csv_and_json_lines_in_files_of_a_step_and_in_one_give_one_list() {
    let rows = lines(60, &mut SeedTree::new(3, 0).stream(Purpose::Utility, 0));
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut csv = "step,reward,prompt,completion\n".to_owned();
    let mut json = String::new();
    let mut files: Vec<String> = vec![String::new(); 60];
    for (step, reward, prompt, text) in &rows {
        writeln!(csv, "{step},{reward},{prompt},{}", quoted(text)).unwrap();
        let record =
            serde_json::json!({"step": step, "reward": reward, "prompt": prompt, "completion": text});
        writeln!(json, "{record}").unwrap();
        let record = serde_json::json!({"reward": reward, "prompt": prompt, "completion": text});
        writeln!(files[*step as usize], "{record}").unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("log.csv", &csv), ("log.jsonl", &json)] {
        let path = folder.path().join(name);
        fs::write(&path, text).unwrap();
        let (whole, steps) = finished(&path, &options(None));
        assert_eq!((steps, whole.judgement.verdict), (60, Verdict::Flagged));
        fs::remove_file(&path).unwrap();
        let (found, reading) = grow(&path, text, &path, None, 60, 8);
        assert_eq!(essence(&found), essence(&whole.list), "{name}");
        assert_eq!(
            (reading.apart, reading.shift, reading.excess),
            (placeless(&whole), whole.shift, whole.excess),
            "{name}"
        );
        let _ = fs::remove_file(folder.path().join(".state.json"));
    }
    // A file a step, each half-written for a turn, an evaluation and settings beside them.
    let run = tempfile::tempdir().unwrap();
    let path = |step: usize| run.path().join(format!("step_{step}.jsonl"));
    let mut watching = Watching::new(vec![run.path().to_owned()], options(None), settings(60));
    let mut turns = Vec::new();
    fs::write(run.path().join("config.json"), "{\"lr\": 0.1}").unwrap();
    for (step, text) in files.iter().enumerate() {
        let half = text.len() / 2;
        fs::write(path(step), &text[..half]).unwrap();
        turns.push(watching.turn(false).unwrap());
        fs::write(path(step), text).unwrap();
        if step % 10 == 0 {
            fs::write(run.path().join(format!("eval_{step}.jsonl")), &files[0]).unwrap();
        }
        turns.push(watching.turn(false).unwrap());
    }
    turns.push(watching.turn(true).unwrap());
    let notes: Vec<String> = turns.iter().flat_map(|turned| turned.notes.clone()).collect();
    assert!(notes.iter().filter(|note| note.contains("evaluation")).count() == 6, "{notes:?}");
    let (whole, steps) = finished(run.path(), &options(None));
    assert_eq!(steps, 60);
    assert_eq!(essence(&listed(turns)), essence(&whole.list));
}

#[test]
fn a_prompt_that_goes_from_never_passing_to_always_is_listed_as_it_does() {
    // Four prompts of four rollouts a step. The first never passes before step 20 and always after; of the others one in four does.
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let passes = |step: u64, i: u64| if i < 4 { step >= 20 } else { i % 4 == step % 4 };
    let record = |step: u64, i: u64| {
        let reward = u8::from(passes(step, i));
        format!(
            "{{\"step\": {step}, \"prompt\": \"p{}\", \"completion\": \"c {i} {step}\", \"reward\": {reward}}}\n",
            i / 4
        )
    };
    let text: String = (0..40).flat_map(|step| (0..16).map(move |i| record(step, i))).collect();
    let (found, reading) = grow(&path, &text, &path, None, 40, 5);
    let jumps: Vec<&ListEntry> = found.iter().filter(|entry| entry.apart).collect();
    let [jump] = jumps.as_slice() else { panic!("{jumps:?}") };
    // Seven steps show it, however the rollouts of one go together: 4 / C(27, 7) · 27 · 28 is below 1%, and with six it is not.
    assert_eq!((jump.step, jump.row, jump.line), (26, 416, Some(417)));
    assert_eq!(jump.completion.as_deref(), Some("c 0 26"));
    assert_eq!(jump.reason, "passes: of a prompt of which 0 of 80 passed before and all 28 since");
    assert_eq!(reading.judgement.verdict, Verdict::Flagged);
    assert_eq!(reading.list.iter().filter(|entry| entry.apart).count(), 1);
}

/// All turns over what is there.
fn turns(watching: &mut Watching, last: bool) -> Vec<Turned> {
    let mut turns = Vec::new();
    loop {
        turns.push(watching.turn(last).unwrap());
        if !turns.last().is_some_and(|turned| turned.more) {
            return turns;
        }
    }
}

#[test]
fn a_record_longer_than_a_turn_is_read() {
    const LONG: usize = 20 << 20;
    let long = |step: u64, i: u64, at: (u64, u64)| "a".repeat(if (step, i) == at { LONG } else { 9 });
    let rows = || (0..12u64).flat_map(|step| (0..8u64).map(move |i| (step, i)));
    let json = rows().map(|(step, i)| {
        let text = long(step, i, (3, 3));
        format!("{{\"step\": {step}, \"completion\": \"{step} {i} {text}\", \"reward\": {}.5}}\n", i % 7)
    });
    let csv = rows().map(|(step, i)| format!("{step},{step} {i} {},{}.5\n", long(step, i, (0, 0)), i % 7));
    let folder = tempfile::tempdir().unwrap();
    let header = "step,completion,reward\n".to_owned();
    for (name, text, turned) in
        [("log.jsonl", json.collect::<String>(), 2), ("log.csv", header + &csv.collect::<String>(), 1)]
    {
        let path = file(&folder, name, &text);
        let mut watching = Watching::new(vec![path], options(None), settings(100));
        let turns = turns(&mut watching, false);
        let rollouts: usize = turns.iter().map(|turned| turned.rollouts).sum();
        assert_eq!((rollouts, turns.len()), (96, turned), "{name}: all that is there, without a wait");
    }
}

#[test]
fn workers_files_that_take_several_turns_give_the_list_of_the_finished_log() {
    // Four workers, each with 16 rollouts of 10 kB in each of 60 steps: 9.6 MB a file, and a turn reads less than two of them.
    let run = tempfile::tempdir().unwrap();
    let mut stream = SeedTree::new(9, 0).stream(Purpose::Utility, 0);
    let filler = "x".repeat(10_000);
    for worker in 0..4 {
        let mut text = String::new();
        for step in 0..60 {
            for _ in 0..16 {
                let hack = step > 20 && stream.open_unit() < 0.02;
                let reward = (0..6).map(|_| stream.open_unit()).sum::<f64>() + if hack { 12.0 } else { 0.0 };
                let completion = format!("{} {filler}", stream.below(1 << 40));
                let record = serde_json::json!({"step": step, "reward": reward, "completion": completion});
                writeln!(text, "{record}").unwrap();
            }
        }
        fs::write(run.path().join(format!("worker_{worker}.jsonl")), text).unwrap();
    }
    let (whole, steps) = finished(run.path(), &options(None));
    assert_eq!((steps, whole.judgement.verdict), (60, Verdict::Flagged));
    let mut watching = Watching::new(vec![run.path().to_owned()], options(None), settings(60));
    let mut all = turns(&mut watching, false);
    assert!(all.len() > 1);
    all.extend(turns(&mut watching, true));
    assert_eq!(all.iter().map(|turned| turned.steps.len()).sum::<usize>(), 60, "each step is judged once");
    assert_eq!(essence(&listed(all)), essence(&whole.list));
}

#[test]
fn what_was_read_is_not_read_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let record = |step: u64, i: u64| {
        format!("{{\"step\": {step}, \"reward\": {}.5, \"completion\": \"{step} {i}\"}}\n", i % 7)
    };
    let text = |steps: std::ops::Range<u64>| {
        steps.flat_map(|step| (0..16).map(move |i| record(step, i))).collect::<String>()
    };
    fs::write(&path, text(0..20)).unwrap();
    let mut watching = Watching::new(vec![path.clone()], options(None), settings(40));
    let first = watching.turn(false).unwrap();
    assert_eq!((first.rollouts, first.steps.len()), (320, 19), "the last step may go on");
    // Nothing more came of it.
    assert_eq!(watching.turn(false).unwrap().steps.len(), 1);
    let mut log = fs::OpenOptions::new().append(true).open(&path).unwrap();
    log.write_all(text(20..21).as_bytes()).unwrap();
    assert_eq!(watching.turn(false).unwrap().rollouts, 16);
    // A batch that comes again is counted once, a late rollout is told.
    log.write_all(text(20..21).replace("\"step\": 20", "\"step\": 21").as_bytes()).unwrap();
    log.write_all(record(5, 3).as_bytes()).unwrap();
    let turned = watching.turn(true).unwrap();
    assert!(turned.notes.iter().any(|note| note.contains("step 5 came after")), "{:?}", turned.notes);
    let reading = watching.reading();
    assert_eq!((reading.assumptions.rows, reading.assumptions.duplicates), (20 * 16 + 16 + 1, 16));
    // A file that was begun anew is read from its beginning, and what it repeats counts once.
    fs::write(&path, text(0..1)).unwrap();
    let turned = watching.turn(false).unwrap();
    assert!(turned.notes.concat().contains("read from its beginning"), "{:?}", turned.notes);
    assert_eq!((turned.rollouts, watching.turn(false).unwrap().rollouts), (16, 0));
}

#[test]
fn the_same_batch_in_two_turns_counts_once() {
    let run = tempfile::tempdir().unwrap();
    let batch: String = (0..16)
        .map(|i| {
            format!(
                "{{\"prompt\": \"p{}\", \"completion\": \"c{i}\", \"reward\": {}}}\n",
                i / 4,
                i as f64 / 7.0
            )
        })
        .collect();
    let mut watching = Watching::new(vec![run.path().to_owned()], options(None), settings(40));
    for step in 0..4 {
        fs::write(run.path().join(format!("step_{step}.jsonl")), &batch).unwrap();
        watching.turn(false).unwrap();
        watching.turn(false).unwrap();
    }
    let reading = watching.reading();
    assert_eq!((reading.assumptions.rows, reading.assumptions.duplicates), (16, 48));
}

#[test]
fn exchangeable_logs_seldom_have_something_apart_on_the_way() {
    // 2% in all looks together, 300 logs of each law: at most 2% and three standard errors, 13.
    for (law, spec) in ["student_t:df=1.5", "log_normal:sigma=1", "normal"].iter().enumerate() {
        let law_of: DistributionSpec = spec.parse().unwrap();
        let mut stream = SeedTree::new(61, 0).stream(Purpose::Utility, law as u64);
        let said = (0..300).filter(|_| {
            let mut listening = Listening::new(settings(30));
            let mut apart = false;
            for step in 0..30 {
                let mut rewards = vec![0.0; 32];
                law_of.part().fill(&mut rewards, &mut stream);
                let line = serde_json::json!({"step": step, "rewards": rewards}).to_string();
                let (_, entries) = listening.hear(&line).unwrap().unwrap();
                apart |= entries.iter().any(|entry| entry.apart);
            }
            apart
        });
        let said = said.count();
        assert!(said <= 13, "{spec}: {said} of 300");
    }
}

fn watch(flags: &[&str], path: &Path) -> (i32, Vec<Value>, String) {
    let (code, stdout, stderr) = outcome(tailcatch().args(["watch", "--jsonl"]).args(flags).arg(path));
    (code, stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect(), stderr)
}

#[test]
fn the_program_lists_ends_with_the_verdict_and_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("takeover.csv");
    fs::copy(fixture("live/takeover.csv"), &path).unwrap();
    let flags = ["--reward", LIVE, "--idle", "0", "--steps", "100"];
    let (code, lines, stderr) = watch(&flags, &path);
    let (verdict, entries) = lines.split_last().unwrap();
    assert_eq!((code, &verdict["verdict"]), (0, &Value::from("flagged")), "{stderr}");
    assert!(verdict.get("reading_list").is_none() && entries.len() > 5);
    for key in [
        "step",
        "file",
        "row",
        "line",
        "reward",
        "score",
        "rank",
        "expected_benign",
        "prompt",
        "completion",
        "reason",
    ] {
        assert!(!entries[0][key].is_null(), "{key}: {}", entries[0]);
    }
    assert!(folder.path().join(".takeover.csv.tailcatch-watch.json").exists());
    // The same command goes on: nothing is listed again, and the verdict stands.
    let (code, again, stderr) = watch(&flags, &path);
    assert_eq!((code, again.len(), &again[0]["verdict"]), (0, 1, &verdict["verdict"]));
    assert!(stderr.contains("goes on after step"), "{stderr}");
    // Another question is not answered from this state.
    let (code, _, stderr) = watch(&["--reward", LIVE, "--idle", "0", "--steps", "90"], &path);
    assert!(code == 2 && stderr.contains("--steps 100") && stderr.contains("--state FILE"), "{stderr}");
    let (code, _, stderr) = watch(&["--idle", "0", "--budget", "0.5"], &path);
    assert!(code == 2 && stderr.contains("count of 1 or more"), "{stderr}");
    // For people, in lines of 80 columns.
    let state = folder.path().join("state");
    let (code, stdout, _) =
        outcome(tailcatch().args(["watch", "--state"]).arg(&state).args(flags).arg(&path));
    assert!(
        code == 0 && stdout.contains("\nflagged: ") && stdout.lines().all(|line| line.chars().count() <= 80),
        "{stdout}"
    );
    // Each entry once, as it came; a call that goes on prints those of the call before at its end.
    let listed = |stdout: &str| -> Vec<String> {
        let entry = |line: &&str| line.starts_with("step ") && line.contains(" line ");
        stdout.lines().filter(entry).map(|line| line.replace(", apart", "")).collect()
    };
    let once = listed(&stdout);
    assert_eq!(once.len(), entries.len(), "{stdout}");
    let end = stdout.split_once("\nflagged: ").unwrap().1;
    assert!(
        end.contains("Each is printed above, as it came.") && end.contains("\nRead first (apart): "),
        "{end}"
    );
    let (_, stdout, _) = outcome(tailcatch().args(["watch", "--state"]).arg(&state).args(flags).arg(&path));
    let again = listed(&stdout);
    assert!(again.iter().all(|entry| once.contains(entry)) && again.len() == once.len().min(20), "{stdout}");
    assert!(!stdout.contains("printed above"), "{stdout}");
}

#[test]
#[cfg(unix)]
fn a_share_stops_it_and_a_command_hears_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("takeover.csv");
    fs::copy(fixture("live/takeover.csv"), &path).unwrap();
    let heard = folder.path().join("heard");
    let command = format!("cat >> '{}'; exit 7", heard.display());
    let flags =
        ["--reward", LIVE, "--idle", "0", "--steps", "100", "--stop-share", ".1", "--on-flag", &command];
    let (code, lines, stderr) = watch(&flags, &path);
    assert_eq!(code, 3, "{stderr}");
    let said = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("reach the lowest reward that stands apart: stopped"), "{stderr}");
    assert!(stderr.contains("ended with") && stderr.contains('7'), "{stderr}");
    let told: Vec<Value> =
        fs::read_to_string(&heard).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let apart: Vec<&Value> = lines.iter().filter(|line| line["apart"] == true).collect();
    assert!(!told.is_empty() && told.iter().eq(apart), "{told:?}");
    // An honest run is not stopped, and nothing is run.
    let clean = folder.path().join("clean.csv");
    fs::copy(fixture("live/clean.csv"), &clean).unwrap();
    fs::remove_file(&heard).unwrap();
    let (code, lines, _) = watch(&flags, &clean);
    assert_eq!((code, &lines.last().unwrap()["verdict"], heard.exists()), (0, &Value::from("quiet"), false));
}

#[test]
fn a_line_that_cannot_be_read_is_answered_and_keeps_the_log_from_being_quiet() {
    let mut child = tailcatch()
        .args(["watch", "-", "--steps", "40"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = SeedTree::new(6, 0).stream(Purpose::Utility, 0);
    let mut input = child.stdin.take().unwrap();
    for step in 0..40u64 {
        let rewards: Vec<f64> = (0..32).map(|_| stream.open_unit() + stream.open_unit()).collect();
        let key = if step == 30 { "reward" } else { "rewards" };
        let _ = writeln!(input, "{}", serde_json::json!({"step": step, key: rewards}));
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let refused: Vec<&Value> = lines.iter().filter_map(|line| line.get("error")).collect();
    assert!(refused.len() == 1 && refused[0].as_str().unwrap().starts_with("line 31: "), "{refused:?}");
    let verdict = lines.last().unwrap();
    assert_eq!(verdict["verdict"], "not_judged", "{verdict}");
    assert!(
        verdict["verdict_text"].as_str().unwrap().starts_with("1 of the lines could not be read"),
        "{verdict}"
    );
}

#[test]
fn lines_of_standard_input_are_answered() {
    let mut child = tailcatch()
        .args(["watch", "-", "--steps", "30", "--stop-share", "0.2"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stream = SeedTree::new(5, 0).stream(Purpose::Utility, 0);
    let mut input = child.stdin.take().unwrap();
    for step in 0..30u64 {
        let rewards: Vec<Option<f64>> = (0..32)
            .map(|i| match (step, i) {
                (9, 3) => Some(40.0),
                (20.., 0..8) => Some(41.0),
                (4, 4) => None,
                _ => Some(stream.open_unit() + stream.open_unit()),
            })
            .collect();
        let completions: Vec<String> = (0..32).map(|i| format!("text {step} {i}")).collect();
        let line = serde_json::json!({"step": step, "rewards": rewards, "completions": completions});
        // The program may have ended.
        let _ = writeln!(input, "{line}");
    }
    drop(input);
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<Value> = stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(output.status.code(), Some(3), "{stdout}");
    let (verdict, lines) = lines.split_last().unwrap();
    assert_eq!(verdict["assumptions"]["rows_left_out"], 1);
    let steps: Vec<&Value> = lines.iter().filter(|line| line.get("entries").is_some()).collect();
    assert_eq!(steps.len(), 21, "stopped at step 20");
    assert_eq!((&steps[2]["reference"], &steps[3]["reference"]), (&Value::from(true), &Value::from(false)));
    assert_eq!((&steps[4]["rollouts"], &steps[20]["share"]), (&Value::from(31), &Value::from(0.25)));
    let hack = lines.iter().find(|line| line["reward"] == 40.0).unwrap();
    assert_eq!(
        (&hack["step"], &hack["row"], &hack["line"]),
        (&Value::from(9), &Value::from(3), &Value::from(10))
    );
    assert_eq!((&hack["apart"], &hack["completion"]), (&Value::from(true), &Value::from("text 9 3")));
    let (code, _, stderr) = outcome(tailcatch().args(["watch", "-"]).stdin(Stdio::null()));
    assert_eq!(code, 0, "{stderr}");
}

#[test]
fn pass_rates_and_means_are_judged_as_in_the_finished_log() {
    let folder = tempfile::tempdir().unwrap();
    // Two prompts of 8 rollouts; the first goes from never to always at step 20.
    let mut text = "step,prompt,completion,reward\n".to_owned();
    for step in 0..40u64 {
        for i in 0..16u64 {
            let pays = if i < 8 { step >= 20 } else { (i + step) % 4 == 0 };
            writeln!(text, "{step},p{},word{} {i},{}", i / 8, (7 * step + i) % 11, u8::from(pays)).unwrap();
        }
    }
    let path = file(&folder, "passes.csv", &text);
    let (whole, steps) = finished(&path, &options(None));
    assert_eq!(whole.judgement.verdict, Verdict::Flagged);
    fs::remove_file(&path).unwrap();
    let (_, reading) = grow(&path, &text, &path, None, steps, 4);
    assert_eq!((reading.pass_rate, reading.judgement.verdict), (whole.pass_rate, Verdict::Flagged));
    // A reference that is paid nothing: the threshold comes with the first that is.
    let never = text.replace(",1\n", ",0\n");
    let late = text.lines().filter(|line| line.starts_with("39,")).map(|line| format!("{line}\n"));
    let late: String = late.map(|line| line.replace("39,", "40,")).collect();
    let _ = fs::remove_file(path.with_file_name(".state.json"));
    let path = file(&folder, "late.csv", &(never.clone() + &late));
    let (whole, steps) = finished(&path, &options(None));
    fs::remove_file(&path).unwrap();
    let (_, reading) = grow(&path, &(never + &late), &path, None, steps, 4);
    assert_eq!((reading.pass_rate, reading.judgement.verdict), (whole.pass_rate, whole.judgement.verdict));
    // Means.
    let means: String =
        (0..30).map(|step| format!("{{\"step\": {step}, \"reward\": {}}}\n", step / 7)).collect();
    let path = file(&folder, "means.jsonl", &means);
    let mut watching = Watching::new(vec![path], options(None), settings(30));
    let turned = watching.turn(false).unwrap();
    assert!(turned.steps.is_empty());
    let judgement = watching.reading().judgement;
    assert!(judgement.verdict == Verdict::NotJudged && judgement.sentence.contains("mean"), "{judgement:?}");
}

#[test]
fn rows_without_a_reward_close_no_file_and_one_rollout_a_step_is_not_judged() {
    let folder = tempfile::tempdir().unwrap();
    let record = |step: usize, i: usize, reward: bool| {
        let reward = if reward { format!(", \"reward\": {i}.5") } else { String::new() };
        format!("{{\"step\": {step}, \"completion\": \"{step} {i}\"{reward}}}\n")
    };
    let step = |step: usize, reward: bool| (0..8).map(|i| record(step, i, reward)).collect::<String>();
    let path = file(&folder, "log.jsonl", &(step(0, true) + &step(1, true)));
    let mut watching = Watching::new(vec![folder.path().to_owned()], options(None), settings(40));
    assert_eq!(watching.turn(false).unwrap().rollouts, 16);
    let mut log = fs::OpenOptions::new().append(true).open(&path).unwrap();
    // Rows without a reward, alone and beside a new file that has it, and settings that come together.
    log.write_all(step(2, false).as_bytes()).unwrap();
    assert_eq!(watching.turn(false).unwrap().rollouts, 0);
    file(&folder, "more.jsonl", &step(3, true));
    file(&folder, "a.csv", "loss,lr\n1,2\n3,4\n");
    file(&folder, "b.csv", "loss,lr\n1,2\n3,4\n");
    assert_eq!(watching.turn(false).unwrap().rollouts, 8);
    log.write_all(step(4, true).as_bytes()).unwrap();
    assert_eq!(watching.turn(true).unwrap().rollouts, 8);
    assert_eq!((watching.reading().assumptions.rows, watching.reading().assumptions.rows_left_out), (32, 8));
    file(&folder, "c.csv", "loss,lr\n1,2\n3,4\n");
    file(&folder, "d.csv", "loss,lr\n1,2\n3,4\n");
    let notes = watching.turn(false).unwrap().notes;
    assert!(["c.csv", "d.csv"].iter().all(|name| notes.iter().any(|note| note.contains(name))), "{notes:?}");
    // One rollout a step.
    let lines: String = (0..40).map(|step| record(step, step % 9, true)).collect();
    let mut watching = Watching::new(vec![file(&folder, "one.jsonl", &lines)], options(None), settings(40));
    watching.turn(true).unwrap();
    let judgement = watching.reading().judgement;
    assert!(
        judgement.verdict == Verdict::NotJudged && judgement.sentence.contains("one rollout"),
        "{judgement:?}"
    );
}

#[test]
fn nothing_is_lost_or_breaks_on_files_that_are_not_rollouts() {
    let run = tempfile::tempdir().unwrap();
    let mut watching = Watching::new(vec![run.path().to_owned()], options(None), settings(30));
    assert_eq!(watching.turn(false).unwrap().rollouts, 0, "an empty folder waits");
    fs::write(run.path().join("args.json"), "{\"lr\": 1e-5}").unwrap();
    assert_eq!(watching.turn(false).unwrap().rollouts, 0, "settings are no log yet");
    let record = |step: usize, i: usize| {
        format!("{{\"step\": {step}, \"reward\": {}.25, \"completion\": \"{i}\"}}\n", i % 5)
    };
    for step in 0..12 {
        let text: String = (0..8).map(|i| record(step, i)).collect();
        fs::write(run.path().join(format!("{step}.jsonl")), text).unwrap();
        watching.turn(false).unwrap();
    }
    fs::write(run.path().join("metrics.csv"), "loss,lr\n1,2\n3,4\n").unwrap();
    let turned = watching.turn(false).unwrap();
    assert!(turned.notes.iter().any(|note| note.contains("metrics.csv")), "{:?}", turned.notes);
    // A broken row before the end is an error with its place.
    fs::write(run.path().join("12.jsonl"), record(12, 0) + "{\"step\": 12, \"rew\n" + &record(12, 1))
        .unwrap();
    let error = watching.turn(false).unwrap_err().to_string();
    assert!(error.contains("12.jsonl, line 2"), "{error}");
}
