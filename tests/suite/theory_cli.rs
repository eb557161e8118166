//! `tailcatch theory`: the keys and figures of each answer, what each argument refuses, figures, help.

use crate::cli::{json, outcome, tailcatch};
use serde_json::Value;
use std::process::Command;

fn theory(line: &str) -> Command {
    let mut command = tailcatch();
    command.arg("theory").args(line.split_whitespace());
    command
}

/// The document of a question.
fn answer(line: &str) -> Value {
    json(&mut theory(line), 0)
}

fn close(answer: &Value, key: &str, want: f64, tolerance: f64) {
    let got = answer[key].as_f64().unwrap_or_else(|| panic!("{key} in {answer}"));
    assert!((got - want).abs() <= tolerance * want.abs(), "{key}: {got}, not {want}");
}

/// That a question exits with 2, says nothing on standard output, and all of `parts` on standard error.
fn refused(line: &str, parts: &[&str]) {
    let (code, stdout, stderr) = outcome(&mut theory(line));
    assert_eq!((code, stdout.as_str()), (2, ""), "{line}: {stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{line}: no {part:?} in {stderr}");
    }
}

/// Every number of a document is one; what is null has a reason in words.
fn sound(document: &Value) {
    for (key, value) in document.as_object().unwrap() {
        if value.is_null() {
            assert!(document["reasons"][key].as_str().is_some_and(|r| r.len() > 10), "{key} has no reason");
        }
    }
}

#[test]
fn the_frontier() {
    let found = answer("frontier --mass 1e-4 --kl 1");
    close(&found, "t_star", 8.1, 0.01);
    close(&found, "t_star_exact", found["t_star"].as_f64().unwrap(), 0.02);
    close(&found, "mass_after", 0.1024, 1e-3);
    close(&found, "floor", (2.0 * 1e4f64.ln()).sqrt(), 0.05);
    assert!(found.get("kl_cap").is_none() && found.get("u_c").is_none());
    sound(&found);
    let trainers = found["trainers"].as_array().unwrap();
    let names: Vec<&str> = trainers.iter().map(|t| t["trainer"].as_str().unwrap()).collect();
    assert_eq!(names, ["reinforce", "normalised", "ppo", "grpo"]);
    assert!(trainers[0]["largest_advantage"].is_null());
    close(&trainers[3], "largest_advantage", 2.4749, 1e-4);
    assert!(trainers[3]["sightings"].as_u64() > trainers[0]["sightings"].as_u64());

    let more = answer("frontier --mass 1/10000 --kl 1 --beta .5 --threshold 10");
    assert_eq!(more["t_star"], found["t_star"], "a mass may be a fraction");
    close(&more, "u_c", 0.5 * 9999f64.ln() + 1.0, 1e-12);
    assert!(more["safe_clip"].as_f64() < more["u_c"].as_f64());
    let cap = more["kl_cap"].as_f64().unwrap();
    close(&answer(&format!("frontier --mass 1e-4 --kl {cap}")), "t_star", 10.0, 1e-9);
    for (threshold, reason) in [("1", "blocks at every KL"), ("1e9", "below the threshold at every KL")] {
        let found = answer(&format!("frontier --mass 1e-4 --kl 1 --threshold {threshold}"));
        assert!(found["kl_cap"].is_null(), "{threshold}");
        assert!(found["reasons"]["kl_cap"].as_str().unwrap().contains(reason), "{found}");
    }
    sound(&answer("frontier --mass .3 --kl 1 --threshold 5 --beta 1"));
    sound(&answer("frontier --mass 1e-300 --kl 100 --threshold 5 --beta 1e-3"));
    let (_, text, _) = outcome(&mut theory("frontier --mass .3 --kl 1 --threshold 5"));
    let words: Vec<&str> = text.split_whitespace().collect();
    assert!(words.join(" ").contains("(none: T* does not fall with KL"), "{text}");
}

#[test]
fn a_sighting_is_worth_its_advantage() {
    let found = answer("frontier --mass 1e-4 --kl 1 --batch 48 --group 8 --step-size .03");
    let rows = found["trainers"].as_array().unwrap();
    assert_eq!(rows.len(), 4);
    for row in rows {
        let number = |key: &str| row[key].as_f64().unwrap();
        let updates = number("logit_per_sighting") / (0.03 * number("advantage"));
        // PPO repeats an update until its ratio leaves the clip range, 4 times at most.
        let most = if row["trainer"] == "ppo" { 4.0 } else { 1.0 };
        assert!((1.0 - 1e-12..most + 1e-12).contains(&updates), "{row}");
        if let Some(bound) = row["largest_advantage"].as_f64() {
            assert!(number("advantage") < bound, "{row}");
        }
    }
}

