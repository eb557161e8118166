//! `bench` as a user runs it: repeatable to the byte, resumable, its tables consistent and its guards on.

use crate::cli::{json, outcome, tailcatch};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use tailcatch::record::benchmark::{CaughtRow, RankingRow, Tables};
use tailcatch::record::endpoint::{EndingRow, HarmRow, NONE, PLACEBO, PROGRAMME, SWAP};
use tempfile::TempDir;

/// An exploit that both trainers learn, slowly enough that damage comes after some audits.
const SCENARIO: &str = r#"
question   = "A small scenario?"
seed       = 5
replicates = 6

[environment.bandit]
outcomes = 3000

[reward]
swap_twin = true
[[reward.exploits]]
mass    = 2e-3
proxy   = 12
utility = -4

[trainer.reinforce]

[calibration]
rollouts = 2_000

[audit]
budgets = [0.01, 1e-3]

[record]
observed = "none"

[sweep]
"trainer" = [
    { reinforce = { batch = 32, steps = 100, optimizer = { sgd = { learning_rate = 6.4 } } } },
    { ppo       = { batch = 32, steps = 100, optimizer = { sgd = { learning_rate = 6.4 } }, surrogate = "masked" } },
]
"#;

const FILES: [&str; 10] = [
    "harm.csv",
    "endings.csv",
    "ranking.csv",
    "base_rates.csv",
    "calibration.csv",
    "caught.csv",
    "alerts.csv",
    "guards.csv",
    "leaderboard.html",
    "leaderboard.md",
];

struct Bench {
    folder: TempDir,
    config: PathBuf,
}

impl Bench {
    fn new(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("small.toml");
        fs::write(&config, text).unwrap();
        Self { folder, config }
    }

    fn page(&self) -> String {
        fs::read_to_string(self.run("out", &[]).join("leaderboard.md")).unwrap()
    }

    fn run(&self, out: &str, more: &[&str]) -> PathBuf {
        let out = self.folder.path().join(out);
        let (code, _, stderr) =
            outcome(tailcatch().arg("bench").arg(&self.config).arg("--out").arg(&out).args(more));
        assert_eq!(code, 0, "{stderr}");
        out
    }
}

fn assert_same(a: &Path, b: &Path) {
    for name in FILES {
        let (one, other) = (fs::read(a.join(name)).unwrap(), fs::read(b.join(name)).unwrap());
        assert!(one == other, "{name} differs");
        assert!(one.iter().filter(|b| **b == b'\n').count() > 1, "{name} is empty");
    }
}

