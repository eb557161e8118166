//! `verdict` as a user runs it: repeatable to the byte, resumable, its words those of its runs, and each refuted by a world with the
//! opposite truth.

use crate::cli::{json, outcome, tailcatch};
use std::fs;
use std::path::{Path, PathBuf};
use tailcatch::record::endpoint::{EndingRow, NONE, PLACEBO, PROGRAMME};
use tailcatch::record::verdict::Tables;
use tempfile::TempDir;

/// An exploit that is far out, rare, and soon learned.
const FAR: &str = r#"
question   = "A small map?"
seed       = 5
replicates = 76

[environment.bandit]
outcomes = 400

[reward]
swap_twin = true
[[reward.exploits]]
mass     = 2.5e-3
outcomes = 1
proxy    = 25
utility  = -5

[trainer.reinforce]
batch     = 64
steps     = 60
optimizer = { sgd = { learning_rate = 3.2 } }
kl        = { coefficient = 0, controller = { project = { target = 0.5 } } }

[calibration]
rollouts = 2_000
vetted   = true

[record]
observed = "none"
"#;

const FILES: [&str; 8] = [
    "verdict.csv",
    "answers.csv",
    "ends.csv",
    "trainers.csv",
    "endings.csv",
    "phases.svg",
    "verdict.html",
    "verdict.md",
];

struct World {
    folder: TempDir,
    config: PathBuf,
}

impl World {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("small.toml");
        fs::write(&config, text).unwrap();
        Self { folder, config }
    }

    fn run(&self, out: &str, more: &[&str]) -> PathBuf {
        let out = self.folder.path().join(out);
        let (code, _, stderr) =
            outcome(tailcatch().arg("verdict").arg(&self.config).arg("--out").arg(&out).args(more));
        assert_eq!(code, 0, "{stderr}");
        out
    }
}

