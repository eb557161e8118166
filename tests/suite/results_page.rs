//! Tables of `docs/results.md` are those of the summaries that they were made from, kept in `plots/results`.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

/// Estimate and interval of each arm's metric, and the runs behind it.
type Numbers = HashMap<(usize, String), [f64; 4]>;

fn numbers(experiment: &str) -> Numbers {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("plots/results/{experiment}.csv"));
    let mut reader = csv::Reader::from_path(path).unwrap();
    let row = |row: csv::StringRecord| {
        let number = |place: usize| row[place].parse::<f64>().unwrap_or(f64::NAN);
        ((row[0].parse().unwrap(), row[1].to_owned()), [2, 3, 4, 5].map(number))
    };
    reader.records().map(|read| row(read.unwrap())).collect()
}

/// Cells of the table whose rows follow the heading `title`, without its header; the name of a row first.
fn table(title: &str) -> Vec<Vec<String>> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/results.md")).unwrap();
    let (_, rest) = page.split_once(&format!("## {title}\n")).unwrap_or_else(|| panic!("{title}"));
    let section = rest.split("\n## ").next().unwrap();
    let lines = section.lines().filter(|line| line.starts_with("| ")).skip(1);
    lines.map(|line| line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect()).collect()
}

/// With a minus sign, as pages have it.
fn fixed(value: f64, places: usize) -> String {
    format!("{value:.places$}").replace('-', "−")
}

#[test]
fn the_table_of_delays_is_that_of_its_runs() {
    let (found, shown) = (numbers("delay"), table("What decides is the delay of the response"));
    for (trainer, row) in shown.iter().enumerate() {
        let damaged = |place: usize| {
            let [share, _, _, runs] = found[&(7 * trainer + place, "damaged".to_owned())];
            (share * runs).round().to_string()
        };
        assert_eq!(row[1..], (0..7).map(damaged).collect::<Vec<_>>(), "{}", row[0]);
    }
    assert_eq!(shown.len(), 4);
}

#[test]
fn the_table_of_controls_is_that_of_its_runs() {
    let found = numbers("kl_control");
    let shown = table("Which control holds the KL that it promises");
    for (arm, row) in shown.iter().enumerate() {
        let cell = |metric: &str, places: usize| {
            let [value, low, high, _] = found[&(arm, metric.to_owned())].map(|own| own);
            format!("{} [{}, {}]", fixed(value, places), fixed(low, places), fixed(high, places))
        };
        assert_eq!(row[1..], [cell("kl", 3), cell("p_hack", 3), cell("utility", 2)], "{}", row[0]);
    }
    assert_eq!(shown.len(), 7);
}

#[test]
fn the_table_of_trainers_is_that_of_its_runs() {
    let found = numbers("trainers");
    let shown = table("Which trainer is hurt first, at the same step size");
    for (arm, row) in shown.iter().enumerate() {
        let cell = |metric: &str, places: usize| {
            let own = found.get(&(arm, metric.to_owned()));
            let [value, low, high, _] = own.unwrap();
            format!("{} [{}, {}]", fixed(*value, places), fixed(*low, places), fixed(*high, places))
        };
        let damaged = found.get(&(arm, "damaged".to_owned())).map(|own| (own[0] * own[3]).round());
        let before = damaged.filter(|runs| *runs > 0.0).map(|_| cell("sightings_before_damage_median", 1));
        let wanted = [
            damaged.map_or("–".to_owned(), |runs| runs.to_string()),
            before.unwrap_or("–".to_owned()),
            cell("kl", 2),
            cell("p_hack", 3),
            cell("utility", 2),
        ];
        assert_eq!(row[1..], wanted, "{}", row[0]);
    }
    assert_eq!(shown.len(), 7);
}

#[test]
fn the_table_of_six_exploits_is_that_of_its_runs() {
    let (found, shown) = (numbers("audit_table"), table("Six exploits under the same few looks"));
    for (exploit, row) in shown.iter().enumerate() {
        for (programme, cell) in row[1..].iter().enumerate() {
            let of = |metric: &str| found.get(&(7 * exploit + programme, metric.to_owned()));
            let looks = |metric: &str| {
                let own = of(&format!("{metric}[top_reward@records]"));
                own.or_else(|| of(&format!("{metric}[top_reward@top]"))).unwrap()[0]
            };
            let [share, _, _, runs] = of("damaged").unwrap();
            let mut wanted = format!("{}, {}", (share * runs).round(), fixed(of("utility").unwrap()[0], 2));
            if programme > 0 {
                wanted += &format!(" · {:.0} ({:.0})", looks("looks"), looks("benign_looks"));
            }
            assert_eq!(cell, &wanted, "{}, programme {programme}", row[0]);
        }
    }
    assert_eq!(shown.len(), 6);
}

#[test]
fn the_table_of_a_hundred_exploits_is_that_of_its_runs() {
    let (found, shown) = (numbers("whack_a_mole"), table("A hundred moderate exploits"));
    for (line, row) in shown.iter().enumerate() {
        // The page has a row an auditor and surrogate, the runs surrogate, auditor and response.
        let first = 9 * (line % 2) + 3 * (line / 2);
        let of = |arm: usize, metric: &str| found.get(&(arm, metric.to_owned()));
        let ended = |arm: usize| {
            let [share, _, _, runs] = of(arm, "damaged").unwrap();
            format!("{}, {}", (share * runs).round(), fixed(of(arm, "utility").unwrap()[0], 2))
        };
        let looks = |metric: &str| {
            let own = of(first + 1, &format!("{metric}[top_reward@records]"));
            own.or_else(|| of(first + 1, &format!("{metric}[top_reward@top]"))).unwrap()[0]
        };
        let read = format!("{:.0} ({:.0})", looks("looks"), looks("benign_looks"));
        assert_eq!(
            row[2..],
            [read, ended(first), ended(first + 1), ended(first + 2)],
            "{}, {}",
            row[0],
            row[1]
        );
    }
    assert_eq!(shown.len(), 6);
}
