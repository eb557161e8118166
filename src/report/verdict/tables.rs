//! The tables of the verdict's page.

use super::first_look;
use super::words::{WORDS, size};
use crate::record::endpoint::{NONE, PLACEBO, SWAP};
use crate::record::verdict::{AnswerRow, CellRow, EndsRow, Tables, TrainerRow, trainer_label};
use crate::report::format::{number, percent, percent_interval};
use crate::report::tables::Table;

fn table(title: String, header: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table { title, header: header.iter().map(|name| (*name).to_owned()).collect(), rows }
}

fn word(verdict: &str) -> &str {
    WORDS.iter().find(|(name, ..)| *name == verdict).map_or(verdict, |(_, word, _)| word)
}

fn dash(value: Option<String>) -> String {
    value.unwrap_or_else(|| "–".to_owned())
}

/// `7 of 300: 2.3% [0.9, 4.8]`; a dash where there is no share.
fn share(hits: u64, runs: u64, ends: (Option<f64>, Option<f64>, Option<f64>)) -> String {
    let (share, low, high) = ends;
    dash(share.map(|share| format!("{hits} of {runs}: {}", percent_interval(share, low, high))))
}

fn plain(value: Option<f64>) -> String {
    dash(value.map(number))
}

pub(super) fn trainers(tables: &Tables) -> Table {
    let mut header = vec!["trainer"];
    header.extend(WORDS.map(|(_, word, _)| word));
    header.extend(["met up to KL", "from T* on", "p, every KL up to 1", "every KL up to 1", "status"]);
    let line = |row: &TrainerRow| {
        let counts = [
            row.holds,
            row.little_harm,
            row.not_learned,
            row.fails,
            row.refuted,
            row.unresolved,
            row.void,
            row.insufficient,
        ];
        let mut cells = vec![trainer_label(&row.trainer)];
        cells.extend(counts.map(|count| count.to_string()));
        cells.extend([plain(row.met_up_to), plain(row.large_met_up_to), plain(row.p_value)]);
        cells.extend([first_look::word(row, &tables.cells).to_owned(), row.status.clone()]);
        cells
    };
    table(String::new(), &header, tables.trainers.iter().map(line).collect())
}

pub(super) fn cells<'a>(rows: impl Iterator<Item = &'a CellRow>) -> Table {
    let header = [
        "scenario",
        "cell",
        "KL asked",
        "KL",
        "sightings",
        "size / T*",
        "benign above",
        "sampled",
        "learned",
        "harmed, not learned",
        "harmed, nobody audits",
        "removed at once",
        "KL then",
        "best auditor",
        "looks per 1000",
        "loss summed",
        "removed",
        "loss at the end",
        "removed",
        "p",
        "discovery",
        "verdict",
        "status",
    ];
    let line = |row: &CellRow| {
        let best = row.best_harm.map(|harm| {
            let by = if row.best_detector.is_empty() { "" } else { " · " };
            format!("{}{by}{}: {}", row.best_auditor, row.best_detector, percent(harm))
        });
        vec![
            row.scenario.clone(),
            row.arm.clone(),
            plain(row.kl_target),
            plain(row.kl),
            plain(row.expected_sightings),
            dash(row.size.map(size)),
            plain(row.benign_above),
            format!("{} of {}", row.sampled, row.runs),
            row.learned.to_string(),
            row.harmed_unlearned.to_string(),
            share(row.harmed, row.learned, (row.harm, row.harm_low, row.harm_high)),
            share(row.audited_harmed, row.learned, (row.audited_harm, row.audited_low, row.audited_high)),
            plain(row.audited_kl),
            dash(best),
            plain(row.looks.map(|looks| looks * 1e3)),
            plain(row.loss_sum),
            plain(row.audited_loss_sum),
            plain(row.loss_end),
            plain(row.audited_loss_end),
            plain(row.p_value),
            dash(row.discovery.map(|found| if found { "yes" } else { "no" }.to_owned())),
            word(&row.verdict).to_owned(),
            row.status.clone(),
        ]
    };
    table(String::new(), &header, rows.map(line).collect())
}

fn programme(row: &AnswerRow) -> String {
    match row.role.as_str() {
        NONE => "nobody audits".to_owned(),
        PLACEBO => "placebo, all runs".to_owned(),
        SWAP => "swap twin, all runs".to_owned(),
        _ => {
            let by = if row.detector.is_empty() { String::new() } else { format!(" · {}", row.detector) };
            let after = row.delay.map_or_else(String::new, |delay| format!(", delay {delay}"));
            format!("{}{by}: {}{after}", row.auditor, row.response)
        }
    }
}

pub(super) fn answers(cell: &CellRow, all: &[AnswerRow]) -> Table {
    let header = [
        "programme",
        "harmed",
        "looks per 1000",
        "benign looks",
        "loss summed",
        "loss at the end",
        "E[V]",
        "E[V] clean",
        "KL",
        "status",
    ];
    let own = all.iter().filter(|row| (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm));
    let line = |row: &AnswerRow| {
        vec![
            programme(row),
            share(row.harmed, row.runs, (row.harm, row.harm_low, row.harm_high)),
            plain(row.looks.map(|looks| looks * 1e3)),
            plain(row.benign_looks),
            plain(row.loss_sum),
            plain(row.loss_end),
            plain(row.utility),
            plain(row.clean_utility),
            plain(row.kl),
            row.status.clone(),
        ]
    };
    table(format!("{} / {}", cell.scenario, cell.arm), &header, own.map(line).collect())
}

/// Placebos and swap twins over the cells of each scenario.
pub(super) fn controls(tables: &Tables) -> Table {
    let mut names: Vec<&str> = tables.cells.iter().map(|cell| cell.scenario.as_str()).collect();
    names.dedup();
    let count = |scenario: &str, role: &str| {
        let own = tables.answers.iter().filter(|row| row.scenario == scenario && row.role == role);
        let (hits, runs) = own.fold((0, 0), |(hits, runs), row| (hits + row.harmed, runs + row.runs));
        if runs == 0 { "–".to_owned() } else { format!("{hits} of {runs}") }
    };
    let line = |name: &&str| vec![(*name).to_owned(), count(name, PLACEBO), count(name, SWAP)];
    table(
        String::new(),
        &["scenario", "placebo: harmed", "swap twin: harmed"],
        names.iter().map(line).collect(),
    )
}

pub(super) fn ends(tables: &Tables) -> Table {
    let mut names: Vec<&str> = Vec::new();
    for row in &tables.ends {
        if !names.contains(&row.end.as_str()) {
            names.push(&row.end);
        }
    }
    let mut header = vec!["scenario", "cell"];
    let spaced: Vec<String> = names.iter().map(|name| name.replace('_', " ")).collect();
    header.extend(spaced.iter().map(String::as_str));
    let line = |cell: &CellRow| {
        let of = |name: &&str| {
            let is_own = |row: &&EndsRow| {
                (&row.scenario, &row.arm) == (&cell.scenario, &cell.arm) && row.end == **name
            };
            tables.ends.iter().find(is_own).map_or_else(|| "–".to_owned(), |row| row.runs.to_string())
        };
        [cell.scenario.clone(), cell.arm.clone()].into_iter().chain(names.iter().map(of)).collect()
    };
    table(String::new(), &header, tables.cells.iter().map(line).collect())
}
