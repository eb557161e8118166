//! `run` as a user runs it: repeatable to the byte, resumable, and honest about damage.

use crate::cli::{outcome, tailcatch};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use tailcatch::config::from_bytes;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::record::Outcomes;
use tailcatch::reward::{RewardModel, Twin};
use tailcatch::theory::tilt::Tilter;
use tempfile::TempDir;

const CONFIG: &str = r#"
question   = "A small question?"
seed       = 5
replicates = 3

[environment.bandit]
outcomes = 3000
contexts = 2
baseline = { normal = { sd = 0.3 } }

[reward]
error       = { student_t = { df = 3 } }
standardize = "iqr"
swap_twin   = true
[[reward.exploits]]
mass    = 1e-3
proxy   = 15
utility = -4

[trainer.reinforce]
batch     = 32
steps     = 25
optimizer = { sgd = { learning_rate = 1.6 } }

[[detectors]]
robust_z = {}
[[detectors]]
gpd_tail = {}
[[detectors]]
log_ratio = {}
[[detectors]]
influence = {}
[[detectors]]
random = {}

[calibration]
rollouts = 12_000

[audit]
budgets = [0.01, 5]

[record]
observed = "all"

[[expect]]
metric = "sighted"
value  = { at_most = 1 }

[sweep]
"trainer.reinforce.kl.coefficient" = [0.2, 0.5]
"#;

/// Tables that must repeat to the byte.
const TABLES: [&str; 10] = [
    "replicates.csv",
    "steps.csv",
    "observed.csv",
    "truth.csv",
    "flags.csv",
    "detectors.csv",
    "summary.csv",
    "checks.csv",
    "survival.csv",
    "hill.csv",
];

struct Bench {
    folder: TempDir,
    config: PathBuf,
}

impl Bench {
    fn new(config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("small.toml");
        fs::write(&path, config).unwrap();
        Self { folder, config: path }
    }

    fn run(&self, out: &str, more: &[&str]) -> (i32, String, String, PathBuf) {
        let out = self.folder.path().join(out);
        let mut command = tailcatch();
        command.arg("run").arg(&self.config).arg("--out").arg(&out).args(more);
        let (code, stdout, stderr) = outcome(&mut command);
        (code, stdout, stderr, out)
    }

    fn done(&self, out: &str, more: &[&str]) -> PathBuf {
        let (code, _, stderr, out) = self.run(out, more);
        assert_eq!(code, 0, "{stderr}");
        out
    }
}

fn tables(out: &Path) -> Vec<Vec<u8>> {
    TABLES.iter().map(|name| fs::read(out.join(name)).unwrap()).collect()
}

fn assert_same(a: &Path, b: &Path) {
    for ((name, a), b) in TABLES.iter().zip(tables(a)).zip(tables(b)) {
        assert!(a == b, "{name} differs");
        assert!(a.iter().filter(|b| **b == b'\n').count() > 1, "{name} is empty");
    }
}

/// Named columns of a table.
fn columns(path: &Path, names: &[&str]) -> Vec<Vec<String>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let header = reader.headers().unwrap().clone();
    let places: Vec<usize> = names
        .iter()
        .map(|n| header.iter().position(|h| h == *n).unwrap_or_else(|| panic!("{n} in {header:?}")))
        .collect();
    reader.records().map(|r| places.iter().map(|p| r.as_ref().unwrap()[*p].to_owned()).collect()).collect()
}

/// CONFIG with the trainers that learn from samples, each over the same table.
fn learners() -> String {
    let start = CONFIG.find("[trainer.reinforce]").unwrap();
    let end = CONFIG.find("[[detectors]]").unwrap();
    let sweep = CONFIG.find("[sweep]").unwrap();
    let arms = [
        "{ rloo = { batch = 32, group = 4, steps = 12 } }",
        "{ grpo = { batch = 32, steps = 12, epochs = 2, kl = { coefficient = 0.04, controller = { adaptive = { target = 1 } } } } }",
        "{ ppo = { batch = 32, steps = 12, minibatches = 2, entropy_coef = 0.01, max_grad_norm = 0.5 } }",
    ];
    format!("{}{}[sweep]\ntrainer = [{}]\n", &CONFIG[..start], &CONFIG[end..sweep], arms.join(", "))
}

