//! Figures of a run folder, each as SVG, as PNG, and as the CSV it was drawn from.
//!
//! A figure turns tables into [`series::Series`], lays them out as a [`scene::Scene`] of plain marks, and one function,
//! generic over the plotters backend, draws the scene: both formats show the same thing. What a folder cannot carry is left
//! out with a reason, never drawn from stand-in numbers. One figure = one file, one row in [`figures::FIGURES`]. The closed
//! forms, which have no run folder, are drawn as a [`chart::Chart`], a reward log's tail as a
//! [`tail_page::TailPage`].

pub mod axes;
pub mod chart;
pub mod figures;
pub mod gallery;
pub mod labels;
pub mod phases;
pub mod scale;
pub mod scene;
pub mod series;
pub mod tail_page;
pub mod theme;

mod agreement;
mod arms;
mod catch_rate;
mod collapse;
mod fitting;
mod hill;
mod over_optimisation;
mod responses;
mod survival;
mod sweep;
mod training;

pub use figures::{Drawn, FigureFile, draw_all};

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
    /// A file whose extension says no format that a chart can be written in.
    #[error("cannot tell the format of `{}`: end its name in .svg or .png", path.display())]
    Format {
        /// The file.
        path: PathBuf,
    },
    /// The drawing library refused.
    #[error("cannot draw figure `{figure}`: {message}")]
    Draw {
        /// The figure.
        figure: String,
        /// What the library said.
        message: String,
    },
}
