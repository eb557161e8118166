//! `[[expect]]`: what an experiment holds its results against, from the config to the report.

use crate::cli::{json, outcome, tailcatch};
use std::fs;
use std::path::{Path, PathBuf};
use tailcatch::record::folder::RunFolder;

const BASE: &str = r#"
question   = "Is what theory expects found?"
seed       = 3
replicates = 12
[environment.bandit]
outcomes = 4000
[reward]
error       = { normal = {} }
[trainer.exact]
kl = { budget = 0.5 }
[[detectors]]
top_reward = {}
[audit]
budgets = [0.1]
[sweep]
"reward.error" = [{ normal = {} }, { exponential = {} }]
"#;

fn written(folder: &Path, expectations: &str) -> PathBuf {
    let path = folder.join("expecting.toml");
    fs::write(&path, format!("{BASE}{expectations}")).unwrap();
    path
}

fn run(folder: &Path, expectations: &str) -> RunFolder {
    let config = written(folder, expectations);
    let out = folder.join("out");
    let mut command = tailcatch();
    command.arg("run").arg(&config).arg("--out").arg(&out);
    let (code, _, stderr) = outcome(&mut command);
    assert_eq!(code, 0, "{stderr}");
    RunFolder::open(&out).unwrap()
}

#[test]
fn numbers_agree_differ_or_say_why_they_cannot_be_compared() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(
        folder.path(),
        r#"
        [[expect]]
        metric = "utility"
        arms   = ["normal"]
        value  = "closed_form"
        [[expect]]
        metric = "kl"
        value  = "closed_form"
        [[expect]]
        metric = "utility"
        arms   = ["exponential"]
        value  = { published = { estimate = 3.5, standard_error = 0.01, source = "a wrong paper" } }
        [[expect]]
        metric = "utility"
        except = ["normal"]
        value  = "closed_form"
        [[expect]]
        metric = "p_hack"
        value  = { at_most = 1 }
        [[expect]]
        metric = "kl"
        arms   = ["normal"]
        value  = { at_least = 0.01 }
        [[expect]]
        metric = "utility"
        arms   = ["normal"]
        value  = { at_least = 90 }
        [[expect]]
        metric = "window"
        arms   = ["normal"]
        value  = { published = { estimate = 1, replicates = 4, source = "nowhere" } }
        [[expect]]
        metric = "utility"
        value  = { ordered = { by = "proxy", at_most = -0.5 } }
        "#,
    );
    let rows: Vec<(Option<usize>, &str, &str)> = run
        .checks
        .iter()
        .map(|row| (row.arm, row.metric.as_str(), row.verdict.split(':').next().unwrap_or_default()))
        .collect();
    assert_eq!(
        rows,
        [
            (Some(0), "utility", "agrees"),
            (Some(0), "kl", "agrees"),
            (Some(1), "kl", "agrees"),
            (Some(1), "utility", "differs"),
            (Some(1), "utility", "undefined"),
            (Some(0), "p_hack", "agrees"),
            (Some(1), "p_hack", "agrees"),
            (Some(0), "kl", "agrees"),
            (Some(0), "utility", "differs"),
            (Some(0), "window", "missing"),
            (None, "utility", "insufficient"),
        ]
    );
    let first = &run.checks[0];
    // V and X standard normal: E[V] = √(2·KL)/√2 at any KL.
    assert!((first.expected.unwrap() - 0.5f64.sqrt()).abs() < 1e-12 && first.expected_error == Some(0.0));
    assert!(first.found_error.unwrap() > 0.0 && first.replicates == 12);
    let text = fs::read_to_string(run.dir.join("report.html")).unwrap();
    assert!(text.contains("Expected against found") && text.contains("a wrong paper"));
    assert!(
        text.contains("6 of 8 numbers that were compared came out as expected"),
        "the first finding counts them"
    );
    assert!(text.contains("at least 90") && text.contains("at most 1"));
    assert!(text.contains("utility (exponential)") && text.contains("3 could not be compared"));
    assert!(run.dir.join("figures/agreement.svg").exists());
}

#[test]
fn a_config_without_expectations_has_an_empty_table_and_no_figure() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), "");
    assert!(run.checks.is_empty() && run.dir.join("checks.csv").exists());
    assert!(!run.dir.join("figures/agreement.svg").exists());
    let text = fs::read_to_string(run.dir.join("report.html")).unwrap();
    assert!(!text.contains("Expected against found"));
}