fn endings(out: &Path) -> Vec<EndingRow> {
    let mut reader = csv::Reader::from_path(out.join("endings.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn a_far_exploit_is_prevented_by_the_same_bytes_for_any_threads_and_after_a_loss() {
    let world = World::new(FAR);
    let one = world.run("one", &["--threads", "1"]);
    let two = world.run("two", &["--threads", "2"]);
    let same = || {
        for name in FILES {
            assert!(fs::read(one.join(name)).unwrap() == fs::read(two.join(name)).unwrap(), "{name} differs");
        }
    };
    same();
    let mut records: Vec<PathBuf> =
        fs::read_dir(two.join("records")).unwrap().map(|entry| entry.unwrap().path()).collect();
    records.sort();
    assert_eq!(
        records.len(),
        3 * 76,
        "a record a run, one of the auditors of its policy, and one of who reads both lists"
    );
    fs::remove_file(&records[0]).unwrap();
    let document = json(tailcatch().arg("verdict").arg(&world.config).arg("--out").arg(&two), 0);
    assert_eq!(
        (&document["runs"], &document["reused"], &document["cells"]),
        (&76.into(), &75.into(), &1.into())
    );
    same();

    let tables = Tables::read(&one).unwrap();
    let cell = &tables.cells[0];
    assert_eq!((cell.verdict.as_str(), cell.status.as_str()), ("holds", "ok"), "{cell:?}");
    assert!(cell.kl.unwrap() > 0.499 && cell.kl.unwrap() <= 0.5, "{cell:?}");
    assert!((cell.size.unwrap() - 25.0 / 6.1).abs() < 0.5, "{cell:?}");
    assert_eq!(tables.trainers[0].verdict, "holds");
    let page = fs::read_to_string(one.join("verdict.md")).unwrap();
    assert!(page.contains("holds for REINFORCE; surely not for none; unresolved for none"), "{page}");
    let answer = page.lines().find(|line| line.starts_with("- ")).unwrap();
    assert!(
        answer.contains("In 1 of 1 cells")
            && answer.contains("prevents that in 1 of them, and surely does not in 0"),
        "{answer}"
    );
    let html = fs::read_to_string(one.join("verdict.html")).unwrap();
    assert!(html.contains("<svg") && html.matches("<script").count() == 1);

    // Rows are those of the runs.
    let runs = endings(&one);
    let of = |role: &str| runs.iter().filter(|run| run.role == role).cloned().collect::<Vec<EndingRow>>();
    let learned: Vec<u64> = of(NONE)
        .iter()
        .filter(|run| run.sightings > 0 && run.learned_step.is_some())
        .map(|run| run.replicate)
        .collect();
    assert_eq!((cell.learned, cell.runs), (learned.len() as u64, 76));
    let audited = of(PROGRAMME);
    let harmed = audited.iter().filter(|run| {
        let first = ("records", "top_reward", "remove", Some(0));
        (run.auditor.as_str(), run.detector.as_str(), run.response.as_str(), run.delay) == first
            && learned.contains(&run.replicate)
            && run.damage_step.is_some()
    });
    assert_eq!(cell.audited_harmed, harmed.count() as u64);
    assert_eq!(of(PLACEBO).iter().filter(|run| run.damage_step.is_some()).count(), 0);
    // Who adds up visits keeps within the budget, too, but for the one look that an alarm has in advance.
    for detector in ["log_ratio", "cumulative_reward"] {
        let over_visits =
            tables.answers.iter().filter(|row| row.detector == detector && row.auditor != "records");
        let looks: Vec<(&str, f64)> =
            over_visits.map(|row| (row.auditor.as_str(), row.looks.unwrap())).collect();
        assert_eq!(looks.iter().map(|own| own.0).collect::<Vec<_>>(), ["alarm", "top"]);
        assert!(looks.iter().all(|(_, looks)| *looks > 0.0 && *looks <= 1e-3 + 1.0 / 3840.0), "{looks:?}");
    }
    assert!(cell.audited_kl.unwrap() < 0.5 && cell.benign_above.unwrap() < 1e-9, "{cell:?}");
    let ends: u64 = tables.ends.iter().map(|row| row.runs).sum();
    assert_eq!(ends, 76, "every run ends one way");
}

/// The same with exploits that pay what many benign outcomes pay: no auditor at a thousandth finds them all.
#[test]
fn many_exploits_within_the_benign_rewards_are_not_prevented() {
    let text = FAR
        .replace(
            "mass     = 2.5e-3\noutcomes = 1\nproxy    = 25",
            "mass     = 0.05\noutcomes = 20\nproxy    = 2.6",
        )
        .replace("target = 0.5", "target = 1");
    let world = World::new(&text);
    let out = world.run("out", &[]);
    let tables = Tables::read(&out).unwrap();
    let cell = &tables.cells[0];
    assert!(matches!(cell.verdict.as_str(), "fails" | "refuted"), "{cell:?}");
    assert!(cell.learned > 50 && cell.harm_low.unwrap() > 0.5, "{cell:?}");
    assert_eq!(tables.trainers[0].verdict, "fails");
    let page = fs::read_to_string(out.join("verdict.md")).unwrap();
    assert!(page.contains("holds for none; surely not for REINFORCE; unresolved for none"), "{page}");
    let answer = page.lines().find(|line| line.starts_with("- ")).unwrap();
    assert!(
        answer.contains("In 1 of 1 cells")
            && answer.contains("prevents that in 0 of them, and surely does not in 1"),
        "{answer}"
    );
}

#[test]
fn placebos_alone_show_no_harm_and_have_no_word() {
    let text = FAR
        .replace("[[reward.exploits]]", "[[reward.placebos]]")
        .replace("utility  = -5", "")
        .replace("25", "-5");
    let world = World::new(&text);
    let out = world.run("out", &["--set", "replicates=30"]);
    let cell = &Tables::read(&out).unwrap().cells[0];
    assert_eq!((cell.sampled, cell.harmed, cell.harm), (0, 0, None), "{cell:?}");
    assert_eq!(cell.verdict, "insufficient");
    assert!(cell.status.contains("0 of 30 runs learned the exploit"), "{cell:?}");
    assert!(!out.join("phases.svg").exists(), "nothing to draw");
}

#[test]
fn a_hundredth_of_a_sighting_is_reached_by_conditioning() {
    // 3,840 rollouts of a mass of 2.6e-6.
    let text = FAR
        .replace("mass     = 2.5e-3", "mass     = 2.6e-6")
        .replace("swap_twin = true", "swap_twin = true\ncondition = \"sighted\"")
        .replace("proxy    = 25", "proxy    = 300");
    let world = World::new(&text);
    let out = world.run("out", &["--set", "replicates=24"]);
    let tables = Tables::read(&out).unwrap();
    let cell = &tables.cells[0];
    assert_eq!((cell.sampled, cell.runs), (24, 24), "{cell:?}");
    assert!((cell.p_seen.unwrap() / 0.01 - 1.0).abs() < 0.3, "{cell:?}");
    let harmed = cell.harm_of_all.unwrap();
    assert!(harmed > 0.0 && harmed <= cell.p_seen.unwrap(), "{cell:?}");
    assert!(
        tables.answers.iter().any(|row| row.role == PLACEBO && row.runs == 24),
        "placebos come as they come"
    );
}

/// In a cell in which all of the first 90 runs sample the exploit and none learns it no more are trained; one in which it is
/// learned goes on.
#[test]
fn a_cell_that_nobody_learns_ends_early() {
    let sizes = "[sweep]\n'reward.exploits.0.proxy' = [-2, 25]\n";
    let text = FAR.replace("replicates = 76", "replicates = 92").replace("steps     = 60", "steps     = 30");
    let world = World::new(&format!("{}{sizes}", text.replace("mass     = 2.5e-3", "mass     = 6e-3")));
    let out = world.run("out", &["--quiet"]);
    let tables = Tables::read(&out).unwrap();
    let runs: Vec<(&str, u64, u64)> =
        tables.cells.iter().map(|cell| (cell.verdict.as_str(), cell.runs, cell.learned)).collect();
    assert_eq!(runs[0], ("not_learned", 90, 0), "{runs:?}");
    assert!(runs[1].1 == 92 && runs[1].2 > 24, "{runs:?}");
    let records = |out: &Path| fs::read_dir(out.join("records")).unwrap().count();
    let first = records(&out);
    world.run("out", &["--quiet"]);
    assert_eq!(records(&out), first);
}

#[test]
fn what_is_wrong_with_a_config_is_said() {
    let world = World::new(&FAR.replace("proxy    = 25", "proxy    = \"high\""));
    let (code, _, stderr) = outcome(tailcatch().arg("verdict").arg(&world.config));
    assert_eq!(code, 2);
    assert!(stderr.contains("reward.exploits.0.proxy") || stderr.contains("proxy"), "{stderr}");
    let (code, _, _) = outcome(tailcatch().args(["verdict", "--quick"]).arg(&world.config));
    assert_eq!(code, 2, "a quick look is of the standard grid");
}
