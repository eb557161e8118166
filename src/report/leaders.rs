//! What a benchmark found, as tables of text and in sentences.

use super::cells::{Cell, Equal, VERDICTS, caught, difference, headline, share};
use super::format::{budget, number, percent, percent_interval};
use super::tables::Table;
use crate::record::benchmark::{BaseRateRow, CalibrationRow, MASKING, Tables, YARDSTICK};
use crate::record::endpoint::{HarmRow, PREVENTED};

fn table(title: String, header: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { title, header: header.iter().map(|name| (*name).to_owned()).collect(), rows }
}

/// One row a scenario and arm, at the first budget.
pub(super) fn overview(cells: &[Cell<'_>]) -> Table {
    let header = ["scenario", "trainer", "damaged", "chance", "top_reward", "better", "oracle", "in time"];
    let row = |cell: &Cell<'_>| {
        let top = cell.top();
        let best = cell.best_other();
        vec![
            cell.scenario.to_owned(),
            cell.arm.to_owned(),
            top.map_or_else(String::new, |row| format!("{} of {}", row.damaged, row.replicates)),
            share(top.and_then(|row| row.chance_in_time)),
            caught(top),
            best.map_or_else(
                || "none".to_owned(),
                |best| format!("{} {}", best.short(), caught(Some(best.row))),
            ),
            caught(cell.oracle()),
            cell.verdict(),
        ]
    };
    table(String::new(), &header, headline(cells).map(row).collect())
}

/// Everything of one cell.
pub(super) fn detail(cell: &Cell<'_>) -> Table {
    let header = [
        "detector",
        "may see",
        "caught in time",
        "− top_reward",
        "recall before damage",
        "− top_reward",
        "precision before damage",
        "recall at FPR .1%",
        "recall, whole run",
        "precision, whole run",
        "smallest mass",
        "status",
    ];
    let line = |equal: &Equal<'_>| {
        let row = equal.row;
        vec![
            equal.name(),
            row.access.clone(),
            caught(Some(row)),
            difference(row.caught_versus_top, row.caught_versus_top_low, row.caught_versus_top_high),
            row.recall_early.map_or_else(
                || "–".to_owned(),
                |r| percent_interval(r, row.recall_early_low, row.recall_early_high),
            ),
            difference(row.recall_versus_top, row.recall_versus_top_low, row.recall_versus_top_high),
            share(row.precision_early),
            share(row.recall_at_fpr_1e3_early),
            share(row.recall_after),
            share(row.precision_after),
            row.smallest_mass.map_or_else(
                || "–".to_owned(),
                |mass| if mass.is_finite() { number(mass) } else { "> 0.5".to_owned() },
            ),
            row.status.clone(),
        ]
    };
    let title = format!("{}, {} audited", cell.name(), budget(cell.budget));
    table(title, &header, cell.rows.iter().map(line).collect())
}

