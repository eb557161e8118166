//! Figures and report of a run folder: what `run`, `plot` and `report` share.

use super::console::Console;
use crate::plots;
use crate::record::folder::RunFolder;
use crate::report;
use std::path::{Path, PathBuf};

/// What a run folder tells.
pub(super) struct Told {
    /// Its finding, in one line.
    pub finding: String,
    /// Its report.
    pub report: PathBuf,
    /// Its figures (SVG).
    pub figures: Vec<PathBuf>,
}

/// Draws the figures of a run folder into `figures/`.
pub(super) fn figures(run: &RunFolder, out: &Path, console: &Console) -> Result<Vec<PathBuf>, crate::Error> {
    let drawn = plots::draw_all(run, &out.join("figures"))?;
    for left in &drawn.left_out {
        console.detail(format!("no figure {}: {}", left.name, left.status));
    }
    Ok(drawn.files.into_iter().map(|file| file.svg).collect())
}

/// Draws the figures and writes the report.
pub(super) fn figures_and_report(out: &Path, console: &Console) -> Result<Told, crate::Error> {
    let run = RunFolder::open(out)?;
    let figures = figures(&run, out, console)?;
    let page = out.join("report.html");
    report::write(&run, &page)?;
    Ok(Told { finding: report::headline(&run), report: page, figures })
}
