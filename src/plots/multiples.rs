//! Small multiples: panels of one size in rows, each with its head above.

use super::axes::Below;
use super::fitting::wrap;
use super::scene::{Align, Scene};
use super::sheet::Size;
use super::theme::{Ink, SMALL};

/// From a cell's left edge to its panel, and from the panel to the next cell.
const LEFT: f64 = 46.0;
const RIGHT: f64 = 18.0;
/// Below a panel: tick labels; and below the lowest the title.
pub(super) const BELOW: f64 = 34.0;
pub(super) const TITLE: f64 = 16.0;
const LINE: f64 = SMALL + 2.0;

/// What stands below the i-th of so many panels in so many columns: numbers, and the title once in each column, under its lowest panel.
pub(super) fn below(i: usize, (columns, panels): (usize, usize), title: &str) -> Below<'_> {
    Below::Title(if i + columns >= panels { title } else { "" })
}

/// A line of a head: what it says, in which colour, and whether it is bold.
pub(super) type Line = (String, Ink, bool);

/// Where the panels stand.
pub(super) struct Multiples {
    columns: usize,
    cell: f64,
    heads: Vec<Vec<Line>>,
    /// Height of the heads, of a panel, and where the first head begins.
    above: f64,
    height: f64,
    start: f64,
}

impl Multiples {
    /// One panel a head below `start`, at most `columns` beside each other and at most `height` high.
    pub fn new(heads: &[Vec<Line>], size: Size, start: f64, height: f64, columns: usize) -> Self {
        let width = size.width();
        let fitting = ((width / size.narrowest()) as usize).clamp(1, columns.max(1));
        let columns = heads.len().clamp(1, fitting);
        let cell = (width - 10.0) / columns as f64;
        let broken = |(text, ink, bold): &Line| {
            let lines = wrap(text, cell - LEFT - RIGHT, SMALL, *bold);
            lines.into_iter().map(|line| (line, *ink, *bold)).collect::<Vec<Line>>()
        };
        let heads: Vec<Vec<Line>> = heads.iter().map(|head| head.iter().flat_map(broken).collect()).collect();
        let above = heads.iter().map(Vec::len).max().unwrap_or(0) as f64 * LINE + 6.0;
        let height = size.height(start + TITLE, heads.len().div_ceil(columns), above + BELOW, height);
        Self { columns, cell, heads, above, height, start }
    }

    /// Left, upper, right and lower edge of a panel.
    pub fn edges(&self, i: usize) -> (f64, f64, f64, f64) {
        let left = LEFT + (i % self.columns) as f64 * self.cell;
        let top = self.start + self.above + (i / self.columns) as f64 * (self.height + self.above + BELOW);
        (left, top, left + self.cell - LEFT - RIGHT, top + self.height)
    }

    /// Writes a panel's head, above it.
    pub fn head(&self, scene: &mut Scene, i: usize) {
        let (left, top, ..) = self.edges(i);
        for (line, (text, ink, bold)) in self.heads.get(i).into_iter().flatten().rev().enumerate() {
            let at = (left, top - 9.0 - line as f64 * LINE);
            if *bold {
                scene.bold(at, text.as_str(), SMALL, Align::Left, *ink);
            } else {
                scene.text(at, text.as_str(), SMALL, Align::Left, *ink);
            }
        }
    }

    /// What stands below a panel.
    pub fn below<'a>(&self, i: usize, title: &'a str) -> Below<'a> {
        below(i, (self.columns, self.heads.len()), title)
    }

    /// Where the last row ends.
    pub fn end(&self) -> f64 {
        let rows = self.heads.len().div_ceil(self.columns) as f64;
        self.start + rows * (self.height + self.above + BELOW) + TITLE + 4.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_column_has_its_title_once() {
        let titled: Vec<usize> = (0..5).filter(|i| below(*i, (2, 5), "u") == Below::Title("u")).collect();
        assert_eq!(titled, [3, 4]);
        assert_eq!(below(0, (2, 5), "u"), Below::Title(""));
        assert_eq!(below(0, (1, 1), "u"), Below::Title("u"));
    }
}
