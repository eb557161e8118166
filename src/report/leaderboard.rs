//! The leaderboard of a benchmark: one HTML file that needs nothing else, and the same as Markdown.

use super::cells::{Cell, headline};
use super::leaders::{alarms, base_rates, detail, findings, masking, overview};
use super::matrix::{Matrix, matrices};
use super::tables::Table;
use super::{BOLD, REGULAR, ReportError, engine, format};
use crate::record::benchmark::{GUARDS, Tables};
use minijinja::value::Serde;
use serde::Serialize;
use std::fs;
use std::path::{Path, PathBuf};

const TEMPLATE: &str = include_str!("leaderboard.html");

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// The page.
    pub html: PathBuf,
    /// The same as Markdown.
    pub markdown: PathBuf,
    /// What it says, in sentences.
    pub findings: Vec<String>,
}

#[derive(Serialize)]
struct Page {
    findings: Vec<String>,
    scenarios: usize,
    cells: usize,
    overview: Table,
    matrices: Vec<Matrix>,
    alarms: Table,
    masking: Option<Table>,
    base_rates: Table,
    details: Vec<Table>,
    guards: Vec<(String, usize, usize)>,
    regular: String,
    bold: String,
}

impl Page {
    fn of(tables: &Tables) -> Self {
        let cells = Cell::all(tables);
        let mut scenarios: Vec<&str> = cells.iter().map(|cell| cell.scenario).collect();
        scenarios.dedup();
        let guards = GUARDS.map(|name| {
            let of = tables.guards.iter().filter(|guard| guard.guard == name);
            let (held, all) = of.fold((0, 0), |(held, all), g| (held + usize::from(g.held), all + 1));
            (name.to_owned(), held, all)
        });
        Self {
            findings: findings(tables, &cells),
            scenarios: scenarios.len(),
            cells: headline(&cells).count(),
            overview: overview(&cells),
            matrices: matrices(&cells),
            alarms: alarms(&tables.calibration),
            masking: masking(&tables.calibration),
            base_rates: base_rates(&tables.base_rates),
            details: cells.iter().map(detail).collect(),
            guards: guards.to_vec(),
            regular: format::base64(REGULAR),
            bold: format::base64(BOLD),
        }
    }

    fn markdown(&self) -> String {
        let mut out = "# Catch-rate benchmark\n\n".to_owned();
        self.findings.iter().for_each(|finding| out += &format!("- {finding}\n"));
        out += "\n## Caught in time\n\n";
        out += &rows(&self.overview);
        out += "\n## Alarms\n\nMedian of the scenarios (smallest – largest).\n\n";
        out += &rows(&self.alarms);
        if let Some(masking) = &self.masking {
            out += "\n## Hacks that raise the alarm, by what the calibration rollouts hold\n\n";
            out += &rows(masking);
        }
        out += "\n## Recall / precision of top_reward at other base rates\n\n";
        out += &rows(&self.base_rates);
        out += "\n## Every cell\n";
        for table in &self.details {
            out += &format!("\n### {}\n\n{}", table.title, rows(table));
        }
        out
    }
}

/// A table as Markdown.
fn rows(table: &Table) -> String {
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    let rule = vec!["---".to_owned(); table.header.len()];
    line(&table.header) + &line(&rule) + &table.rows.iter().map(|row| line(row)).collect::<String>()
}

/// Writes `leaderboard.html` and `leaderboard.md` into `dir`.
///
/// # Errors
/// A file that cannot be written.
pub fn write(tables: &Tables, dir: &Path) -> Result<Written, ReportError> {
    let page = Page::of(tables);
    let (html, markdown) = (dir.join("leaderboard.html"), dir.join("leaderboard.md"));
    let put = |path: &Path, text: String| {
        fs::write(path, text).map_err(|source| ReportError::Write { path: path.to_owned(), source })
    };
    put(&markdown, page.markdown())?;
    let findings = page.findings.clone();
    let engine = engine("leaderboard", TEMPLATE)?;
    put(&html, engine.get_template("leaderboard")?.render(Serde(page))?)?;
    Ok(Written { html, markdown, findings })
}
