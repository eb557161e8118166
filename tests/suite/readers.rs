//! Real reward logs and damaged ones, through the library.

use crate::cli::{file, fixture};
use proptest::prelude::*;
use std::path::PathBuf;
use tailcatch::record::{Error, LogOptions, RewardSpec, Rows, log_files, read_column, read_log};

/// The options of a log whose reward is named.
fn rewarded(reward: &str) -> LogOptions {
    reward.parse::<RewardSpec>().unwrap().into()
}

fn named(reward: Option<&str>) -> LogOptions {
    reward.map(rewarded).unwrap_or_default()
}

fn column(name: &str, bytes: &[u8], column: Option<&str>) -> Result<Vec<f64>, Error> {
    let (_folder, path) = file(name, bytes);
    read_column(&[path], &named(column)).map(|data| data.values)
}

/// Message and help of the error, without the path of the temporary folder.
fn complaint(name: &str, bytes: &[u8], of: Option<&str>) -> (String, String) {
    let error = column(name, bytes, of).unwrap_err();
    assert!(error.is_bad_input());
    let message = error.to_string();
    let at = message.find(name).unwrap_or_default();
    (message[at..].to_owned(), error.help().unwrap())
}

#[test]
fn verl_folders_load_in_natural_order() {
    let log = read_log(&[fixture("verl")], &LogOptions::default()).unwrap();
    assert_eq!(log.rollouts.observed.len(), 256);
    assert_eq!(log.meta.reward, RewardSpec::Column("score".into()));
    let names: Vec<_> = log.meta.files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
    assert_eq!(names, ["2.jsonl", "10.jsonl", "15.jsonl", "29.jsonl"]);
    assert_eq!(log.rollouts.observed.step[64], 10);
    assert_eq!((log.rollouts.origin[65].file, log.rollouts.origin[65].row), (1, 1));
    // 8 prompts × 8 completions a step
    assert_eq!(log.rollouts.observed.group[..8], [log.rollouts.observed.group[0]; 8]);
    assert_ne!(log.rollouts.observed.group[7], log.rollouts.observed.group[8]);
    assert!(log.rollouts.observed.length.is_some() && log.rollouts.observed.log_prob.is_none());
    assert!(!log.meta.aggregate && log.meta.notes.is_empty());
}

#[cfg(feature = "parquet")]
#[test]
fn trl_folders_and_verl_folders_agree() {
    let weights: RewardSpec = "rm_reward=1,format_reward=.5".parse().unwrap();
    let trl = read_log(&[fixture("trl")], &weights.clone().into()).unwrap();
    let verl = read_log(&[fixture("verl/15.jsonl")], &LogOptions::default()).unwrap();
    let later = trl.rollouts.observed.step.partition_point(|s| *s < 15);
    for (a, b) in trl.rollouts.observed.proxy[later..].iter().zip(&verl.rollouts.observed.proxy) {
        assert!((a - b).abs() < 1e-12, "{a} {b}");
    }
    assert_eq!(trl.rollouts.observed.len(), 128);
    assert!(trl.rollouts.observed.advantage.is_some());
    assert_eq!(trl.rollouts.observed.parts[1].0, "format_reward");
    let error = read_log(&[fixture("trl")], &LogOptions::default()).unwrap_err();
    assert!(error.help().unwrap().contains("--reward rm_reward=1,format_reward=0.5"), "{error}");
}

#[cfg(feature = "parquet")]
#[test]
fn damaged_parquet_is_an_error() {
    let bytes = std::fs::read(fixture("trl/completions_00009.parquet")).unwrap();
    for keep in [0, 3, 4, 100, bytes.len() / 2, bytes.len() - 1] {
        let (message, help) = complaint("a.parquet", &bytes[..keep], Some("rm_reward"));
        assert!(message.contains("not a complete Parquet file"), "{keep}: {message}");
        assert!(help.contains("cut off"), "{help}");
    }
    for at in (4..bytes.len()).step_by(97) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0xff;
        // A changed value may pass; what counts is that nothing panics outwards.
        let _ = column("a.parquet", &damaged, Some("rm_reward"));
    }
}

