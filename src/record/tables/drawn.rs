//! The figures of a run folder, as their index tells them.

use serde::{Deserialize, Serialize};

/// Which figures there are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FigureIndex {
    /// Figures, in the order of the report.
    pub drawn: Vec<FigureInfo>,
    /// Figures that the run cannot carry.
    pub left_out: Vec<LeftOut>,
}

/// One figure; its files are `name.svg`, `name.png` and `name.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FigureInfo {
    /// File name without extension.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// How to read it.
    pub caption: String,
}

/// The figures of a run folder.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// Figures with their SVG, in the order of the report.
    pub drawn: Vec<(FigureInfo, String)>,
    /// The first of them as wide as a column, for narrow screens, where it was drawn so.
    pub narrow: Option<String>,
    /// Figures that the run cannot carry.
    pub left_out: Vec<LeftOut>,
}

/// A figure that was not drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LeftOut {
    /// Its name.
    pub name: String,
    /// Why.
    pub status: String,
}
