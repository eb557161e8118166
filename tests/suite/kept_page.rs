//! The page of the verdict that lies in the repository is what the program makes of the tables beside it.

use std::fs;
use std::path::Path;
use tailcatch::record::endpoint::{PLACEBO, PROGRAMME};
use tailcatch::record::verdict::{AnswerRow, CellRow, MAP, Tables};

/// The page of the map that was run is kept beside its tables, and made of them alone. To write it anew: `BOOK=write cargo test --test suite
/// the_kept_page`.
#[test]
fn the_kept_page_is_made_of_the_tables_beside_it() {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("plots/verdict");
    let tables = Tables::read(&kept).unwrap();
    assert!(tables.cells.len() >= 80 && !tables.answers.is_empty());
    let made = tempfile::tempdir().unwrap();
    tailcatch::plots::phases::write(&tables.cells, made.path()).unwrap();
    tailcatch::report::verdict::write(&tables, made.path()).unwrap();
    let panels = tailcatch::report::regimes::panels(std::slice::from_ref(&tables), &[]);
    tailcatch::report::regimes::write(&panels, made.path()).unwrap();
    for name in ["phases.svg", "verdict.md", "verdict.html", "regimes.md", "regimes.html"] {
        let now = fs::read(made.path().join(name)).unwrap();
        if std::env::var_os("BOOK").is_some_and(|how| how == "write") {
            fs::write(kept.join(name), &now).unwrap();
        }
        assert!(fs::read(kept.join(name)).unwrap() == now, "{name}: BOOK=write writes it anew");
    }
}

/// Sums over the cells of one KL and size of the map, in the order of the sizes.
fn sums(tables: &Tables, kl: f64, of: &dyn Fn(&CellRow) -> u64) -> String {
    let mut sizes: Vec<(f64, u64)> = Vec::new();
    for cell in tables.cells.iter().filter(|cell| cell.part == MAP && cell.kl_target == Some(kl)) {
        let size = cell.size.unwrap();
        match sizes.iter_mut().find(|(own, _)| (own - size).abs() < 0.01) {
            Some((_, sum)) => *sum += of(cell),
            None => sizes.push((size, of(cell))),
        }
    }
    sizes.sort_by(|a, b| a.0.total_cmp(&b.0));
    sizes.iter().map(|(_, sum)| sum.to_string()).collect::<Vec<_>>().join(" / ")
}

/// Harmed learned runs of a cell under records by this detector with this delay.
fn under<'a>(tables: &'a Tables, cell: &'a CellRow, detector: &'a str, delay: u64) -> &'a AnswerRow {
    let is_own = |row: &&AnswerRow| (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm);
    let is = |row: &&AnswerRow| {
        (row.role.as_str(), row.auditor.as_str(), row.detector.as_str()) == (PROGRAMME, "records", detector)
            && (row.response.as_str(), row.delay) == ("remove", Some(delay))
    };
    tables.answers.iter().filter(is_own).find(is).unwrap()
}

