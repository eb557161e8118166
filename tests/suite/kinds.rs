//! Every kind of log that people have, one small file each: what is read of it, and what is refused.

use crate::cli::{fixture, outcome, tailcatch};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tailcatch::record::{
    GroupSource, InMemory, Log, LogOptions, Rows, StepSource, log_files, read_column, read_log,
};

fn kind(name: &str) -> PathBuf {
    fixture("kinds").join(name)
}

fn options(reward: &str) -> LogOptions {
    match reward {
        "" => LogOptions::default(),
        reward => LogOptions { reward: Some(reward.parse().unwrap()), ..LogOptions::default() },
    }
}

fn read(name: &str, reward: &str) -> Log<InMemory> {
    read_log(&[kind(name)], &options(reward)).unwrap_or_else(|e| panic!("{name}: {e}\n{:?}", e.help()))
}

/// Message and help of a refusal.
fn refusal(name: &str, reward: &str) -> String {
    let error = read_log(&[kind(name)], &options(reward)).unwrap_err();
    assert!(error.is_bad_input());
    format!("{error}\n{}", error.help().unwrap())
}

#[test]
fn step_means_are_told_whatever_their_step_is_called() {
    for (name, reward) in [
        ("wandb_history.csv", "train/reward"),
        ("tensorboard.csv", "Value"),
        ("trainer_log.jsonl", "reward"),
        ("trainer_state.json", "reward"),
        ("two_runs.jsonl", "reward"),
    ] {
        for asked in ["", reward] {
            let log = read(name, asked);
            assert!(log.meta.aggregate, "{name}");
            assert_eq!(log.meta.reward.to_string(), reward, "{name}");
            assert_eq!(log.rollouts.observed.len(), 12, "{name}");
        }
    }
    let options = LogOptions { rows: Some(Rows::Rollouts), ..options("") };
    assert!(!read_log(&[kind("trainer_log.jsonl")], &options).unwrap().meta.aggregate);
}

#[test]
fn one_rollout_a_step_is_no_mean() {
    let log = read("monitor.csv", "");
    assert_eq!((log.meta.reward.to_string().as_str(), log.meta.aggregate), ("r", false));
    assert_eq!(log.rollouts.observed.length.as_deref().unwrap()[..2], [20.0, 21.0]);
    assert_eq!(log.rollouts.origin[0].line, Some(3));
    assert!(!read("call_id.jsonl", "").meta.aggregate);
}

#[test]
fn a_group_of_one_rollout_is_none() {
    let log = read("verl_uid.jsonl", "");
    assert_eq!(log.meta.group, GroupSource::Prompt("input".into()));
    assert!(log.meta.notes[0].contains("every rollout of a step has its own `uid`"), "{:?}", log.meta.notes);
    let group = &log.rollouts.observed.group;
    assert!(group[..4].iter().all(|g| *g == group[0]) && group[4] != group[0]);
    let named = LogOptions { group: Some("gts".into()), ..options("") };
    let log = read_log(&[kind("verl_uid.jsonl")], &named).unwrap();
    assert_eq!(log.meta.group, GroupSource::Column("gts".into()));
    let absent = LogOptions { group: Some("who".into()), ..options("") };
    let error = read_log(&[kind("verl_uid.jsonl")], &absent).unwrap_err();
    assert!(error.to_string().contains("there is no column `who`"));
}

#[test]
fn rollouts_that_are_logged_twice_count_once() {
    let log = read("trl_twice", "acc_reward");
    assert_eq!((log.rollouts.observed.len(), log.meta.rows, log.meta.repeated), (12, 24, 12));
    let note =
        "12 of 12 rollouts of step 2 are those of step 1 (same prompt, completion and reward): counted once";
    assert_eq!(log.meta.notes, [note]);
    let data = read_column(&[kind("trl_twice")], &options("acc_reward")).unwrap();
    assert!(data.values.len() == 12 && data.steps.unwrap().iter().eq([1; 12]));
}

