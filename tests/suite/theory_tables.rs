//! `tailcatch theory tilt` and `theory quantilizer`: closed forms on a user's own table.

use crate::cli::{file, json, outcome, tailcatch};
use serde_json::Value;
use std::path::PathBuf;
use tempfile::TempDir;

/// The oracle's table, with the header that the commands ask for.
fn outcomes() -> (TempDir, PathBuf) {
    let table = include_str!("fixtures/tilt_n1000.csv");
    file("outcomes.csv", table.replacen("logp0,V,X", "log_prob,utility,error", 1))
}

fn oracle(beta: &str) -> Value {
    let oracle: Value = serde_json::from_str(include_str!("fixtures/tilting.json")).unwrap();
    oracle[format!("beta={beta}")].clone()
}

const NAMES: [(&str, &str); 8] = [
    ("kl", "KL"),
    ("reverse_kl", "rKL"),
    ("proxy", "EU"),
    ("utility", "EV"),
    ("error", "EX"),
    ("log_partition", "logZ"),
    ("ess", "ess"),
    ("top_mass", "pi_max"),
];

fn agrees(found: &Value, beta: &str) {
    let expected = oracle(beta);
    assert_eq!(found["beta"].as_f64(), beta.parse().ok());
    for (ours, theirs) in NAMES {
        let (found, want) = (found[ours].as_f64().unwrap(), expected[theirs].as_f64().unwrap());
        assert!((found - want).abs() < 1e-10 * want.abs().max(1.0), "{ours}: {found} against {want}");
    }
}

#[test]
fn one_coefficient_answers_with_its_moments() {
    let (_folder, path) = outcomes();
    agrees(&json(tailcatch().args(["theory", "tilt"]).arg(&path).args(["--beta", "2"]), 0), "2.0");
}

#[test]
fn several_coefficients_answer_with_a_path() {
    let (_folder, path) = outcomes();
    let answer = json(tailcatch().args(["theory", "tilt"]).arg(&path).args(["--beta", "20,2"]), 0);
    let points = answer["path"].as_array().unwrap();
    assert_eq!(points.len(), 2);
    agrees(&points[0], "20.0");
    agrees(&points[1], "2.0");
}

#[test]
fn a_budget_is_spent_and_drawn() {
    let (folder, path) = outcomes();
    let figure = folder.path().join("tilt.svg");
    let plot = |question: &str, flag: &str, value: &str| {
        let mut command = tailcatch();
        command.args(["theory", question]).arg(&path).args([flag, value, "--plot"]).arg(&figure);
        let answer = json(&mut command, 0);
        let picture = std::fs::read_to_string(&figure).unwrap();
        for label in ["proxy E[U]", "utility E[V]", "error E[X]", "KL(π‖π₀)"] {
            assert!(picture.contains(label), "{label}");
        }
        assert!(!picture.contains("NaN"));
        answer
    };
    let tilt = plot("tilt", "--kl", ".3");
    assert!((tilt["kl"].as_f64().unwrap() - 0.3).abs() < 1e-9, "{tilt}");
    let top = plot("quantilizer", "--mass", "1/20");
    let number = |key: &str| top[key].as_f64().unwrap();
    assert!((number("cost_bound") - 20.0).abs() < 1e-12 && number("kl") <= number("kl_bound"), "{top}");
    assert!((number("kl_bound") - 20f64.ln()).abs() < 1e-12);
    assert!(number("proxy") < tilt_at(&path, number("kl")), "at equal KL the tilt has the larger proxy");
}

fn tilt_at(path: &PathBuf, kl: f64) -> f64 {
    let answer = json(tailcatch().args(["theory", "tilt"]).arg(path).args(["--kl", &kl.to_string()]), 0);
    answer["proxy"].as_f64().unwrap()
}

#[test]
fn faults_are_named_and_end_with_two() {
    let (_folder, path) = outcomes();
    for (arguments, message) in [
        (["tilt", "--kl", "50"], "the KL budget is 50; less than 6.79"),
        (["tilt", "--kl", "0"], "the KL budget is 0; a finite number of at least 1e-12"),
        (["tilt", "--beta", "-1"], "the KL coefficient is -1; a finite number above 0"),
        (["quantilizer", "--mass", "2"], "the mass q is 2; a number above 0 and at most 1"),
    ] {
        let (code, stdout, stderr) =
            outcome(tailcatch().arg("theory").arg(arguments[0]).arg(&path).args(&arguments[1..]));
        assert_eq!((code, stdout.as_str()), (2, ""), "{stderr}");
        assert!(stderr.replace("\n  │ ", " ").contains(message), "{stderr}");
    }
    let (_folder, path) = file("bad.csv", "log_prob,utility,error\n0,1,2\n0,1,oops\n");
    let (code, _, stderr) = outcome(tailcatch().args(["theory", "tilt"]).arg(&path).args(["--kl", ".1"]));
    assert!(code == 2 && stderr.contains("line 3, column `error`: `oops` is not a number"), "{stderr}");
    let (code, _, stderr) = outcome(tailcatch().args(["theory", "tilt"]).arg(&path));
    assert!(code == 2 && stderr.contains("--beta"), "{stderr}");
}
