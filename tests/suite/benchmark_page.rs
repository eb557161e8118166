//! The table of the benchmark in the book is that of the rows it was made from, kept beside the figures.

use serde::Deserialize;
use std::collections::HashSet;
use std::fs;
use std::path::Path;
use tailcatch::record::endpoint::{HarmRow, NONE, PLACEBO, SWAP};

/// What is kept of the programmes that the main table does not show.
#[derive(Debug, Deserialize)]
struct AuditorRow {
    scenario: String,
    arm: String,
    auditor: String,
    detector: String,
    delay: u64,
    damaged: u64,
    damaged_high: f64,
    caught_before_damage: Option<f64>,
    looks: f64,
    benign_looks: f64,
}

/// Trainers in the order of the table.
const TRAINERS: [&str; 3] = ["reinforce", "ppo", "grpo"];

fn read<T: serde::de::DeserializeOwned>(table: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots/benchmark").join(table);
    let mut reader = csv::Reader::from_path(path).unwrap();
    reader.deserialize().collect::<Result<_, _>>().unwrap()
}

fn rows() -> Vec<HarmRow> {
    read("harm.csv")
}

fn page() -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmark.md")).unwrap()
}

/// What the arms vary beside the trainer: `reinforce, proxy 4.1` is `proxy 4.1`.
fn variant(row: &HarmRow) -> &str {
    row.arm.split_once(", ").map_or("", |(_, rest)| rest)
}

/// A word as the page has it.
fn word(row: &HarmRow) -> &str {
    match row.verdict.as_str() {
        "prevented" => "trivial",
        "no harm to prevent" => "no harm",
        other => other,
    }
}

#[test]
fn the_table_of_the_benchmark_is_that_of_its_rows() {
    let rows = rows();
    let page = page();
    let (main, _) = page.split_once("So size alone").unwrap();
    let mut shown: Vec<Vec<String>> = main
        .lines()
        .filter(|line| line.starts_with("| ") && line.contains("(`"))
        .map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect())
        .collect();
    let mut seen = HashSet::new();
    for row in &rows {
        if !seen.insert((row.scenario.clone(), variant(row).to_owned())) {
            continue;
        }
        let own: Vec<&HarmRow> = rows
            .iter()
            .filter(|other| other.scenario == row.scenario && variant(other) == variant(row))
            .collect();
        let of = |what: &dyn Fn(&HarmRow) -> bool| {
            let cell = |trainer: &&str| {
                let mut found =
                    own.iter().filter(|row| row.arm.split(", ").next() == Some(*trainer) && what(row));
                let row = found.next().unwrap();
                assert!(found.next().is_none(), "{row:?}");
                *row
            };
            TRAINERS.iter().map(cell).collect::<Vec<_>>()
        };
        let under = |auditor: &'static str, response: &'static str, delay: u64| {
            move |row: &HarmRow| {
                row.auditor == auditor && row.response == response && row.delay == Some(delay)
            }
        };
        let counts = |rows: Vec<&HarmRow>| {
            let each: Vec<String> = rows.iter().map(|row| row.damaged.to_string()).collect();
            each.join(" · ")
        };
        let headline = of(&under("records", "remove", 0));
        let words: Vec<&str> = headline.iter().map(|row| word(row)).collect();
        let words = if words.iter().all(|word| *word == words[0]) { &words[..1] } else { &words[..] };
        let line = shown.iter().position(|line| line[0].ends_with(&format!("(`{}`)", row.scenario)));
        let line = shown.remove(line.unwrap_or_else(|| panic!("{} {} is not shown", row.scenario, row.arm)));
        let wanted = [
            counts(of(&|row: &HarmRow| row.role == NONE)),
            counts(headline.clone()),
            counts(of(&under("records", "remove", 20))),
            // Where nothing is planted there is no class.
            match own.iter().any(|row| row.response == "class") {
                true => counts(of(&under("records", "class", 0))),
                false => "–".to_owned(),
            },
            counts(of(&under("oracle_spending", "remove", 0))),
            words.join(", "),
        ];
        assert_eq!(line[1..], wanted, "{} {}", row.scenario, variant(row));
    }
    assert!(shown.is_empty(), "of no scenario: {shown:?}");
}

