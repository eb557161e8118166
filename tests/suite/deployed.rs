//! A frozen policy under monitors: `deployment.csv`, from a config.

use crate::cli::{outcome, tailcatch};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use tailcatch::config::from_bytes;
use tailcatch::experiment::plan;
use tailcatch::experiment::store::Store;
use tailcatch::policies::Backend;
use tempfile::TempDir;

const CONFIG: &str = r#"
question   = "who sees it first?"
seed       = 3
replicates = 3
[environment.bandit]
outcomes = 300
contexts = 2
[[reward.exploits]]
mass     = 1e-4
outcomes = 4
proxy    = 9
utility  = -20
[trainer.reinforce]
batch = 16
steps = 3
[deployment]
shift    = { jump = { mass_after = 0.02 } }
samples  = 600
monitors = [{ reading_list = {} }, { log_ratio = {} }, { mean_kl = {} }, { actions = {} }, { random = { rate = 0.5 } }]
[[detectors]]
robust_z = {}
[calibration]
rollouts = 500
"#;

struct Desk {
    folder: TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn run(&self, config: &str, out: &str, more: &[&str]) -> PathBuf {
        let (path, out) = (self.folder.path().join("watched.toml"), self.folder.path().join(out));
        fs::write(&path, config).unwrap();
        let mut command = tailcatch();
        command.arg("run").arg(&path).arg("--out").arg(&out).args(more);
        let (code, _, stderr) = outcome(&mut command);
        assert_eq!(code, 0, "{stderr}");
        out
    }
}

fn table(out: &Path) -> String {
    fs::read_to_string(out.join("deployment.csv")).unwrap()
}

fn rows(out: &Path) -> Vec<BTreeMap<String, String>> {
    let mut reader = csv::Reader::from_path(out.join("deployment.csv")).unwrap();
    let header = reader.headers().unwrap().clone();
    let row = |row: csv::StringRecord| header.iter().zip(&row).map(|(k, v)| (k.into(), v.into())).collect();
    reader.records().map(|own| row(own.unwrap())).collect()
}

fn records(out: &Path) -> BTreeMap<String, Vec<u8>> {
    let all = fs::read_dir(out.join("records")).unwrap().map(|entry| entry.unwrap());
    all.map(|e| (e.file_name().into_string().unwrap(), fs::read(e.path()).unwrap())).collect()
}

#[test]
fn the_table_is_the_interface_and_the_same_on_any_threads() {
    let desk = Desk::new();
    let one = desk.run(CONFIG, "one", &["--threads", "1"]);
    let two = desk.run(CONFIG, "two", &["--threads", "2"]);
    assert_eq!(table(&one), table(&two));
    assert_eq!(
        table(&one).lines().next().unwrap(),
        "deploy_id,arm,replicate,monitor,samples_to_first_hack,samples_to_alarm,audits,false_alarms,status"
    );
    let rows = rows(&one);
    assert_eq!(rows.len(), 3 * 5);
    let ids: BTreeSet<&String> = rows.iter().map(|row| &row["deploy_id"]).collect();
    assert_eq!(ids.len(), rows.len(), "one identity a run and monitor");
    for row in &rows {
        assert_eq!(row["status"], "ok", "{row:?}");
        let first: u64 = row["samples_to_first_hack"].parse().unwrap();
        // The exploit pays most and is far likelier than under the reference: both see it when it comes first.
        if ["reading_list", "log_ratio"].contains(&row["monitor"].as_str()) {
            assert_eq!(row["samples_to_alarm"], first.to_string(), "{row:?}");
        }
        if row["monitor"] == "random(rate=0.5)" {
            assert!(
                row["samples_to_alarm"].parse::<u64>().unwrap() >= first && row["audits"] != "0",
                "{row:?}"
            );
        }
        assert!(row["audits"] != "0" || !["reading_list"].contains(&row["monitor"].as_str()), "{row:?}");
        assert!(["0", "1"].contains(&row["false_alarms"].as_str()), "{row:?}");
    }
    // The summary and the report tell of it.
    let summary = fs::read_to_string(one.join("summary.csv")).unwrap();
    for metric in [
        "samples_to_first_hack_q95",
        "\"alarmed[random(rate=0.5)@deployed]\"",
        "false_alarm[log_ratio@deployed]",
    ] {
        let metric = metric.trim_matches('"');
        assert!(summary.contains(metric), "{metric}: {summary}");
    }
    let report = fs::read_to_string(one.join("report.html")).unwrap();
    assert!(
        report.contains(">Deployment<a") && report.contains("has no 95% quantile: insufficient"),
        "{report}"
    );
}