#[test]
fn every_learner_runs_from_a_config_with_the_same_bytes_on_any_threads() {
    let bench = Bench::new(&learners());
    let one = bench.done("one", &["--threads", "1"]);
    let two = bench.done("two", &["--threads", "2"]);
    assert_same(&one, &two);
    let clips = columns(&one.join("steps.csv"), &["arm", "clip_fraction", "kl_coefficient"]);
    for (arm, clipped) in [("0", false), ("1", true), ("2", true)] {
        let rows: Vec<_> = clips.iter().filter(|row| row[0] == arm).collect();
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row[1].is_empty() != clipped),
            "arm {arm}: {rows:?}"
        );
    }
    assert!(clips.iter().any(|row| row[1].parse::<f64>().is_ok_and(|c| c > 0.0)), "nothing was ever clipped");
}

#[test]
fn threads_and_repetition_change_no_byte() {
    let bench = Bench::new(CONFIG);
    let one = bench.done("one", &["--threads", "1"]);
    let two = bench.done("two", &["--threads", "2"]);
    assert_same(&one, &two);
    // A second call finds everything there and leaves it as it is.
    let before = tables(&one);
    let (code, stdout, stderr, _) = bench.run("one", &["--json"]);
    assert_eq!(code, 0, "{stderr}");
    let told: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!((told["runs"].as_u64(), told["reused"].as_u64()), (Some(6), Some(6)));
    assert!(before == tables(&one));
    assert!(one.join("report.html").exists() && one.join("figures/training_0.svg").exists());
    let (code, stdout, _, _) = bench.run("one", &[]);
    assert_eq!(code, 0);
    assert!(stdout.trim_end().lines().last().unwrap().starts_with("report: "), "{stdout}");
}

#[test]
fn lost_and_damaged_records_are_made_anew() {
    let bench = Bench::new(CONFIG);
    let whole = bench.done("whole", &[]);
    let other = bench.done("other", &[]);
    let records: Vec<PathBuf> =
        fs::read_dir(other.join("records")).unwrap().map(|e| e.unwrap().path()).collect();
    assert!(records.len() >= 12, "runs, twins and judgements: {}", records.len());
    for (i, record) in records.iter().enumerate() {
        match i % 4 {
            0 => fs::remove_file(record).unwrap(),
            1 => {
                let mut bytes = fs::read(record).unwrap();
                let middle = bytes.len() / 2;
                bytes[middle] ^= 1;
                fs::write(record, bytes).unwrap();
            }
            2 => fs::write(record, b"").unwrap(),
            _ => {}
        }
    }
    fs::write(other.join("replicates.csv"), "half a tab").unwrap();
    bench.done("other", &[]);
    assert_same(&whole, &other);
}

/// Every record of a folder, with its bytes and when it was written.
fn records(out: &Path) -> BTreeMap<String, (Vec<u8>, SystemTime)> {
    fs::read_dir(out.join("records"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| {
            let written = entry.metadata().unwrap().modified().unwrap();
            (entry.file_name().into_string().unwrap(), (fs::read(entry.path()).unwrap(), written))
        })
        .collect()
}

/// The detectors that records judge, of those that were not there before; what was there must be untouched.
fn added(
    before: &BTreeMap<String, (Vec<u8>, SystemTime)>,
    after: &BTreeMap<String, (Vec<u8>, SystemTime)>,
) -> Vec<String> {
    for (name, record) in before {
        assert_eq!(Some(record), after.get(name), "{name} was written again");
    }
    let new = after.iter().filter(|(name, _)| !before.contains_key(*name));
    let detector = |bytes: &[u8]| {
        let record = tailcatch::experiment::store::Record::decode(bytes).unwrap();
        if record.section("replicate.csv").is_some() {
            return "the run".to_owned();
        }
        let rows = String::from_utf8(record.section("detectors.csv").unwrap().to_vec()).unwrap();
        let mut names: Vec<&str> = rows.lines().map(|row| row.split(',').next().unwrap()).collect();
        names.dedup();
        names.join("+")
    };
    let mut found: Vec<String> = new.map(|(_, (bytes, _))| detector(bytes)).collect();
    found.sort();
    found
}

#[test]
fn a_new_detector_alone_is_judged_and_nothing_is_trained_again() {
    let bench = Bench::new(CONFIG);
    let out = bench.done("run", &[]);
    let before = records(&out);
    let observed = fs::read(out.join("observed.csv")).unwrap();
    // One more, not at the end.
    let more = CONFIG.replace("gpd_tail = {}", "gpd_tail = {}\n[[detectors]]\ntop_reward = {}");
    fs::write(&bench.config, &more).unwrap();
    let (code, _, stderr, _) = bench.run("run", &[]);
    assert_eq!(code, 0, "{stderr}");
    assert!(!stderr.contains("trained again"), "{stderr}");
    let after = records(&out);
    assert_eq!(added(&before, &after), ["top_reward"; 6]);
    assert!(observed == fs::read(out.join("observed.csv")).unwrap());
    assert_same(&out, &Bench::new(&more).done("anew", &[]));
    let rows = columns(&out.join("detectors.csv"), &["train_id", "detector", "judge_id"]);
    for flag in columns(&out.join("flags.csv"), &["train_id", "detector", "judge_id"]) {
        assert!(rows.contains(&flag), "{flag:?}");
    }
    let mut ids: Vec<&String> = rows.iter().map(|row| &row[2]).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 6 * 7, "one identity a run and detector, the oracle's being the run's");
    // Another order has another first detector, which the rows of the runs tell of: it alone is judged again for them.
    let (robust, random) = ("robust_z = {}", "random = {}");
    let turned = more.replace(robust, "X").replace(random, robust).replace("X", random);
    fs::write(&bench.config, turned).unwrap();
    bench.done("run", &[]);
    assert_eq!(added(&after, &records(&out)), ["the run"; 6]);
}

