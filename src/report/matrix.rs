//! Every detector on every scenario, as shades.

use super::cells::{Cell, caught, headline};
use super::format::number;
use crate::record::benchmark::RankingRow;
use serde::Serialize;

/// The detectors of one trainer on every scenario.
#[derive(Debug, Serialize)]
pub(super) struct Matrix {
    pub trainer: String,
    pub scenarios: Vec<String>,
    pub rows: Vec<MatrixRow>,
}

#[derive(Debug, Serialize)]
pub(super) struct MatrixRow {
    pub detector: String,
    pub control: bool,
    pub cells: Vec<Shade>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Shade {
    /// Percent, or a dash.
    pub text: String,
    /// 0 to 100; none where there is no number.
    pub level: Option<u32>,
    pub why: String,
}

/// P(caught in time) at the first budget, one matrix an arm's name; detectors that are equal throughout share a row.
pub(super) fn matrices(cells: &[Cell<'_>]) -> Vec<Matrix> {
    let first: Vec<&Cell<'_>> = headline(cells).collect();
    let mut trainers: Vec<&str> = Vec::new();
    for cell in &first {
        let trainer = cell.arm.split(',').next().unwrap_or(cell.arm);
        if !trainers.contains(&trainer) {
            trainers.push(trainer);
        }
    }
    let matrix = |trainer: &&str| {
        let own: Vec<&&Cell<'_>> = (first.iter())
            .filter(|cell| cell.arm.split(',').next().unwrap_or(cell.arm) == *trainer)
            .collect();
        let mut detectors: Vec<(&str, bool)> = Vec::new();
        for equal in own.iter().flat_map(|cell| &cell.rows) {
            for &name in &equal.names {
                if !detectors.iter().any(|(known, _)| *known == name) {
                    detectors.push((name, equal.row.supervision == "control"));
                }
            }
        }
        // Each with the first detector that stands in it.
        let mut rows: Vec<(&str, MatrixRow)> = Vec::new();
        for (name, control) in detectors {
            let shades: Vec<Shade> = own.iter().map(|cell| shade(cell.of(name))).collect();
            if shades.iter().all(|shade| shade.level.is_none()) {
                continue;
            }
            let same = |(first, row): &&mut (&str, MatrixRow)| {
                row.control == control
                    && row.cells.iter().zip(&shades).all(|(a, b)| (a.level, &a.text) == (b.level, &b.text))
                    && own.iter().all(|cell| {
                        cell.of(first).zip(cell.of(name)).is_some_and(|(a, b)| std::ptr::eq(a, b))
                    })
            };
            match rows.iter_mut().find(same) {
                Some((_, row)) => row.detector += &format!(" = {name}"),
                None => rows.push((name, MatrixRow { detector: name.to_owned(), control, cells: shades })),
            }
        }
        let scenario = |cell: &&&Cell<'_>| {
            let rest = cell.arm.split_once(',').map_or(String::new(), |(_, rest)| format!(",{rest}"));
            format!("{}{rest}", cell.scenario).replace('_', " ")
        };
        let rows = rows.into_iter().map(|(_, row)| row).collect();
        Matrix { trainer: (*trainer).to_owned(), scenarios: own.iter().map(scenario).collect(), rows }
    };
    trainers.iter().map(matrix).collect()
}

fn shade(row: Option<&RankingRow>) -> Shade {
    match row.map(|row| (row.caught_in_time, row)) {
        Some((Some(value), row)) => Shade {
            text: number((value * 100.0).round()),
            level: Some((value * 100.0).round() as u32),
            why: caught(Some(row)),
        },
        Some((None, row)) => Shade { text: "–".to_owned(), level: None, why: row.caught_status.clone() },
        None => Shade { text: String::new(), level: None, why: String::new() },
    }
}
