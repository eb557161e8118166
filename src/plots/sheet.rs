//! How large a picture is printed.
//!
//! A scene is laid out in units of .65 pt on paper (1.25 pt on a slide): text of [`super::theme::SMALL`] units then has 7.5 pt at every
//! printed size, and a wider sheet holds more of them.

use clap::ValueEnum;

/// What a picture is printed on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Size {
    /// One column of a two-column paper: 3.25 in
    Column,
    /// Both columns: 7 in
    Two,
    /// A slide: 10 in, its title in the picture
    Slide,
    /// The text width of a page: 6.5 in
    #[default]
    Page,
}

/// Pixels per inch of a PNG.
pub const DPI: f64 = 300.0;
/// Points per inch.
const POINTS: f64 = 72.0;

impl Size {
    /// Printed width, in inches.
    pub fn inches(self) -> f64 {
        match self {
            Self::Column => 3.25,
            Self::Two => 7.0,
            Self::Slide => 10.0,
            Self::Page => 6.5,
        }
    }

    /// Points per unit of the scene.
    pub fn unit(self) -> f64 {
        if self == Self::Slide { 1.25 } else { 0.65 }
    }

    /// Width of the scene, in units.
    pub fn width(self) -> f64 {
        self.inches() * POINTS / self.unit()
    }

    /// Pixels of a PNG per unit.
    pub fn pixels(self) -> f64 {
        // Projectors have no more.
        let dpi = if self == Self::Slide { 192.0 } else { DPI };
        self.unit() / POINTS * dpi
    }

    /// Least width of a small multiple, in units: two stand beside each other in a column.
    pub fn narrowest(self) -> f64 {
        if self.is_wide() { 225.0 } else { 165.0 }
    }

    /// Height below `start`, in units: a column's figure is printed on one page of paper, a wider one is as long as it needs to be.
    fn left(self, start: f64) -> f64 {
        const PAPER: f64 = 9.0;
        if self.is_wide() { f64::INFINITY } else { PAPER * POINTS / self.unit() - start - 8.0 }
    }

    /// How many rows of small multiples, each so high, find room below `start`.
    pub fn rows(self, start: f64, row: f64) -> usize {
        ((self.left(start) / row) as usize).max(1)
    }

    /// The height `wanted` of panels, or what is left to each of so many rows of them with `around` above and below; never less than is legible.
    pub fn height(self, start: f64, rows: usize, around: f64, wanted: f64) -> f64 {
        const LEAST: f64 = 100.0;
        wanted.min((self.left(start) / rows.max(1) as f64 - around).max(LEAST))
    }

    /// Whether two panels stand beside each other legibly.
    pub fn is_wide(self) -> bool {
        self.width() >= 500.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plots::theme::SMALL;

    #[test]
    fn text_has_seven_points_at_every_printed_size() {
        for size in [Size::Column, Size::Two, Size::Slide, Size::Page] {
            assert!(SMALL * size.unit() >= 7.0, "{size:?}");
            assert!((size.width() * size.unit() / 72.0 - size.inches()).abs() < 1e-12);
        }
        assert_eq!(Size::Page.width(), 720.0);
        assert!(2.0 * Size::Column.narrowest() < Size::Column.width());
        // 9 in are 996.9 units.
        assert_eq!((Size::Column.rows(80.0, 250.0), Size::Column.rows(0.0, 5000.0)), (3, 1));
        assert_eq!(Size::Page.rows(80.0, 250.0), usize::MAX);
        assert_eq!(Size::Page.height(80.0, 9, 80.0, 190.0), 190.0);
        assert!((Size::Column.height(80.0, 4, 80.0, 190.0) - (996.923 - 88.0) / 4.0 + 80.0).abs() < 0.01);
        assert_eq!(Size::Column.height(80.0, 9, 80.0, 190.0), 100.0);
    }
}