#[test]
fn lists_are_named_by_index_or_each_and_never_guessed() {
    let text = refusal("prime_rl", "");
    assert!(text.contains("`traces/*/rewards/correct/score` could be the reward"), "{text}");
    assert!(text.contains("--reward 'traces/*/rewards/correct/score'"), "{text}");
    for reward in ["traces/0/rewards/correct/score", "traces/*/rewards/correct/score"] {
        let log = read("prime_rl", reward);
        assert_eq!((log.rollouts.observed.len(), log.meta.repeated), (8, 6), "`all` beside `effective`");
        assert_eq!(log.meta.step, StepSource::Column("run/work/step".into()));
        assert_eq!(log.rollouts.observed.proxy[3], 0.3);
        assert!(log.meta.left_out[0].path.ends_with("metrics.jsonl"));
    }
}

#[test]
fn a_log_that_was_appended_to_itself_is_counted_once_and_told() {
    let text = fs::read_to_string(fixture("live/takeover.csv")).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("twice.csv");
    let read = |text: String| {
        fs::write(&path, text).unwrap();
        read_log(std::slice::from_ref(&path), &options("quality_reward=1,format_reward=0.5")).unwrap()
    };
    let once = read(text.clone());
    let twice = read(format!("{header}\n{rows}{rows}"));
    assert_eq!(twice.rollouts.observed, once.rollouts.observed);
    assert_eq!(twice.meta.repeated, once.meta.rows);
    let note = twice.meta.notes.iter().find(|note| note.contains("counted once")).unwrap();
    assert!(note.contains("are those of the same step before them"), "{note}");
    assert!(once.meta.notes.iter().all(|note| !note.contains("counted once")), "{:?}", once.meta.notes);
}

#[test]
fn a_list_of_one_is_its_number_and_longer_ones_need_a_function() {
    let log = read("list_of_one.jsonl", "");
    assert_eq!((log.meta.reward.to_string().as_str(), log.rollouts.observed.len()), ("rewards", 8));
    let text = refusal("turns.jsonl", "");
    assert!(text.contains("line 1, column `reward`: a list of 2 numbers"), "{text}");
    assert!(text.contains("sum(reward)") && text.contains("last()"), "{text}");
    let by = |reward: &str| read("turns.jsonl", reward).rollouts.observed.proxy;
    let (sum, mean, max, last) =
        (by("sum(reward)"), by("mean(reward)=2"), by("max(reward)"), by("last(reward)"));
    for i in 0..6 {
        assert!((sum[i] - mean[i]).abs() < 1e-12 && last[i] <= max[i]);
    }
}

#[test]
fn columns_in_a_line_are_as_many_rollouts() {
    let log = read("columns.jsonl", "");
    assert_eq!((log.meta.reward.to_string().as_str(), log.rollouts.observed.len()), ("accuracy", 12));
    assert_eq!(log.rollouts.observed.step[..5], [0, 0, 0, 0, 1]);
    assert_eq!((log.rollouts.origin[5].row, log.rollouts.origin[5].line), (5, Some(2)));
    let text = refusal("best_of_n.jsonl", "scores");
    assert!(text.contains("`completions` and `scores` hold lists of one length (4)"), "{text}");
    assert!(text.contains("--rows rollouts") && text.contains("sum(scores)"), "{text}");
    let rollouts = LogOptions { rows: Some(Rows::Rollouts), ..options("scores") };
    let log = read_log(&[kind("best_of_n.jsonl")], &rollouts).unwrap();
    assert_eq!(log.rollouts.observed.len(), 12);
    let group = &log.rollouts.observed.group;
    assert!(group[0] == group[3] && group[3] != group[4], "the prompt is that of its samples");
    assert_eq!(read("best_of_n.jsonl", "max(scores)").rollouts.observed.len(), 3);
}

#[test]
fn what_is_no_rollout_of_training_is_left_out_and_told() {
    let log = read("folder", "");
    assert_eq!(log.rollouts.observed.len(), 12);
    let names: Vec<_> =
        log.meta.left_out.iter().map(|f| f.path.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["config.json", "run1_metadata.jsonl", "results.jsonl"]);
    assert!(log.meta.notes.iter().any(|note| note.contains("an evaluation beside rollouts of training")));
    let named = read_log(
        &[kind("folder/run1_metadata.jsonl"), kind("folder/run1_rollouts_000000.jsonl")],
        &options("reward"),
    );
    assert!(
        named.unwrap_err().to_string().contains("no column `reward`"),
        "a file that is named is not left out"
    );
    assert_eq!(read("folder/eval", "").rollouts.observed.len(), 4, "an evaluation alone is read");
    let versions = read("areal", "");
    assert_eq!(versions.meta.step, StepSource::Path);
    assert_eq!(versions.rollouts.observed.step[4..8], [0, 0, 1, 1]);
}