#[test]
fn rollouts_that_were_not_kept_are_made_again_for_a_new_detector_and_it_is_said() {
    for (observed, again) in [("none", 6), ("first", 4)] {
        let config = CONFIG.replace("\"all\"", &format!("\"{observed}\""));
        let bench = Bench::new(&config);
        let (code, _, stderr, out) = bench.run("run", &[]);
        assert_eq!(code, 0, "{stderr}");
        assert!(!stderr.contains("trained again"), "{stderr}");
        let before = records(&out);
        fs::write(
            &bench.config,
            config.replace("random = {}", "random = {}\n[[detectors]]\ntop_reward = {}"),
        )
        .unwrap();
        let (code, _, stderr, _) = bench.run("run", &[]);
        assert_eq!(code, 0, "{stderr}");
        assert!(stderr.contains(&format!("{again} runs are trained again")), "{observed}: {stderr}");
        assert_eq!(added(&before, &records(&out)), ["top_reward"; 6], "{observed}");
    }
}

#[test]
fn the_swap_twin_cannot_be_told_apart_by_what_is_observed() {
    let bench = Bench::new(CONFIG);
    let out = bench.done("run", &[]);
    let records: Vec<(String, Vec<u8>, Vec<u8>)> = fs::read_dir(out.join("records"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            let record = tailcatch::experiment::store::Record::decode(&fs::read(&path).unwrap()).unwrap();
            let id = path.file_stem().unwrap().to_str().unwrap().to_owned();
            Some((id, record.section("observed.csv")?.to_vec(), record.section("truth.csv")?.to_vec()))
        })
        .collect();
    // Of each rollout: its number, and V and X in the given order.
    let hidden = |truth: &[u8], swapped: bool| -> Vec<[String; 3]> {
        let text = String::from_utf8(truth.to_vec()).unwrap();
        let row = |line: &str| {
            let cells: Vec<&str> = line.split(',').collect();
            let (v, x) = if swapped { (cells[2], cells[1]) } else { (cells[1], cells[2]) };
            [cells[0].to_owned(), v.to_owned(), x.to_owned()]
        };
        text.lines().map(row).collect()
    };
    let runs = columns(&out.join("replicates.csv"), &["train_id"]);
    assert_eq!(runs.len(), 6);
    for run in &runs {
        let (_, observed, truth) = records.iter().find(|(id, ..)| *id == run[0]).unwrap();
        let twins = records.iter().filter(|(_, other, hidden_side)| {
            other == observed && hidden(hidden_side, true) == hidden(truth, false)
        });
        assert_eq!(twins.count(), 1, "one run shows the same to every observer and has V and X exchanged");
    }
    // What detectors said of the twin is therefore the same; on it, alarms are false by definition.
    for row in columns(&out.join("detectors.csv"), &["detector", "honest_flag_rate"]) {
        assert_eq!(row[1].is_empty(), row[0] == "oracle" || row[0] == "influence", "{row:?}");
    }
}