#[test]
fn nested_keys_are_literal_or_paths() {
    let rows = b"{\"reward/g\": 1, \"r\": {\"h\": 3}}\n\n{\"reward/g\": 2, \"r\": {\"h\": 4}}\n";
    assert_eq!(column("a.jsonl", rows, Some("reward/g")).unwrap(), [1.0, 2.0]);
    assert_eq!(column("a.jsonl", rows, Some("r/h")).unwrap(), [3.0, 4.0]);
    assert_eq!(column("a.jsonl", rows, Some("r.h")).unwrap(), [3.0, 4.0]);
}

#[test]
fn byte_order_marks_crlf_and_gaps_are_accepted() {
    let csv = b"\xef\xbb\xbfreward,text\r\n1.5,\"a,\nb\"\r\n,c\r\n-2,d\r\n";
    assert_eq!(column("a.csv", csv, None).unwrap(), [1.5, -2.0]);
    let jsonl = b"\xef\xbb\xbf{\"reward\": 1.5}\r\n{\"reward\": null}\r\n{\"reward\": -2}";
    assert_eq!(column("a.jsonl", jsonl, None).unwrap(), [1.5, -2.0]);
}

#[test]
fn the_proxy_of_an_observed_table_is_the_reward() {
    let csv = "train_id,step,trajectory,outcome,prompt,group,proxy,reward,advantage,log_prob,ref_log_prob,length\n\
               r,0,0,7,0,0,2.5,2.4,.1,-1,-2,\nr,0,1,9,0,0,-1,-1.1,-.1,-3,-2,\n";
    let (_folder, path) = file("observed.csv", csv);
    let log = read_log(&[path], &LogOptions::default()).unwrap();
    assert_eq!(log.rollouts.observed.proxy, [2.5, -1.0]);
    assert_eq!(log.rollouts.observed.reward.as_deref(), Some([2.4, -1.1].as_slice()));
    assert_eq!(log.rollouts.observed.outcome, [7, 9]);
    assert_eq!(log.rollouts.observed.ref_log_prob.as_deref(), Some([-2.0, -2.0].as_slice()));
    assert_eq!(log.rollouts.observed.length, None, "an empty column is absent, not 0");
}

#[test]
fn weights_sum_the_parts_that_are_there() {
    let (_folder, path) = file("a.csv", "a,b\n1,10\n2,\n,\n");
    let log = read_log(&[path], &rewarded("a=1,b=.5")).unwrap();
    assert_eq!(log.rollouts.observed.proxy, [6.0, 2.0]);
    assert_eq!(log.meta.empty, 1);
    assert_eq!(
        log.rollouts.observed.parts,
        [("a".to_owned(), vec![1.0, 2.0])],
        "an incomplete part is left out"
    );
}

#[test]
fn rewards_that_are_nan_count_as_empty_and_are_told() {
    let (_folder, path) =
        file("a.jsonl", "{\"a\": 1, \"b\": NaN}\n{\"a\": NaN, \"b\": NaN}\n{\"a\": 2, \"b\": 4}\n");
    let log = read_log(&[path], &rewarded("a=1,b=.5")).unwrap();
    assert_eq!((log.rollouts.observed.proxy, log.meta.empty), (vec![1.0, 4.0], 1));
    assert!(log.meta.notes[0].contains("the reward is NaN in 3 cells, the first at"), "{:?}", log.meta.notes);
    assert!(log.meta.notes[0].contains("a.jsonl, line 1"), "{:?}", log.meta.notes);
    let (_folder, path) = file("a.csv", "r\n1\ninf\n");
    assert!(read_log(&[path], &rewarded("r")).is_err());
}