#[test]
fn formats_agree() {
    let rewards = read("lines.json", "").rollouts.observed.proxy;
    for name in ["array.json", "semicolon.csv", "comma.csv", "table.tsv"] {
        let log = read(name, "");
        assert_eq!((&log.rollouts.observed.proxy, log.rollouts.origin.len()), (&rewards, 18), "{name}");
    }
    assert_eq!(read("array.json", "").rollouts.origin[1].line, Some(2));
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read(kind("lines.json")).unwrap();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gzip.write_all(&text).unwrap();
    let (gzip, zstd) = (gzip.finish().unwrap(), zstd::encode_all(text.as_slice(), 3).unwrap());
    let array = fs::read(kind("array.json")).unwrap();
    for (name, bytes) in [("a.jsonl.gz", &gzip), ("b.json.zst", &zstd), ("c.jsonl", &array)] {
        let path = folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        let log = read_log(std::slice::from_ref(&path), &options("")).unwrap();
        assert_eq!(log.rollouts.observed.proxy, rewards, "{name}");
        let small = LogOptions { max_expanded: 100, ..options("") };
        let result = read_log(&[path], &small);
        let message = result.map(|_| ()).map_err(|e| format!("{e}; {}", e.help().unwrap()));
        match name {
            "c.jsonl" => assert_eq!(message, Ok(()), "not compressed"),
            _ => assert!(
                message.is_err_and(|m| m.contains("more than 100 bytes") && m.contains("--max-expanded"))
            ),
        }
    }
    let cut = folder.path().join("cut.jsonl.gz");
    fs::write(&cut, &gzip[..gzip.len() / 2]).unwrap();
    assert!(read_log(&[cut], &options("")).unwrap_err().to_string().contains("damaged or cut off"));
}

#[test]
fn cells_that_say_nothing_are_missing() {
    let log = read("missing.csv", "");
    assert_eq!((log.rollouts.observed.proxy, log.meta.empty), (vec![1.5, 2.5], 6));
    assert!(log.meta.notes[0].contains("the reward is NaN in 1 cells"), "{:?}", log.meta.notes);
}

#[test]
fn samples_of_an_evaluation_are_rollouts() {
    for name in ["inspect.json", "inspect.eval"] {
        let log = read(name, "");
        assert_eq!(log.meta.reward.to_string(), "scores/match/value");
        assert_eq!(log.rollouts.observed.proxy, [1.0, 0.0, 0.5, 0.0, 1.0, 0.0], "{name}");
        assert!(log.meta.roles.prompt.is_some() && log.meta.roles.completion.is_some());
    }
}

#[test]
fn a_run_that_goes_on_is_read_up_to_its_last_whole_row() {
    for (name, line) in [("growing.jsonl", 19), ("growing.csv", 20)] {
        let log = read(name, "");
        assert_eq!(log.rollouts.observed.len(), 18, "{name}");
        assert!(
            log.meta.notes[0].contains(&format!("{name}, line {line}: not complete")),
            "{:?}",
            log.meta.notes
        );
    }
    let folder = tempfile::tempdir().unwrap();
    let text = fs::read_to_string(kind("lines.json")).unwrap();
    fs::write(folder.path().join("1.jsonl"), &text).unwrap();
    fs::write(folder.path().join("2.jsonl"), &text[..20]).unwrap();
    let log = read_log(&[folder.path().to_owned()], &options("")).unwrap();
    assert_eq!(log.meta.left_out.len(), 1, "a file without one whole row");
    fs::write(folder.path().join("1.jsonl"), text.replacen("\"prompt\"", "prompt", 3)).unwrap();
    assert!(read_log(&[folder.path().to_owned()], &options("")).is_err(), "a broken row is an error");
}

