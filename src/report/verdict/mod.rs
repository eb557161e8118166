//! The page of the verdict: what the map says of each trainer, in sentences that follow from its tables alone.

mod first_look;
mod sentences;
mod tables;
mod words;

use super::leaderboard::rows;
use super::picture;
use super::tables::Table;
use super::{BOLD, REGULAR, ReportError, engine};
use crate::foundation::atomic_file;
use crate::record::verdict::{MAP, PHASES, SPOKE, Tables};
use base64::prelude::{BASE64_STANDARD, Engine};
use minijinja::value::Serde;
use sentences::findings;
use serde::Serialize;
use std::path::{Path, PathBuf};
use tables::{answers, cells, controls, ends, trainers};
use words::{ASSUMED, INTERVALS, WORDS};

const TEMPLATE: &str = include_str!("page.html");

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
    intervals: &'static str,
    findings: Vec<String>,
    cells: usize,
    picture: Option<String>,
    trainers: Table,
    words: Vec<String>,
    map: Table,
    spokes: Table,
    controls: Table,
    ends: Table,
    answers: Vec<Table>,
    assumed: Vec<&'static str>,
    regular: String,
    bold: String,
}

impl Page {
    fn of(tables: &Tables, picture: Option<String>) -> Self {
        let part = |part: &str| cells(tables.cells.iter().filter(|cell| cell.part == part));
        Self {
            intervals: INTERVALS,
            findings: findings(tables),
            cells: tables.cells.len(),
            picture,
            trainers: trainers(tables),
            words: WORDS.map(|(_, word, meaning)| format!("{word}: {meaning}")).to_vec(),
            map: part(MAP),
            spokes: part(SPOKE),
            controls: controls(tables),
            ends: ends(tables),
            answers: tables.cells.iter().map(|cell| answers(cell, &tables.answers)).collect(),
            assumed: ASSUMED.to_vec(),
            regular: BASE64_STANDARD.encode(REGULAR),
            bold: BASE64_STANDARD.encode(BOLD),
        }
    }

    fn markdown(&self) -> String {
        let list = |lines: &[String]| lines.iter().map(|line| format!("- {line}\n")).collect::<String>();
        let mut out = format!("# Does the objection hold?\n\n{}", list(&self.findings));
        if self.picture.is_some() {
            out += &format!("\n![The map]({PHASES}.svg)\n");
        }
        out += &format!("\n## Trainers\n\n{}\nThe words:\n\n{}", rows(&self.trainers), list(&self.words));
        out += &format!("\n## The map\n\n{INTERVALS}\n\n{}", rows(&self.map));
        out += &format!("\n## One factor at a time\n\n{}", rows(&self.spokes));
        out += &format!("\n## Placebos and swap twins\n\n{}", rows(&self.controls));
        out += &format!("\n## How runs end\n\n{}", rows(&self.ends));
        let assumed: Vec<String> = self.assumed.iter().map(|text| (*text).to_owned()).collect();
        out += &format!("\n## What was assumed\n\n{}\n## Every programme\n", list(&assumed));
        for table in &self.answers {
            out += &format!("\n### {}\n\n{}", table.title, rows(table));
        }
        out
    }
}

/// Writes `verdict.html` and `verdict.md` into `dir`; the picture of the map is taken from there.
///
/// # Errors
/// A picture that cannot be read, or a file that cannot be written.
pub fn write(tables: &Tables, dir: &Path) -> Result<Written, ReportError> {
    let page = Page::of(tables, picture::drawn(&dir.join(PHASES).with_extension("svg"))?);
    let (html, markdown) = (dir.join("verdict.html"), dir.join("verdict.md"));
    let put = |path: &Path, text: String| {
        atomic_file::write(path, text.as_bytes())
            .map_err(|source| ReportError::Write { path: path.to_owned(), source })
    };
    put(&markdown, page.markdown())?;
    let findings = page.findings.clone();
    let engine = engine("verdict", TEMPLATE)?;
    put(&html, engine.get_template("verdict")?.render(Serde(page))?)?;
    Ok(Written { html, markdown, findings })
}
