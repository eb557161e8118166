//! Figures of a run folder, each as SVG, as PNG, and as the CSV it was drawn from.
//!
//! A figure turns tables into [`series::Series`] and lays them out, on a sheet of a printed size, as a [`scene::Scene`] of plain
//! marks, which [`output`] writes as SVG, PNG and PDF: all show the same thing. What a folder cannot carry is left
//! out with a reason, never drawn from stand-in numbers. One figure = one file, one row in [`figures::FIGURES`]. The closed
//! forms, which have no run folder, are drawn as a [`chart::Chart`], a reward log's tail as a
//! [`tail_page::TailPage`].

pub mod alias;
pub mod axes;
pub mod chart;
pub mod figure;
pub mod figures;
pub mod font;
pub mod gallery;
pub mod labels;
pub mod output;
pub mod over_optimisation;
pub mod phases;
pub mod prevention;
pub mod scale;
pub mod scene;
pub mod series;
pub mod sheet;
pub mod tail_page;
pub mod theme;

mod agreement;
mod arms;
mod benign_looks;
mod catch_rate;
mod collapse;
mod early;
mod fitting;
mod forest;
mod heatmap;
mod hill;
mod kl_estimators;
mod merged;
mod multiples;
mod nested;
mod over_steps;
mod precision_recall;
mod race;
mod recovery;
mod responses;
mod scores;
mod shares;
mod survival;
mod sweep;
mod timing;
mod training;

pub use alias::Alias;
pub use figures::{Drawn, FigureFile, Wanted, draw_all};

use std::io;
use std::path::PathBuf;

/// Why a figure could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PlotError {
    /// A file or folder could not be written.
    #[error("cannot write {}: {source}; check that the folder is writable and the disk not full", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A gallery would write over something else.
    #[error("{} {problem}, and is not written over; give the gallery a folder of its own with --out", path.display())]
    Taken {
        /// The file or folder.
        path: PathBuf,
        /// What it is.
        problem: String,
    },
    /// A table could not be read: which, and what the system said.
    #[error("{0}")]
    Unread(String),
    /// A file whose extension says no format that a chart can be written in.
    #[error("cannot tell the format of `{}`: end its name in .svg, .png or .pdf", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// A name that no figure has.
    #[error("there is no figure `{name}`; there are {}", known.join(", "))]
    NoFigure {
        /// The name.
        name: String,
        /// Those there are.
        known: Vec<&'static str>,
    },
    /// The picture cannot be made.
    #[error("cannot draw figure `{figure}`: {message}")]
    Draw {
        /// The figure.
        figure: String,
        /// What is wrong.
        message: String,
    },
}
