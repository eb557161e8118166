//! The report's tables, as cells of text.

use super::format::{budget, interval, number, percent_interval};
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::made::MissingRun;
use crate::record::metric::{CATCH_RATE, Metric, RANDOM_BASELINE};
use crate::record::tables::{BOUND, DetectorRow, LOWER_BOUND, SummaryRow};
use serde::Serialize;

/// With more arms than this the detectors' table is left to the list of all numbers.
const MAX_ARMS: usize = 6;
/// Flagged rollouts shown.
const MAX_FLAGS: usize = 10;
/// Most arms named in one cell.
const MAX_NAMED: usize = 3;
/// Most columns of numbers.
const MAX_COLUMNS: usize = 7;

/// A table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Table {
    /// What stands above it; empty where there is one only.
    pub title: String,
    /// Names of the columns.
    pub header: Vec<String>,
    /// Rows of cells.
    pub rows: Vec<Vec<String>>,
}

/// A table with what holds for all of its rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Noted {
    /// The table.
    pub table: Table,
    /// What stands below it; empty where there is nothing to say.
    pub note: String,
}

/// What was expected beside what was found.
pub fn checks(run: &RunFolder) -> Option<Table> {
    let header = ["arm", "number", "expected", "found", "runs", "difference", "verdict", "source"];
    let shown = |value: Option<f64>, error: Option<f64>| match (value, error) {
        (Some(value), Some(error)) if error > 0.0 => format!("{} ± {}", number(value), number(error)),
        (Some(value), _) => number(value),
        (None, _) => String::new(),
    };
    let rows: Vec<Vec<String>> = run
        .checks
        .iter()
        .map(|row| {
            vec![
                row.arm.map_or_else(|| "several".to_owned(), |arm| run.label(arm)),
                row.metric.clone(),
                match row.source.as_str() {
                    BOUND => format!("at most {}", shown(row.expected, None)),
                    LOWER_BOUND => format!("at least {}", shown(row.expected, None)),
                    _ => shown(row.expected, row.expected_error),
                },
                shown(row.found, row.found_error),
                row.replicates.to_string(),
                row.standard_errors().map_or(String::new(), |z| format!("{z:+.1} s.e.").replace('-', "−")),
                row.verdict.clone(),
                row.source.clone(),
            ]
        })
        .collect();
    let header = header.map(str::to_owned).to_vec();
    (!rows.is_empty()).then_some(Table { title: String::new(), header, rows })
}

/// Arms × the numbers that are of no detector.
pub fn arms(run: &RunFolder) -> Option<Table> {
    let mut metrics: Vec<&str> = Vec::new();
    for row in run.summary.iter().filter(|row| row.estimate.is_some() && is_of_the_run(&row.metric)) {
        if !metrics.contains(&row.metric.as_str()) {
            metrics.push(&row.metric);
        }
    }
    metrics.truncate(MAX_COLUMNS);
    if metrics.is_empty() {
        return None;
    }
    let header = std::iter::once("arm").chain(metrics.iter().copied()).map(|m| m.replace('_', " ")).collect();
    let cell = |arm: usize, metric: &str| match run.metric(arm, metric) {
        Some(SummaryRow { estimate: Some(x), ci_low, ci_high, .. }) => interval(*x, *ci_low, *ci_high),
        Some(row) => row.method.clone(),
        None => String::new(),
    };
    let rows = run.plan.arms.iter().map(|arm| {
        std::iter::once(run.label(arm.arm)).chain(metrics.iter().map(|m| cell(arm.arm, m))).collect()
    });
    Some(Table { title: String::new(), header, rows: rows.collect() })
}

/// For each arm: detectors × budgets, what they may see, and why a number is not there.
pub fn detectors(run: &RunFolder) -> Vec<Noted> {
    if run.plan.arms.len() > MAX_ARMS {
        return Vec::new();
    }
    let several = run.plan.arms.len() > 1;
    let tables = run.plan.arms.iter().map(|arm| {
        let title = if several { run.label(arm.arm) } else { String::new() };
        detectors_of(run, arm.arm, title)
    });
    tables.filter(|table| !table.rows.is_empty()).map(noted).collect()
}

