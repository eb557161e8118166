//! A panel: a rectangle with two scales, thin axes on its left and lower side, and the data drawn in it.

use super::fitting::wrap;
use super::scale::{Scale, Tick};
use super::scene::{Align, Place, Scene, text_width};
use super::series::{Point, Series};
use super::theme::{self, BLACK, Dash, GREY, GRID, HAIR, Ink, NORMAL, Pen, SILVER, SMALL};

/// From one line of a name below the axis to the next.
const LINE_HEIGHT: f64 = SMALL + 2.5;

/// How far left of a panel its title begins.
pub const INDENT: f64 = 44.0;

/// What stands below the lower axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Below<'a> {
    /// Ticks only: the panel below shares the axis.
    Shared,
    /// Numbers and a title.
    Title(&'a str),
    /// Names at 0, 1, 2 … and a title.
    Names(&'a [String], &'a str),
}

/// Where data are drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Panel {
    /// Left edge.
    pub left: f64,
    /// Upper edge.
    pub top: f64,
    /// Right edge.
    pub right: f64,
    /// Lower edge.
    pub bottom: f64,
    /// Scale from left to right.
    pub x: Scale,
    /// Scale from the lower to the upper edge.
    pub y: Scale,
}

impl Panel {
    /// The place of a point; what lies outside the scales is held at the edge.
    pub fn place(&self, x: f64, y: f64) -> Place {
        let (u, v) = (self.x.unit(x), self.y.unit(y));
        (self.left + u * (self.right - self.left), self.bottom - v * (self.bottom - self.top))
    }

    /// Axes, ticks, grid and titles. The vertical axis is named above its upper end.
    pub fn frame(&self, scene: &mut Scene, y_title: &str, below: Below<'_>) {
        let count = (((self.bottom - self.top) / 32.0) as usize).clamp(3, 7);
        for tick in self.y.ticks(count) {
            let y = self.place(0.0, tick.value).1;
            let length = if tick.label.is_some() { 4.0 } else { 2.5 };
            scene.line(vec![(self.left - length, y), (self.left, y)], GREY, HAIR);
            if let Some(label) = tick.label {
                scene.line(vec![(self.left, y), (self.right, y)], GRID, HAIR);
                scene.text((self.left - 7.0, y + 0.36 * SMALL), label, SMALL, Align::Right, GREY);
            }
        }
        let title = (self.left - INDENT, self.top - 12.0);
        if !y_title.is_empty() {
            scene.bold(title, y_title, NORMAL, Align::Left, BLACK);
        }
        scene.line(vec![(self.left, self.top), (self.left, self.bottom)], GREY, HAIR);
        self.horizontal(scene, below);
    }

    /// The horizontal axis alone.
    pub(super) fn horizontal(&self, scene: &mut Scene, below: Below<'_>) {
        let count = (((self.right - self.left) / 70.0) as usize).clamp(2, 9);
        scene.line(vec![(self.left, self.bottom), (self.right, self.bottom)], GREY, HAIR);
        let mut lower = 0.0;
        let (ticks, title) = match below {
            Below::Shared => (self.x.ticks(count), None),
            Below::Title(title) => (self.x.ticks(count), Some(title)),
            Below::Names(names, title) => {
                let tick = |(i, lines): (usize, Vec<String>)| Tick {
                    value: i as f64,
                    label: Some(lines.join("\n")),
                };
                lower = self.overhang(names);
                (self.wrapped(names).enumerate().map(tick).collect(), Some(title))
            }
        };
        let mut free = f64::NEG_INFINITY;
        for tick in ticks {
            let x = self.place(tick.value, 0.0).0;
            let length = if tick.label.is_some() { 4.0 } else { 2.5 };
            scene.line(vec![(x, self.bottom), (x, self.bottom + length)], GREY, HAIR);
            if let (Some(label), Some(_)) = (tick.label, title) {
                let half = label.lines().map(|l| text_width(l, SMALL, false) / 2.0).fold(0.0, f64::max);
                if x - half > free {
                    for (i, line) in label.lines().enumerate() {
                        let y = self.bottom + 6.0 + SMALL + i as f64 * LINE_HEIGHT;
                        scene.text((x, y), line, SMALL, Align::Centre, GREY);
                    }
                    free = x + half + 6.0;
                }
            }
        }
        if let Some(title) = title.filter(|title| !title.is_empty()) {
            let at = ((self.left + self.right) / 2.0, self.bottom + 13.0 + SMALL + NORMAL + lower);
            scene.text(at, title, NORMAL, Align::Centre, BLACK);
        }
    }

    /// Names below the axis, each in as many lines as it takes.
    fn wrapped(&self, names: &[String]) -> impl Iterator<Item = Vec<String>> {
        let room = (self.right - self.left) / names.len().max(1) as f64 - 8.0;
        names.iter().map(move |name| wrap(name, room.max(14.0), SMALL, false))
    }

