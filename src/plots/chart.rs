//! A line chart of closed forms: curves named at their right ends, points of interest as labelled dots.

use super::PlotError;
use super::axes::{Below, End, INDENT, Panel};
use super::fitting::wrap;
use super::labels::{self, Naming};
use super::output::{self, Format, Look};
use super::scale::{Kind, Scale};
use super::scene::{Align, Place, Scene, text_width};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, GREY, Ink, LINE, NORMAL, Pen, SMALL, WHITE, pen};
use crate::foundation::atomic_file;
use std::path::Path;

/// Height of the panel, in units, and the largest share of the width that it takes.
const HEIGHT: f64 = 300.0;
const SHARE: f64 = 0.45;
/// Distance of a mark's label from its dot.
const OFF: f64 = 7.0;

/// Curves on two axes.
#[derive(Debug, Clone, PartialEq)]
pub struct Chart {
    /// What it shows, in a few words.
    pub title: String,
    /// How to read it; stands below the picture.
    pub caption: String,
    /// Label and kind of the horizontal axis.
    pub x: (String, Kind),
    /// Label and kind of the vertical axis.
    pub y: (String, Kind),
    /// The curves, in the order of their colours.
    pub curves: Vec<Curve>,
    /// Points of interest, drawn over the curves.
    pub marks: Vec<Mark>,
}

/// A line through points.
#[derive(Debug, Clone, PartialEq)]
pub struct Curve {
    /// Its name, written at its right end; empty for none.
    pub name: String,
    /// (x, y) in drawing order. Where one is not finite, or not above 0 on a logarithmic axis, the line has a gap.
    pub points: Vec<(f64, f64)>,
}

/// A labelled dot; one that lies on no axis is not drawn.
#[derive(Debug, Clone, PartialEq)]
pub struct Mark {
    /// Horizontal.
    pub x: f64,
    /// Vertical.
    pub y: f64,
    /// What is written beside it; empty for nothing.
    pub label: String,
}

/// Writes a chart as `.svg`, `.png` or `.pdf`, after the file's extension.
///
/// # Errors
/// Another extension; a chart without a point that its axes can hold; a file that cannot be written.
pub fn write(chart: &Chart, path: &Path) -> Result<(), PlotError> {
    save(&chart.title, &chart.caption, path, || draw(chart, Size::default()))
}

/// A chart for a page of the book, as SVG: as wide as a column, light or dark as its reader has it, in the reader's fonts, and without
/// title and caption, which the page has.
///
/// # Errors
/// A chart without a point that its axes can hold.
pub fn inset(chart: &Chart) -> Result<String, PlotError> {
    let bare = Chart { title: String::new(), caption: String::new(), ..chart.clone() };
    let mut scene = draw(&bare, Size::Column).ok_or_else(|| nothing(&chart.title))?;
    scene.data.clear();
    Ok(output::inset(&scene, Size::Column, &chart.title, &chart.caption))
}

fn nothing(title: &str) -> PlotError {
    let message = "no point can be shown on its axes".to_owned();
    PlotError::Draw { figure: title.to_owned(), message }
}

/// Writes one scene in the format of the file's extension, which is looked at before anything is drawn.
pub(super) fn save(
    title: &str,
    caption: &str,
    path: &Path,
    draw: impl FnOnce() -> Option<Scene>,
) -> Result<(), PlotError> {
    let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
    let format = Format::ALL.into_iter().find(|format| format.extension() == extension);
    let format = format.ok_or_else(|| PlotError::Format { path: path.to_owned() })?;
    let fault = |message: String| PlotError::Draw { figure: title.to_owned(), message };
    let scene = draw().ok_or_else(|| nothing(title))?;
    let bytes = output::bytes(&scene, format, Look::default(), title, caption).map_err(fault)?;
    atomic_file::write(path, &bytes).map_err(|source| PlotError::Write { path: path.to_owned(), source })
}

