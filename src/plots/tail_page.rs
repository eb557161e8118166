//! The tail of a reward on one page: Hill plot, mean excess, QQ against the fit, stability of the fit, and the tail by training step.

use super::PlotError;
use super::axes::{Below, INDENT, Panel};
use super::chart::{close, save};
use super::fitting::fit;
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene, text_width};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, Dash, GREY, HAIR, LINE, NORMAL, PALETTE, Pen, SILVER, SMALL};
use crate::foundation::order;
use std::path::Path;

/// Height of a panel, in CSS pixels.
const HEIGHT: f64 = 190.0;
/// Name of the threshold's line.
const USED: &str = "used";
/// From one row of panels to the next.
const ROW: f64 = HEIGHT + 84.0;
/// Top of the first row.
const TOP: f64 = 64.0;
/// A value this many times the median one cannot be shown beside it on a linear axis.
const WIDE: f64 = 30.0;
/// Tail indices from which variance and mean are infinite.
const LEVELS: [f64; 2] = [0.5, 1.0];
/// The axis is made for estimates from so large a share of the used k on: at the smallest k they would squeeze the rest.
const SETTLED: f64 = 0.2;

/// What the page shows. A panel without points is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct TailPage {
    /// What it shows, in a few words.
    pub title: String,
    /// How to read it; stands below the picture.
    pub caption: String,
    /// The reward's name, for the axes in its unit.
    pub reward: String,
    /// Where the tail begins, in the reward's unit.
    pub threshold: f64,
    /// Number of excesses.
    pub k: usize,
    /// Hill's ξ with its interval, over k.
    pub hill: Vec<Point>,
    /// Mean excess with its interval, over the threshold.
    pub mean_excess: Vec<Point>,
    /// Excesses over what the fit expects of their rank, both as −ln P under the fit, with the interval around what is expected.
    pub qq: Vec<Point>,
    /// ξ of the generalised Pareto fit with its interval, over k.
    pub stability: Vec<Point>,
    /// ξ of the generalised Pareto fit with its interval, over the training step.
    pub steps: Vec<Point>,
}

/// Writes the page as `.svg`, `.png` or `.pdf`, after the file's extension.
///
/// # Errors
/// Another extension; a page without a point; a file that cannot be written.
pub fn write(page: &TailPage, path: &Path) -> Result<(), PlotError> {
    save(&page.title, &page.caption, path, || draw(page))
}