/// The counts in the book are those of the tables.
#[test]
fn the_books_counts_are_those_of_the_kept_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tables = Tables::read(&root.join("plots/verdict")).unwrap();
    let page = fs::read_to_string(root.join("docs/verdict.md")).unwrap();
    for (kl, text) in [(0.1, ".1"), (0.3, ".3"), (1.0, "1"), (3.0, "3")] {
        let late = |cell: &CellRow| under(&tables, cell, "top_reward", 20).harmed;
        let runs: u64 =
            tables.cells.iter().filter(|c| c.part == MAP && c.kl_target == Some(kl)).map(|c| c.runs).sum();
        let row = format!(
            "| {text} | .5 / 1 / 2 / 4 | {} of {} | {} | {} | {} |",
            sums(&tables, kl, &|cell| cell.learned),
            runs / 4,
            sums(&tables, kl, &|cell| cell.harmed),
            sums(&tables, kl, &|cell| cell.audited_harmed),
            sums(&tables, kl, &late)
        );
        assert!(page.contains(&row), "{row}");
    }
    let learned = || tables.cells.iter().filter(|cell| cell.part == MAP && cell.learned > 0);
    let of = |detector: &str| learned().map(|cell| under(&tables, cell, detector, 0).harmed).sum::<u64>();
    let (reward, policy, runs) =
        (of("top_reward"), of("log_ratio"), learned().map(|cell| cell.learned).sum::<u64>());
    let thousands = format!("{},{:03}", runs / 1000, runs % 1000);
    let told = format!(
        "leave {policy} of {thousands} learned runs of the map harmed, where records of the reward leave {reward}"
    );
    assert!(page.contains(&told), "{told}");
    let looks = |cell: &CellRow| under(&tables, cell, "log_ratio", 0).looks.unwrap() * 1e3;
    assert!(learned().all(|cell| (5.0..14.5).contains(&looks(cell))));
    let placebos: u64 = tables
        .answers
        .iter()
        .filter(|row| row.role == PLACEBO && row.scenario.starts_with("kl_"))
        .map(|row| row.runs)
        .sum();
    assert!(
        page.contains(&format!("No placebo is, of {},{:03}.", placebos / 1000, placebos % 1000)),
        "{placebos}"
    );
}

/// The same of the spokes.
#[test]
fn what_the_book_says_of_spokes_is_in_the_kept_tables() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let tables = Tables::read(&root.join("plots/verdict")).unwrap();
    let page = fs::read_to_string(root.join("docs/verdict.md")).unwrap();
    let sum = |laws: &[&str]| {
        let own = tables.cells.iter().filter(|cell| cell.scenario == "benign_laws");
        let own = own.filter(|cell| laws.iter().any(|law| cell.error == format!("fresh {law}")));
        own.fold((0, 0), |(harmed, runs), cell| {
            (harmed + under(&tables, cell, "top_reward", 0).harmed, runs + cell.learned)
        })
    };
    let (light, heavy) = (sum(&["normal", "student_t(df=5)"]), sum(&["student_t(df=1.5)"]));
    assert!(page.contains(&format!("leaves {} of {} learned runs harmed", light.0, light.1)), "{light:?}");
    assert!(page.contains(&format!("Under t(1.5) {} of {}\n", heavy.0, heavy.1)), "{heavy:?}");
    let spoke = |name: &str, is: &dyn Fn(&CellRow) -> bool| {
        let own = tables.cells.iter().filter(|cell| cell.scenario == name && is(cell));
        own.fold((0, 0, 0), |(runs, learned, harmed), cell| {
            (runs + cell.runs, learned + cell.learned, harmed + cell.audited_harmed)
        })
    };
    let sighted = |low: f64, high: f64| {
        spoke("sightings", &|cell| cell.expected_sightings.is_some_and(|n| (low..high).contains(&n)))
    };
    assert_eq!(
        [sighted(0.0, 0.5), sighted(0.5, 5.0), sighted(5.0, 1e3)],
        [(360, 4, 0), (360, 70, 0), (360, 360, 0)]
    );
    let (paid, inside) = (|cell: &CellRow| cell.proxy > Some(3.0), |cell: &CellRow| cell.proxy < Some(3.0));
    assert_eq!(spoke("quantile_sizes", &paid), (360, 93, 0));
    assert_eq!(spoke("quantile_sizes", &inside), (720, 0, 0));
    assert_eq!(spoke("adam", &|_| true), (360, 221, 0));
    let ties: Vec<&CellRow> = tables.cells.iter().filter(|cell| cell.scenario == "verifier").collect();
    let others = || ties.iter().filter(|cell| cell.trainer != "ppo");
    assert_eq!(
        (others().map(|cell| cell.learned).sum::<u64>(), others().map(|cell| cell.runs).sum::<u64>()),
        (0, 288)
    );
    let ppo = ties.iter().find(|cell| cell.trainer == "ppo").unwrap();
    assert_eq!((ppo.learned, ppo.audited_harmed), (14, 14));
}