#[cfg(feature = "parquet")]
#[test]
fn the_newest_parquet_file_may_be_incomplete() {
    let folder = tempfile::tempdir().unwrap();
    let bytes = fs::read(fixture("trl/completions_00009.parquet")).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    write("completions_00009.parquet", &bytes);
    write("completions_00010.parquet", &bytes[..bytes.len() / 2]);
    let read = || read_log(&[folder.path().to_owned()], &options("rm_reward"));
    assert_eq!(read().unwrap().meta.left_out.len(), 1);
    write("completions_00011.parquet", &fs::read(fixture("trl/completions_00015.parquet")).unwrap());
    assert!(read().is_err(), "one in the middle is an error");
}

#[cfg(unix)]
#[test]
fn a_log_that_cannot_be_seen_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("1.jsonl"), "{\"reward\": 1}\n").unwrap();
    std::os::unix::fs::symlink("/nowhere", folder.path().join("2.jsonl")).unwrap();
    let error = log_files(&[folder.path().to_owned()]).unwrap_err();
    assert!(error.to_string().contains("2.jsonl") && !error.is_bad_input(), "{error}");
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("z.jsonl")).unwrap();
    let error = read_log(&[folder.path().join("z.jsonl")], &options("")).unwrap_err();
    assert!(error.to_string().contains("z.jsonl, line 1: longer than"), "{error}");
}

#[test]
fn standard_input_is_a_log() {
    for name in ["lines.json", "table.tsv", "array.json"] {
        let mut command = tailcatch();
        command
            .args(["diagnose", "-", "--json", "-c", "reward"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(&fs::read(kind(name)).unwrap()).unwrap();
        let output = child.wait_with_output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("\"n\": 18"), "{name}: {text}");
    }
}

#[test]
fn both_words_name_the_reward_and_steps_cannot_be_chosen_where_there_are_none() {
    let stream = kind("missing.csv");
    for flag in ["--reward", "--column", "-c"] {
        for command in ["detect", "diagnose"] {
            let (code, _, stderr) = outcome(tailcatch().arg(command).arg(&stream).args([flag, "reward"]));
            assert_eq!(code, 0, "{command} {flag}: {stderr}");
        }
    }
    let (code, _, stderr) = outcome(tailcatch().arg("detect").arg(kind("turns.jsonl")).args([
        "-c",
        "sum(reward)",
        "--calibrate-steps",
        "0..10",
    ]));
    assert_eq!(code, 2);
    assert!(stderr.contains("this log has no step column: all 6 rows count as step 0"), "{stderr}");
    assert!(stderr.contains("--step COLUMN"), "{stderr}");
}

#[test]
fn an_empty_completion_is_one_of_no_characters() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let rows: String =
        (0..40).map(|i| format!("{},q,{},{i}\n", i / 10, if i % 3 == 0 { "" } else { "ab" })).collect();
    fs::write(&path, format!("step,prompt,completion,reward\n{rows}")).unwrap();
    let log = read_log(&[path], &options("reward")).unwrap();
    assert_eq!(log.meta.notes, [""; 0]);
    let length = log.rollouts.observed.length.unwrap();
    assert_eq!(length[..4], [0.0, 2.0, 2.0, 0.0]);
    let outcome = &log.rollouts.observed.outcome;
    assert!(outcome[0] == outcome[3] && outcome[0] != outcome[1], "the same completion");
}

/// Files of a folder and below.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

#[test]
fn no_damage_makes_a_reader_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = 0x853c_49e6_748f_ea9b_u64;
    let mut next = |n: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        (random >> 11) as usize % n.max(1)
    };
    for path in files(&fixture("kinds")) {
        let whole = fs::read(&path).unwrap();
        let damaged = folder.path().join(path.file_name().unwrap());
        for round in 0..40 {
            let mut bytes = whole.clone();
            for _ in 0..round % 6 {
                const BYTES: &[u8] = b"\"[]{},:\n;\t\0\xff-e9";
                let (at, byte) = (next(bytes.len()), BYTES[next(BYTES.len())]);
                bytes[at] = byte;
            }
            if round % 3 == 0 {
                bytes.truncate(next(bytes.len() + 1));
            }
            fs::write(&damaged, &bytes).unwrap();
            for rows in [None, Some(Rows::Rollouts)] {
                let options = LogOptions { rows, ..LogOptions::default() };
                match read_log(std::slice::from_ref(&damaged), &options) {
                    Ok(log) => assert!(log.rollouts.observed.proxy.iter().all(|x| x.is_finite())),
                    Err(error) => assert!(error.is_bad_input() && error.help().is_some(), "{error}"),
                }
            }
        }
    }
}