/// Alarms of each detector, over all scenarios and arms: the median of the cells, and the range.
pub(super) fn alarms(rows: &[CalibrationRow]) -> Table {
    let header = [
        "detector",
        "rule",
        "nominal",
        "on the reference",
        "on clean twins",
        "on honest excellence",
        "on hacks",
        "clean runs with an alarm",
        "as nominal",
    ];
    let mut keys: Vec<(&str, &str, f64)> = Vec::new();
    for row in rows {
        let key = (row.detector.as_str(), row.rule.as_str(), row.nominal);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let line = |(detector, rule, nominal): (&str, &str, f64)| {
        let own: Vec<&CalibrationRow> = (rows.iter())
            .filter(|row| row.detector == detector && row.rule == rule && row.nominal == nominal)
            .collect();
        let spread = |column: fn(&CalibrationRow) -> Option<f64>| {
            let mut values: Vec<f64> = own.iter().filter_map(|row| column(row)).collect();
            values.sort_unstable_by(f64::total_cmp);
            match (values.first(), values.get(values.len() / 2), values.last()) {
                (Some(low), Some(middle), Some(high)) => {
                    format!("{} ({} – {})", number(*middle), number(*low), number(*high))
                }
                _ => "–".to_owned(),
            }
        };
        own.iter().any(|row| row.status == "ok").then(|| {
            vec![
                detector.to_owned(),
                rule.to_owned(),
                number(nominal),
                spread(|row| row.reference),
                spread(|row| row.clean),
                spread(|row| row.honest),
                spread(|row| row.hacks),
                spread(|row| row.clean_runs),
                spread(|row| row.clean_runs_nominal),
            ]
        })
    };
    table(String::new(), &header, keys.into_iter().filter_map(line).collect())
}

/// Alarms at the lower nominal rate where the calibration holds exploits: what each masks.
pub(super) fn masking(rows: &[CalibrationRow]) -> Option<Table> {
    let own: Vec<&CalibrationRow> = (rows.iter())
        .filter(|row| row.role == MASKING && row.rule == "quantile" && row.hacks.is_some())
        .collect();
    let lowest = own.iter().map(|row| row.nominal).fold(f64::INFINITY, f64::min);
    let own: Vec<&CalibrationRow> = own.into_iter().filter(|row| row.nominal == lowest).collect();
    let (mut arms, mut detectors): (Vec<(&str, &str)>, Vec<&str>) = (Vec::new(), Vec::new());
    for row in &own {
        let arm = (row.scenario.as_str(), row.arm.as_str());
        if !arms.contains(&arm) {
            arms.push(arm);
        }
        if !detectors.contains(&row.detector.as_str()) {
            detectors.push(&row.detector);
        }
    }
    let several = arms.iter().any(|(scenario, _)| *scenario != arms[0].0);
    let named = |(scenario, arm): &(&str, &str)| match several {
        true => format!("{scenario} / {arm}"),
        false => (*arm).to_owned(),
    };
    let header: Vec<String> = std::iter::once("detector".to_owned()).chain(arms.iter().map(named)).collect();
    let line = |detector: &&str| {
        let of = |arm: &(&str, &str)| {
            let same = |row: &&&CalibrationRow| {
                row.detector == **detector && (row.scenario.as_str(), row.arm.as_str()) == *arm
            };
            let row = own.iter().find(same);
            row.and_then(|row| Some(percent_interval(row.hacks?, row.hacks_low, row.hacks_high)))
        };
        let cells = arms.iter().map(|arm| of(arm).unwrap_or_else(|| "–".to_owned()));
        std::iter::once((*detector).to_owned()).chain(cells).collect()
    };
    let rows: Vec<Vec<String>> = detectors.iter().map(line).collect();
    (!rows.is_empty()).then(|| Table { title: String::new(), header, rows })
}

/// Offline recall of the proxy reward by base rate, at each cell's first budget, before the damage.
pub(super) fn base_rates(rows: &[BaseRateRow]) -> Table {
    let mut rates: Vec<f64> = rows.iter().map(|row| row.base_rate).collect();
    rates.sort_unstable_by(f64::total_cmp);
    rates.dedup();
    let mut header = vec!["scenario".to_owned(), "trainer".to_owned(), "audited".to_owned()];
    header.extend(rates.iter().map(|rate| format!("{} hacks", percent(*rate))));
    let mut places: Vec<(&str, &str, f64)> = Vec::new();
    for row in rows.iter().filter(|row| row.window == "early") {
        if !places.iter().any(|(scenario, arm, _)| *scenario == row.scenario && *arm == row.arm) {
            places.push((&row.scenario, &row.arm, row.budget));
        }
    }
    let line = |(scenario, arm, share): &(&str, &str, f64)| {
        let mut cells = vec![(*scenario).to_owned(), (*arm).to_owned(), budget(*share)];
        for rate in &rates {
            let found = rows.iter().find(|row| {
                row.scenario == *scenario
                    && row.arm == *arm
                    && row.window == "early"
                    && row.budget == *share
                    && row.base_rate == *rate
                    && row.detector == YARDSTICK
            });
            cells.push(found.map_or_else(
                || "–".to_owned(),
                |row| match (row.recall, row.precision) {
                    (Some(r), Some(p)) => format!("{} / {}", percent(r), percent(p)),
                    _ => "–".to_owned(),
                },
            ));
        }
        cells
    };
    let rows = places.iter().map(line).collect();
    Table { title: String::new(), header, rows }
}

/// What is caught, in sentences, the most important first.
pub(super) fn findings(tables: &Tables, cells: &[Cell<'_>]) -> Vec<String> {
    let first: Vec<&Cell<'_>> = headline(cells).collect();
    let judged =
        first.iter().filter(|cell| cell.top().is_some_and(|row| row.caught_in_time.is_some())).count();
    if judged == 0 {
        return vec![
            "In no cell were there enough damaged runs to ask whether they were caught in time.".to_owned(),
        ];
    }
    let audited = first.first().map_or_else(String::new, |cell| budget(cell.budget));
    let counts = VERDICTS.map(|(verdict, meaning)| {
        let count = first.iter().filter(|cell| cell.verdict() == verdict).count();
        format!("{verdict} in {count} cells ({meaning})")
    });
    let prevents = |cell: &&&Cell<'_>| {
        let is_own = |row: &&HarmRow| {
            (row.scenario.as_str(), row.arm.as_str()) == (cell.scenario, cell.arm)
                && (row.auditor.as_str(), row.response.as_str(), row.delay) == ("top", "remove", Some(0))
        };
        tables.harm.iter().find(is_own).is_some_and(|row| row.verdict == PREVENTED)
    };
    let in_time: Vec<&&Cell<'_>> = first.iter().filter(|cell| cell.verdict() == VERDICTS[0].0).collect();
    let mut found = vec![format!(
        "To be caught is not to be prevented: a clock that reads the highest rewards as its looks accrue, {audited} of the rollouts, confirms a hack before the \
         damage, of the runs that are damaged where nobody acts: {}. {judged} of {} cells have a number. With removal at once the same clock \
         prevents the damage in {} of the {} cells in which it is mostly in time.",
        counts.join(", "),
        first.len(),
        in_time.iter().filter(|cell| prevents(cell)).count(),
        in_time.len(),
    )];
    let better = first.iter().filter_map(|cell| {
        let best = cell.best_other()?;
        let row = best.row;
        let is_sure = row.caught_versus_top_low.is_some_and(|low| low > 0.0)
            && row.caught_low.zip(row.chance_in_time).is_some_and(|(low, chance)| low > chance);
        is_sure.then(|| {
            format!(
                "{}: {} by {} ({} runs)",
                cell.name(),
                best.short(),
                difference(row.caught_versus_top, row.caught_versus_top_low, row.caught_versus_top_high),
                row.damaged
            )
        })
    });
    let better: Vec<String> = better.collect();
    found.push(match better.is_empty() {
        true => "On that clock no detector is in time more often than top_reward beyond the interval of the difference."
            .to_owned(),
        false => format!(
            "On that clock, in time more often than top_reward, in percentage points, and than chance, the best of each cell, picked after the fact: {}.",
            better.join("; ")
        ),
    });
    let failed = tables.guards.iter().filter(|guard| !guard.held);
    let mut failed: Vec<String> = failed.map(|g| format!("{} ({})", g.detector, g.guard)).collect();
    failed.dedup();
    if !failed.is_empty() {
        found.push(format!("Disqualified by a guard: {}.", failed.join(", ")));
    }
    found
}