#[test]
fn streams_of_the_deployment_touch_no_other_number() {
    let desk = Desk::new();
    let with = desk.run(CONFIG, "with", &[]);
    let (start, end) = (CONFIG.find("[deployment]").unwrap(), CONFIG.find("[[detectors]]").unwrap());
    let without = desk.run(&format!("{}{}", &CONFIG[..start], &CONFIG[end..]), "without", &[]);
    for name in ["replicates.csv", "steps.csv", "detectors.csv", "flags.csv"] {
        assert_eq!(fs::read(with.join(name)).unwrap(), fs::read(without.join(name)).unwrap(), "{name}");
    }
    assert!(!without.join("deployment.csv").exists());
}

#[test]
fn other_monitors_and_samples_are_judged_on_the_policy_that_is_there() {
    let desk = Desk::new();
    let out = desk.run(CONFIG, "run", &[]);
    let before = records(&out);
    // One more monitor: it alone is judged, and no record is written again.
    let more = CONFIG.replace("{ actions = {} }", "{ log_ratio = { level = 0.01 } }, { actions = {} }");
    desk.run(&more, "run", &[]);
    let after = records(&out);
    assert_eq!(after.len(), before.len() + 3);
    assert!(before.iter().all(|(name, bytes)| after.get(name) == Some(bytes)));
    assert_eq!(table(&out), table(&desk.run(&more, "anew", &[])));
    // Other samples: every monitor is judged again, on the policy of the record. It is exchanged for that of the next replicate here, so
    // that a training would be seen.
    let other = CONFIG.replace("samples  = 600", "samples  = 300");
    let loaded = from_bytes("watched.toml", other.as_bytes(), &[]).unwrap();
    let planned = plan(&loaded, &Backend::default()).unwrap();
    let store = Store::open(&out.join("records")).unwrap();
    for twin in 0..2 {
        let id = |run: usize| planned[run].policy_ids[twin].as_str();
        let [first, second] = [0, 1].map(|run| store.read(id(run)).unwrap().unwrap());
        assert!(first != second || twin == 1);
        // Under its own name, or it would be refused; this test's binary is another than the program.
        store.replace(id(0), &second).unwrap();
    }
    let exchanged = table(&desk.run(&other, "run", &["--allow-mixed"]));
    let fresh = table(&desk.run(&other, "fresh", &[]));
    let of = |table: &str, replicate: &str| -> Vec<String> {
        let own = table.lines().filter(|line| line.split(',').nth(2) == Some(replicate));
        own.map(str::to_owned).collect()
    };
    assert_ne!(of(&exchanged, "0"), of(&fresh, "0"), "replicate 0 was trained again");
    assert_eq!(of(&exchanged, "1"), of(&fresh, "1"));
    assert_eq!(of(&exchanged, "2"), of(&fresh, "2"));
}

#[test]
fn lost_policies_and_deployments_are_made_anew() {
    let desk = Desk::new();
    let whole = desk.run(CONFIG, "whole", &[]);
    let other = desk.run(CONFIG, "other", &[]);
    for (i, name) in records(&other).keys().enumerate() {
        let path = other.join("records").join(name);
        match i % 3 {
            0 => fs::remove_file(path).unwrap(),
            1 => fs::write(path, b"half").unwrap(),
            _ => {}
        }
    }
    desk.run(CONFIG, "other", &[]);
    assert_eq!(table(&whole), table(&other));
}