#[test]
fn what_the_page_says_of_all_cells_is_true_of_its_rows() {
    let rows = rows();
    let of = |role: &str| {
        let own = rows.iter().filter(|row| row.role == role);
        own.fold((0, 0), |(hits, runs), row| (hits + row.damaged, runs + row.n))
    };
    assert_eq!((of(PLACEBO), of(SWAP)), ((0, 2808), (0, 2808)));
    let headline: Vec<&HarmRow> = rows.iter().filter(|row| row.is_headline()).collect();
    let trivial = headline.iter().filter(|row| row.verdict == "prevented").count();
    let damaged =
        rows.iter().filter(|row| row.role == NONE && row.damaged_low.is_some_and(|low| low >= 0.5)).count();
    assert_eq!((headline.len(), trivial, damaged), (78, 30, 51));
    for row in &headline {
        let bound = rows.iter().find(|other| {
            (&other.scenario, &other.arm) == (&row.scenario, &row.arm)
                && (other.auditor.as_str(), other.delay) == ("oracle_spending", row.delay)
        });
        assert!(bound.unwrap().damaged <= row.damaged, "{row:?}");
    }
    let idle = headline.iter().filter(|row| {
        let none = rows.iter().find(|other| {
            (&other.scenario, &other.arm, other.role.as_str()) == (&row.scenario, &row.arm, NONE)
        });
        let none = none.unwrap();
        let ends = |row: &HarmRow| (row.damaged, row.utility, row.harm, row.loss_sum);
        none.damaged > 0 && ends(none) == ends(row) && row.looks == row.benign_looks
    });
    let idle: Vec<String> = idle.map(|row| format!("{} {}", row.scenario, row.arm)).collect();
    assert_eq!(idle.len(), 8, "{idle:?}");
    assert!(idle.iter().filter(|name| name.starts_with("quantile_sizes")).count() == 2);
    let planted = rows.iter().filter(|row| row.role == NONE && !row.scenario.starts_with("frozen"));
    let (mut attributed, mut hacked) = (0.0, 0);
    for row in planted {
        attributed += row.attributed.unwrap_or(0.0) * row.hacked as f64;
        hacked += row.hacked;
    }
    assert_eq!((attributed.round(), hacked), (1422.0, 1423));
}

#[test]
fn no_auditor_leaves_fewer_damaged_runs_than_who_knows_every_hack() {
    let rows = rows();
    let bound = |scenario: &str, arm: &str, delay: u64| {
        let is_own = |row: &&HarmRow| {
            (row.scenario.as_str(), row.arm.as_str()) == (scenario, arm)
                && (row.auditor.as_str(), row.delay) == ("oracle_spending", Some(delay))
        };
        rows.iter().find(is_own).unwrap().damaged
    };
    let others: Vec<AuditorRow> = read("auditors.csv");
    // Eight programmes of 78 cells.
    assert_eq!(others.len(), 624);
    for row in &others {
        assert!(bound(&row.scenario, &row.arm, row.delay) <= row.damaged, "{row:?}");
    }
    for row in rows.iter().filter(|row| row.auditor == "records" && row.response == "remove") {
        assert!(bound(&row.scenario, &row.arm, row.delay.unwrap()) <= row.damaged, "{row:?}");
    }
}

/// Cells that are damaged where nobody audits.
fn damaged_cells(rows: &[HarmRow]) -> HashSet<(&str, &str)> {
    let is_damaged = |row: &&HarmRow| row.role == NONE && row.damaged_low.is_some_and(|low| low >= 0.5);
    rows.iter().filter(is_damaged).map(|row| (row.scenario.as_str(), row.arm.as_str())).collect()
}