#[test]
fn expectations_are_no_part_of_a_runs_identity() {
    let folder = tempfile::tempdir().unwrap();
    let plain = run(folder.path(), "");
    let expecting = run(folder.path(), "[[expect]]\nmetric = \"utility\"\nvalue = { at_most = 9 }\n");
    assert_eq!(plain.plan.runs, expecting.plan.runs);
    assert_eq!(expecting.checks.len(), 2);
}

#[test]
fn expectations_that_no_arm_can_meet_are_faults_at_their_place() {
    let folder = tempfile::tempdir().unwrap();
    for (section, message, remedy) in [
        (
            "metric = \"utility\"\narms = [\"student_t(df=3)\"]\nvalue = \"closed_form\"\n",
            "no arm has the value student_t(df=3)",
            "the swept values are exponential, normal",
        ),
        (
            "metric = \"utility\"\narms = [\"normal\"]\nexcept = [\"normal\"]\nvalue = \"closed_form\"\n",
            "no arm has all of these values",
            "name fewer",
        ),
        (
            "metric = \"utility\"\nvalue = { ordered = { by = \"kl\", at_most = 0.5 } }\n",
            "a rank correlation of 0 or more orders nothing",
            "give a negative one",
        ),
        (
            "metric = \"utility\"\nvalue = { published = { estimate = 1, source = \"s\" } }\n",
            "a published number needs an error",
            "add standard_error, or replicates",
        ),
    ] {
        let config = written(folder.path(), &format!("[[expect]]\n{section}"));
        let (code, _, stderr) = outcome(tailcatch().arg("check").arg(&config));
        assert_eq!(code, 2, "{stderr}");
        assert!(stderr.contains(message) && stderr.contains(remedy), "{stderr}");
    }
}

#[test]
fn check_says_which_expectations_have_no_closed_form() {
    let folder = tempfile::tempdir().unwrap();
    let config = written(folder.path(), "[[expect]]\nmetric = \"utility\"\nvalue = \"closed_form\"\n");
    let document = json(tailcatch().arg("check").arg(&config), 0);
    assert_eq!(document["expectations"], 2);
    let gaps = document["not_to_be_met"].as_array().unwrap();
    assert_eq!(gaps.len(), 1);
    assert_eq!((&gaps[0]["arm"], &gaps[0]["metric"]), (&1.into(), &"utility".into()));
}

#[test]
fn check_and_run_say_that_an_alarm_rate_is_below_what_the_calibration_holds() {
    let folder = tempfile::tempdir().unwrap();
    let config = written(folder.path(), "[calibration]\nrollouts = 500\n");
    let check = |rate: &str| outcome(tailcatch().arg("check").arg(&config).args(["--set", rate]));
    let remedy = "raise calibration.rollouts to 10000 or audit.alarm_rate to 0.002";
    let (code, _, stderr) = check("audit.alarm_rate=1e-4");
    assert_eq!(code, 0, "{stderr}");
    // Lines end where they are full.
    let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(
        stderr.contains("warning: audit.alarm_rate: 500 calibration rollouts") && stderr.contains(remedy),
        "{stderr}"
    );
    let document = json(tailcatch().arg("check").arg(&config), 0);
    assert_eq!(document["cautions"][0]["key"], "audit.alarm_rate");
    let (_, _, stderr) = check("audit.alarm_rate=2e-3");
    assert!(!stderr.contains("alarm_rate"), "{stderr}");
    let (code, _, stderr) =
        outcome(tailcatch().arg("run").arg(&config).arg("--out").arg(folder.path().join("out")));
    let stderr = stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(code == 0 && stderr.contains(remedy), "{stderr}");
}

#[test]
fn a_value_that_two_keys_share_has_to_be_named_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("shared.toml");
    let config = |arms: &str| {
        format!(
            "question = '?'\nenvironment = {{ bandit = {{ outcomes = 400 }} }}\n[trainer.exact]\nkl = {{ budget = 1 }}\n\
             [sweep]\n\"trainer.exact.kl.budget\" = [1, 2]\n\"environment.bandit.utility.normal.sd\" = [1, 2]\n\
             [[expect]]\nmetric = 'kl'\narms = {arms}\nvalue = 'closed_form'\n"
        )
    };
    fs::write(&path, config("['1']")).unwrap();
    let (code, _, stderr) = outcome(tailcatch().arg("check").arg(&path));
    assert!(code == 2 && stderr.contains("two swept keys have the value 1"), "{stderr}");
    fs::write(&path, config("['trainer.exact.kl.budget=1']")).unwrap();
    let document = json(tailcatch().arg("check").arg(&path), 0);
    assert_eq!(document["expectations"], 2);
}