/// The table without columns that are empty, and with a status that all rows share below it instead of in each.
fn noted(mut table: Table) -> Noted {
    let mut note = String::new();
    let statuses: Vec<String> = table.rows.iter().filter_map(|row| row.last().cloned()).collect();
    if let Some(first) = statuses.first().filter(|first| statuses.iter().all(|other| other == *first)) {
        if !first.is_empty() {
            note = format!("Status of each: {first}");
        }
        table.header.pop();
        table.rows.iter_mut().for_each(|row| _ = row.pop());
    }
    let is_filled: Vec<bool> = (0..table.header.len())
        .map(|column| table.rows.iter().any(|row| row.get(column).is_some_and(|cell| !cell.is_empty())))
        .collect();
    for cells in std::iter::once(&mut table.header).chain(&mut table.rows) {
        let mut filled = is_filled.iter();
        cells.retain(|_| filled.next().copied().unwrap_or(true));
    }
    Noted { table, note }
}

fn detectors_of(run: &RunFolder, arm: usize, title: String) -> Table {
    let mine: Vec<&DetectorRow> = run.detectors.iter().filter(|row| row.arm == arm).collect();
    let rates: Vec<(Metric<'_>, &SummaryRow)> = run
        .summary
        .iter()
        .filter(|row| row.arm == arm)
        .map(|row| (Metric::parse(&row.metric), row))
        .filter(|(metric, _)| metric.name == CATCH_RATE && metric.of.is_some())
        .collect();
    let chances: Vec<(Metric<'_>, f64)> = run
        .summary
        .iter()
        .filter(|row| row.arm == arm)
        .filter_map(|row| Some((Metric::parse(&row.metric), row.estimate?)))
        .filter(|(metric, _)| metric.name == RANDOM_BASELINE && metric.of.is_some())
        .collect();
    let mut budgets: Vec<f64> = rates.iter().filter_map(|(m, _)| m.of.map(|of| of.1)).collect();
    budgets.sort_by(f64::total_cmp);
    budgets.dedup();
    let mut names: Vec<&str> = Vec::new();
    let found =
        rates.iter().filter_map(|(m, _)| m.of.map(|of| of.0)).chain(mine.iter().map(|r| r.detector.as_str()));
    for name in found {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let mut header = vec!["detector".to_owned(), "sees".to_owned()];
    header.extend(budgets.iter().map(|b| format!("caught, {}", budget(*b))));
    header.extend(["AUROC".to_owned(), "status".to_owned()]);
    let rows = names.iter().map(|name| {
        let own: Vec<&&DetectorRow> = mine.iter().filter(|row| row.detector == *name).collect();
        let sees = own.first().map_or(String::new(), |row| match row.supervision.as_str() {
            "control" => "control".to_owned(),
            _ => row.access.clone(),
        });
        let rate = |b: &f64| {
            let row = rates.iter().find(|(m, _)| m.of == Some((name, *b))).map(|(_, row)| *row);
            match row {
                Some(SummaryRow { estimate: Some(x), ci_low, ci_high, .. }) => {
                    let chance = chances.iter().find(|(m, _)| m.of == Some((name, *b))).map(|(_, x)| *x);
                    let is_worse = chance.zip(*ci_high).is_some_and(|(chance, high)| high < chance);
                    let worse = if is_worse { ", worse than chance" } else { "" };
                    format!("{}{worse}", percent_interval(*x, *ci_low, *ci_high))
                }
                Some(row) => row.method.clone(),
                None => String::new(),
            }
        };
        let auroc: Vec<f64> = own.iter().filter_map(|row| row.auroc).collect();
        let mut statuses: Vec<&str> = Vec::new();
        for row in &own {
            if !statuses.contains(&row.status.as_str()) {
                statuses.push(&row.status);
            }
        }
        let mut cells = vec![(*name).to_owned(), sees];
        cells.extend(budgets.iter().map(rate));
        cells.push(order::median(&auroc).map_or(String::new(), number));
        cells.push(statuses.join("; "));
        cells
    });
    Table { title, header, rows: rows.collect() }
}

/// How the runs of each arm ended.
pub fn outcomes(run: &RunFolder) -> Option<Table> {
    let mut kinds: Vec<&str> =
        run.replicates.iter().map(|row| row.outcome.as_str()).filter(|o| !o.is_empty()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    if kinds.is_empty() {
        return None;
    }
    let mut header = vec!["arm".to_owned(), "runs".to_owned()];
    header.extend(kinds.iter().map(|kind| kind.replace('_', " ")));
    let rows = run.plan.arms.iter().map(|arm| {
        let mine = || run.replicates.iter().filter(|row| row.arm == arm.arm);
        let count = |kind: &&str| mine().filter(|row| row.outcome == **kind).count().to_string();
        let head = [run.label(arm.arm), mine().count().to_string()];
        head.into_iter().chain(kinds.iter().map(count)).collect()
    });
    Some(Table { title: String::new(), header, rows: rows.collect() })
}

/// The first confirmed flags, with their reasons.
pub fn flags(run: &RunFolder) -> Option<Table> {
    let rows: Vec<Vec<String>> = run
        .flags
        .iter()
        .filter(|flag| flag.confirmed)
        .take(MAX_FLAGS)
        .map(|f| {
            vec![
                f.detector.clone(),
                f.budget.map_or_else(|| f.auditor.clone(), budget),
                f.step.to_string(),
                f.trajectory.to_string(),
                number(f.score),
                f.reason.clone(),
            ]
        })
        .collect();
    let header = ["detector", "budget", "step", "rollout", "score", "reason"].map(str::to_owned).to_vec();
    (!rows.is_empty()).then_some(Table { title: String::new(), header, rows })
}

/// Every row of the summary.
pub fn numbers(run: &RunFolder) -> Option<Table> {
    let header = ["arm", "metric", "estimate", "runs", "method"].map(str::to_owned).to_vec();
    let rows: Vec<Vec<String>> = run
        .summary
        .iter()
        .filter_map(|row| {
            let value = interval(row.estimate?, row.ci_low, row.ci_high);
            Some(vec![
                run.label(row.arm),
                row.metric.clone(),
                value,
                row.replicates.to_string(),
                row.method.clone(),
            ])
        })
        .collect();
    (!rows.is_empty()).then_some(Table { title: String::new(), header, rows })
}

/// Runs that are not in the tables, and why.
pub fn absent(run: &RunFolder) -> Option<Table> {
    let header = ["arm", "replicate", "why"].map(str::to_owned).to_vec();
    let row = |own: &MissingRun| vec![run.label(own.arm), own.replicate.to_string(), own.reason.clone()];
    let rows: Vec<Vec<String>> = run.missing.iter().map(row).collect();
    (!rows.is_empty()).then(|| Table { title: String::new(), header, rows })
}

/// What has no number, and why; arms with the same reason share a row.
pub fn missing(run: &RunFolder) -> Option<Table> {
    let header = ["metric", "status", "arms"].map(str::to_owned).to_vec();
    let mut found: Vec<(&str, &str, Vec<usize>)> = Vec::new();
    for row in run.summary.iter().filter(|row| row.estimate.is_none()) {
        match found.iter_mut().find(|f| f.0 == row.metric && f.1 == row.method) {
            Some(same) => same.2.push(row.arm),
            None => found.push((&row.metric, &row.method, vec![row.arm])),
        }
    }
    let name = |arms: &[usize]| match arms.len() {
        n if n == run.plan.arms.len() && n > 1 => format!("all {n}"),
        n if n > MAX_NAMED => n.to_string(),
        _ => arms.iter().map(|arm| run.label(*arm)).collect::<Vec<_>>().join("; "),
    };
    let rows: Vec<Vec<String>> = found
        .iter()
        .map(|(metric, why, arms)| vec![(*metric).to_owned(), (*why).to_owned(), name(arms)])
        .collect();
    (!rows.is_empty()).then_some(Table { title: String::new(), header, rows })
}

/// Whether a number of the summary is one of the run itself, and of no detector.
fn is_of_the_run(metric: &str) -> bool {
    let metric = Metric::parse(metric);
    metric.of.is_none() && metric.by.is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_all_rows_share_stands_once_and_empty_columns_are_left_out() {
        let table = |statuses: [&str; 2]| Table {
            title: String::new(),
            header: ["detector", "caught", "AUROC", "status"].map(str::to_owned).to_vec(),
            rows: statuses.map(|status| ["a", "1", "", status].map(str::to_owned).to_vec()).to_vec(),
        };
        let found = noted(table(["no rollouts", "no rollouts"]));
        assert_eq!((found.table.header.len(), found.note.as_str()), (2, "Status of each: no rollouts"));
        assert!(found.table.rows.iter().all(|row| row.join(" ") == "a 1"), "{found:?}");
        let found = noted(table(["ok", "no rollouts"]));
        assert_eq!(
            (found.table.header.join(" ").as_str(), found.note.as_str()),
            ("detector caught status", "")
        );
    }
}
