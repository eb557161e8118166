//! `tailcatch detect --observer`: whether a policy is still that of the reference, by actions or by log-probabilities alone.

use crate::cli::{json, outcome, tailcatch};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::foundation::special::normal_upper_quantile;
use tempfile::TempDir;

/// Steps of the reference, and of all; rollouts of a step.
const KNOWN: u64 = 40;
const STEPS: u64 = 50;
const SIZE: u64 = 50;

/// A log, a row for each rollout: header, and the cells of the rollout with this step and number.
fn log(header: &str, mut row: impl FnMut(u64, u64, &mut Stream) -> String) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.csv");
    let mut rng = SeedTree::new(5, 0).stream(Purpose::Bootstrap, 0);
    let mut text = format!("step,reward,{header}\n");
    for number in 0..STEPS * SIZE {
        let step = number / SIZE;
        writeln!(text, "{step},{},{}", number % 7, row(step, number, &mut rng)).unwrap();
    }
    fs::write(&path, text).unwrap();
    (folder, path)
}

fn observe(path: &PathBuf, sees: &str, code: i32) -> Value {
    let mut command = tailcatch();
    command.arg("detect").arg(path).args(["--observer", sees, "--fail-on-flag"]);
    command.args(["--calibrate-steps", &format!("0..{KNOWN}")]);
    json(&mut command, code)
}

fn monitor<'a>(found: &'a Value, name: &str) -> &'a Value {
    let all = found["monitors"].as_array().unwrap();
    all.iter().find(|own| own["monitor"].as_str().unwrap().starts_with(name)).unwrap()
}

#[test]
fn new_completions_that_repeat_are_told_and_the_same_policy_is_not() {
    let honest = |rng: &mut Stream| format!("answer {}", rng.below(40));
    let (_folder, path) = log("completion", |_, _, rng| honest(rng));
    let found = observe(&path, "actions", 0);
    assert_eq!((found["verdict"].as_str(), found["level"].as_f64()), (Some("quiet"), Some(0.05)));
    assert_eq!(
        (found["reference"]["rollouts"].as_u64(), found["rollouts"].as_u64()),
        (Some(2000), Some(500))
    );
    // One in fifty is one of three completions that nobody saw before.
    let hacked = |step: u64, number: u64, rng: &mut Stream| match step >= KNOWN && number.is_multiple_of(50) {
        true => format!("hack {}", number / 50 % 3),
        false => honest(rng),
    };
    let (_folder, path) = log("completion", hacked);
    let found = observe(&path, "actions", 3);
    assert_eq!(found["verdict"], "flagged");
    let alarm = &monitor(&found, "two_sample")["alarm"];
    // Hacks come at rollouts 1, 51, 101, 151 …; the fourth is the first to come again, and the place is that of the file.
    let (row, number) = (alarm["row"].as_u64().unwrap(), alarm["rollout"].as_u64().unwrap());
    assert_eq!(row + 1, number + KNOWN * SIZE);
    assert!(row.is_multiple_of(50) && number >= 151, "{alarm}");
    assert_eq!((alarm["line"].as_u64(), alarm["step"].as_u64()), (Some(row + 2), Some(row / SIZE)));
    let (code, stdout, stderr) = outcome(tailcatch().arg("detect").arg(&path).args([
        "--observer",
        "actions",
        "--calibrate-steps",
        "0..40",
    ]));
    assert_eq!(code, 0, "{stderr}");
    assert!(stdout.starts_with("flagged: by actions") && stdout.contains("two_sample"), "{stdout}");
}

#[test]
fn log_ratios_that_jump_are_told_and_those_of_the_same_policy_are_not() {
    // A policy at half a nat of the reference.
    let honest = |rng: &mut Stream| 0.5 + normal_upper_quantile(rng.open_unit());
    let cells = |ratio: f64| format!("{},-9.5", ratio - 9.5);
    let (_folder, path) = log("log_prob,ref_log_prob", |_, _, rng| cells(honest(rng)));
    let found = observe(&path, "log_probs", 0);
    assert_eq!(found["verdict"], "quiet");
    // 2,000 trusted rollouts carry the mean, and no threshold for the largest of 500.
    let single = monitor(&found, "log_ratio");
    assert_eq!((single["status"].as_str(), single["alarm"].is_null()), (Some("too_few"), true));
    assert!(single["reason"].as_str().unwrap().contains("19500 needed"), "{single}");
    let (_folder, path) = log("log_prob,ref_log_prob", |step, number, rng| {
        cells(if step >= KNOWN && number.is_multiple_of(10) { 16.1 } else { honest(rng) })
    });
    let found = observe(&path, "log_probs", 3);
    let alarm = &monitor(&found, "mean_kl")["alarm"];
    assert_eq!(found["verdict"], "flagged");
    assert!(alarm["value"].as_f64().unwrap() > alarm["threshold"].as_f64().unwrap(), "{alarm}");
}

#[test]
fn what_the_log_cannot_carry_is_not_judged_and_says_why() {
    let (_folder, path) = log("log_prob", |_, _, _| "-9.5".to_owned());
    for (sees, needs) in [("actions", "completions"), ("log_probs", "ref_log_prob")] {
        let found = observe(&path, sees, 4);
        assert_eq!(found["verdict"], "not_judged");
        for own in found["monitors"].as_array().unwrap() {
            assert_eq!((own["status"].as_str(), own["alarm"].is_null()), (Some("missing"), true));
            assert!(own["reason"].as_str().unwrap().contains(needs), "{own}");
        }
    }
    // A column of which a part is not there is no column.
    let (_folder, path) =
        log(
            "log_prob,ref_log_prob",
            |step, _, _| {
                if step == 45 { ",-9.5".to_owned() } else { "-9.4,-9.5".to_owned() }
            },
        );
    let found = observe(&path, "log_probs", 4);
    let own = monitor(&found, "mean_kl");
    assert_eq!(own["status"], "missing");
    assert!(own["reason"].as_str().unwrap().contains("log_prob"), "{own}");
    // Nothing comes after the reference.
    let (_folder, path) = log("completion", |_, _, rng| format!("answer {}", rng.below(40)));
    let mut command = tailcatch();
    command.arg("detect").arg(&path).args(["--observer", "actions", "--calibrate-steps", "0..50"]);
    let found = json(&mut command, 0);
    assert!(
        monitor(&found, "two_sample")["reason"].as_str().unwrap().contains("after the reference"),
        "{found}"
    );
    // The first steps are too few for it, and it says what to do.
    let (code, stdout, _) = outcome(tailcatch().arg("detect").arg(&path).args(["--observer", "actions"]));
    assert_eq!(code, 0);
    let flat = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        flat.starts_with("not judged") && flat.contains("2251 needed") && flat.contains("--calibrate"),
        "{flat}"
    );
}

#[test]
fn what_does_not_go_together_is_refused() {
    let (_folder, path) = log("completion", |_, _, _| "a".to_owned());
    for (args, says) in [
        (&["--observer", "rewards"][..], "neither `actions` nor `log_probs`"),
        (&["--observer", "actions", "-d", "robust_z"], "cannot be used with"),
        (&["--observer", "actions", "--calibrate-steps", "90..99"], "steps run from 0 to 49"),
    ] {
        let (code, _, stderr) = outcome(tailcatch().arg("detect").arg(&path).args(args));
        assert_eq!(code, 2, "{stderr}");
        let flat = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(says), "{flat}");
    }
}
