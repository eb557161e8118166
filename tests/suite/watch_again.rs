//! `watch` where a log holds rollouts again, and where it is gone on with after a look that was the last.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::monitor::watch::{Kept, Listening, Turned, WatchSettings, Watching};
use tailcatch::monitor::{ListEntry, Settings, Verdict, detect};
use tailcatch::record::{LogOptions, open_log};

fn settings() -> WatchSettings {
    WatchSettings { steps: Some(40), ..WatchSettings::default() }
}

fn watching(path: &Path) -> Watching {
    Watching::new(vec![path.to_owned()], LogOptions::default(), settings())
}

fn append(path: &Path, text: &str) {
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Steps of 12 rollouts of three prompts, as lines of JSON; too few to be known again by one step.
fn lines(steps: std::ops::Range<u64>, seed: u64) -> Vec<String> {
    let mut stream = SeedTree::new(seed, 0).stream(Purpose::Utility, 0);
    let mut all = Vec::new();
    for step in 0..steps.end {
        let mut text = String::new();
        for i in 0..12 {
            let reward = stream.open_unit() + if step == 30 && i == 5 { 20.0 } else { 0.0 };
            let completion = format!("c {}", stream.below(1 << 40));
            let record = serde_json::json!({"step": step, "prompt": format!("p{}", i / 4), "completion": completion, "reward": reward});
            writeln!(text, "{record}").unwrap();
        }
        all.push(text);
    }
    all.split_off(steps.start as usize)
}

/// Rows that count, and those that were there before.
fn counted(watching: &Watching) -> (usize, usize) {
    let assumptions = watching.reading().assumptions;
    (assumptions.rows, assumptions.duplicates)
}

fn places(list: &[ListEntry]) -> Vec<(u64, usize)> {
    let mut places: Vec<(u64, usize)> = list.iter().map(|entry| (entry.step, entry.row)).collect();
    places.sort_unstable();
    places
}

fn notes(turns: &[Turned]) -> String {
    turns.iter().flat_map(|turned| turned.notes.clone()).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_log_that_is_appended_to_itself_in_any_pieces_counts_once() {
    let text = lines(0..40, 3).concat();
    let twice = text.repeat(2);
    for seed in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log.jsonl");
        let kept = Kept::new(
            folder.path().join("state"),
            std::slice::from_ref(&path),
            &LogOptions::default(),
            &settings(),
        );
        let mut watching = kept.open(LogOptions::default()).unwrap();
        let mut stream = SeedTree::new(seed, 0).stream(Purpose::Audit, 0);
        let (mut turns, mut at) = (Vec::new(), 0);
        while at < twice.len() {
            let end = (at + 400 + stream.below(9_000) as usize).min(twice.len());
            append(&path, &twice[at..end]);
            at = end;
            turns.push(watching.turn(false).unwrap());
            kept.save(&watching).unwrap();
            watching = kept.open(LogOptions::default()).unwrap();
        }
        turns.push(watching.turn(true).unwrap());
        assert_eq!(counted(&watching), (480, 480), "{seed}: {}", notes(&turns));
        let note = "12 of 12 rollouts of step 0 in";
        assert!(notes(&turns).contains(note) && notes(&turns).contains("counted once"), "{}", notes(&turns));
        let log = open_log(std::slice::from_ref(&path), &LogOptions::default()).unwrap();
        assert_eq!((log.rollouts.len(), log.meta.repeated), (480, 480), "as the finished log");
        let whole = detect(log, Settings::default()).unwrap().reading;
        assert_eq!(places(&watching.reading().list), places(&whole.list));
    }
}

#[test]
fn another_run_in_the_same_file_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let mut watching = watching(&path);
    append(&path, &lines(0..40, 3).concat());
    watching.turn(false).unwrap();
    append(&path, &lines(0..40, 4).concat());
    let turns = [watching.turn(false).unwrap(), watching.turn(false).unwrap(), watching.turn(true).unwrap()];
    assert_eq!(counted(&watching), (960, 0));
    assert!(notes(&turns).contains("came after it was judged"), "{}", notes(&turns));
}

