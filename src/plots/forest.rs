//! Rows of estimates with their intervals, each with its whole name: what categories have instead of an axis.

use super::axes::{Below, Panel};
use super::fitting::wrap;
use super::scale::Scale;
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::theme::{BLACK, Dash, GREY, GRID, HAIR, NORMAL, Pen, SILVER, SMALL, Shape, WHITE};

/// Height of an estimate, of a line of a name, and of what stands between rows.
const ONE: f64 = 13.0;
const LINE: f64 = 13.5;
const AROUND: f64 = 6.0;
/// Largest share of the width that names take.
const NAMES: f64 = 0.4;

/// One estimate of a row.
pub struct Entry {
    /// How it is drawn.
    pub pen: Pen,
    /// Its series, for the picture's numbers.
    pub series: String,
    /// Position and estimate with its interval.
    pub point: Point,
    /// Single runs.
    pub dots: Vec<f64>,
}

/// One row.
pub struct Row {
    /// Its whole name.
    pub name: String,
    /// Its estimates, from above.
    pub entries: Vec<Entry>,
}

/// Draws the rows from `top` on, over one scale; gives where they end, with the axis' title.
pub fn draw(
    scene: &mut Scene,
    top: f64,
    title: &str,
    rows: &[Row],
    scale: Scale,
    level: Option<(f64, &str)>,
) -> f64 {
    let width = scene.width;
    let widest = rows.iter().map(|row| super::scene::text_width(&row.name, SMALL, false)).fold(0.0, f64::max);
    let names = widest.min(NAMES * width - 24.0);
    let lines: Vec<Vec<String>> = rows.iter().map(|row| wrap(&row.name, names, SMALL, false)).collect();
    let heights: Vec<f64> = rows
        .iter()
        .zip(&lines)
        .map(|(row, lines)| (row.entries.len() as f64 * ONE).max(lines.len() as f64 * LINE) + AROUND)
        .collect();
    let heads = wrap(title, width - 20.0, NORMAL, true);
    for (i, head) in heads.iter().enumerate() {
        scene.bold((10.0, top + i as f64 * (NORMAL + 3.0)), head.as_str(), NORMAL, Align::Left, BLACK);
    }
    let top = top + heads.len() as f64 * (NORMAL + 3.0) - 6.0;
    let bottom = top + heights.iter().sum::<f64>() + 2.0;
    let panel = Panel { left: 24.0 + names, top, right: width - 18.0, bottom, x: scale, y: scale };
    let at = |value: f64| panel.left + scale.unit(value) * (panel.right - panel.left);
    panel.horizontal(scene, Below::Title(level.map_or("", |(_, name)| name)));
    if let Some((value, _)) = level {
        scene.dashed(vec![(at(value), top), (at(value), bottom)], SILVER, 1.0, Dash::Dashed);
    }
    let (low, high) = scale.ends();
    let mut upper = top;
    for ((row, lines), height) in rows.iter().zip(&lines).zip(heights) {
        scene.line(vec![(panel.left, upper), (panel.right, upper)], GRID, HAIR);
        let first = upper + height / 2.0 - (lines.len() as f64 - 1.0) * LINE / 2.0 + 0.36 * SMALL;
        for (i, line) in lines.iter().enumerate() {
            scene.text((10.0, first + i as f64 * LINE), line.as_str(), SMALL, Align::Left, GREY);
        }
        let first = upper + height / 2.0 - (row.entries.len() as f64 - 1.0) * ONE / 2.0;
        for (i, entry) in row.entries.iter().enumerate() {
            let y = first + i as f64 * ONE;
            for dot in &entry.dots {
                let (radius, shape) = match dot {
                    dot if *dot < low => (2.4, Shape::Left),
                    dot if *dot > high => (2.4, Shape::Right),
                    _ => (1.6, Shape::Circle),
                };
                scene.shape((at(*dot), y), radius, entry.pen.ink.at(0.3), shape);
                let one = Series::new("", format!("{} (run)", entry.series), []);
                scene.drawn_from(&one, &[Point::new(entry.point.x, *dot)]);
            }
            if let (Some(low), Some(high)) = (entry.point.low, entry.point.high) {
                scene.line(vec![(at(low), y), (at(high), y)], entry.pen.ink, 1.5);
            }
            scene.shape((at(entry.point.y), y), 4.4, WHITE, entry.pen.shape);
            scene.shape((at(entry.point.y), y), 3.4, entry.pen.ink, entry.pen.shape);
            scene.drawn_from(&Series::new("", entry.series.as_str(), []), &[entry.point]);
        }
        upper += height;
    }
    bottom + 50.0
}