#[test]
fn an_empty_file_among_others_is_left_out() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in
        [("1.jsonl", "{\"score\": 1}\n"), ("2.jsonl", ""), ("3.csv", ""), ("4.csv", "score\n")]
    {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let log = read_log(&[folder.path().to_owned()], &LogOptions::default()).unwrap();
    assert_eq!(log.rollouts.observed.proxy, [1.0]);
    assert_eq!(log.meta.left_out.len(), 3, "{:?}", log.meta.left_out);
    assert!(log.meta.notes.iter().all(|note| note.contains("left out, the file is empty")));
    std::fs::remove_file(folder.path().join("1.jsonl")).unwrap();
    assert!(read_log(&[folder.path().to_owned()], &LogOptions::default()).is_err());
}

#[test]
fn large_ids_keep_their_digits() {
    let rows = "{\"r\": 1, \"uid\": 9007199254740993}\n{\"r\": 2, \"uid\": 9007199254740992}\n\
                {\"r\": 3, \"uid\": 12345678901234567891}\n{\"r\": 4, \"uid\": 12345678901234567890}\n\
                {\"r\": 5, \"uid\": 12345678901234567890}\n";
    let (_folder, path) = file("a.jsonl", rows);
    let group = read_log(&[path], &rewarded("r")).unwrap().rollouts.observed.group;
    let distinct: std::collections::BTreeSet<u64> = group.iter().copied().collect();
    assert_eq!((distinct.len(), group[3] == group[4]), (4, true));
}

#[test]
fn stray_bytes_in_a_text_are_no_error() {
    let (_folder, path) = file("a.csv", b"reward,completion\n1,ab\n2,caf\xe9\n");
    let log = read_log(&[path], &LogOptions::default()).unwrap();
    assert_eq!(log.rollouts.observed.length, Some(vec![2.0, 4.0]));
}

#[test]
fn features_are_read_by_name_and_prefix() {
    use tailcatch::record::open_log;
    let (_folder, path) = file("a.csv", "r,x_1,x_2,x_t,y,disagreement\n1,2,3,a,4,.5\n5,6,7,b,8,.25\n");
    let read = |names: &[&str]| {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        open_log(std::slice::from_ref(&path), &LogOptions { features: names, ..rewarded("r") })
            .map(|log| log.rollouts.rows(0..9))
    };
    let column = |name: &str, values: [f64; 2]| (name.to_owned(), values.to_vec());
    let all = read(&["x_*", "y", "x_2"]).unwrap().unwrap();
    assert_eq!(
        all.features,
        [
            column("x_1", [2.0, 6.0]),
            column("x_2", [3.0, 7.0]),
            column("y", [4.0, 8.0]),
            column("disagreement", [0.5, 0.25])
        ]
    );
    assert!(read(&["z"]).unwrap_err().to_string().contains("there is no column `z`"));
    assert!(read(&["z*"]).is_err());
    assert!(read(&["x_t"]).unwrap().unwrap().features.len() == 1, "text is left out, with a note");
}

#[test]
fn rows_out_of_order_are_sorted_by_step_and_keep_their_place() {
    let (_folder, path) = file("a.csv", "step,reward\n3,1\n1,2\n3,3\n1,4\n");
    let log = read_log(&[path], &LogOptions::default()).unwrap();
    assert_eq!(log.rollouts.observed.step, [1, 1, 3, 3]);
    assert_eq!(log.rollouts.observed.proxy, [2.0, 4.0, 1.0, 3.0]);
    assert_eq!(log.rollouts.origin.iter().map(|o| o.row).collect::<Vec<_>>(), [1, 3, 0, 2]);
}

