//! What goes wrong around the program and in a log's numbers: it ends in a clean answer or a clean error.

use crate::cli::{file, json, outcome, tailcatch};
use std::fmt::Write as _;

#[cfg(target_os = "linux")]
#[test]
fn a_full_standard_error_changes_no_exit_code() {
    use std::fs::OpenOptions;
    let full = || OpenOptions::new().write(true).open("/dev/full").unwrap();
    for command in ["detect", "diagnose", "curve", "spike", "watch"] {
        let status = tailcatch().args([command, "none.csv"]).stderr(full()).status().unwrap();
        assert_eq!(status.code(), Some(2), "{command}");
    }
    // An answer that cannot be written is the machine's fault.
    let (_folder, path) = file("a.csv", "reward\n1\n2\n3\n");
    let status = tailcatch().arg("detect").arg(path).stdout(full()).stderr(full()).status().unwrap();
    assert_eq!(status.code(), Some(1));
}

/// A file's size may be limited: the numbers of a log that are kept aside, and what is written, then end in an error that names the
/// file.
#[cfg(unix)]
#[test]
fn a_limit_of_file_sizes_ends_in_an_error() {
    let mut csv = "step,prompt,completion,reward\n".to_owned();
    for i in 0..2000 {
        writeln!(csv, "{},p,text {i},{}", i / 32, (f64::from(i) * 0.618).fract()).unwrap();
    }
    let (folder, path) = file("a.csv", &csv);
    let limited = |arguments: &str| {
        let program = tailcatch().get_program().to_owned();
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", &format!("ulimit -f 2; exec \"$0\" {arguments}")]).arg(program);
        outcome(shell.current_dir(folder.path()))
    };
    for (arguments, written) in [
        ("detect a.csv --html page.html", "page.html"),
        ("detect a.csv --csv list.csv", "list.csv"),
        ("diagnose a.csv --plot tail.svg", "tail.svg"),
        ("detect - < a.csv", "temporary file"),
    ] {
        let (code, _, stderr) = limited(arguments);
        assert!(code == 1 && stderr.contains(written), "{arguments}: {code} {stderr}");
    }
    assert_eq!(outcome(tailcatch().arg("detect").arg(&path)).0, 0);
}

#[cfg(unix)]
#[test]
fn what_is_no_file_is_not_watched_in_vain() {
    let folder = tempfile::tempdir().unwrap();
    let device = folder.path().join("z.jsonl");
    std::os::unix::fs::symlink("/dev/null", &device).unwrap();
    let (code, _, stderr) = outcome(tailcatch().arg("watch").arg(&device));
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("not a regular file") && stderr.contains("help:"), "{stderr}");
}

#[test]
fn rewards_near_the_largest_number_have_a_median_and_a_distance() {
    for size in ["1e308", "1.7e308"] {
        let mut csv = "step,prompt,reward\n".to_owned();
        for i in 0..48 {
            writeln!(csv, "{},p,{}{size}", i / 4, if i % 2 == 0 { "-" } else { "" }).unwrap();
        }
        let (_folder, path) = file("m.csv", &csv);
        for by in ["prompt", "step", "group"] {
            let arguments =
                ["detect", "-d", "random", "-d", "within_prompt", "--budget", "5", "--group-by", by];
            let (code, stdout, stderr) = outcome(tailcatch().args(arguments).arg(&path));
            assert_eq!(code, 0, "{stderr}");
            assert!(!stdout.contains("NaN") && !stdout.contains("inf "), "{size} {by}\n{stdout}");
            let answer = json(tailcatch().args(arguments).arg(&path), 0);
            for flag in answer["flags"].as_array().unwrap() {
                assert!(flag["reward"].is_number(), "{size} {by} {flag}");
            }
            for entry in answer["reading_list"].as_array().unwrap() {
                assert!(entry["reward"].is_number(), "{size} {by} {entry}");
            }
        }
    }
}

#[test]
fn what_would_not_be_flagged_costs_no_more_in_a_large_step() {
    let mut csv = "prompt,reward\n".to_owned();
    let rows = 60_000;
    for i in 0..rows {
        let reward =
            (f64::from(i) * 0.618_034).fract() + if i % 500 == 7 { 50.0 + f64::from(i % 97) } else { 0.0 };
        writeln!(csv, "{},{reward}", i % 6000).unwrap();
    }
    let (_folder, path) = file("one.csv", &csv);
    let answered = |detector: &str| {
        let arguments = ["detect", "--budget", "40", "-d", detector];
        let answer = json(tailcatch().args(arguments).arg(&path), 0);
        let flags = answer["flags"].as_array().unwrap();
        assert_eq!(flags.len(), 40, "{detector}");
        flags.iter().filter(|flag| flag["would_not_flag_below"].is_number()).count()
    };
    // The most suspicious come first: as many as their steps hold 2^19 rows together.
    assert_eq!(answered("hill_tail"), (1 << 19) / rows as usize);
    // One group is all that a row is compared with.
    assert!(answered("within_prompt") > 30);
}

/// Names that lead in a circle stand for every problem of a disk: what cannot be looked at is not taken for what is not there.
#[cfg(unix)]
#[test]
fn what_cannot_be_looked_at_is_told_and_not_passed_over() {
    use std::os::unix::fs::symlink;
    let (folder, _) = file("a.csv", "step,prompt,reward\n1,p,1\n1,p,2\n");
    let (circle, pattern) = (folder.path().join("b.csv"), folder.path().join("*.csv"));
    for target in [circle.clone(), folder.path().join("nowhere")] {
        symlink(&target, &circle).unwrap();
        for path in [&pattern, &circle, &folder.path().to_owned()] {
            let (code, _, stderr) = outcome(tailcatch().arg("detect").arg(path));
            let is_absent = path == &circle && target != circle;
            assert_eq!(
                code,
                if is_absent { 2 } else { 1 },
                "{} to {}: {stderr}",
                path.display(),
                target.display()
            );
            assert!(stderr.contains("b.csv"), "{stderr}");
        }
        std::fs::remove_file(&circle).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_state_that_cannot_be_kept_is_the_machines_fault() {
    let (folder, path) = file("a.csv", "step,prompt,reward\n1,p,1\n1,p,2\n");
    let watched = |state: &str| {
        outcome(tailcatch().args(["watch", "--idle", "0", "--state", state]).arg(&path).current_dir(&folder))
    };
    for state in ["nowhere/state", "."] {
        let (code, _, stderr) = watched(state);
        assert!(
            code == 1 && stderr.contains("cannot") && stderr.contains("--state"),
            "{state}: {code} {stderr}"
        );
    }
    // What keeps nothing gives nothing, and stays what it is.
    for _ in 0..2 {
        let (code, _, stderr) = watched("/dev/null");
        assert!(code == 0 && !stderr.contains("goes on"), "{code} {stderr}");
    }
    assert!(std::fs::metadata("/dev/null").is_ok_and(|found| !found.is_file()));
}

#[test]
fn words_of_a_command_line_move_no_terminal() {
    let hostile = "a\u{202e}b\u{1b}[2J\u{7}";
    for arguments in [vec!["list", hostile], vec![hostile], vec!["theory", hostile]] {
        let (code, stdout, stderr) = outcome(tailcatch().args(&arguments));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.contains("error: ") && stderr.contains(r"\u{202e}"), "{stderr}");
        assert!(!stderr.contains(['\u{202e}', '\u{1b}', '\u{7}']), "{stderr:?}");
    }
}