#[test]
fn files_that_were_copied_count_once_whenever_they_come() {
    let steps = lines(0..40, 3);
    let run = tempfile::tempdir().unwrap();
    let path = |folder: &str, step: usize| run.path().join(folder).join(format!("step_{step}.jsonl"));
    for folder in ["a", "b"] {
        fs::create_dir(run.path().join(folder)).unwrap();
    }
    let state = run.path().join(".state");
    let kept = Kept::new(state, &[run.path().to_owned()], &LogOptions::default(), &settings());
    let mut watching = kept.open(LogOptions::default()).unwrap();
    let mut turns = Vec::new();
    for (step, text) in steps.iter().enumerate() {
        fs::write(path("a", step), text).unwrap();
        if step % 10 == 9 {
            turns.push(watching.turn(false).unwrap());
        }
    }
    kept.save(&watching).unwrap();
    let mut watching = kept.open(LogOptions::default()).unwrap();
    for (step, text) in steps.iter().enumerate() {
        fs::write(path("b", step), text).unwrap();
    }
    turns.push(watching.turn(false).unwrap());
    turns.push(watching.turn(true).unwrap());
    assert_eq!(counted(&watching), (480, 480), "{}", notes(&turns));
    assert!(notes(&turns).contains("b/step_0.jsonl are those of"), "{}", notes(&turns));
    let log = open_log(&[run.path().to_owned()], &LogOptions::default()).unwrap();
    assert_eq!((log.rollouts.len(), log.meta.repeated), (480, 480), "as the finished log");
}

/// The log as a CSV file, and as lines of JSON.
fn both(folder: &tempfile::TempDir) -> [(PathBuf, String); 2] {
    let json = lines(0..12, 5).concat();
    let mut csv = "step,prompt,completion,reward\n".to_owned();
    for line in json.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let of = |key: &str| record[key].to_string().replace('"', "");
        writeln!(csv, "{},{},{},{}", of("step"), of("prompt"), of("completion"), of("reward")).unwrap();
    }
    [(folder.path().join("log.jsonl"), json), (folder.path().join("log.csv"), csv)]
}

#[test]
fn a_last_line_that_is_half_written_at_the_end_is_read_whole_and_once_later() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in both(&folder) {
        // Within the last line of the seventh step, after its first cells.
        let lines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at + 1).collect();
        let cut = lines[83] + 9;
        let state = PathBuf::from(format!("{}.state", path.display()));
        let kept = Kept::new(state, std::slice::from_ref(&path), &LogOptions::default(), &settings());
        let mut watching = kept.open(LogOptions::default()).unwrap();
        append(&path, &text[..cut]);
        let rollouts = watching.turn(true).unwrap().rollouts;
        assert_eq!(rollouts, if path.extension().is_some_and(|e| e == "csv") { 83 } else { 84 });
        kept.save(&watching).unwrap();
        append(&path, &text[cut..]);
        let mut watching = kept.open(LogOptions::default()).unwrap();
        watching.turn(true).unwrap();
        assert_eq!(counted(&watching), (144, 0), "{}", path.display());
        let lines: Vec<Option<u64>> = watching.reading().list.iter().map(|entry| entry.line).collect();
        let log = open_log(std::slice::from_ref(&path), &LogOptions::default()).unwrap();
        assert_eq!(log.rollouts.len(), 144);
        assert!(lines.iter().all(Option::is_some));
    }
}

