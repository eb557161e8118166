//! A figure as a list of plain marks; [`super::output`] writes it in every format.
//!
//! Lengths are units of the sheet, from the top left corner; what a unit is on paper is the [`super::sheet::Size`]'s.

use super::series::{Point, Series};
use super::theme::{Dash, Ink, Pen, Shape};
use crate::foundation::format::visible;

pub use super::font::text_width;

/// A place, from the top left corner.
pub type Place = (f64, f64);

/// Which end of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Its start.
    Left,
    /// Its middle.
    Centre,
    /// Its end.
    Right,
}

impl Align {
    /// Where a text of this width begins that stands at `at`.
    pub fn start(self, at: f64, width: f64) -> f64 {
        match self {
            Self::Left => at,
            Self::Centre => at - width / 2.0,
            Self::Right => at - width,
        }
    }
}

/// One thing drawn.
#[derive(Debug, Clone, PartialEq)]
pub enum Mark {
    /// A line through the points.
    Line {
        /// The points.
        points: Vec<Place>,
        /// Its colour.
        ink: Ink,
        /// Its width.
        width: f64,
        /// Its dashes.
        dash: Dash,
    },
    /// A filled polygon.
    Area {
        /// Its corners.
        points: Vec<Place>,
        /// Its colour.
        ink: Ink,
    },
    /// A filled shape.
    Dot {
        /// Its centre.
        at: Place,
        /// Its radius.
        radius: f64,
        /// Its colour.
        ink: Ink,
        /// Its shape.
        shape: Shape,
    },
    /// A line of text.
    Text {
        /// Its place on the baseline.
        at: Place,
        /// What it says.
        text: String,
        /// Its size.
        size: f64,
        /// Whether it is bold.
        bold: bool,
        /// Which end stands at `at`.
        align: Align,
        /// Its colour.
        ink: Ink,
    },
}

/// The numbers that a mark was drawn from: one for each of its points.
#[derive(Debug, Clone, PartialEq)]
pub struct Data {
    /// Which mark of the scene.
    pub mark: usize,
    /// Name of the series.
    pub name: String,
    /// The numbers, as they stand in the CSV.
    pub points: Vec<Point>,
}

/// Marks on a page.
#[derive(Debug, Clone, PartialEq)]
pub struct Scene {
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// Marks, the later over the earlier.
    pub marks: Vec<Mark>,
    /// What marks were drawn from, in the order of the marks.
    pub data: Vec<Data>,
}

impl Scene {
    /// An empty page.
    pub fn new(width: f64, height: f64) -> Self {
        Self { width, height, marks: Vec::new(), data: Vec::new() }
    }

    /// Adds a line; fewer than two points draw nothing.
    pub fn line(&mut self, points: Vec<Place>, ink: Ink, width: f64) {
        self.dashed(points, ink, width, Dash::Solid);
    }

    /// Adds a line in dashes.
    pub fn dashed(&mut self, points: Vec<Place>, ink: Ink, width: f64, dash: Dash) {
        if points.len() > 1 {
            self.marks.push(Mark::Line { points, ink, width, dash });
        }
    }

    /// Adds a filled polygon.
    pub fn area(&mut self, points: Vec<Place>, ink: Ink) {
        if points.len() > 2 {
            self.marks.push(Mark::Area { points, ink });
        }
    }

    /// Adds a filled circle.
    pub fn dot(&mut self, at: Place, radius: f64, ink: Ink) {
        self.shape(at, radius, ink, Shape::Circle);
    }

    /// Adds a filled shape.
    pub fn shape(&mut self, at: Place, radius: f64, ink: Ink, shape: Shape) {
        self.marks.push(Mark::Dot { at, radius, ink, shape });
    }

    /// Adds regular text with its baseline at `at`; control characters and marks of direction are spelled out, in every format.
    pub fn text(&mut self, at: Place, text: impl AsRef<str>, size: f64, align: Align, ink: Ink) {
        self.marks.push(Mark::Text { at, text: visible(text.as_ref()), size, bold: false, align, ink });
    }

    /// The same in bold.
    pub fn bold(&mut self, at: Place, text: impl AsRef<str>, size: f64, align: Align, ink: Ink) {
        self.marks.push(Mark::Text { at, text: visible(text.as_ref()), size, bold: true, align, ink });
    }

    /// The sign of a series: a piece of its line with its marker, from `left` on.
    pub fn sign(&mut self, (left, y): Place, length: f64, pen: Pen, width: f64) {
        self.dashed(vec![(left, y), (left + length, y)], pen.ink, width, pen.dash);
        self.shape((left + length / 2.0, y), 3.2, pen.ink, pen.shape);
    }

    /// Says what the last mark was drawn from: `points` are the series' from `first` on, one for each of the mark's.
    pub fn drawn_from(&mut self, series: &Series, points: &[Point]) {
        if let Some(mark) = self.marks.len().checked_sub(1) {
            self.data.push(Data { mark, name: series.name.clone(), points: points.to_vec() });
        }
    }

    /// Moves all that was drawn down, and makes room for it.
    pub fn lower(&mut self, by: f64) {
        for mark in &mut self.marks {
            match mark {
                Mark::Line { points, .. } | Mark::Area { points, .. } => {
                    points.iter_mut().for_each(|place| place.1 += by);
                }
                Mark::Dot { at, .. } | Mark::Text { at, .. } => at.1 += by,
            }
        }
        self.height += by;
    }
}

/// Corners of a shape around the origin that covers about as much as a disc of radius 1; nothing for the disc.
pub(super) fn corners(shape: Shape) -> &'static [Place] {
    const S: f64 = 0.89;
    const T: f64 = 0.38;
    match shape {
        Shape::Circle => &[],
        Shape::Square => &[(-S, -S), (S, -S), (S, S), (-S, S)],
        Shape::Up => &[(0.0, -1.25), (1.2, 0.85), (-1.2, 0.85)],
        Shape::Down => &[(0.0, 1.25), (-1.2, -0.85), (1.2, -0.85)],
        Shape::Left => &[(-1.25, 0.0), (0.85, 1.2), (0.85, -1.2)],
        Shape::Right => &[(1.25, 0.0), (-0.85, -1.2), (-0.85, 1.2)],
        Shape::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
        Shape::Plus => &[
            (-T, -1.3),
            (T, -1.3),
            (T, -T),
            (1.3, -T),
            (1.3, T),
            (T, T),
            (T, 1.3),
            (-T, 1.3),
            (-T, T),
            (-1.3, T),
            (-1.3, -T),
            (-T, -T),
        ],
    }
}
