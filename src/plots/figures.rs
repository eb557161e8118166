//! Every figure, and the folder they are written to.

use super::figure::Figure;
use super::fitting::wrap;
use super::output::{self, Format, Look};
use super::scene::{Align, Scene};
use super::sheet::Size;
use super::theme::{BLACK, NORMAL};
use super::{
    PlotError, agreement, benign_looks, catch_rate, collapse, hill, kl_estimators, over_optimisation,
    precision_recall, race, recovery, responses, scores, survival, sweep, timing, training,
};
use crate::foundation::atomic_file;
use crate::foundation::failure::Status;
use crate::record::folder::{self, FIGURES_INDEX, FigureIndex, FigureInfo, LeftOut, RunFolder};
use rayon::prelude::*;
use std::borrow::Cow;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// One kind of figure.
pub struct FigureKind {
    /// Its name; a kind that gives several figures adds a suffix.
    pub name: &'static str,
    /// Makes it from a run, or says why not.
    pub build: fn(&RunFolder, Size) -> Result<Vec<Figure>, Status>,
}

/// All kinds, in the order of the report: the first that a run can carry decides its question, whether its numbers are right comes last.
pub const FIGURES: &[FigureKind] = &[
    FigureKind { name: "collapse", build: collapse::build },
    FigureKind { name: "responses", build: responses::build },
    FigureKind { name: "recovery", build: recovery::build },
    FigureKind { name: "race", build: race::build },
    FigureKind { name: "sweep", build: sweep::build },
    FigureKind { name: "over_optimisation", build: over_optimisation::build },
    FigureKind { name: "training", build: training::build },
    FigureKind { name: "timing", build: timing::build },
    FigureKind { name: "benign_looks", build: benign_looks::build },
    FigureKind { name: "catch_rate", build: catch_rate::build },
    FigureKind { name: "scores", build: scores::build },
    FigureKind { name: "precision_recall", build: precision_recall::build },
    FigureKind { name: "survival", build: survival::build },
    FigureKind { name: "hill", build: hill::build },
    FigureKind { name: "kl_estimators", build: kl_estimators::build },
    FigureKind { name: "agreement", build: agreement::build },
];

/// One figure on disk.
#[derive(Debug, Clone, PartialEq)]
pub struct FigureFile {
    /// Name, title and caption.
    pub info: FigureInfo,
    /// The pictures, one for each format asked for.
    pub pictures: Vec<PathBuf>,
    /// The data drawn.
    pub csv: PathBuf,
}

/// Which pictures are wanted.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted {
    /// How large and on what.
    pub look: Look,
    /// In which formats.
    pub formats: Vec<Format>,
    /// Whether an SVG is written without the numbers of its marks, which its CSV has.
    pub bare: bool,
    /// Only figures whose name, or whose kind's name, is one of these; all where there is none.
    pub only: Vec<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self { look: Look::default(), formats: vec![Format::Svg, Format::Png], bare: false, only: Vec::new() }
    }
}

/// Draws the first of the figures again in the standard theme, as wide as a column, for reports on narrow screens.
///
/// # Errors
/// As [`draw_all`].
pub fn draw_narrow(run: &RunFolder, figures: &Path, first: &str) -> Result<(), PlotError> {
    let look = Look { size: Size::Column, ..Look::default() };
    let named = |kind: &&FigureKind| kind.makes(first);
    let only = FIGURES.iter().filter(named).map(|kind| kind.name.to_owned()).collect();
    let wanted = Wanted { look, formats: vec![Format::Svg], bare: true, only };
    let out = folder(figures, look);
    let drawn = draw_all(run, &out, &wanted)?;
    if drawn.files.iter().any(|file| file.info.name == first) {
        return Ok(());
    }
    // One of an earlier state would show other numbers than the page.
    let path = out.join(format!("{first}.svg"));
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(PlotError::Write { path, source }),
        _ => Ok(()),
    }
}

impl FigureKind {
    /// Whether a figure or a kind of this name is of this kind.
    fn makes(&self, name: &str) -> bool {
        name.strip_prefix(self.name).is_some_and(|rest| rest.is_empty() || rest.starts_with('_'))
    }
}

impl Wanted {
    /// Whether a kind may give a figure that is wanted; where a name is no kind's, any may.
    fn needs(&self, kind: &FigureKind) -> bool {
        let unknown = |only: &String| !FIGURES.iter().any(|kind| kind.makes(only));
        self.only.is_empty() || self.only.iter().any(|only| kind.makes(only) || unknown(only))
    }

    fn takes(&self, name: &str) -> bool {
        self.only.is_empty()
            || self.only.iter().any(|only| {
                name == only || name.strip_prefix(only.as_str()).is_some_and(|rest| rest.starts_with('_'))
            })
    }
}

/// What [`draw_all`] did.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    /// Figures written.
    pub files: Vec<FigureFile>,
    /// Figures that the run cannot carry, and why.
    pub left_out: Vec<LeftOut>,
}

/// All figures that the run can carry at a size, before they are written, and the others with the reason.
///
/// # Errors
/// A table that the system does not let read.
pub fn build_all(run: &RunFolder, size: Size) -> Result<(Vec<Figure>, Vec<LeftOut>), PlotError> {
    build(run, size, |_| true)
}

