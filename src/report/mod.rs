//! The report of a run: one HTML file that needs nothing else, neither network nor fonts.
//!
//! It answers first: the question, one sentence with its interval, the figure that decides; checks and the config come last.
//!
//! Every text that comes from a run folder is escaped by the template; pictures are taken in only if they hold nothing but the
//! marks that this program draws. What has no number is listed with its status.

mod answers;
mod cells;
pub mod compare;
mod deployed;
mod endpoint;
mod findings;
mod format;
pub mod leaderboard;
mod leaders;
mod matrix;
mod picture;
pub mod regimes;
pub mod tables;
pub mod verdict;

pub use findings::headline;

use crate::foundation::atomic_file;
use crate::foundation::format as foundation_format;
use crate::record::folder::{FolderError, LeftOut, Manifest, Plan, RunFolder};
use base64::prelude::{BASE64_STANDARD, Engine};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment};
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};
use tables::{Noted, Table};

const TEMPLATE: &str = include_str!("report.html");
const STYLE: &str = include_str!("style.css");
const TABLE: &str = include_str!("table.html");
/// Sorting, filters and the numbers under the pointer.
const SCRIPT: &str = include_str!("page.js");
/// The figures' colours on a dark screen, as the theme of the figures has them.
const DARK: &str = include_str!("dark.css");
const REGULAR: &[u8] = include_bytes!("../../assets/fonts/Roboto-Regular.subset.ttf");
const BOLD: &[u8] = include_bytes!("../../assets/fonts/Roboto-Bold.subset.ttf");

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReportError {
    /// The run folder cannot be read.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// The template failed.
    #[error("cannot fill in the report: {0}")]
    Template(#[from] minijinja::Error),
    /// The file could not be written.
    #[error("cannot write {}: {source}; check that the folder is writable and the disk not full", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// One figure as the template takes it.
#[derive(Serialize)]
struct Picture {
    name: String,
    title: String,
    caption: String,
    svg: Option<String>,
    narrow: Option<String>,
}

/// All that the template takes.
#[derive(Serialize)]
struct Page<'a> {
    plan: &'a Plan,
    manifest: Option<&'a Manifest>,
    config: Option<&'a str>,
    runs: usize,
    findings: Vec<String>,
    figures: Vec<Picture>,
    left_out: Vec<LeftOut>,
    checks: Option<Table>,
    arms: Option<Table>,
    detectors: Vec<Noted>,
    deployed: Option<Table>,
    outcomes: Option<Table>,
    flags: Option<Table>,
    numbers: Option<Table>,
    missing: Option<Table>,
    absent: Option<Table>,
    removed: &'a [String],
    regular: String,
    bold: String,
}

/// Writes the report of `run` to the file `out`, with the figures that lie in the run folder.
///
/// # Errors
/// A figure that cannot be read, or a file that cannot be written.
pub fn write(run: &RunFolder, out: &Path) -> Result<(), ReportError> {
    let html = html(run)?;
    atomic_file::write(out, html.as_bytes())
        .map_err(|source| ReportError::Write { path: out.to_owned(), source })
}

/// A text on one line, with what would turn the direction of writing or cannot be seen spelled out.
fn visible(text: &str) -> String {
    foundation_format::visible(text)
}

/// One page's template, with the style and the tables that all pages share. Every text is escaped.
fn engine(name: &'static str, template: &'static str) -> Result<Environment<'static>, ReportError> {
    let mut engine = Environment::new();
    engine.set_auto_escape_callback(|_| AutoEscape::Html);
    engine.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    engine.add_filter("shown", visible);
    engine.add_filter("shown_lines", |text: &str| text.lines().map(visible).collect::<Vec<_>>().join("\n"));
    engine
        .add_test("insufficient", |row: Vec<String>| row.iter().any(|cell| cell.starts_with("insufficient")));
    let shared = [("style", STYLE), ("dark", DARK), ("script", SCRIPT), ("table", TABLE)];
    for (name, text) in shared.into_iter().chain([(name, template)]) {
        engine.add_template(name, text)?;
    }
    Ok(engine)
}

/// The report as text.
///
/// # Errors
/// A figure that cannot be read.
pub fn html(run: &RunFolder) -> Result<String, ReportError> {
    let stored = run.figures()?;
    // The figure that decides is the first.
    let mut narrow = stored.narrow.and_then(|svg| picture::safe(&svg));
    let figures: Vec<Picture> = stored
        .drawn
        .into_iter()
        .map(|(info, svg)| Picture {
            svg: picture::safe(&svg),
            narrow: narrow.take(),
            name: info.name,
            title: info.title,
            caption: info.caption,
        })
        .collect();
    let engine = engine("report", TEMPLATE)?;
    let page = Page {
        plan: &run.plan,
        manifest: run.manifest.as_ref(),
        config: run.config.as_deref(),
        runs: run.replicates.len(),
        findings: findings::all(run),
        figures,
        left_out: stored.left_out,
        checks: tables::checks(run),
        arms: tables::arms(run),
        detectors: tables::detectors(run),
        deployed: deployed::table(run),
        outcomes: tables::outcomes(run),
        flags: tables::flags(run),
        numbers: tables::numbers(run),
        missing: tables::missing(run),
        absent: tables::absent(run),
        removed: &run.removed,
        regular: BASE64_STANDARD.encode(REGULAR),
        bold: BASE64_STANDARD.encode(BOLD),
    };
    Ok(engine.get_template("report")?.render(Serde(page))?)
}