#[test]
fn step_means_are_told_from_rollouts() {
    let aggregate = |csv: &str| {
        let (_folder, path) = file("a.csv", csv);
        read_column(&[path], &LogOptions::default()).unwrap().aggregate
    };
    assert!(aggregate("step,reward\n0,1\n1,2\n2,3\n"));
    assert!(!aggregate("step,reward\n0,1\n0,2\n1,3\n"));
    assert!(!aggregate("step,prompt,reward\n0,a,1\n1,a,2\n2,b,3\n"));
    assert!(!aggregate("reward\n1\n2\n"));
    for header in ["_step", "Step", "current_steps", "train/global_step", "iter", "epoch", "tail_version"] {
        assert!(aggregate(&format!("{header},reward\n0,1\n1,2\n2,3\n")), "{header}");
    }
    assert!(aggregate("step,reward\n0,1\n1,2\n2,3\n0,1\n1,2\n2,3\n"), "two runs in one file");
    assert!(!aggregate("step,reward,call_id\n0,1,7\n1,2,8\n"), "one rollout a step");
    assert!(!aggregate("step,reward,length\n0,1,70\n1,2,80\n"));
    assert!(aggregate("step,reward,completion_length\n0,1,70.5\n1,2,80.25\n"), "a mean length");
    let (_folder, path) = file("a.csv", "step,reward\n0,1\n1,2\n2,3\n");
    let rows = |rows| LogOptions { rows: Some(rows), ..LogOptions::default() };
    assert!(!read_log(std::slice::from_ref(&path), &rows(Rows::Rollouts)).unwrap().meta.aggregate);
    let (_folder, path) = file("a.csv", "step,reward\n0,1\n0,2\n2,3\n");
    assert!(read_log(&[path], &rows(Rows::Means)).unwrap().meta.aggregate);
    let means = read_column(&[fixture("metrics_g_Easy.jsonl")], &LogOptions::default()).unwrap();
    assert!(means.aggregate && means.rows == 35 && means.column.is_none());
}

