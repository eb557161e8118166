//! Figures and report of a run folder: what `run`, `plot` and `report` share.

use super::Error as CliError;
use super::console::{Console, Style};
use super::sketch::{self, Line};
use super::table::Table;
use crate::foundation::format::report as number;
use crate::foundation::presence::is_absence;
use crate::plots::output::Format;
use crate::plots::{self, Wanted};
use crate::record::folder::{FIGURES, FolderError, RunFolder};
use crate::record::metric::{KL, PROXY, UTILITY};
use crate::report;
use std::path::{Path, PathBuf};

/// What a run folder tells.
pub(super) struct Told {
    /// Its finding, in one line.
    pub finding: String,
    /// Its arms as a table and a small picture.
    pub summary: String,
    /// Its report.
    pub report: PathBuf,
    /// Its figures, as SVG.
    pub figures: Vec<PathBuf>,
}

/// Draws the figures of a run folder that are wanted into `figures/`.
pub(super) fn figures(
    run: &RunFolder,
    out: &Path,
    wanted: &Wanted,
    console: &Console,
) -> Result<Vec<PathBuf>, crate::Error> {
    let drawn = plots::draw_all(run, &plots::figures::folder(&out.join(FIGURES), wanted.look), wanted)?;
    for left in &drawn.left_out {
        console.detail(format!("no figure {}: {}", left.name, left.status));
    }
    Ok(drawn.files.into_iter().flat_map(|file| file.pictures).collect())
}

/// Draws the figures and writes the report.
pub(super) fn figures_and_report(out: &Path, console: &Console) -> Result<Told, crate::Error> {
    let run = RunFolder::open(out)?;
    if !run.removed.is_empty() {
        let names = run.removed.join(", ");
        console
            .warn(format!("{names} is not there; figures that are drawn from single rollouts are left out"));
    }
    let wanted = Wanted { formats: formats(&out.join(FIGURES))?, ..Wanted::default() };
    let mut figures = figures(&run, out, &wanted, console)?;
    figures.retain(|path| path.extension().is_some_and(|e| e == "svg"));
    if let Some(first) = figures.first().and_then(|path| path.file_stem()).and_then(|name| name.to_str()) {
        plots::figures::draw_narrow(&run, &out.join(FIGURES), first)?;
    }
    let page = out.join("report.html");
    report::write(&run, &page)?;
    Ok(Told { finding: report::headline(&run), summary: summary(&run), report: page, figures })
}

/// What a report needs, and what lies there already: a picture that is not drawn anew would show other numbers than its page.
fn formats(figures: &Path) -> Result<Vec<Format>, FolderError> {
    let listed = std::fs::read_dir(figures).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let there: Vec<PathBuf> = match listed {
        Ok(entries) => entries.into_iter().map(|entry| entry.path()).collect(),
        Err(problem) if is_absence(&problem) => Vec::new(),
        Err(source) => return Err(FolderError::Io { path: figures.to_owned(), source }),
    };
    let is_there = |format: &Format| {
        let extension = std::ffi::OsStr::new(format.extension());
        *format == Format::Svg || there.iter().any(|path| path.extension() == Some(extension))
    };
    Ok(Format::ALL.into_iter().filter(is_there).collect())
}

/// Most arms that are listed.
const MAX_ARMS: usize = 24;

/// The arms with what became of them, and their utility as a picture.
fn summary(run: &RunFolder) -> String {
    let mut table = Table::new(&["arm", ">E[V]", ">E[U]", ">KL", ">damaged"]).within(sketch::columns());
    let mut lines = Vec::new();
    for arm in run.plan.arms.iter().take(MAX_ARMS) {
        let of = |metric: &str| run.metric(arm.arm, metric);
        let shown =
            |metric: &str| of(metric).and_then(|row| row.estimate).map_or_else(|| "–".to_owned(), number);
        let damaged = of("damaged").and_then(|row| row.estimate);
        let damaged = damaged.map_or_else(|| "–".to_owned(), |share| format!("{:.0}%", 100.0 * share));
        table.row([run.label(arm.arm), shown(UTILITY), shown(PROXY), shown(KL), damaged]);
        if let Some((row, value)) = of(UTILITY).and_then(|row| Some((row, row.estimate?))) {
            lines.push(Line { name: run.label(arm.arm), value, ends: row.ci_low.zip(row.ci_high) });
        }
    }
    if lines.is_empty() {
        return String::new();
    }
    let rest = run.plan.arms.len().saturating_sub(MAX_ARMS);
    let rest = if rest > 0 { format!("and {rest} further arms in the report\n") } else { String::new() };
    let title = if lines.iter().any(|line| line.ends.is_some()) {
        "Final utility E[V], 95% intervals".to_owned()
    } else {
        format!("Final utility E[V]; of {} replicates an arm there is no interval", run.plan.replicates)
    };
    let drawn = sketch::intervals(&title, &lines, sketch::columns());
    format!("{}{rest}\n{drawn}", table.render(Style::new(false)))
}

/// Names of experiments: the file names of their configs, or their folders' names, without extension. Each becomes a folder.
///
/// # Errors
/// A name that is no folder's, such as `..`; two that are the same.
pub(super) fn names(paths: &[PathBuf], flag: &'static str) -> Result<Vec<String>, CliError> {
    let mut names: Vec<String> = Vec::new();
    for (at, path) in paths.iter().enumerate() {
        let name =
            path.file_stem().map_or_else(|| "experiment".to_owned(), |s| s.to_string_lossy().into_owned());
        if matches!(name.as_str(), "." | "..") {
            return Err(CliError::Value {
                flag,
                reason: format!(
                    "the name of {} without extension, `{name}`, leads out of its folder",
                    path.display()
                ),
                help: "rename the file: results lie in a folder of its name".to_owned(),
            });
        }
        if let Some(earlier) = names.iter().position(|other| *other == name) {
            return Err(CliError::Value {
                flag,
                reason: format!(
                    "{} and {} are both called `{name}`, and one would be written over the other",
                    paths[earlier].display(),
                    paths[at].display()
                ),
                help: "give them one by one, each with its own --out, or rename one".to_owned(),
            });
        }
        names.push(name);
    }
    Ok(names)
}
