//! The tail of a reward on one page: Hill plot, mean excess, QQ against the fit, stability of the fit, and the tail by training step.

use super::PlotError;
use super::axes::{Below, INDENT, Panel};
use super::chart::{close, save};
use super::scale::{Kind, Scale};
use super::scene::{Align, Place, Scene, text_width};
use super::series::{Point, Series};
use super::theme::{BLACK, GREY, HAIR, Ink, NORMAL, PALETTE, SILVER, SMALL, WHITE, WIDTH};
use crate::foundation::order;
use std::path::Path;

/// Height of a panel, in CSS pixels.
const HEIGHT: f64 = 190.0;
/// From one row of panels to the next.
const ROW: f64 = HEIGHT + 84.0;
/// Top of the first row.
const TOP: f64 = 64.0;
/// A value this many times the median one cannot be shown beside it on a linear axis.
const WIDE: f64 = 30.0;
/// Tail indices from which moments are infinite.
const LEVELS: [(f64, &str); 2] = [(0.5, "infinite variance"), (1.0, "infinite mean")];

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
    /// Excess over what the fit expects at its rank, with the fit's interval around that.
    pub qq: Vec<Point>,
    /// ξ of the generalised Pareto fit with its interval, over k.
    pub stability: Vec<Point>,
    /// ξ of the generalised Pareto fit with its interval, over the training step.
    pub steps: Vec<Point>,
}

/// Writes the page as `.svg` or `.png`, after the file's extension.
///
/// # Errors
/// Another extension; a page without a point; a file that cannot be written.
pub fn write(page: &TailPage, path: &Path) -> Result<(), PlotError> {
    save(&page.title, &page.caption, path, || draw(page))
}