/// A Parquet file of two rows with a column of lists: texts, or numbers.
#[cfg(feature = "parquet")]
fn write_lists(path: &Path, lists: [&[f64]; 2], completions: [&[&str]; 2]) {
    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use parquet::file::writer::SerializedFileWriter;
    let schema = "message log {
        required int64 step;
        required group completion (LIST) { repeated group list { optional binary element (UTF8); } }
        required group rewards (LIST) { repeated group list { optional double element; } }
    }";
    let schema = parquet::schema::parser::parse_message_type(schema).unwrap();
    let file = fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, schema.into(), Default::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let levels = |lengths: [usize; 2]| -> Vec<i16> {
        lengths.iter().flat_map(|n| (0..*n).map(|i| i16::from(i > 0))).collect()
    };
    let mut column = group.next_column().unwrap().unwrap();
    column.typed::<Int64Type>().write_batch(&[1, 2], None, None).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let texts: Vec<ByteArray> =
        completions.iter().flat_map(|c| c.iter().map(|t| ByteArray::from(*t))).collect();
    let rep = levels(completions.map(<[&str]>::len));
    column.typed::<ByteArrayType>().write_batch(&texts, Some(&vec![2; texts.len()]), Some(&rep)).unwrap();
    column.close().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let numbers = lists.concat();
    let rep = levels(lists.map(<[f64]>::len));
    column.typed::<DoubleType>().write_batch(&numbers, Some(&vec![2; numbers.len()]), Some(&rep)).unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[cfg(feature = "parquet")]
#[test]
fn lists_in_parquet_are_those_of_json() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.parquet");
    let read = |options: &LogOptions| read_log(std::slice::from_ref(&path), options);
    write_lists(&path, [&[1.5], &[2.5]], [&["a"], &["b"]]);
    assert_eq!(read(&options("")).unwrap().rollouts.observed.proxy, [1.5, 2.5], "lists of one");
    write_lists(&path, [&[1.0, 2.0], &[3.0, 4.0]], [&["a"], &["b"]]);
    let error = read(&options("")).unwrap_err().to_string();
    assert!(error.contains("a.parquet, row 0, column `rewards`: a list of 2 numbers"), "{error}");
    assert_eq!(read(&options("sum(rewards)")).unwrap().rollouts.observed.proxy, [3.0, 7.0]);
    assert_eq!(read(&options("rewards/1")).unwrap().rollouts.observed.proxy, [2.0, 4.0]);
    write_lists(&path, [&[1.0, 2.0], &[3.0, 4.0]], [&["a", "b"], &["c", "d"]]);
    let error = read(&options("")).unwrap_err().to_string();
    assert!(error.contains("`completion` and `rewards` hold lists of one length (2)"), "{error}");
    let rollouts = LogOptions { rows: Some(Rows::Rollouts), ..options("") };
    assert_eq!(read(&rollouts).unwrap().rollouts.observed.proxy, [1.0, 2.0, 3.0, 4.0]);
    let small = LogOptions { max_expanded: 10, ..options("sum(rewards)") };
    assert!(read(&small).unwrap_err().to_string().contains("more than 10 bytes"));
}

#[cfg(feature = "parquet")]
#[test]
fn a_compression_that_is_not_read_is_named() {
    for name in ["brotli", "gzip"] {
        let (code, _, stderr) = outcome(tailcatch().arg("detect").arg(kind(&format!("{name}.parquet"))));
        let named = stderr.contains(&format!("compressed with {name}"));
        assert!(code == 2 && named && stderr.contains("zstd"), "{stderr}");
    }
}