fn build(
    run: &RunFolder,
    size: Size,
    wanted: impl Fn(&FigureKind) -> bool + Sync,
) -> Result<(Vec<Figure>, Vec<LeftOut>), PlotError> {
    let (mut figures, mut left_out) = (Vec::new(), Vec::new());
    let kinds = FIGURES.par_iter().filter(|kind| wanted(kind));
    let built: Vec<_> = kinds.map(|kind| (kind, (kind.build)(run, size))).collect();
    for (kind, made) in built {
        match made {
            Ok(made) => figures.extend(made),
            // That is no reason that a run has.
            Err(Status::Unreadable { problem }) => return Err(PlotError::Unread(problem)),
            Err(status) => left_out.push(LeftOut { name: kind.name.to_owned(), status: status.to_string() }),
        }
    }
    Ok((figures, left_out))
}

/// Writes every figure that `run` can carry into `out`, in the formats wanted and as `.csv`; where all figures are drawn in the
/// standard look also their index, `figures.json`, by which the report finds them.
///
/// # Errors
/// A table that cannot be read; a file that cannot be written, by name; a name that no figure has.
pub fn draw_all(run: &RunFolder, out: &Path, wanted: &Wanted) -> Result<Drawn, PlotError> {
    let (mut figures, mut left_out) = build(run, wanted.look.size, |kind| wanted.needs(kind))?;
    let known: Vec<&str> = FIGURES.iter().map(|kind| kind.name).collect();
    let named =
        |only: &&String| known.contains(&only.as_str()) || figures.iter().any(|figure| figure.name == **only);
    if let Some(name) = wanted.only.iter().find(|only| !named(only)) {
        return Err(PlotError::NoFigure { name: name.clone(), known });
    }
    figures.retain(|figure| wanted.takes(&figure.name));
    left_out.retain(|left| wanted.takes(&left.name));
    // Another look than the standard one has a folder within that of the figures.
    let above = out.parent().filter(|above| above.ends_with(folder::FIGURES));
    for dir in above.into_iter().chain([out]) {
        atomic_file::folder(dir).map_err(|source| PlotError::Write { path: dir.to_owned(), source })?;
    }
    let files = figures.par_iter().map(|figure| write(figure, out, wanted)).collect::<Result<Vec<_>, _>>()?;
    let is_standard =
        wanted.only.is_empty() && wanted.look == Look::default() && wanted.formats.contains(&Format::Svg);
    if is_standard {
        let drawn = files.iter().map(|file| file.info.clone()).collect();
        let index = FigureIndex { drawn, left_out: left_out.clone() };
        let path = out.join(FIGURES_INDEX);
        let text = serde_json::to_string_pretty(&index)
            .map_err(|error| PlotError::Write { path: path.clone(), source: error.into() })?;
        save(&path, (text + "\n").as_bytes())?;
    }
    Ok(Drawn { files, left_out })
}

/// Where the pictures of a look go within a folder of figures: the standard look in the folder itself.
pub fn folder(figures: &Path, look: Look) -> PathBuf {
    if look == Look::default() {
        return figures.to_owned();
    }
    figures.join(format!("{:?}-{:?}", look.size, look.theme).to_lowercase())
}

fn save(path: &Path, bytes: &[u8]) -> Result<(), PlotError> {
    atomic_file::write(path, bytes).map_err(|source| PlotError::Write { path: path.to_owned(), source })
}

fn write(figure: &Figure, out: &Path, wanted: &Wanted) -> Result<FigureFile, PlotError> {
    let fault = |message: String| PlotError::Draw { figure: figure.name.clone(), message };
    let path = |extension: &str| out.join(format!("{}.{extension}", figure.name));
    let csv = path("csv");
    save(&csv, &figure.csv().map_err(|e| fault(e.to_string()))?)?;
    let mut scene = Cow::Borrowed(&figure.scene);
    if wanted.look.size == Size::Slide {
        scene = Cow::Owned(with_title(figure));
    }
    if wanted.bare {
        scene.to_mut().data.clear();
    }
    let mut pictures = Vec::new();
    for format in &wanted.formats {
        let bytes =
            output::bytes(&scene, *format, wanted.look, &figure.title, &figure.caption).map_err(fault)?;
        let picture = path(format.extension());
        save(&picture, &bytes)?;
        pictures.push(picture);
    }
    let info = FigureInfo {
        name: figure.name.clone(),
        title: figure.title.clone(),
        caption: figure.caption.clone(),
    };
    Ok(FigureFile { info, pictures, csv })
}

/// The picture with its title above: a slide has no caption.
fn with_title(figure: &Figure) -> Scene {
    const HEAD: f64 = NORMAL + 2.5;
    let mut scene = figure.scene.clone();
    let lines = wrap(&figure.title, scene.width - 20.0, HEAD, true);
    scene.lower(10.0 + lines.len() as f64 * (HEAD + 4.0));
    for (i, line) in lines.into_iter().enumerate() {
        scene.bold((10.0, 20.0 + i as f64 * (HEAD + 4.0)), line, HEAD, Align::Left, BLACK);
    }
    scene
}