    /// Height that names below the axis take beyond one line.
    pub fn overhang(&self, names: &[String]) -> f64 {
        let lines = self.wrapped(names).map(|lines| lines.len()).max().unwrap_or(1);
        lines.saturating_sub(1) as f64 * LINE_HEIGHT
    }

    /// Places of a series' points.
    pub fn places(&self, points: &[Point]) -> Vec<Place> {
        points.iter().map(|p| self.place(p.x, p.y)).collect()
    }

    /// A series as a line, with its marker on some of the points: on each where they are few.
    pub fn line(&self, scene: &mut Scene, series: &Series, pen: Pen) {
        const MARKERS: usize = 5;
        let places = self.places(&series.points);
        if places.len() > 1 {
            scene.dashed(places.clone(), pen.ink, theme::LINE, pen.dash);
            scene.drawn_from(series, &series.points);
        }
        let stride = if places.len() <= 2 * MARKERS { 1 } else { places.len() / MARKERS };
        for (i, at) in places.iter().enumerate().skip(stride / 2).step_by(stride) {
            scene.shape(*at, 3.0, pen.ink, pen.shape);
            scene.drawn_from(series, &series.points[i..=i]);
        }
    }

    /// The band between a series' low and high; points without both have none.
    pub fn band(&self, scene: &mut Scene, series: &Series, ink: Ink) {
        for run in series.points.split(|p| p.low.is_none() || p.high.is_none()) {
            let low = run.iter().filter_map(|p| p.low.map(|y| self.place(p.x, y)));
            let high = run.iter().filter_map(|p| p.high.map(|y| self.place(p.x, y)));
            scene.area(high.chain(low.rev()).collect(), ink.at(theme::BAND));
        }
    }

    /// A marker with a whisker from low to high for every point.
    pub fn whiskers(&self, scene: &mut Scene, series: &Series, pen: Pen) {
        for (i, point) in series.points.iter().enumerate() {
            let at = self.place(point.x, point.y);
            if let (Some(low), Some(high)) = (point.low, point.high) {
                scene.line(vec![self.place(point.x, low), self.place(point.x, high)], pen.ink, 1.5);
            }
            scene.shape(at, 4.4, theme::WHITE, pen.shape);
            scene.shape(at, 3.4, pen.ink, pen.shape);
            scene.drawn_from(series, &series.points[i..=i]);
        }
    }

    /// A dashed horizontal line at `y`; gives its right end and name for [`super::labels::at_right`].
    pub fn level(&self, scene: &mut Scene, y: f64, name: &str) -> End {
        let (from, to) = (self.place(self.x.ends().0, y), self.place(self.x.ends().1, y));
        scene.dashed(vec![from, to], SILVER, 1.0, Dash::Dashed);
        (to, name.to_owned(), LEVEL)
    }

    /// Says in the middle of an empty panel why it is empty.
    pub fn empty(&self, scene: &mut Scene, why: &str) {
        let middle = ((self.left + self.right) / 2.0, (self.top + self.bottom) / 2.0);
        let lines = wrap(why, self.right - self.left - 8.0, SMALL, false);
        let first = middle.1 - (lines.len() as f64 - 1.0) * LINE_HEIGHT / 2.0;
        for (i, line) in lines.iter().enumerate() {
            scene.text((middle.0, first + i as f64 * LINE_HEIGHT), line.as_str(), SMALL, Align::Centre, GREY);
        }
    }
}

/// How levels are drawn.
pub const LEVEL: Pen = Pen { ink: SILVER, dash: Dash::Dashed, shape: theme::Shape::Circle };

/// Where a line ends, what it is called, and how it is drawn.
pub type End = (Place, String, Pen);

#[cfg(test)]
mod tests {
    use super::super::scale::Kind;
    use super::super::scene::Mark;
    use super::*;

    #[test]
    fn a_band_lies_between_the_ends_of_the_intervals_and_breaks_where_there_are_none() {
        let scale = Scale::exact(Kind::Linear, 0.0, 1.0).unwrap();
        let panel = Panel { left: 0.0, top: 0.0, right: 100.0, bottom: 100.0, x: scale, y: scale };
        let point = |x: f64| Point { x, y: 0.5, low: Some(0.25), high: Some(0.75) };
        let all = [point(0.0), point(0.25), Point::new(0.5, 0.5), point(0.75), point(1.0)];
        let mut scene = Scene::new(100.0, 100.0);
        panel.band(&mut scene, &Series::new("p", "s", all), BLACK);
        let bands: Vec<&Vec<Place>> = scene
            .marks
            .iter()
            .filter_map(|mark| match mark {
                Mark::Area { points, .. } => Some(points),
                _ => None,
            })
            .collect();
        assert_eq!(bands.len(), 2);
        assert_eq!(bands[0], &[(0.0, 25.0), (25.0, 25.0), (25.0, 75.0), (0.0, 75.0)]);
    }
}