/// The chart's picture; `None` where the axes can hold none of its points.
fn draw(chart: &Chart, size: Size) -> Option<Scene> {
    let fits = |value: f64, kind: Kind| {
        value.is_finite() && (kind == Kind::Linear || value > 0.0 || (kind == Kind::Sqrt && value == 0.0))
    };
    let shown = |(x, y): (f64, f64)| fits(x, chart.x.1) && fits(y, chart.y.1);
    let marks: Vec<&Mark> = chart.marks.iter().filter(|m| shown((m.x, m.y))).collect();
    let points: Vec<(f64, f64)> = (chart.curves.iter().flat_map(|c| c.points.iter().copied()))
        .filter(|point| shown(*point))
        .chain(marks.iter().map(|m| (m.x, m.y)))
        .collect();
    let x = horizontal(chart.x.1, points.iter().map(|p| p.0))?;
    let y = vertical(chart.y.1, points.iter().map(|p| p.1))?;
    let width = size.width();
    let height = HEIGHT.min(SHARE * width);
    let naming = Naming::of(
        chart.curves.iter().map(|c| c.name.as_str()).filter(|name| !name.is_empty()).collect::<Vec<_>>(),
        width,
        height,
    );
    let mut scene = Scene::new(width, 0.0);
    let titled = !chart.title.is_empty();
    let mut top = if titled { 24.0 } else { 14.0 };
    for text in wrap(&chart.title, width - 20.0, NORMAL + 1.5, true).into_iter().filter(|_| titled) {
        scene.bold((10.0, top - 4.0), text, NORMAL + 1.5, Align::Left, BLACK);
        top += NORMAL + 5.0;
    }
    top += 24.0;
    let pens: Vec<(String, Pen)> =
        chart.curves.iter().enumerate().map(|(i, c)| (c.name.clone(), pen(i))).collect();
    if naming == Naming::Above {
        let named: Vec<(String, Pen)> = pens.iter().filter(|(name, _)| !name.is_empty()).cloned().collect();
        top += labels::key(&mut scene, 10.0, width - 10.0, top - 34.0, &named);
    }
    let left = INDENT + 10.0;
    let panel = Panel { left, top, right: width - naming.room().max(26.0), bottom: top + height, x, y };
    panel.frame(&mut scene, &chart.y.0, Below::Title(&chart.x.0));
    let mut ends: Vec<End> = Vec::new();
    let mut inked: Vec<Place> = Vec::new();
    for (curve, (_, pen)) in chart.curves.iter().zip(&pens) {
        for run in curve.points.split(|point| !shown(*point)).filter(|run| !run.is_empty()) {
            let places: Vec<Place> = run.iter().map(|(x, y)| panel.place(*x, *y)).collect();
            if let [alone] = places[..] {
                scene.shape(alone, LINE, pen.ink, pen.shape);
            }
            inked.extend(between(&places));
            let series = Series::new("", curve.name.clone(), run.iter().map(|(x, y)| Point::new(*x, *y)));
            if series.points.len() > 1 {
                scene.dashed(places, pen.ink, LINE, pen.dash);
                scene.drawn_from(&series, &series.points);
            }
        }
        let last = curve.points.iter().rfind(|point| shown(**point));
        if let Some((x, y)) = last.filter(|_| !curve.name.is_empty()) {
            ends.push((panel.place(*x, *y), curve.name.clone(), *pen));
        }
    }
    if matches!(naming, Naming::Beside(_)) {
        labels::at_right(&mut scene, &panel, &ends);
    }
    mark(&mut scene, &panel, &marks, inked);
    close(&mut scene, panel.bottom, &chart.caption);
    Some(scene)
}

/// Writes the caption below a panel that ends at `bottom` with its axis' title, and ends the page there.
pub(super) fn close(scene: &mut Scene, bottom: f64, caption: &str) {
    let mut line = bottom + 26.0 + SMALL + NORMAL;
    for text in wrap(caption, scene.width - 20.0, SMALL, false) {
        line += SMALL + 4.0;
        scene.text((10.0, line), text, SMALL, Align::Left, GREY);
    }
    // Whole pixels: the PNG has no other.
    scene.height = (line + 14.0).ceil();
}

/// A horizontal axis ends where its data end: a margin would tell of arguments that nobody asked about.
fn horizontal(kind: Kind, values: impl Iterator<Item = f64> + Clone) -> Option<Scale> {
    let ends = |(low, high): (f64, f64), x: f64| (low.min(x), high.max(x));
    let (low, high) = values.clone().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    Scale::exact(kind, low, high).or_else(|| Scale::over(kind, values))
}