fn draw(page: &TailPage) -> Option<Scene> {
    let full = Size::default().width();
    let mut scene = Scene::new(full, 0.0);
    let title = fit(&page.title, full - 20.0, NORMAL + 1.5, true);
    scene.bold((10.0, 20.0), title, NORMAL + 1.5, Align::Left, BLACK);
    let mut cells = 0;
    let mut frame = |wide: bool, x: Option<Scale>, y: Option<Scale>| {
        let (x, y) = (x?, y?);
        if wide {
            cells += cells % 2;
        }
        let (column, row) = (cells % 2, cells / 2);
        cells += if wide { 2 } else { 1 };
        let left = INDENT + 10.0 + column as f64 * (full / 2.0);
        let top = TOP + row as f64 * ROW;
        let right = if wide { full - 26.0 } else { left + full / 2.0 - INDENT - 36.0 };
        Some(Panel { left, top, right, bottom: top + HEIGHT, x, y })
    };
    let mut bottom = None;
    let settled = |points: &[Point]| -> Vec<Point> {
        points.iter().copied().filter(|p| p.x >= SETTLED * page.k as f64).collect()
    };

    let hill = index(&settled(&page.hill), 0.0);
    if let Some(panel) = frame(false, ends(Kind::Log, &page.hill), hill) {
        panel.frame(&mut scene, "Hill's tail index ξ", Below::Title("Largest values used, k"));
        levels(&mut scene, &panel);
        curve(&mut scene, &panel, &page.hill);
        upright(&mut scene, &panel, page.k as f64, panel.bottom - 6.0);
        bottom = Some(panel.bottom);
    }
    let across = kind_of(page.mean_excess.iter().map(|p| p.x));
    let means = || page.mean_excess.iter().flat_map(Point::ys);
    let up = Scale::over(if across == Kind::Log { kind_of(means()) } else { Kind::Linear }, means());
    if let Some(panel) = frame(false, ends(across, &page.mean_excess), up) {
        let name = fit(&format!("Threshold: {}", page.reward), panel.right - panel.left, NORMAL, false);
        panel.frame(&mut scene, "Mean excess", Below::Title(&name));
        curve(&mut scene, &panel, &page.mean_excess);
        upright(&mut scene, &panel, page.threshold, panel.top + SMALL);
        bottom = Some(panel.bottom);
    }
    let largest = page.qq.iter().flat_map(|p| [p.x, p.y]).fold(0.0, f64::max);
    let units = Scale::exact(Kind::Linear, 0.0, 1.06 * largest);
    if let Some(panel) = frame(false, units, units) {
        panel.frame(&mut scene, "Excess found, −ln P", Below::Title("Expected by the GPD fit, −ln P"));
        let expected = Series::new("", "", page.qq.iter().map(|p| Point { y: p.x, ..*p }));
        panel.band(&mut scene, &expected, SILVER);
        scene.line(vec![panel.place(0.0, 0.0), panel.place(largest, largest)], GREY, HAIR);
        panel.places(&page.qq).into_iter().for_each(|at| scene.dot(at, 2.0, PALETTE[0].at(0.7)));
        bottom = Some(panel.bottom);
    }
    let stability = index(&settled(&page.stability), -0.25);
    if let Some(panel) = frame(false, ends(Kind::Log, &page.stability), stability) {
        panel.frame(&mut scene, "GPD tail index ξ", Below::Title("Excesses fitted, k"));
        levels(&mut scene, &panel);
        curve(&mut scene, &panel, &page.stability);
        upright(&mut scene, &panel, page.k as f64, panel.bottom - 6.0);
        bottom = Some(panel.bottom);
    }
    let steps = Scale::over(Kind::Linear, page.steps.iter().map(|p| p.x));
    if let Some(panel) = frame(true, steps, index(&page.steps, -0.25)) {
        let title = "GPD tail index ξ by window of training steps";
        panel.frame(&mut scene, title, Below::Title("Training step"));
        levels(&mut scene, &panel);
        panel.whiskers(&mut scene, &Series::new("", "ξ", page.steps.clone()), Pen::plain(PALETTE[1]));
        bottom = Some(panel.bottom);
    }
    close(&mut scene, bottom?, &page.caption);
    Some(scene)
}

/// An axis that ends where its data end.
fn ends(kind: Kind, points: &[Point]) -> Option<Scale> {
    let (low, high) = points
        .iter()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), p| (low.min(p.x), high.max(p.x)));
    Scale::exact(kind, low, high)
}

/// A scale for tail indices from −1 to 3 at most, that shows `least` and a little more than ½.
fn index(points: &[Point], least: f64) -> Option<Scale> {
    let ys = points.iter().flat_map(Point::ys).map(|y| y.clamp(-1.0, 3.0));
    let (low, high) = ys.fold((least, 0.6), |(low, high): (f64, f64), y| (low.min(y), high.max(y)));
    let margin = 0.05 * (high - low);
    Scale::exact(Kind::Linear, if low < 0.0 { low - margin } else { low }, high + margin)
        .filter(|_| !points.is_empty())
}

/// How values are spread along an axis.
fn kind_of(values: impl Iterator<Item = f64>) -> Kind {
    let ascending = order::sorted(&values.collect::<Vec<_>>());
    match (ascending.first(), order::quantile_sorted(&ascending, 0.5), ascending.last()) {
        (Some(least), Some(median), Some(largest)) if *least > 0.0 && *largest > WIDE * median => Kind::Log,
        _ => Kind::Linear,
    }
}

/// A line with its band; where it leaves the scale it is not drawn.
fn curve(scene: &mut Scene, panel: &Panel, points: &[Point]) {
    let (low, high) = panel.y.ends();
    for run in points.split(|p| p.y < low || p.y > high) {
        let series = Series::new("", "ξ or mean", run.to_vec());
        panel.band(scene, &series, PALETTE[0]);
        scene.line(panel.places(run), PALETTE[0], LINE);
        scene.drawn_from(&series, &series.points);
    }
}