/// Where the policy is the exploit, to tell it from the rest is no detection.
#[test]
fn ranking_has_no_number_where_most_hacks_come_after_the_exploit_dominates() {
    let config = CONFIG
        .replace("mass    = 1e-3", "outcomes = 1\nmass    = 2e-3")
        .replace("proxy   = 15", "proxy   = 60")
        .replace("steps     = 25", "steps     = 60")
        .replace("[0.2, 0.5]", "[0.2, 100]");
    let bench = Bench::new(&config);
    let out = bench.done("run", &[]);
    let takeovers: BTreeMap<String, bool> =
        columns(&out.join("replicates.csv"), &["train_id", "takeover_step"])
            .into_iter()
            .map(|row| (row[0].clone(), !row[1].is_empty()))
            .collect();
    let measures = ["auroc", "average_precision", "recall_at_fpr_1e3"];
    let (mut late, mut early) = (0, 0);
    for row in columns(
        &out.join("detectors.csv"),
        &["train_id", "status", "recall", "n_positive", measures[0], measures[1], measures[2]],
    ) {
        if row[1].starts_with("late: most hacks were sampled after the exploit dominated") {
            assert!(takeovers[&row[0]] && row[4..].iter().all(String::is_empty), "{row:?}");
            assert!(!row[2].is_empty(), "what the audit found is told all the same: {row:?}");
            late += 1;
        } else if row[3] != "0" {
            assert!(row[4..].iter().all(|cell| !cell.is_empty()) && row[1] == "ok", "{row:?}");
            assert!(!takeovers[&row[0]], "{row:?}");
            early += 1;
        }
    }
    assert!(late >= 12 && early >= 12, "{late} {early}");
}

#[test]
fn tables_hold_together() {
    let bench = Bench::new(CONFIG);
    let out = bench.done("run", &[]);
    let replicates = columns(
        &out.join("replicates.csv"),
        &["train_id", "trainer.reinforce.kl.coefficient", "utility", "proxy", "error", "kl", "outcome"],
    );
    assert_eq!(replicates.len(), 6);
    for row in &replicates {
        let number = |i: usize| row[i].parse::<f64>().unwrap();
        assert!((number(3) - number(2) - number(4)).abs() < 1e-9, "U = V + X: {row:?}");
        assert!(number(5) >= 0.0);
    }
    let observed =
        columns(&out.join("observed.csv"), &["train_id", "trajectory", "proxy", "log_prob", "ref_log_prob"]);
    let truth = columns(&out.join("truth.csv"), &["train_id", "trajectory", "utility", "error"]);
    assert_eq!(observed.len(), 6 * 25 * 32);
    assert_eq!(observed.len(), truth.len());
    for (seen, hidden) in observed.iter().zip(&truth) {
        assert_eq!(seen[..2], hidden[..2]);
        let number = |cell: &str| cell.parse::<f64>().unwrap();
        assert_eq!(number(&seen[2]), number(&hidden[2]) + number(&hidden[3]));
    }
    let steps = columns(&out.join("steps.csv"), &["step", "kl", "kl_k1", "utility", "clean_utility"]);
    assert_eq!(steps.len(), 6 * 25);
    assert!(
        steps.iter().filter(|row| row[0] == "0").all(|row| row[1] == "0.0"),
        "training starts at the reference"
    );
    for name in TABLES {
        let mut reader = csv::Reader::from_path(out.join(name)).unwrap();
        for cell in reader.records().flat_map(|r| r.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()) {
            assert!(!matches!(cell.as_str(), "NaN" | "inf" | "-inf"), "{name} holds {cell}");
        }
    }
    let summary = columns(&out.join("summary.csv"), &["metric"]);
    assert!(summary.iter().any(|row| row[0] == "catch_rate[robust_z@0.01]"));
}

#[test]
fn an_output_folder_that_cannot_be_written_fails_with_its_name() {
    let bench = Bench::new(CONFIG);
    let file = bench.folder.path().join("taken");
    fs::write(&file, "a file, not a folder").unwrap();
    let (code, _, stderr, _) = bench.run("taken", &[]);
    assert_eq!(code, 1, "{stderr}");
    assert!(stderr.contains("taken"), "{stderr}");
}