/// File name, bytes, column asked for, and what message and help must say.
type Case = (&'static str, &'static [u8], Option<&'static str>, &'static str, &'static str);

#[test]
fn errors_name_place_and_remedy() {
    let cases: &[Case] = &[
        ("a.csv", b"", None, "a.csv: the file is empty: not even a header", "did finish"),
        ("a.csv", b"reward\n", None, "a.csv: the file is empty: a header and no row", "did finish"),
        ("a.csv", b"1,2\n3,4\n", None, "a.csv: line 1 holds numbers (`1` ", "column names"),
        ("a.csv", b"0,p,0.5\n1,q,0.7\n", None, "a.csv: line 1 holds numbers (`0.5` ", "column names"),
        (
            "a.csv",
            b"r,s\r1,2\r3,4\r",
            None,
            "a.csv: its lines end in carriage returns alone",
            "tr '\\r' '\\n'",
        ),
        ("a.csv", b"r,s\n1,2\n", Some("rr"), "a.csv: there is no column `rr`", "the columns are `r`, `s`"),
        ("a.csv", b"r,r\n1,2\n", Some("r"), "a.csv: the header names `r` more than once", "own name"),
        ("a.csv", b"r\n1\nabc\n", Some("r"), "a.csv, line 3, column `r`: `abc` is not a number", "drop"),
        (
            "a.csv",
            b"r,s\n1,2\n1\n",
            Some("r"),
            "a.csv, line 3: the row has 1 cells, the header has 2",
            "quote",
        ),
        ("a.csv", b"r\n1\n\xff\n", Some("r"), "a.csv, line 3: the text is not UTF-8", "iconv"),
        ("a.csv", b"r\n1\n-inf\n", Some("r"), "a.csv, line 3, column `r`: the value is -inf", "drop or clip"),
        (
            "a.csv",
            b"step,r\n0,1\nx,2\n",
            Some("r"),
            "a.csv, line 3, column `step`: `x` is not a step",
            "--step COLUMN",
        ),
        ("a.csv", b"r,s\n,1\n", Some("r"), "a.csv: column `r` holds no value", "another column"),
        ("a.jsonl", b"\n", None, "a.jsonl: the file is empty", "did finish"),
        (
            "a.jsonl",
            b"{\"r\": 1}\n{\"r\": \n",
            None,
            "a.jsonl, line 2: not a JSON object: EOF",
            "half-written",
        ),
        (
            "a.jsonl",
            b"{\"r\": 1}\n[1]\n",
            None,
            "a.jsonl, line 2: not a JSON object: the line holds an array",
            "object",
        ),
        (
            "a.jsonl",
            b"{\"r\": 1}\n{\"r\": \"x\"}\n",
            Some("r"),
            "a.jsonl, line 2, column `r`: `x` is not",
            "drop",
        ),
        (
            "a.jsonl",
            b"{\"r\": 1}\n{\"r\": \"\xff\"}\n",
            Some("r"),
            "a.jsonl, line 2: the text is not UTF-8",
            "UTF-8",
        ),
        ("a.jsonl", b"{\"r\": 1}\n", Some("q"), "a.jsonl: there is no column `q`", "the columns are `r`"),
        ("a.dat", b"1\n", None, "a.dat: cannot tell the format from the extension `.dat`", ".jsonl"),
    ];
    for (name, bytes, of, message, help) in cases {
        let (found, next) = complaint(name, bytes, *of);
        assert!(found.contains(message), "{found}\n  should say {message}");
        assert!(next.contains(help), "{next}\n  should say {help}");
    }
}

#[test]
fn paths_that_give_nothing_are_errors() {
    let message = |path: &str| log_files(&[fixture("verl").join(path)]).unwrap_err().to_string();
    assert!(message("nope.jsonl").contains("no such file"));
    assert!(message("9*.jsonl").contains("no file matches"));
    let folder = tempfile::tempdir().unwrap();
    let error = log_files(&[folder.path().to_owned()]).unwrap_err();
    assert!(error.to_string().contains("holds no .csv, .jsonl, .json or .parquet file"));
    let found = log_files(&[fixture("verl").join("?.jsonl"), fixture("verl/2.jsonl")]).unwrap();
    assert_eq!(found, [fixture("verl/2.jsonl")], "each file once");
}

/// Bytes as they may be after a full disk, a bad copy or an editor: pieces of real rows with a few bytes changed.
fn damaged(seed: &'static [u8]) -> impl Strategy<Value = Vec<u8>> {
    let edit = (0..seed.len(), any::<u8>(), 0..4usize);
    (proptest::collection::vec(edit, 0..8), 0..=seed.len()).prop_map(move |(edits, keep)| {
        let mut bytes = seed.to_vec();
        for (at, byte, skip) in edits {
            let at = at.min(bytes.len().saturating_sub(1));
            let end = (at + skip).min(bytes.len());
            bytes.splice(at..end, [byte]);
        }
        bytes.truncate(keep);
        bytes
    })
}

fn reads_or_refuses(name: &str, bytes: &[u8]) {
    let (_folder, path): (_, PathBuf) = file(name, bytes);
    let paths = [path];
    for result in [read_column(&paths, &named(None)), read_column(&paths, &rewarded("score"))] {
        match result {
            Ok(data) => assert!(data.values.iter().all(|v| v.is_finite())),
            Err(error) => assert!(error.is_bad_input() && error.help().is_some(), "{error}"),
        }
    }
    match read_log(&paths, &LogOptions::default()) {
        Ok(log) => assert!(
            log.rollouts.observed.proxy.iter().all(|v| v.is_finite())
                && log.rollouts.observed.step.is_sorted()
        ),
        Err(error) => assert!(error.is_bad_input() && error.help().is_some(), "{error}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_csv_bytes_panic(bytes in damaged(
        b"step,score,prompt,output\n0,1.5,\"a, b\",x\n0,-2e3,\"c \"\"d\"\"\ne\",y\n1,inf,,\n"
    )) {
        reads_or_refuses("a.csv", &bytes);
    }

    #[test]
    fn no_json_bytes_panic(bytes in damaged(
        b"{\"step\": 0, \"score\": 1.5, \"input\": [{\"role\": \"user\", \"content\": \"a\\\"\"}]}\n{\"score\": NaN, \"r\": {\"g\": [1, {}]}}\n"
    )) {
        reads_or_refuses("a.jsonl", &bytes);
    }
}