/// Dashed lines at the indices from which moments are infinite, a thin one at 0.
fn levels(scene: &mut Scene, panel: &Panel) {
    let ((from, to), (low, high)) = (panel.x.ends(), panel.y.ends());
    let level = |y: f64| [panel.place(from, y), panel.place(to, y)];
    if low < 0.0 {
        scene.line(level(0.0).to_vec(), SILVER, HAIR);
    }
    for at in LEVELS.into_iter().filter(|at| *at > low && *at < high) {
        scene.dashed(level(at).to_vec(), SILVER, 1.0, Dash::Dashed);
    }
}

/// A dotted upright line at what was used, named at the height `y`.
fn upright(scene: &mut Scene, panel: &Panel, x: f64, y: f64) {
    let (from, to) = panel.x.ends();
    if !(from..=to).contains(&x) {
        return;
    }
    let at = panel.place(x, 0.0).0;
    scene.dashed(vec![(at, panel.top), (at, panel.bottom)], BLACK.at(0.8), 1.1, Dash::Dotted);
    let fits = at + 8.0 + text_width(USED, SMALL, false) < panel.right;
    let (place, align) = if fits { (at + 5.0, Align::Left) } else { (at - 5.0, Align::Right) };
    scene.text((place, y), USED, SMALL, align, GREY);
}

#[cfg(test)]
mod tests {
    use super::super::scene::{Mark, Place};
    use super::*;

    fn page() -> TailPage {
        let points = |scale: f64| -> Vec<Point> {
            (1..=40)
                .map(|i| Point { x: f64::from(i), y: scale, low: Some(0.5 * scale), high: Some(1.5 * scale) })
                .collect()
        };
        TailPage {
            title: "Title".to_owned(),
            caption: "Words ".repeat(30),
            reward: "score".to_owned(),
            threshold: 9.0,
            k: 20,
            hill: points(0.7),
            mean_excess: points(3.0),
            qq: (1..=40).map(|i| Point::new(f64::from(i), f64::from(i))).collect(),
            stability: points(0.7),
            steps: points(0.4),
        }
    }

    fn texts(scene: &Scene) -> Vec<(Place, f64, String)> {
        let of = |mark: &Mark| match mark {
            Mark::Text { at, text, size, align, bold, .. } => {
                let width = text_width(text, *size, *bold);
                let left = match align {
                    Align::Left => at.0,
                    Align::Centre => at.0 - width / 2.0,
                    Align::Right => at.0 - width,
                };
                Some(((left, at.1), left + width, text.clone()))
            }
            _ => None,
        };
        scene.marks.iter().filter_map(of).collect()
    }

    #[test]
    fn every_word_is_on_the_page() {
        let long = TailPage { title: "A long title ".repeat(20), reward: "long_name/".repeat(20), ..page() };
        let (scene, with_long) = (draw(&page()).unwrap(), draw(&long).unwrap());
        let long_texts = texts(&with_long);
        let texts = texts(&scene);
        for (at, right, text) in texts.iter().chain(&long_texts) {
            assert!(
                at.0 >= 0.0 && *right <= scene.width && at.1 > 0.0 && at.1 < scene.height,
                "{text}: {at:?} {right}"
            );
        }
        for wanted in ["Title", "Hill's tail index ξ", "Threshold: score", "used", "Training step"] {
            assert!(texts.iter().any(|t| t.2 == wanted), "{wanted}");
        }
    }

    #[test]
    fn panels_without_points_are_left_out_and_an_empty_page_is_refused() {
        let without = TailPage { steps: Vec::new(), ..page() };
        let (with, without) = (draw(&page()).unwrap(), draw(&without).unwrap());
        assert!((with.height - without.height - ROW).abs() < 1e-9);
        let nothing = Vec::new;
        let empty = TailPage {
            hill: nothing(),
            mean_excess: nothing(),
            qq: nothing(),
            stability: nothing(),
            steps: nothing(),
            ..page()
        };
        assert_eq!(draw(&empty), None);
        assert!(matches!(write(&page(), Path::new("a.gif")), Err(PlotError::Format { .. })));
    }

    #[test]
    fn wide_excesses_take_a_logarithmic_axis() {
        let kind = |values: &[f64]| kind_of(values.iter().copied());
        assert_eq!(kind(&[500.0, 2.0, 1.0]), Kind::Log);
        for values in [&[5.0, 2.0, 1.0][..], &[500.0, 2.0, -1.0], &[]] {
            assert_eq!(kind(values), Kind::Linear);
        }
    }
}