#[test]
fn the_window() {
    let found = answer("window --mass 1/2000 --proxy 20 --batch 64 --step-size .05");
    close(&found, "window", 21.9, 0.1);
    close(&found, "first_sighting", 31.25, 0.02);
    close(&found, "first_sighting", 1.0 / (1.0 - (1.0f64 - 1.0 / 2000.0).powi(64)), 1e-12);
    close(&found, "window_sd", 0.55 * 21.9, 0.15);
    close(&found, "logit_per_sighting", 1.0, 1e-12);
    assert_eq!((found["sightings"].as_u64(), found["one_step"].as_bool()), (Some(8), Some(false)));
    // F5's PPO, and one that the leading order says 122.6 of: simulated 69.4 ± 2.1 and 186 to 193.
    let ppo = answer("window --mass 1/5000 --proxy 100 --batch 128 --step-size .05 --trainer ppo");
    close(&ppo, "window", 69.4, 0.1);
    let ppo = answer("window --mass 1/1300 --proxy 14 --batch 48 --step-size .03 --trainer ppo");
    close(&ppo, "window", 190.0, 0.2);
    assert!(ppo["finding"].as_str().unwrap().contains("within 20%"), "{ppo}");
    let one = answer("window --mass 1/2000 --proxy 200 --batch 64 --step-size .05");
    assert_eq!((one["one_step"].as_bool(), one["window"].as_f64()), (Some(true), Some(1.0)));
    assert!(one["finding"].as_str().unwrap().contains("only an audit before the update can help"));
    // Normalised advantages: a reward of 10⁶ moves little more than one of 10.
    let grpo = |u: &str| {
        answer(&format!("window --mass 1e-4 --proxy {u} --batch 256 --step-size .05 --trainer grpo"))
    };
    close(&grpo("1e6"), "window", grpo("10")["window"].as_f64().unwrap(), 0.1);
    // Where simulations end otherwise there is a reason, and no number.
    let weak = answer("window --mass 1/2000 --proxy 20 --batch 64 --step-size .05 --kl-coefficient .1");
    assert!(weak["window"].is_null() && weak["window_sd"].is_null(), "{weak}");
    assert!(weak["reasons"]["window"].as_str().unwrap().contains("KL coefficient of .5"), "{weak}");
    close(&weak, "first_sighting", 31.25, 0.02);
}

#[test]
fn the_power() {
    let base = "power --mass 1e-4 --proxy 20 --rollouts 20000";
    for (rest, p_flag) in [
        ("--budget .001 --noise student_t:df=3,scale=1", 0.8642997),
        ("--budget .01 --noise student_t:df=1.5,scale=3", 0.0722150),
        ("--budget .001 --noise student_t:df=1.5,scale=3", 0.00245159),
    ] {
        let found = answer(&format!("{base} {rest}"));
        close(&found, "p_flag", p_flag, 1e-5);
        close(&found, "p_seen", 1.0 - (-2f64).exp(), 1e-12);
        let audits = found["audits"].as_f64().unwrap();
        close(&found, "precision", -(1.0 - p_flag).ln() / audits, 1e-4);
        assert!(found["threshold"].is_f64());
        sound(&found);
    }
    let count = answer(&format!("{base} --budget 20 --noise student_t:df=3"));
    close(&count, "p_flag", 0.8642997, 1e-6);
    assert!(count["smallest_budget"].is_null() && count["smallest_proxy"].is_null());
    let eased = answer(&format!("{base} --budget 20 --noise student_t:df=3 --target .8"));
    let budget = eased["smallest_budget"].as_u64().unwrap();
    let with =
        |m: u64| answer(&format!("{base} --budget {m} --noise student_t:df=3"))["p_flag"].as_f64().unwrap();
    assert!(with(budget) >= 0.8 && with(budget - 1) < 0.8, "{budget}");
    let proxy = eased["smallest_proxy"].as_f64().unwrap();
    let line =
        format!("power --mass 1e-4 --proxy {proxy} --rollouts 20000 --budget 20 --noise student_t:df=3");
    close(&answer(&line), "p_flag", 0.8, 1e-6);

    let few = answer(&format!("{base} --budget 2"));
    assert_eq!((few["method"].as_str(), few["noise"].as_str()), (Some("counted"), Some("none")));
    let erring = answer(&format!("{base} --budget 25 --rounds 5 --sensitivity .8 --specificity .99"));
    assert!(erring["p_confirmed"].as_f64() < erring["p_flag"].as_f64());
    assert!(erring["confirmed_precision"].as_f64() > erring["precision"].as_f64());
    sound(&answer("power --mass 1e-12 --proxy -50 --rollouts 100 --budget 5 --specificity 1"));
}