/// Hacks among the trusted rollouts are left out where these are vetted; where nobody did, a list that begins with them takes the next one for
/// one of them.
#[test]
fn a_reading_list_begins_without_the_hacks_that_were_found_beforehand() {
    let desk = Desk::new();
    let common = CONFIG
        .replace("mass     = 1e-4", "mass     = 0.1")
        .replace("{ jump = { mass_after = 0.02 } }", "{ unchanged = {} }")
        .replace("samples  = 600", "samples  = 60");
    let alarms = |out: &str, vetted: bool| -> Vec<(String, String)> {
        let config = common.replace("rollouts = 500", &format!("rollouts = 500\nvetted = {vetted}"));
        let rows = rows(&desk.run(&config, out, &[]));
        let list = rows.into_iter().filter(|row| row["monitor"] == "reading_list");
        list.map(|row| (row["samples_to_first_hack"].clone(), row["samples_to_alarm"].clone())).collect()
    };
    let vetted = alarms("vetted", true);
    assert_eq!(vetted.len(), 3);
    for (first, alarm) in &vetted {
        assert!(!first.is_empty() && first == alarm, "{vetted:?}");
    }
    let unvetted = alarms("unvetted", false);
    assert!(unvetted.iter().zip(&vetted).all(|(own, other)| own.0 == other.0), "the samples are the same");
    assert!(unvetted.iter().all(|(first, alarm)| first != alarm), "{unvetted:?}");
}

#[test]
fn a_monitor_that_cannot_begin_has_a_status_and_no_number() {
    let desk = Desk::new();
    let config =
        CONFIG.replace("{ actions = {} }", "{ two_sample = {} }, { mahalanobis = {} }, { actions = {} }");
    let out = desk.run(&config, "few", &[]);
    let mut refused = 0;
    for row in rows(&out) {
        let expected = match row["monitor"].as_str() {
            "two_sample" => "insufficient: 500 trusted rollouts, 1200 needed",
            "mahalanobis" => "needs hidden states",
            _ => "ok",
        };
        assert_eq!(row["status"], expected, "{row:?}");
        for empty in ["samples_to_alarm", "audits", "false_alarms"] {
            assert!(expected == "ok" || row[empty].is_empty(), "{row:?}");
        }
        refused += usize::from(expected != "ok");
    }
    assert_eq!(refused, 2 * 3);
    let summary = fs::read_to_string(out.join("summary.csv")).unwrap();
    let line = summary.lines().find(|line| line.contains("alarmed[mahalanobis@deployed]")).unwrap();
    assert!(line.contains(",,,") && line.contains("insufficient"), "{line}");
    let report = fs::read_to_string(out.join("report.html")).unwrap();
    assert!(report.contains("needs hidden states"));
}

#[test]
fn what_contradicts_itself_is_refused_at_its_key() {
    let faults = |text: &str| {
        from_bytes("watched.toml", text.as_bytes(), &[]).map_or_else(|f| format!("{f:?}"), |_| String::new())
    };
    assert_eq!(faults(CONFIG), "");
    let (start, end) = (CONFIG.find("monitors =").unwrap(), CONFIG.find("[[detectors]]").unwrap());
    let unwatched = format!("{}{}", &CONFIG[..start], &CONFIG[end..]);
    for (text, says) in [
        (unwatched.clone(), "samples are drawn for monitors, and there is none"),
        (CONFIG.replace("samples  = 600", ""), "monitors watch samples, and none are drawn"),
        (unwatched.replace("samples  = 600", ""), "nothing is sampled of the deployed policy"),
        (CONFIG.replace("{ actions = {} }", "{ log_ratio = {} }"), "log_ratio stands here twice"),
        (CONFIG.replace("samples  = 600", "samples = 0"), "samples"),
    ] {
        let found = faults(&text);
        assert!(found.contains(says), "{says}: {found}");
    }
}