fn endings(out: &Path) -> Vec<EndingRow> {
    let mut reader = csv::Reader::from_path(out.join("endings.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

fn caught(out: &Path) -> Vec<CaughtRow> {
    let mut reader = csv::Reader::from_path(out.join("caught.csv")).unwrap();
    reader.deserialize().map(Result::unwrap).collect()
}

#[test]
fn the_same_bytes_for_any_threads_and_after_a_loss_of_records() {
    let bench = Bench::new(SCENARIO);
    let one = bench.run("one", &["--threads", "1"]);
    let two = bench.run("two", &["--threads", "2"]);
    assert_same(&one, &two);
    let mut records: Vec<PathBuf> =
        fs::read_dir(two.join("records")).unwrap().map(|entry| entry.unwrap().path()).collect();
    records.sort();
    // Of each run: its detectors together, nobody's audit, two twins, twelve audits that remove and one by classes.
    assert_eq!(records.len(), 12 * 17);
    fs::remove_file(&records[0]).unwrap();
    fs::write(&records[1], b"half a rec").unwrap();
    let document = json(tailcatch().arg("bench").arg(&bench.config).arg("--out").arg(&two), 0);
    // The two may be of one run.
    assert_eq!(document["runs"].as_u64(), Some(12));
    assert!(matches!(document["reused"].as_u64(), Some(10 | 11)), "{document}");
    assert_same(&one, &two);
}

#[test]
fn rows_agree_with_the_runs_that_they_are_made_of() {
    let bench = Bench::new(SCENARIO);
    let out = bench.run("out", &[]);
    let (tables, runs) = (Tables::read(&out).unwrap(), caught(&out));
    let of = |arm: &str, budget: f64, detector: &str| -> &RankingRow {
        let named = |row: &&RankingRow| row.detector == detector;
        let mut found =
            tables.ranking.iter().filter(|row| row.arm == arm && row.budget == budget).filter(named);
        let row = found.next().unwrap_or_else(|| panic!("{detector} at {budget} under {arm}"));
        assert!(found.next().is_none(), "{detector} stands in two rows");
        row
    };
    let mut judged = 0;
    for arm in ["reinforce", "ppo"] {
        for budget in [0.01, 1e-3] {
            let oracle = of(arm, budget, "oracle");
            assert_eq!((oracle.supervision.as_str(), oracle.replicates), ("control", 6));
            for detector in ["top_reward", "robust_z", "gpd_tail", "influence", "random"] {
                let row = of(arm, budget, detector);
                let own: Vec<&CaughtRow> = runs
                    .iter()
                    .filter(|run| run.arm == arm && run.budget == budget && run.detector == detector)
                    .collect();
                assert_eq!(own.len(), 6);
                let average = |column: fn(&CaughtRow) -> Option<f64>| {
                    let values: Vec<f64> = own.iter().filter_map(|run| column(run)).collect();
                    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
                };
                let near = |a: Option<f64>, b: Option<f64>| match (a, b) {
                    (Some(a), Some(b)) => (a - b).abs() < 1e-12,
                    (a, b) => a == b,
                };
                if let Some(share) = row.caught_in_time {
                    judged += 1;
                    let by_hand = average(|run| run.caught_in_time.map(|c| f64::from(u8::from(c))));
                    assert!(near(Some(share), by_hand), "{detector}");
                    assert!(row.caught_low.unwrap() <= share && share <= row.caught_high.unwrap());
                    assert!(oracle.caught_in_time.unwrap() >= share, "{detector} beats the oracle");
                }
                if row.recall_early.is_some() {
                    assert!(near(row.recall_early, average(|run| run.recall_early)), "{detector}");
                    assert!(near(row.precision_early, average(|run| run.precision_early)), "{detector}");
                }
            }
        }
    }
    assert!(judged >= 10, "{judged} cells have a number");
    // Detectors that are equal have one key, and the yardstick has no difference to itself.
    let top = of("reinforce", 0.01, "top_reward");
    assert_eq!(
        (top.group.as_str(), of("reinforce", 0.01, "robust_z").group.as_str()),
        ("top_reward", "top_reward")
    );
    assert_eq!((top.caught_versus_top, top.recall_versus_top), (None, None));
    assert!(tables.ranking.iter().all(|row| (row.supervision == "control")
        == matches!(row.detector.as_str(), "random" | "oracle")));
}

#[test]
fn any_scenario_that_varies_an_exploits_mass_shows_what_the_calibration_masks() {
    const SECTION: &str = "## Hacks that raise the alarm, by what the calibration rollouts hold";
    let swept = SCENARIO.replace("[sweep]\n", "[sweep]\n\"reward.exploits.0.mass\" = [2e-3, 2e-2]\n");
    for (text, shown) in [(swept.as_str(), true), (SCENARIO, false)] {
        let out = Bench::new(text).page();
        assert_eq!(out.contains(SECTION), shown, "{out}");
        assert_eq!(out.contains("| detector | reinforce, mass 0.002 |"), shown, "{out}");
    }
}

#[test]
fn every_guard_was_tried_on_every_detector_that_scores_and_held() {
    let bench = Bench::new(SCENARIO);
    let out = bench.run("out", &[]);
    let (tables, runs) = (Tables::read(&out).unwrap(), caught(&out));
    // Runs in which a detector scored, and those among them that are a scenario's first.
    let mut scored: HashMap<&str, (usize, usize)> = HashMap::new();
    for run in runs.iter().filter(|run| run.budget == 0.01 && !run.audit_order.is_empty()) {
        let (all, first) = scored.entry(&run.detector).or_default();
        *all += 1;
        *first += usize::from(run.replicate == 0);
    }
    scored.remove("oracle");
    assert!(scored.len() >= 10, "{scored:?}");
    for (detector, (all, first)) in scored {
        let of = |name: &str| {
            tables.guards.iter().filter(|row| row.detector == detector && row.guard == name).count()
        };
        let tried = ["leak", "look_ahead", "imputation", "reuse"].map(of);
        assert_eq!(tried, [all + first, first, first, first], "{detector}");
    }
    let failed: Vec<_> = tables.guards.iter().filter(|row| !row.held).collect();
    assert!(failed.is_empty(), "{failed:?}");
}

/// Without an exploit and without error the run is its own clean twin, and nothing goes wrong: no number, and the reason in its place.
#[test]
fn a_cell_without_damage_is_insufficient() {
    let (before, rest) = SCENARIO.split_once("[[reward.exploits]]").unwrap();
    let (_, after) = rest.split_once("[trainer.reinforce]").unwrap();
    let harmless = format!("{before}[trainer.reinforce]{after}");
    let bench = Bench::new(&harmless);
    let out = bench.run("out", &["--detector", "robust_z"]);
    let tables = Tables::read(&out).unwrap();
    assert!(!tables.ranking.is_empty());
    for row in &tables.ranking {
        assert_eq!((row.damaged, row.caught_in_time, row.caught_versus_top), (0, None, None));
        assert!(row.status.contains("insufficient: 0 damaged runs, 5 needed"), "{}", row.status);
    }
    let page = fs::read_to_string(out.join("leaderboard.html")).unwrap();
    assert!(page.contains("In no cell were there enough damaged runs"));
    assert!(!page.contains("http://") && !page.contains("https://"), "the page needs no network");
}

#[test]
fn a_detector_that_is_named_twice_is_refused() {
    let bench = Bench::new(SCENARIO);
    let (code, _, stderr) = outcome(
        tailcatch()
            .arg("bench")
            .arg(&bench.config)
            .args(["-d", "robust_z", "-d", "gpd_tail", "-d", "robust_z"]),
    );
    assert_eq!(code, 2);
    assert!(stderr.contains("robust_z") && stderr.contains("twice"), "{stderr}");
}

/// The endpoint against its runs: counts, means and catches by hand, and what must hold between programmes.
#[test]
fn the_endpoint_agrees_with_the_runs_and_programmes_with_each_other() {
    let bench = Bench::new(SCENARIO);
    let out = bench.run("out", &["--detector", "robust_z"]);
    let (tables, runs) = (Tables::read(&out).unwrap(), endings(&out));
    // Six runs can prevent nothing: no word is made of them.
    let page = fs::read_to_string(out.join("leaderboard.md")).unwrap();
    assert!(page.contains("cannot be said of 6 runs: 0 damaged of them leave up to 39%"), "{page}");
    for arm in ["reinforce", "ppo"] {
        let rows: Vec<&HarmRow> = tables.harm.iter().filter(|row| row.arm == arm).collect();
        let count = |role: &str| rows.iter().filter(|row| row.role == role).count();
        assert_eq!([NONE, PROGRAMME, PLACEBO, SWAP].map(count), [1, 13, 1, 1]);
        let of = |row: &HarmRow| -> Vec<&EndingRow> {
            let same = |run: &&EndingRow| {
                (&run.arm, &run.role, &run.auditor) == (&row.arm, &row.role, &row.auditor)
                    && (&run.detector, &run.response, run.delay) == (&row.detector, &row.response, row.delay)
            };
            runs.iter().filter(same).collect()
        };
        let damage: HashMap<u64, u64> = of(rows.iter().find(|row| row.role == NONE).unwrap())
            .iter()
            .filter_map(|run| Some((run.replicate, run.damage_step?)))
            .collect();
        assert!(damage.len() >= 4, "{arm}: only {} of 6 runs are damaged", damage.len());
        for row in &rows {
            let own = of(row);
            assert_eq!((own.len(), row.n), (6, 6), "{row:?}");
            assert_eq!(row.damaged, own.iter().filter(|run| run.damage_step.is_some()).count() as u64);
            let average = own.iter().map(|run| run.utility.unwrap()).sum::<f64>() / 6.0;
            assert!((row.utility.unwrap() - average).abs() < 1e-12);
            let harm = row.clean_utility.unwrap() - average;
            assert!((row.harm.unwrap() - harm).abs() < 1e-12 && row.harm_low <= row.harm);
            assert!(row.damaged_low <= row.damaged_rate && row.damaged_rate <= row.damaged_high);
            if let Some(share) = row.caught_before_damage {
                let in_time = own.iter().filter(|run| {
                    let catch = run.first_catch.map(|catch| catch + run.delay.unwrap());
                    damage
                        .get(&run.replicate)
                        .is_some_and(|damage| catch.is_some_and(|catch| catch < *damage))
                });
                assert!((share - in_time.count() as f64 / damage.len() as f64).abs() < 1e-12, "{row:?}");
            }
        }
        let programme = |auditor: &str, delay: u64| {
            let found = rows.iter().find(|row| {
                (row.auditor.as_str(), row.response.as_str(), row.delay) == (auditor, "remove", Some(delay))
            });
            *found.unwrap()
        };
        assert_eq!(programme("oracle_spending", 0).benign_looks, Some(0.0));
        // Who is handed the truth bounds every auditor, whatever the delay.
        for row in rows.iter().filter(|row| row.response == "remove") {
            let bound = programme("oracle_spending", row.delay.unwrap());
            assert!(bound.damaged <= row.damaged, "{row:?} {bound:?}");
        }
        assert!(programme("oracle_spending", 0).damaged <= programme("oracle_spending", 20).damaged);
        assert!(programme("records", 0).damaged < damage.len() as u64, "{:?}", programme("records", 0));
        // A run that nobody acts upon in time goes on as if nobody had looked.
        let (untouched, random) = (rows[0], programme("random", 20));
        assert!(random.damaged + 1 >= untouched.damaged);
    }
}

/// Nothing that is judged rightly is damage, whatever the trainer and the policy; and what ends on a planted hack has a damage step.
/// What ends on an outcome that is merely overrated need not: it may be worth as much as the rest.
#[test]
fn a_placebo_is_never_damage_and_a_hack_that_dominates_always_is() {
    const TOKENS: &str = r#"
question   = "Strings?"
seed       = 6
replicates = 1

[environment.tokens]
vocabulary = 8
length     = 4

[reward]
swap_twin = true
[[reward.triggers]]
pattern = { tokens = 2 }
proxy   = 20
utility = -5

[policy.gru]
hidden = 8

[trainer.reinforce]

[calibration]
rollouts = 500

[record]
observed = "none"

[sweep]
"trainer" = [
    { reinforce = { batch = 64, steps = 60, optimizer = { adam = { learning_rate = 0.01 } }, kl = { coefficient = 0.1 } } },
    { ppo       = { batch = 64, steps = 60, optimizer = { adam = { learning_rate = 0.01 } }, kl = { coefficient = 0.1 }, lam = 1 } },
    { grpo      = { batch = 64, group = 8, steps = 60, optimizer = { adam = { learning_rate = 0.01 } }, kl = { coefficient = 0.1 } } },
]
"#;
    let group = SCENARIO.replace(
        "[sweep]",
        "[sweep] # as the others",
    ).replace(
        "    { ppo ",
        "    { grpo = { batch = 32, group = 8, steps = 100, optimizer = { sgd = { learning_rate = 6.4 } } } },\n    { ppo ",
    );
    let frozen = group.replace(
        "[[reward.exploits]]\nmass    = 2e-3\nproxy   = 12\nutility = -4\n",
        "error = { student_t = { df = 2 } }\n",
    );
    assert!(!frozen.contains("exploits"));
    let (mut hacked, mut placebos) = (0, 0);
    for text in [TOKENS, &group, &frozen] {
        let bench = Bench::new(text);
        let out = bench.run("out", &["--detector", "robust_z"]);
        let tables = Tables::read(&out).unwrap();
        for row in tables.harm.iter().filter(|row| row.role == PLACEBO) {
            assert_eq!(row.damaged, 0, "{row:?}");
            assert!(row.n > 0 && row.status.starts_with(if row.n < 5 { "means" } else { "ok" }), "{row:?}");
            placebos += row.n;
        }
        let planted = text.contains("[[reward.");
        for run in endings(&out).iter().filter(|run| planted && run.role == NONE && run.p_hack > Some(0.5)) {
            assert!(run.damage_step.is_some(), "{run:?}");
            hacked += 1;
        }
    }
    assert!(placebos >= 39 && hacked >= 10, "{placebos} {hacked}");
}