#[test]
fn a_last_line_without_an_end_is_read_and_goes_on_at_the_next() {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in both(&folder) {
        let lines: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
        let cut = lines[84];
        let state = PathBuf::from(format!("{}.state", path.display()));
        let kept = Kept::new(state, std::slice::from_ref(&path), &LogOptions::default(), &settings());
        let mut watching = kept.open(LogOptions::default()).unwrap();
        append(&path, &text[..cut]);
        let rollouts = watching.turn(true).unwrap().rollouts;
        // A number at the end of a table may be half of one.
        assert_eq!(rollouts, if path.extension().is_some_and(|e| e == "csv") { 83 } else { 85 });
        kept.save(&watching).unwrap();
        append(&path, &text[cut..]);
        let mut watching = kept.open(LogOptions::default()).unwrap();
        watching.turn(true).unwrap();
        assert_eq!(counted(&watching), (144, 0), "{}", path.display());
        let last = watching.reading().list.iter().map(|entry| (entry.row, entry.line)).max().unwrap();
        let header = usize::from(path.extension().is_some_and(|e| e == "csv"));
        assert_eq!(last.1, Some((last.0 + 1 + header) as u64), "the line of a row");
    }
    // A number that goes on.
    let path = folder.path().join("cell.csv");
    let mut watching = watching(&path);
    append(&path, "step,call_id,reward\n0,1,0.5\n0,3,0.5\n0,2,0.25");
    let turned = watching.turn(true).unwrap();
    assert_eq!(turned.rollouts, 2);
    assert!(turned.notes[0].contains("its last line has no end"), "{:?}", turned.notes);
    append(&path, "75\n1,4,0.5\n");
    assert_eq!((watching.turn(true).unwrap().rollouts, counted(&watching)), (2, (4, 0)));
    let levels = watching.reading().levels;
    let all: f64 = levels.iter().map(|level| level.rollouts as f64 * level.mean).sum();
    assert!((all - 1.7575).abs() < 1e-12, "no half of it: {levels:?}");
}

#[cfg(feature = "parquet")]
#[test]
fn a_file_that_is_not_complete_at_the_end_is_read_when_it_is() {
    let whole = fs::read(crate::cli::fixture("trl").join("completions_00009.parquet")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("completions_00009.parquet");
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let options =
        LogOptions { reward: Some("rm_reward=1,format_reward=.5".parse().unwrap()), ..LogOptions::default() };
    let mut watching = Watching::new(vec![folder.path().to_owned()], options, settings());
    let turned = watching.turn(true).unwrap();
    assert!(turned.rollouts == 0 && turned.notes[0].contains("not complete"), "{:?}", turned.notes);
    fs::write(&path, &whole).unwrap();
    assert!(watching.turn(true).unwrap().rollouts > 0);
}

#[test]
fn a_log_that_is_begun_anew_or_moved_away_is_read_on() {
    let all = lines(0..40, 5);
    let (first, second) = (all[..20].concat(), all[20..].concat());
    // Emptied and gone on with, as a restarted program does: at once shorter, or longer than what was read before it is looked at.
    for longer in [false, true] {
        for moved in [false, true] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("r.jsonl");
            let first = if longer { all[..12].concat() } else { first.clone() };
            let rest = if longer { all[12..].concat() } else { second.clone() };
            append(&path, &first);
            let mut watching = watching(folder.path());
            let mut turns = vec![watching.turn(false).unwrap()];
            match moved {
                true => fs::rename(&path, folder.path().join("r.1.jsonl")).unwrap(),
                false => fs::remove_file(&path).unwrap(),
            }
            append(&path, &rest);
            turns.extend((0..3).map(|_| watching.turn(false).unwrap()));
            turns.push(watching.turn(true).unwrap());
            let reading = watching.reading();
            assert_eq!(
                reading.judgement.first_flag_step,
                Some(30),
                "{longer} {moved} {:?}",
                reading.judgement
            );
            assert!(notes(&turns).contains("read from its beginning"), "{}", notes(&turns));
            assert_eq!(counted(&watching).0, 40 * 12, "{longer} {moved} {}", notes(&turns));
        }
    }
}

