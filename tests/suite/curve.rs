//! `tailcatch curve`: step means in, no rollout judged.

use crate::cli::{file, json, outcome, tailcatch};
use std::fmt::Write as _;

/// 300 steps of a reward that learns, an evaluation every tenth step that peaks at step 100, and columns that are no rewards.
fn wandb(jump: f64) -> String {
    let mut csv = "step,train/reward,train/reward_std,train/loss,_timestamp,eval/accuracy\n".to_owned();
    for step in 0..300 {
        let ripple = 0.02 * f64::from(step * 7 % 13);
        let reward = 0.003 * f64::from(step) + ripple + if step >= 200 { jump } else { 0.0 };
        let eval = if step % 10 == 0 {
            (1.0 - (f64::from(step) - 100.0).abs() / 250.0 + 0.1 * ripple).to_string()
        } else {
            String::new()
        };
        writeln!(csv, "{step},{reward},0.2,{},{},{eval}", 1.0 / f64::from(step + 1), 1_700_000_000 + step)
            .unwrap();
    }
    csv
}

#[test]
fn a_reward_and_an_evaluation_part_and_a_jump_is_a_change_of_level() {
    let (_folder, path) = file("history.csv", wandb(2.0));
    let answer = json(tailcatch().arg("curve").arg(&path), 0);
    let curves = answer["curves"].as_array().unwrap();
    let names: Vec<_> =
        curves.iter().map(|c| (c["column"].as_str().unwrap(), c["role"].as_str().unwrap())).collect();
    assert_eq!(names, [("train/reward", "reward"), ("eval/accuracy", "evaluation")]);
    let reward = &curves[0]["curve"];
    assert!(reward["trend"]["tau"].as_f64().unwrap() > 0.9 && reward["n"] == 300, "{reward}");
    let change = &reward["changes"].as_array().unwrap()[0];
    assert!(change["step"].as_u64().unwrap().abs_diff(200) <= 3, "{change}");
    let parting = &answer["pairs"][0]["pair"]["parting"];
    assert!(parting["step"].as_u64().unwrap().abs_diff(100) <= 20, "{parting}");

    let (code, stdout, _) = outcome(tailcatch().arg("curve").arg(&path));
    let words = stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 0);
    assert!(
        words.contains("train/reward changes its level at step") && words.contains("part at step"),
        "{words}"
    );
    assert!(!words.to_lowercase().contains("hack") && words.contains("log_completions=True"), "{words}");
    assert!(stdout.lines().skip(1).all(|line| line.chars().count() <= 80), "{stdout}");
}

#[test]
fn each_metric_of_a_table_is_a_curve_and_one_column_needs_no_name() {
    let mut text = "tag,step,value\n".to_owned();
    for step in 0..100 {
        let up = 0.01 * f64::from(step);
        writeln!(text, "train/reward,{step},{up}\ntrain/kl,{step},0.5\neval/accuracy,{step},{}", 1.0 - up)
            .unwrap();
    }
    let (_folder, path) = file("scalars.csv", &text);
    let answer = json(tailcatch().arg("curve").arg(&path), 0);
    let curves = answer["curves"].as_array().unwrap();
    assert_eq!(
        (curves.len(), &curves[0]["column"], &curves[0]["curve"]["n"]),
        (2, &"train/reward".into(), &100.into())
    );
    assert_eq!(curves[0]["curve"]["end"].as_f64().map(|end| end > 0.9), Some(true));
    let (code, _, stderr) = outcome(tailcatch().args(["curve", "--reward", "value"]).arg(&path));
    assert!(code == 2 && stderr.contains("each row names its metric, and none is `value`"), "{stderr}");
    let rows: String = (0..60).map(|step| format!("17000.5,{step},{}\n", 0.1 * f64::from(step))).collect();
    let (_folder, path) = file("one.csv", format!("Wall time,Step,Value\n{rows}"));
    assert_eq!(json(tailcatch().arg("curve").arg(&path), 0)["curves"][0]["column"], "Value");
}

#[test]
fn runs_that_follow_each_other_and_short_ones_are_said() {
    let one = wandb(0.0);
    let rows: String = one.lines().skip(1).map(|line| format!("{line}\n")).collect();
    let (_folder, path) = file("history.csv", format!("{one}{rows}"));
    let answer = json(tailcatch().arg("curve").arg(&path), 0);
    assert_eq!((&answer["runs"], &answer["curves"][0]["curve"]["n"]), (&2.into(), &300.into()));
    let short: String = one.lines().take(6).map(|line| format!("{line}\n")).collect();
    let (_folder, path) = file("history.csv", short);
    let answer = json(tailcatch().arg("curve").arg(&path), 0);
    assert_eq!(answer["curves"][0]["answer"]["status"], "too_few");
}

#[test]
fn a_file_without_a_reward_is_refused_with_its_columns() {
    let (_folder, path) = file("a.csv", "step,loss,lr\n1,2,3\n2,3,4\n");
    let (code, stdout, stderr) = outcome(tailcatch().arg("curve").arg(&path));
    assert!(code == 2 && stdout.is_empty() && stderr.contains("--reward COLUMN"), "{stderr}");
    let named = json(tailcatch().args(["curve", "--reward", "loss"]).arg(&path), 0);
    assert_eq!(named["curves"][0]["column"], "loss");
}

#[test]
fn rollouts_are_no_means() {
    let rows: String = (0..80).map(|row| format!("{},p,c{row},{}\n", row / 8, row * 7 % 11)).collect();
    let (_folder, path) = file("log.csv", format!("step,prompt,completion,reward\n{rows}"));
    let (code, _, stderr) = outcome(tailcatch().arg("curve").arg(&path));
    assert!(
        code == 2 && stderr.contains("look like rollouts") && stderr.contains("tailcatch detect"),
        "{stderr}"
    );
    json(tailcatch().args(["curve", "--rows", "means"]).arg(&path), 0);
}