fn draw(page: &TailPage) -> Option<Scene> {
    let mut scene = Scene::new(WIDTH, 0.0);
    scene.bold((10.0, 20.0), page.title.as_str(), NORMAL + 1.5, Align::Left, BLACK);
    let mut cells = 0;
    let mut frame = |wide: bool, x: Option<Scale>, y: Option<Scale>| {
        let (x, y) = (x?, y?);
        if wide {
            cells += cells % 2;
        }
        let (column, row) = (cells % 2, cells / 2);
        cells += if wide { 2 } else { 1 };
        let left = INDENT + 10.0 + column as f64 * (WIDTH / 2.0);
        let top = TOP + row as f64 * ROW;
        let right = if wide { WIDTH - 26.0 } else { left + WIDTH / 2.0 - INDENT - 36.0 };
        Some(Panel { left, top, right, bottom: top + HEIGHT, x, y })
    };
    let mut bottom = None;
    let used = format!("k = {}", page.k);

    if let Some(panel) = frame(false, ends(Kind::Log, &page.hill), from_zero(&page.hill, page.k)) {
        panel.frame(&mut scene, "Hill's tail index ξ", Below::Title("Largest values used, k"));
        levels(&mut scene, &panel);
        upright(&mut scene, &panel, page.k as f64, &used);
        curve(&mut scene, &panel, &page.hill, PALETTE[0]);
        bottom = Some(panel.bottom);
    }
    let (across, up) =
        (kind_of(page.mean_excess.iter().map(|p| p.x)), kind_of(page.mean_excess.iter().map(|p| p.y)));
    let mean_excess = Scale::over(up, page.mean_excess.iter().flat_map(Point::ys));
    if let Some(panel) = frame(false, ends(across, &page.mean_excess), mean_excess) {
        panel.frame(&mut scene, "Mean excess", Below::Title(&format!("Threshold: {}", page.reward)));
        upright(&mut scene, &panel, page.threshold, "used");
        curve(&mut scene, &panel, &page.mean_excess, PALETTE[0]);
        bottom = Some(panel.bottom);
    }
    let kind = kind_of(page.qq.iter().map(|p| p.y));
    let both = || page.qq.iter().flat_map(|p| [p.x, p.y]);
    if let Some(panel) = frame(false, Scale::over(kind, both()), Scale::over(kind, both())) {
        panel.frame(&mut scene, "Excess found", Below::Title("Excess expected by the GPD fit"));
        let fit = Series::new("", "", page.qq.iter().map(|p| Point { y: p.x, ..*p }));
        panel.band(&mut scene, &fit, SILVER);
        scene.line(panel.places(&fit.points), GREY, HAIR);
        panel.places(&page.qq).into_iter().for_each(|at| scene.dot(at, 2.0, PALETTE[0].at(0.7)));
        bottom = Some(panel.bottom);
    }
    let index = |points: &[Point]| {
        let ys = points.iter().flat_map(|p| p.ys()).chain([0.0, 0.6]).map(|y| y.clamp(-1.0, 3.0));
        Scale::over(Kind::Linear, ys).filter(|_| !points.is_empty())
    };
    if let Some(panel) = frame(false, ends(Kind::Log, &page.stability), index(&page.stability)) {
        panel.frame(&mut scene, "GPD tail index ξ", Below::Title("Excesses fitted, k"));
        levels(&mut scene, &panel);
        upright(&mut scene, &panel, page.k as f64, &used);
        curve(&mut scene, &panel, &page.stability, PALETTE[0]);
        bottom = Some(panel.bottom);
    }
    let steps = Scale::over(Kind::Linear, page.steps.iter().map(|p| p.x));
    if let Some(panel) = frame(true, steps, index(&page.steps)) {
        panel.frame(
            &mut scene,
            "GPD tail index ξ of the rollouts of some steps",
            Below::Title("Training step"),
        );
        levels(&mut scene, &panel);
        panel.whiskers(&mut scene, &Series::new("", "", page.steps.clone()), PALETTE[1], 0.0);
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

/// From 0 to above all of the curve and above its interval from a quarter of `k` on: at the smallest k it would squeeze the rest.
fn from_zero(points: &[Point], k: usize) -> Option<Scale> {
    let curve = points.iter().map(|p| p.y).fold(0.6, f64::max);
    let band =
        held(points, |p| p.x >= 0.25 * k as f64).into_iter().filter_map(|p| p.high).fold(0.0, f64::max);
    Scale::exact(Kind::Linear, 0.0, 1.08 * curve.max(band))
}

fn held(points: &[Point], which: impl Fn(&Point) -> bool) -> Vec<Point> {
    points.iter().copied().filter(which).collect()
}

/// How values are spread along an axis.
fn kind_of(values: impl Iterator<Item = f64>) -> Kind {
    let ascending = order::sorted(&values.collect::<Vec<_>>());
    match (ascending.first(), order::quantile_sorted(&ascending, 0.5), ascending.last()) {
        (Some(least), Some(median), Some(largest)) if *least > 0.0 && *largest > WIDE * median => Kind::Log,
        _ => Kind::Linear,
    }
}

fn curve(scene: &mut Scene, panel: &Panel, points: &[Point], ink: Ink) {
    let series = Series::new("", "", points.to_vec());
    panel.band(scene, &series, ink);
    panel.line(scene, &series, ink);
}

/// Dashed lines at the indices from which moments are infinite, and at 0, named inside the panel.
fn levels(scene: &mut Scene, panel: &Panel) {
    let (low, high) = panel.y.ends();
    if low < 0.0 {
        scene.line(level(panel, 0.0).to_vec(), SILVER, HAIR);
    }
    for (at, name) in LEVELS.into_iter().filter(|(at, _)| *at > low && *at < 0.97 * high) {
        let [from, to] = level(panel, at);
        scene.dashed(&[from, to], SILVER, 1.0, 4.0, 3.0);
        note(scene, (to.0 - 3.0, to.1 - 4.0), name, Align::Right);
    }
}

fn level(panel: &Panel, y: f64) -> [Place; 2] {
    let (from, to) = panel.x.ends();
    [panel.place(from, y), panel.place(to, y)]
}

/// A dotted upright line at `x`, named at its upper end.
fn upright(scene: &mut Scene, panel: &Panel, x: f64, name: &str) {
    let (from, to) = panel.x.ends();
    if !(from..=to).contains(&x) {
        return;
    }
    let at = panel.place(x, 0.0).0;
    scene.dashed(&[(at, panel.top), (at, panel.bottom)], BLACK.at(0.8), 1.1, 1.6, 3.0);
    let fits = at + 6.0 + text_width(name, SMALL, false) < panel.right;
    let (place, align) = if fits { (at + 5.0, Align::Left) } else { (at - 5.0, Align::Right) };
    note(scene, (place, panel.top + SMALL), name, align);
}

/// Grey words on a patch of white, so that a band behind them does not wash them out.
fn note(scene: &mut Scene, at: Place, text: &str, align: Align) {
    let width = text_width(text, SMALL, false);
    let left = if align == Align::Right { at.0 - width } else { at.0 };
    let (x, y) = ((left - 1.5, left + width + 1.5), (at.1 - 0.85 * SMALL, at.1 + 0.25 * SMALL));
    scene.area(vec![(x.0, y.0), (x.1, y.0), (x.1, y.1), (x.0, y.1)], WHITE.at(0.75));
    scene.text(at, text, SMALL, align, GREY);
}

#[cfg(test)]
mod tests {
    use super::super::scene::Mark;
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
        let scene = draw(&page()).unwrap();
        let texts = texts(&scene);
        for (at, right, text) in &texts {
            assert!(
                at.0 >= 0.0 && *right <= scene.width && at.1 > 0.0 && at.1 < scene.height,
                "{text}: {at:?} {right}"
            );
        }
        for wanted in [
            "Title",
            "Hill's tail index ξ",
            "Threshold: score",
            "k = 20",
            "infinite variance",
            "Training step",
        ] {
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
        assert!(matches!(write(&page(), Path::new("a.pdf")), Err(PlotError::Format { .. })));
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