#[test]
fn the_records() {
    let base = "records --rollouts 77600 --reference 20000 --benign-looks 20";
    let found = answer(base);
    // H_77600 − H_20000, summed term by term.
    let one = 1.355816597128646;
    close(&found, "k", 20.0 / one, 1e-8);
    assert_eq!((found["k_used"].as_u64(), found["reference_looks"].as_u64()), (Some(14), Some(0)));
    close(&found, "expected_benign_looks", 14.0 * one, 1e-8);
    assert!(found.get("p_looked_at").is_none());
    let hack = answer(&format!("{base} --read-reference --score-tail 1e-4"));
    assert_eq!((hack["k_used"].as_u64(), hack["reference_looks"].as_u64()), (Some(8), Some(8)));
    close(&hack, "expected_benign_looks", 8.0 * (1.0 + one), 1e-8);
    assert!(hack["p_looked_at"].as_f64() < hack["p_looked_at_first"].as_f64());
    let poisson: f64 = (0..8).map(|i| 7.76f64.powi(i) / (1..=i).map(f64::from).product::<f64>()).sum();
    close(&hack, "p_looked_at", poisson * (-7.76f64).exp(), 1e-3);
    let little = answer("records --rollouts 77600 --reference 20000 --benign-looks 1");
    assert_eq!(little["k_used"].as_u64(), Some(1));
    assert!(little["finding"].as_str().unwrap().contains("Even one place costs 1.356"), "{little}");
    assert_eq!(answer("records --rollouts 1e12 --reference 0 --benign-looks 30")["k_used"].as_u64(), Some(1));
    refused("records --rollouts 100 --reference 100 --benign-looks 1", &["rollouts is 100", "above the 100"]);
    refused("records --rollouts 100 --reference 10 --benign-looks 0", &["benign-looks is 0"]);
    refused(
        "records --rollouts 100 --reference 10 --benign-looks 90",
        &["benign-looks is 90", "below the 90"],
    );
    refused("records --rollouts 100 --reference 10 --benign-looks nan", &["--benign-looks"]);
    refused("records --rollouts 9.5 --reference 1 --benign-looks 1", &["--rollouts", "whole number"]);
    refused("records --rollouts 99 --reference 1 --benign-looks 1 --score-tail 1", &["score-tail is 1"]);
}

#[test]
fn a_zero_shot_jump() {
    let base = "zero-shot --mass 1e-9 --mass-after .01 --training-rollouts 1e7";
    let found = answer(base);
    close(&found, "p_seen", 0.00995, 1e-3);
    close(&found, "kl", 0.151, 5e-3);
    close(&found, "samples_to_first", 298.1, 2e-4);
    close(&found, "samples_audited", 29960.0, 2e-4);
    close(&found, "false_positive_bound", 1e-7, 1e-12);
    sound(&found);
    let rare =
        answer(&format!("{base} --trigger-frequency .1 --confidence .5 --audit-fraction 1 --outcomes 500"));
    close(&rare, "samples_to_first", 0.5f64.ln() / 0.999f64.ln(), 1e-9);
    assert_eq!(rare["samples_to_first"], rare["samples_audited"]);
    close(&rare, "samples_collision", rare["samples_collision_approximation"].as_f64().unwrap(), 0.05);
    let far = answer(&format!("{base} --benign-kl 30"));
    assert!(far["samples_mean_kl"].is_null());
    sound(&far);
}