#[test]
fn an_exploit_that_is_always_paid_the_same_is_told_of_a_watched_log_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let mut stream = SeedTree::new(31, 0).stream(Purpose::Utility, 0);
    let mut text = String::new();
    for step in 0..60u64 {
        for row in 0..64 {
            let honest = (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0;
            // From step 20 on; in the end half of the rollouts.
            let hacked = stream.open_unit() < 0.0125 * step.saturating_sub(20) as f64;
            let reward = if hacked { 1.0 } else { honest };
            let record = serde_json::json!({"step": step, "prompt": format!("p{}", row / 8), "completion": format!("c {step} {row}"), "reward": reward});
            writeln!(text, "{record}").unwrap();
        }
    }
    append(&path, &text);
    let log = open_log(std::slice::from_ref(&path), &LogOptions::default()).unwrap();
    let mut watching = Watching::new(
        vec![path],
        LogOptions::default(),
        WatchSettings { steps: Some(60), ..WatchSettings::default() },
    );
    watching.turn(false).unwrap();
    watching.turn(true).unwrap();
    let watched = watching.reading().judgement;
    assert_eq!(watched.verdict, Verdict::Shifted, "{}", watched.sentence);
    assert!(watched.sentence.contains("are paid exactly 1.000"), "{}", watched.sentence);
    let read = detect(log, Settings::default()).unwrap().reading.judgement;
    assert_eq!((read.verdict, read.sentence), (watched.verdict, watched.sentence));
}

#[test]
fn new_text_that_is_paid_for_is_told_of_a_watched_log_too() {
    for hacked in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let mut stream = SeedTree::new(33, u64::from(hacked)).stream(Purpose::Utility, 0);
        let settings = WatchSettings { steps: Some(60), ..WatchSettings::default() };
        let mut watching =
            Watching::new(vec![folder.path().to_owned()], LogOptions::default(), settings.clone());
        let mut listening = Listening::new(settings);
        for step in 0..60u64 {
            let (mut text, mut rewards, mut prompts, mut completions) =
                (String::new(), Vec::new(), Vec::new(), Vec::new());
            for row in 0..64 {
                // From step 20 on half of the rollouts hold it and are paid one standard deviation more.
                let holds = hacked && step >= 20 && stream.below(2) == 0;
                let honest = (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0;
                let letters = (0..30).map(|_| char::from(b"abcdefghij klmno"[stream.below(16) as usize]));
                let completion = letters.collect::<String>() + if holds { " !!ok" } else { "" };
                let (reward, prompt) = (honest + if holds { 1.0 } else { 0.0 }, format!("p{}", row / 8));
                let record = serde_json::json!({"step": step, "prompt": prompt, "completion": completion, "reward": reward});
                writeln!(text, "{record}").unwrap();
                rewards.push(reward);
                prompts.push(prompt);
                completions.push(completion);
            }
            append(&folder.path().join(format!("{step}.jsonl")), &text);
            watching.turn(false).unwrap();
            let line = serde_json::json!({"step": step, "rewards": rewards, "prompts": prompts, "completions": completions});
            listening.hear(&line.to_string()).unwrap();
            let mut kept = Listening::new(listening.watch().settings().clone());
            kept.restore(&listening.state().unwrap()).unwrap();
            listening = kept;
        }
        watching.turn(true).unwrap();
        let log = open_log(&[folder.path().to_owned()], &LogOptions::default()).unwrap();
        let read = detect(log, Settings::default()).unwrap().reading;
        for found in [read, watching.reading(), listening.reading()] {
            let said = &found.judgement.sentence;
            match hacked {
                true => assert!(
                    found.judgement.verdict == Verdict::Shifted
                        && said.contains("new text is paid for")
                        && said.contains("!!ok"),
                    "{said}"
                ),
                false => {
                    assert!(found.judgement.verdict == Verdict::Quiet && found.new_text.is_none(), "{said}")
                }
            }
        }
    }
}
