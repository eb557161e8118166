//! Every figure, and the folder they are written to.

use super::series::Figure;
use super::{
    PlotError, agreement, catch_rate, collapse, hill, over_optimisation, responses, survival, sweep, training,
};
use crate::foundation::failure::Status;
use crate::record::folder::{FIGURES_INDEX, FigureIndex, FigureInfo, LeftOut, RunFolder};
use std::fs;
use std::path::{Path, PathBuf};

/// One kind of figure.
pub struct FigureKind {
    /// Its name; a kind that gives several figures adds a suffix.
    pub name: &'static str,
    /// Makes it from a run, or says why not.
    pub build: fn(&RunFolder) -> Result<Vec<Figure>, Status>,
}

/// All kinds, in the order of the report.
pub const FIGURES: &[FigureKind] = &[
    FigureKind { name: "agreement", build: agreement::build },
    FigureKind { name: "collapse", build: collapse::build },
    FigureKind { name: "responses", build: responses::build },
    FigureKind { name: "sweep", build: sweep::build },
    FigureKind { name: "over_optimisation", build: over_optimisation::build },
    FigureKind { name: "training", build: training::build },
    FigureKind { name: "catch_rate", build: catch_rate::build },
    FigureKind { name: "survival", build: survival::build },
    FigureKind { name: "hill", build: hill::build },
];

/// One figure on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureFile {
    /// Name, title and caption.
    pub info: FigureInfo,
    /// Vector picture.
    pub svg: PathBuf,
    /// Pixel picture.
    pub png: PathBuf,
    /// The data drawn.
    pub csv: PathBuf,
}

/// What [`draw_all`] did.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Figures written.
    pub files: Vec<FigureFile>,
    /// Figures that the run cannot carry, and why.
    pub left_out: Vec<LeftOut>,
}

/// All figures that the run can carry, before they are written, and the others with the reason.
pub fn build_all(run: &RunFolder) -> (Vec<Figure>, Vec<LeftOut>) {
    let (mut figures, mut left_out) = (Vec::new(), Vec::new());
    for kind in FIGURES {
        match (kind.build)(run) {
            Ok(made) => figures.extend(made),
            Err(status) => left_out.push(LeftOut { name: kind.name.to_owned(), status: status.to_string() }),
        }
    }
    (figures, left_out)
}

/// Writes every figure that `run` can carry into `out` as `.svg`, `.png` and `.csv`, and their index, `figures.json`.
///
/// # Errors
/// A file that cannot be written, by name.
pub fn draw_all(run: &RunFolder, out: &Path) -> Result<Drawn, PlotError> {
    fs::create_dir_all(out).map_err(|source| PlotError::Write { path: out.to_owned(), source })?;
    let (figures, left_out) = build_all(run);
    let files = figures.iter().map(|figure| write(figure, out)).collect::<Result<Vec<_>, _>>()?;
    let drawn = files.iter().map(|file| file.info.clone()).collect();
    let index = FigureIndex { drawn, left_out: left_out.clone() };
    let path = out.join(FIGURES_INDEX);
    let source = serde_json::to_string_pretty(&index).map_err(std::io::Error::from);
    source
        .and_then(|text| fs::write(&path, text + "\n"))
        .map_err(|source| PlotError::Write { path, source })?;
    Ok(Drawn { files, left_out })
}

fn write(figure: &Figure, out: &Path) -> Result<FigureFile, PlotError> {
    let fault = |message: String| PlotError::Draw { figure: figure.name.clone(), message };
    let save = |extension: &str, bytes: &[u8]| {
        let path = out.join(format!("{}.{extension}", figure.name));
        match fs::write(&path, bytes) {
            Ok(()) => Ok(path),
            Err(source) => Err(PlotError::Write { path, source }),
        }
    };
    let csv = save("csv", &figure.csv().map_err(|e| fault(e.to_string()))?)?;
    let svg = save("svg", figure.scene.svg(&figure.title, &figure.caption).map_err(fault)?.as_bytes())?;
    let png = out.join(format!("{}.png", figure.name));
    figure.scene.png(&png).map_err(fault)?;
    let info = FigureInfo {
        name: figure.name.clone(),
        title: figure.title.clone(),
        caption: figure.caption.clone(),
    };
    Ok(FigureFile { info, svg, png, csv })
}