#[test]
fn each_bad_argument_is_named_with_its_range() {
    for mass in ["0", "1", "-0.1", "7/10"] {
        refused(&format!("frontier --mass {mass} --kl 1"), &["mass is", "between 0 and 2/3"]);
    }
    refused("frontier --mass 1e-4 --kl 0", &["kl is 0", "a finite number above 0"]);
    refused("frontier --mass 1e-4 --kl 1e308", &["kl is"]);
    refused("frontier --mass 1e-4 --kl 1 --beta 0", &["beta is 0"]);
    refused("frontier --mass 1e-4 --kl 1 --threshold -1", &["threshold is -1"]);
    refused("frontier --mass 1e-4 --kl 1 --group 1", &["group is 1", "2 or more"]);
    refused("frontier --mass nan --kl 1", &["--mass", ".001, 1e-3 or 1/1000"]);
    refused("frontier --mass 1/0 --kl 1", &["--mass"]);
    refused("window --mass .5 --proxy 20 --batch 64 --step-size .05", &["mass is 0.5", "between 0 and 1/2"]);
    refused("window --mass .1 --proxy -1 --batch 64 --step-size .05", &["proxy is -1"]);
    refused("window --mass .1 --proxy 1 --batch 0 --step-size .05", &["batch is 0"]);
    refused("window --mass .1 --proxy 1 --batch 9 --step-size 0", &["step-size is 0"]);
    let power = |rest: &str| format!("power --mass 1e-4 --proxy 20 {rest}");
    for budget in ["0", "1e-6", "2.5", "2000", "-3"] {
        refused(&power(&format!("--rollouts 2000 --budget {budget}")), &["budget is"]);
    }
    refused(&power("--rollouts 0 --budget 1"), &["rollouts is 0"]);
    refused(&power("--rollouts 100 --budget 2 --rounds 0"), &["rounds is 0"]);
    refused(&power("--rollouts 100 --budget 2 --sensitivity 2"), &["sensitivity is 2"]);
    refused(&power("--rollouts 100 --budget 2 --target 1"), &["target is 1"]);
    refused(
        &power("--rollouts 100 --budget 2 --noise pareto:index=.001"),
        &["noise: pareto", "upper 10⁻⁶ quantile"],
    );
    refused(&power("--rollouts 100 --budget 2 --noise student:df=2"), &["did you mean \"student_t\"?"]);
    let jump = |rest: &str| format!("zero-shot --training-rollouts 1e7 {rest}");
    refused(&jump("--mass 0 --mass-after .01"), &["mass is 0", "strictly between 0 and 1"]);
    refused(&jump("--mass .1 --mass-after .01"), &["mass-after is 0.01", "above the prior mass 0.1"]);
    refused(&jump("--mass .1 --mass-after .2 --confidence 1"), &["confidence is 1"]);
    refused(&jump("--mass .1 --mass-after .2 --audit-fraction 0"), &["audit-fraction is 0"]);
    refused(&jump("--mass .1 --mass-after .2 --outcomes .5"), &["outcomes is 0.5"]);
}

#[test]
fn figures_are_written_where_asked() {
    let folder = tempfile::tempdir().unwrap();
    for (name, line) in [
        ("a.svg", "frontier --mass 1/3000 --kl 1"),
        ("b.svg", "window --mass 1e-3 --proxy 20 --batch 64 --step-size .05"),
        ("c.svg", "power --mass 1e-3 --proxy 20 --rollouts 2000 --budget 10"),
        ("e.svg", "records --rollouts 20000 --reference 0 --benign-looks 5000"),
        ("d.png", "zero-shot --mass 1e-9 --mass-after .01 --training-rollouts 1e7 --outcomes 50"),
    ] {
        let path = folder.path().join(name);
        let document = json(theory(line).arg("--plot").arg(&path), 0);
        assert!(document.is_object());
        let bytes = std::fs::read(&path).unwrap();
        assert!(bytes.starts_with(if name.ends_with("png") { b"\x89PNG" } else { b"<svg" }), "{name}");
        assert!(name.ends_with("png") || !String::from_utf8(bytes).unwrap().contains("NaN"), "{name}");
    }
    let (code, stdout, stderr) = outcome(&mut theory("frontier --mass 1e-4 --kl 1 --plot a.gif"));
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("a.gif") && stderr.contains(".svg, .png or .pdf"), "{stderr}");
}

#[test]
fn help_has_examples_that_run() {
    let (code, page, _) = outcome(&mut theory("--help"));
    assert_eq!(code, 0);
    for command in ["frontier", "window", "power", "records", "zero-shot"] {
        assert!(page.contains(command), "{page}");
        let (code, page, _) = outcome(&mut theory(&format!("{command} --help")));
        assert_eq!(code, 0);
        let (_, examples) = page.split_once("Examples:").unwrap();
        let folder = tempfile::tempdir().unwrap();
        let lines: Vec<&str> = examples.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
        // A long example is wrapped.
        let joined = lines.join(" ");
        let examples: Vec<&str> = joined.split("tailcatch theory ").skip(1).collect();
        assert!(examples.len() >= 2, "{joined}");
        for example in examples {
            let (code, stdout, stderr) = outcome(theory(example).current_dir(folder.path()));
            assert!(
                code == 0 && (stdout.contains("mass") || stdout.contains("rollouts")),
                "{example}: {stderr}"
            );
            assert!(
                stdout.starts_with('{') || stdout.lines().all(|line| line.chars().count() <= 100),
                "{stdout}"
            );
        }
    }
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(outcome(tailcatch().arg("man").arg(folder.path())).0, 0);
    assert!(folder.path().join("tailcatch-theory-zero-shot.1").is_file());
}