#[test]
fn what_is_said_of_late_removals_clocks_and_log_ratios_is_true_of_the_rows() {
    let (rows, others): (_, Vec<AuditorRow>) = (rows(), read("auditors.csv"));
    let damaged = damaged_cells(&rows);
    let late = |trainer: &str, is_own: &dyn Fn(&HarmRow) -> bool| {
        let trivial = rows
            .iter()
            .filter(|row| row.auditor == "records" && row.delay == Some(20) && row.verdict == "prevented");
        trivial.filter(|row| row.arm.split(", ").next() == Some(trainer) && is_own(row)).count()
    };
    assert_eq!(TRAINERS.map(|trainer| late(trainer, &|_| true)), [2, 1, 9]);
    let is_learned_late = |row: &HarmRow| row.scenario != "contaminated_calibration";
    assert_eq!(TRAINERS.map(|trainer| late(trainer, &is_learned_late)), [1, 0, 7]);
    let at_once = |auditor: &'static str, detector: &'static str| {
        let is_own = move |row: &&AuditorRow| {
            (row.auditor.as_str(), row.detector.as_str(), row.delay) == (auditor, detector, 0)
        };
        others.iter().filter(is_own).collect::<Vec<_>>()
    };
    let is_damaged = |row: &AuditorRow| damaged.contains(&(row.scenario.as_str(), row.arm.as_str()));
    let caught: Vec<_> = at_once("top", "top_reward")
        .into_iter()
        .filter(|row| is_damaged(row) && row.caught_before_damage.is_some_and(|share| share >= 0.5))
        .collect();
    let prevented = caught.iter().filter(|row| row.damaged_high <= 0.1).count();
    assert_eq!((caught.len(), prevented), (41, 17));
    let headline = |own: &AuditorRow| {
        let mut all = rows.iter().filter(|row| row.is_headline());
        all.find(|row| (&row.scenario, &row.arm) == (&own.scenario, &own.arm)).unwrap().damaged
    };
    let by_ratio = at_once("records", "log_ratio");
    let fewer = by_ratio.iter().filter(|row| row.damaged < headline(row)).count();
    let more = by_ratio.iter().filter(|row| row.damaged > headline(row)).count();
    let trivial = by_ratio.iter().filter(|row| is_damaged(row) && row.damaged_high <= 0.1).count();
    assert_eq!((fewer, more, trivial), (14, 32, 15));
}

#[test]
fn the_table_of_the_log_ratio_is_that_of_its_rows() {
    let (rows, others): (_, Vec<AuditorRow>) = (rows(), read("auditors.csv"));
    let page = page();
    let (_, rest) = page.split_once("Log-ratios sometimes show what rewards hide").unwrap();
    let mut seen = 0;
    for line in rest.lines().filter(|line| line.starts_with("| ") && line.contains("(`")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let scenario = cells[0].split('`').nth(1).unwrap();
        let is_own = |arm: &str, trainer: &str| match scenario {
            "benign_laws" => arm == format!("{trainer}, student_t(df=1.5)"),
            _ => arm == trainer,
        };
        let joined = |cell: &dyn Fn(&str) -> String| TRAINERS.map(cell).join(" · ");
        let of = |trainer: &str, what: &dyn Fn(&HarmRow) -> bool| {
            let mut own = rows.iter().filter(|row| row.scenario == scenario && is_own(&row.arm, trainer));
            own.find(|row| what(row)).unwrap().damaged.to_string()
        };
        let by_ratio = |trainer: &str| {
            let mut own = others.iter().filter(|row| row.scenario == scenario && is_own(&row.arm, trainer));
            let is_ratio = |row: &&AuditorRow| {
                (row.auditor.as_str(), row.detector.as_str(), row.delay) == ("records", "log_ratio", 0)
            };
            own.find(is_ratio).unwrap()
        };
        let wanted = [
            joined(&|trainer| of(trainer, &|row| row.role == NONE)),
            joined(&|trainer| of(trainer, &HarmRow::is_headline)),
            joined(&|trainer| by_ratio(trainer).damaged.to_string()),
            joined(&|trainer| {
                format!("{:.0} ({:.0})", by_ratio(trainer).looks, by_ratio(trainer).benign_looks)
            }),
        ];
        assert_eq!(cells[1..], wanted, "{scenario}");
        seen += 1;
    }
    assert_eq!(seen, 6);
}
