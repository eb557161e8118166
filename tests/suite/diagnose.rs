//! `tailcatch diagnose`, and the frame that all commands share.

use crate::cli::{file, fixture, json, outcome, tailcatch};

#[test]
fn the_danish_losses_have_the_published_fit() {
    let path = fixture("danish.csv");
    let answer = json(tailcatch().args(["diagnose", "--threshold", "10"]).arg(&path), 0);
    let gpd = |key: &str| answer["gpd"][key].as_f64().unwrap();
    // McNeil 1997; R's fExtremes gives .49681, 6.97455.
    assert!((gpd("xi") - 0.4968).abs() < 1e-3, "{}", gpd("xi"));
    assert!((gpd("scale") - 6.975).abs() < 1e-2, "{}", gpd("scale"));
    assert!(gpd("ci_low") < gpd("xi") && gpd("xi") < gpd("ci_high") && gpd("log_likelihood") < 0.0);
    assert_eq!((answer["n"].as_u64(), answer["threshold"].as_f64()), (Some(2167), Some(10.0)));
    for estimator in ["hill", "moment", "pickands", "gpd"] {
        for key in ["xi", "ci_low", "ci_high", "k"] {
            assert!(answer[estimator][key].is_number(), "{estimator} {key}");
        }
        assert_eq!(answer[estimator]["status"], "ok");
    }
    let (code, stdout, _) = outcome(tailcatch().args(["diagnose", "-t", "10"]).arg(&path));
    assert_eq!(code, 0);
    assert!(stdout.contains("109 excesses above 10.00") && stdout.contains("Heavy-tailed"), "{stdout}");
    assert!(stdout.lines().all(|line| line.chars().count() <= 100 || line.contains("danish.csv")));
}

#[test]
fn too_few_excesses_stand_in_the_place_of_a_number() {
    let path = fixture("pairs.csv");
    let answer = json(tailcatch().args(["diagnose", "-c", "chosen_reward"]).arg(&path), 0);
    assert_eq!(answer["n"], 100);
    assert_eq!(answer["gpd"]["status"], "too_few");
    assert_eq!(answer["gpd"]["reason"], "insufficient: 5 excesses, 10 needed");
    assert!(answer["gpd"]["xi"].is_null());
    let (code, stdout, stderr) = outcome(tailcatch().arg("diagnose").arg(&path));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("--column chosen_reward") && stderr.contains("`rejected_reward`"), "{stderr}");
}

#[test]
fn step_means_are_answered_aggregate() {
    let path = fixture("metrics_g_Easy.jsonl");
    for column in [&[][..], &["--column", "reward/g"]] {
        let answer = json(tailcatch().arg("diagnose").args(column).arg(&path), 0);
        assert_eq!(answer["status"], "aggregate");
        assert_eq!(answer["hill"]["status"], "aggregate");
        assert!(answer["gpd"]["xi"].is_null() && answer["threshold"].is_null());
    }
    let (_, stdout, _) = outcome(tailcatch().arg("diagnose").arg(&path));
    assert!(stdout.contains("aggregate: each row is a step mean"), "{stdout}");
}

#[test]
fn discrete_and_clipped_rewards_have_no_index() {
    let rows = |reward: &dyn Fn(usize) -> f64| -> String {
        "reward\n"
            .chars()
            .chain((0..1000).flat_map(|i| format!("{}\n", reward(i)).chars().collect::<Vec<_>>()))
            .collect()
    };
    let status = |csv: String| {
        let (_folder, path) = file("a.csv", csv);
        json(tailcatch().arg("diagnose").arg(path), 0)["gpd"]["status"].clone()
    };
    assert_eq!(status(rows(&|i| f64::from(u8::from(i % 3 == 0)))), "discrete");
    assert_eq!(status(rows(&|i| (i as f64 * 0.618_034).fract().min(0.97))), "clipped");
}

#[test]
fn faulty_input_exits_2_with_place_and_remedy() {
    let (_folder, path) = file("a.csv", "reward\n1\ninf\n");
    for json in [false, true] {
        let mut command = tailcatch();
        command.arg("diagnose").arg(&path);
        if json {
            command.arg("--json");
        }
        let (code, stdout, stderr) = outcome(&mut command);
        assert_eq!((code, stdout.as_str()), (2, ""));
        assert!(stderr.contains("a.csv, line 3, column `reward`: the value is inf"), "{stderr}");
        assert!(stderr.contains("help: drop or clip these rows first"), "{stderr}");
    }
    for usage in [&["diagnose"][..], &["nonsense"], &["diagnose", "a.csv", "-t", "nan"], &[]] {
        assert_eq!(outcome(tailcatch().args(usage)).0, 2, "{usage:?}");
    }
}

#[test]
fn colour_and_quiet_are_obeyed() {
    let path = fixture("danish.csv");
    let stdout = |flags: &[&str]| outcome(tailcatch().arg("diagnose").arg(&path).args(flags)).1;
    assert!(!stdout(&[]).contains('\u{1b}'), "no terminal, no colour");
    assert!(stdout(&["--color", "always"]).contains('\u{1b}'));
    let (_folder, gaps) = file("a.csv", "reward,x\n1,a\n,b\n2,c\n");
    let stderr = |flags: &[&str]| outcome(tailcatch().arg("diagnose").arg(&gaps).args(flags)).2;
    assert!(stderr(&[]).contains("1 row without a value was left out"), "{}", stderr(&[]));
    assert_eq!(stderr(&["--quiet"]), "");
}

#[test]
fn a_reader_that_stops_is_no_error() {
    use std::process::{Command, Stdio};
    let mut child = Command::new(env!("CARGO_BIN_EXE_tailcatch"))
        .args(["completions", "bash"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &[][..]));
}

#[test]
fn parts_completions_and_manual_are_printed() {
    let parts = json(tailcatch().arg("list"), 0);
    for (kind, part) in [("distributions", "normal"), ("detectors", "gpd_tail")] {
        let found = parts[kind].as_array().unwrap().iter().find(|p| p["name"] == part).unwrap();
        assert!(
            !found["summary"].as_str().unwrap().is_empty() && !found["source"].as_str().unwrap().is_empty()
        );
    }
    let only = json(tailcatch().args(["list", "detectors"]), 0);
    assert_eq!(only.as_object().unwrap().len(), 1);
    assert!(outcome(tailcatch().args(["completions", "zsh"])).1.starts_with("#compdef tailcatch"));
    assert!(outcome(tailcatch().arg("man")).1.contains(".TH tailcatch 1"));
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(outcome(tailcatch().arg("man").arg(folder.path())).0, 0);
    assert!(folder.path().join("tailcatch-diagnose.1").is_file());
}