#[test]
fn faults_of_a_config_stop_everything_before_it_starts() {
    let bench = Bench::new(&CONFIG.replace("steps     = 25", "stepz     = 25"));
    let (code, stdout, stderr, out) = bench.run("run", &[]);
    assert_eq!((code, stdout.as_str()), (2, ""));
    assert!(stderr.contains("stepz") && stderr.contains("steps"), "{stderr}");
    assert!(!out.exists());
    let bench = Bench::new(
        &CONFIG
            .replace("trainer.reinforce]", "trainer.exact]\nkl = { budget = 50.0 }")
            .replace("batch     = 32\nsteps     = 25\noptimizer = { sgd = { learning_rate = 1.6 } }", "")
            .replace("[sweep]\n\"trainer.reinforce.kl.coefficient\" = [0.2, 0.5]", ""),
    );
    let (code, _, stderr, out) = bench.run("run", &[]);
    assert_eq!(code, 2, "{stderr}");
    assert!(stderr.contains("50"), "{stderr}");
    assert!(!out.exists());
}

#[test]
fn the_manifest_names_the_commit_of_the_program_and_not_of_the_folder() {
    let bench = Bench::new(&CONFIG.replace("replicates = 3", "replicates = 1"));
    // Somebody else's checkout, in which the user stands.
    let elsewhere = bench.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).current_dir(&elsewhere).output();
        output.map(|o| String::from_utf8(o.stdout).unwrap().trim().to_owned()).unwrap_or_default()
    };
    git(&["init", "-q"]);
    git(&["-c", "user.name=a", "-c", "user.email=a@b.c", "commit", "-q", "--allow-empty", "-m", "theirs"]);
    let theirs = git(&["rev-parse", "HEAD"]);

    let out = bench.folder.path().join("out");
    let mut command = tailcatch();
    command.current_dir(&elsewhere).arg("run").arg(&bench.config).arg("--out").arg(&out);
    let (code, _, stderr) = outcome(&mut command);
    assert_eq!(code, 0, "{stderr}");
    let manifest: Value = serde_json::from_slice(&fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let named = manifest["git_commit"].as_str();
    assert_eq!(named, option_env!("TAILCATCH_COMMIT"));
    assert!(named.is_none_or(|named| named != theirs), "{named:?}");
}

/// The Goodhart gap of a run is what its KL could have bought, the exact tilt by V, less what it did buy.
#[test]
fn the_goodhart_gap_is_what_the_tilt_by_utility_would_earn_more() {
    let text = "question = '?'\nseed = 9\nreplicates = 2\n[environment.bandit]\noutcomes = 400\ncontexts = 2\n\
                [reward]\nerror = { student_t = { df = 2 } }\n[trainer.reinforce]\nbatch = 64\nsteps = 40\n\
                optimizer = { sgd = { learning_rate = 6.4 } }\n[calibration]\nrollouts = 500\n[[detectors]]\n\
                top_reward = {}\n";
    let bench = Bench::new(text);
    let out = bench.done("out", &[]);
    let document = &from_bytes("small.toml", text.as_bytes(), &[]).unwrap().document;
    let names = ["replicate", "kl", "utility", "goodhart_gap", "reference_utility"];
    let rows = columns(&out.join("replicates.csv"), &names);
    assert_eq!(rows.len(), 2);
    for row in rows {
        let number = |place: usize| row[place].parse::<f64>().unwrap();
        let (kl, utility, gap, reference) = (number(1), number(2), number(3), number(4));
        let seeds = SeedTree::new(document.seed, row[0].parse().unwrap());
        let model =
            RewardModel::build(document.environment.part(), &document.reward, &seeds, Twin::Itself).unwrap();
        let honest = |table: &Outcomes| Outcomes { error: vec![0.0; table.len()], ..table.clone() };
        let table = honest(model.table().unwrap());
        let best = Tilter::new(&table).at_budget(kl).unwrap();
        assert!((gap - (best.utility - utility)).abs() < 1e-9, "{gap} against {} − {utility}", best.utility);
        // By the definition of the tilt: E[V] − β·KL is β·ln E_π₀[exp(V/β)], prompt by prompt.
        let mean: f64 = (0..table.len())
            .map(|cell| (table.ref_log_prob[cell] + table.utility[cell] / best.beta).exp())
            .collect::<Vec<f64>>()
            .chunks(table.outcomes)
            .map(|row| row.iter().sum::<f64>().ln())
            .sum::<f64>()
            / table.prompts as f64;
        let by_hand = best.beta * (mean + kl);
        assert!((by_hand - best.utility).abs() < 1e-6, "{by_hand} against {}", best.utility);
        assert!(kl > 0.05 && gap > 0.05 && best.utility > reference + 0.1, "{row:?}: nothing to tell apart");
    }
}