/// A linear vertical axis of values from near 0 upwards begins at 0.
fn vertical(kind: Kind, values: impl Iterator<Item = f64> + Clone) -> Option<Scale> {
    let scale = Scale::over(kind, values.clone())?;
    let lowest = values.fold(f64::INFINITY, f64::min);
    let (_, high) = scale.ends();
    let from_zero = kind == Kind::Linear && lowest >= 0.0 && lowest < 0.3 * high;
    Some(Scale::exact(kind, 0.0, high).filter(|_| from_zero).unwrap_or(scale))
}

/// Places along a line, at most 4 pixels apart.
fn between(places: &[Place]) -> Vec<Place> {
    let steps = |a: Place, b: Place| ((b.0 - a.0).hypot(b.1 - a.1) / 4.0).ceil().max(1.0);
    let along = |(a, b): (Place, Place)| {
        let n = steps(a, b);
        (0..=n as usize).map(move |i| {
            let share = i as f64 / n;
            (a.0 + share * (b.0 - a.0), a.1 + share * (b.1 - a.1))
        })
    };
    places.windows(2).flat_map(|pair| along((pair[0], pair[1]))).collect()
}

/// Dots with their labels, each where it covers the least of the curves and of what was labelled before.
fn mark(scene: &mut Scene, panel: &Panel, marks: &[&Mark], mut inked: Vec<Place>) {
    let ink = Ink { alpha: 1.0, ..BLACK };
    let dots: Vec<Place> = marks.iter().map(|m| panel.place(m.x, m.y)).collect();
    inked.extend(&dots);
    for (mark, dot) in marks.iter().zip(dots) {
        scene.dot(dot, 5.2, WHITE);
        scene.dot(dot, 4.0, ink);
        if mark.label.is_empty() {
            continue;
        }
        let width = text_width(&mark.label, SMALL, false);
        let rooms = [(1.0, -1.0), (-1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(side, below)| {
            let left = if side > 0.0 { dot.0 + OFF } else { dot.0 - OFF - width };
            let middle = dot.1 + below * (OFF + 0.5 * SMALL);
            (left, middle)
        });
        let covered = |&(left, middle): &(f64, f64)| {
            let across = |x: f64| x > left - 3.0 && x < left + width + 3.0;
            let over = inked.iter().filter(|p| across(p.0) && (p.1 - middle).abs() < 0.8 * SMALL).count();
            let outside = left < panel.left + 2.0
                || left + width > panel.right
                || middle < panel.top
                || middle > panel.bottom - SMALL;
            over + if outside { 1000 } else { 0 }
        };
        let Some((left, middle)) = rooms.into_iter().min_by_key(covered) else { continue };
        // Where it must stand on a curve, the curve pales below it.
        let (right, half) = (left + width + 2.0, 0.55 * SMALL);
        let corners = [(left - 2.0, -half), (right, -half), (right, half), (left - 2.0, half)];
        scene.area(corners.map(|(x, off)| (x, middle + off)).to_vec(), WHITE.at(0.75));
        scene.text((left, middle + 0.36 * SMALL), mark.label.as_str(), SMALL, Align::Left, ink);
        inked.extend(between(&[(left, middle), (left + width, middle)]));
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark as Drawn;
    use super::*;

    fn chart(points: Vec<(f64, f64)>) -> Chart {
        Chart {
            title: "Title".to_owned(),
            caption: "Words ".repeat(60),
            x: ("x".to_owned(), Kind::Log),
            y: ("y".to_owned(), Kind::Linear),
            curves: vec![Curve { name: "curve".to_owned(), points }],
            marks: vec![Mark { x: 10.0, y: 2.0, label: "here".to_owned() }],
        }
    }

    fn lines(scene: &Scene) -> Vec<usize> {
        let of = |mark: &Drawn| match mark {
            Drawn::Line { points, width, .. } if *width == LINE => Some(points.len()),
            _ => None,
        };
        scene.marks.iter().filter_map(of).collect()
    }

    #[test]
    fn what_an_axis_cannot_hold_is_a_gap() {
        let points =
            [(0.0, 1.0), (1.0, 1.0), (2.0, 1.5), (3.0, f64::NAN), (4.0, 2.0), (5.0, 3.0), (6.0, 1.0)];
        let scene = draw(&chart(points.to_vec()), Size::default()).unwrap();
        assert_eq!(lines(&scene), [2, 3]);
        let text = |wanted: &str| {
            scene.marks.iter().any(|m| matches!(m, Drawn::Text { text, .. } if text == wanted))
        };
        assert!(text("curve") && text("here") && text("Title") && text("x") && text("y"));
    }

    #[test]
    fn labels_of_marks_stay_in_the_panel_and_off_the_curve() {
        let rising: Vec<(f64, f64)> = (1..=100).map(|i| (f64::from(i), f64::from(i))).collect();
        let mut chart = chart(rising);
        chart.marks = vec![Mark { x: 100.0, y: 100.0, label: "the end of it".to_owned() }];
        let scene = draw(&chart, Size::default()).unwrap();
        let place = scene.marks.iter().find_map(|m| match m {
            Drawn::Text { at, text, .. } if text == "the end of it" => Some(*at),
            _ => None,
        });
        let dot = scene.marks.iter().rev().find_map(|m| match m {
            Drawn::Dot { at, .. } => Some(*at),
            _ => None,
        });
        let (place, dot) = (place.unwrap(), dot.unwrap());
        assert!(
            place.0 + text_width("the end of it", SMALL, false) < dot.0 && place.1 < dot.1,
            "{place:?} {dot:?}"
        );
    }

    #[test]
    fn an_inset_is_narrow_small_and_follows_the_reader() {
        let mut chart = chart((1..=60).map(|i| (f64::from(i), f64::from(i).ln())).collect());
        chart.curves[0].name = "a name too long to stand beside a panel in a column".to_owned();
        let svg = inset(&chart).unwrap();
        assert!(svg.starts_with("<svg width=\"234pt\"") && svg.len() < 8_000, "{} {svg}", svg.len());
        assert!(
            svg.contains("prefers-color-scheme: dark")
                && !svg.contains("font-face")
                && !svg.contains("data-v")
        );
        // Whoever cannot see it is told; in the picture stand neither title nor caption.
        assert!(
            svg.contains("<title>Title</title>")
                && svg.contains("<desc>Words ")
                && !svg.contains(">Title</text>")
        );
        for tone in svg.split("fill=\"#").skip(1).map(|rest| &rest[..6]) {
            assert!(svg.contains(&format!("[fill=\"#{tone}\"]")), "{tone} stays as it is in the dark");
        }
    }

    #[test]
    fn the_extension_says_how_it_is_written() {
        let folder = tempfile::tempdir().unwrap();
        let chart = chart(vec![(1.0, 1.0), (100.0, 3.0)]);
        for (name, start) in [("a.svg", &b"<svg"[..]), ("a.PNG", &b"\x89PNG"[..]), ("a.pdf", &b"%PDF"[..])] {
            let path = folder.path().join(name);
            write(&chart, &path).unwrap();
            assert!(std::fs::read(path).unwrap().starts_with(start), "{name}");
        }
        for name in ["a.gif", "a", ".svg"] {
            let message = write(&chart, &folder.path().join(name)).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains(".svg, .png or .pdf"), "{message}");
        }
        for name in ["none/a.svg", "none/a.png"] {
            let message = write(&chart, &folder.path().join(name)).unwrap_err().to_string();
            assert!(message.contains(name) && message.contains("writable"), "{message}");
        }
    }

    #[test]
    fn a_chart_of_nothing_is_refused() {
        let mut empty = chart(vec![(-1.0, 1.0), (1.0, f64::INFINITY)]);
        empty.marks.clear();
        assert_eq!(draw(&empty, Size::default()), None);
        assert!(inset(&empty).unwrap_err().to_string().contains("no point"));
        let message = write(&empty, Path::new("a.svg")).unwrap_err().to_string();
        assert!(message.contains("no point"), "{message}");
    }
}
