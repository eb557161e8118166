//! Utility and proxy against KL from the reference, in the manner of Gao, Schulman & Hilton (2023, fig. 1).
//!
//! Where runs have a trajectory, each replicate is read at the first step that reaches a KL (interpolated in √KL), and a
//! curve is the median over replicates as far as half of them come. Where a run is one exact solution, the arms are the
//! points, joined along the numeric key of the sweep.

use super::arms;
use super::axes::{Below, End, INDENT, LEVEL, Panel};
use super::figure::Figure;
use super::labels::{self, Naming};
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{Dash, GREY, LINE, Pen, Shape, WHITE, pen};
use crate::foundation::bootstrap::Interval;
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::foundation::gao::{self, Estimated};
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::tables::StepRow;

/// Points of a trajectory's curve.
const GRID: usize = 80;
/// Steps from which on a run counts as a trajectory.
const TRAJECTORY: usize = 3;
/// Fits are drawn where so few curves are.
const MAX_FITS: usize = 4;
/// Share of the variance from which on a fit is drawn, and its peak marked.
const FITTING: f64 = 0.8;

pub(super) const REFERENCE: &str = "reference π₀";

type Column = fn(&StepRow) -> Option<f64>;
/// A run, or its points, as (KL or √KL, value).
type Path = Vec<(f64, f64)>;

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let columns: [(&str, Column); 2] = [("proxy", |row| row.proxy), ("utility", |row| row.utility)];
    let mut series = Vec::new();
    for (panel, column) in columns {
        for arm in &run.plan.arms {
            let paths = trajectories(run, arm.arm, column);
            if !paths.is_empty() {
                series.push(Series::new(panel, run.label(arm.arm), curve(&paths)));
            }
        }
    }
    let trajectories = !series.is_empty();
    if !trajectories {
        series = points(run);
    }
    series.retain(|s| !s.points.is_empty());
    if !series.iter().any(|s| s.panel == "utility") {
        return Err(Status::Missing {
            column: "exact utility and kl in steps.csv or replicates.csv".to_owned(),
        });
    }
    let fitted = fits(run, series.iter().filter(|s| s.panel == "utility").count() <= MAX_FITS);
    let scene = draw(run, &series, &fitted, size)?;
    let title = title(&series);
    let drawn: Vec<Series> = fitted.iter().flat_map(|fitted| curves(&series, fitted)).collect();
    series.extend(drawn);
    let how = if trajectories {
        "Expected proxy reward and expected true utility against the KL divergence from the reference policy, read at the first \
         training step that reaches it. Lines: median over replicates, as far as half of them come; bands: quartiles."
    } else {
        "Expected proxy reward and expected true utility of the final policies against their KL divergence from the reference \
         policy. Marks: median over replicates; whiskers: quartiles; lines join the arms of one series."
    };
    let told: Vec<String> = fitted.iter().take(MAX_FITS).filter_map(told).collect();
    let told = if told.is_empty() {
        String::new()
    } else {
        format!(
            " Gain of utility in d = √KL by least squares over all runs (Gao et al. 2023), dotted and with a ring at its peak where R² ≥ {FITTING}: {}.",
            told.join("; ")
        )
    };
    Ok(vec![Figure {
        name: "over_optimisation".to_owned(),
        title,
        caption: format!("{how} The horizontal axis is proportional to √KL.{told}"),
        columns: ["kl_nats", "median", "q25", "q75"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

/// A series with both curves of Gao et al., the better first.
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    /// Name of the series.
    pub name: String,
    /// Utility at d = 0, from which gains are counted: the median over the runs.
    pub start: f64,
    /// Its curves.
    pub fits: Vec<Estimated>,
}

/// Gao's curves of the gain of true utility, for each arm that was trained or, where arms are exact solutions, for each series of arms.
/// Intervals are not made of many series unless they are asked for.
pub fn fits(run: &RunFolder, intervals: bool) -> Vec<Fitted> {
    let mut trained: Vec<(String, f64, Vec<Path>)> = Vec::new();
    for arm in &run.plan.arms {
        let paths = trajectories(run, arm.arm, |row| row.utility);
        if !paths.is_empty() {
            let starts: Vec<f64> = paths.iter().filter_map(|path| path.first()).map(|p| p.1).collect();
            trained.push((run.label(arm.arm), order::median(&starts).unwrap_or(0.0), gains(&paths)));
        }
    }
    if trained.is_empty() {
        let known: Vec<f64> = run.replicates.iter().filter_map(|row| row.reference_utility).collect();
        let start = order::median(&known).unwrap_or(0.0);
        let solutions = series_of_arms(run).into_iter();
        trained = solutions.map(|(name, arms)| (name, start, solved(run, &arms))).collect();
    }
    trained
        .into_iter()
        .map(|(name, start, units)| Fitted { name, start, fits: gao::estimates(&units, intervals) })
        .filter(|fitted| !fitted.fits.is_empty())
        .collect()
}

/// Each path as (√KL, gain over its start), read at the grid of the curve.
fn gains(paths: &[Path]) -> Vec<Path> {
    let Some(end) = reached(paths) else { return Vec::new() };
    let one = |path: &Path| {
        let start = path.first().map_or(0.0, |p| p.1);
        let at = |i: usize| {
            let kl = grid(end, i);
            Some((kl.sqrt(), first_passage(path, kl)? - start))
        };
        (1..=GRID).filter_map(at).collect()
    };
    paths.iter().map(one).collect()
}

/// The exact solutions of some arms, each replicate with (√KL, gain over the reference).
fn solved(run: &RunFolder, arms: &[usize]) -> Vec<Path> {
    let mut units: Vec<(u64, Path)> = Vec::new();
    for row in run.replicates.iter().filter(|row| arms.contains(&row.arm)) {
        let (Some(kl), Some(utility), Some(start)) = (row.kl, row.utility, row.reference_utility) else {
            continue;
        };
        let point = (kl.max(0.0).sqrt(), utility - start);
        match units.iter_mut().find(|unit| unit.0 == row.replicate) {
            Some(unit) => unit.1.push(point),
            None => units.push((row.replicate, vec![point])),
        }
    }
    units.into_iter().map(|unit| unit.1).collect()
}

fn told(fitted: &Fitted) -> Option<String> {
    let best = fitted.fits.first()?;
    let within = |interval: Option<Interval>| {
        interval.map_or_else(String::new, |i| format!(" [{}, {}]", number(i.low), number(i.high)))
    };
    let peak = best.fit.peak().map_or_else(
        || "no peak".to_owned(),
        |(d, gain)| {
            let beyond = if best.is_extrapolated() { ", beyond the data" } else { "" };
            format!("peak of {} at KL {}{}{beyond}", number(gain), number(d * d), within(best.peak_kl))
        },
    );
    let name = if fitted.name.is_empty() { String::new() } else { format!("{}: ", fitted.name) };
    Some(format!(
        "{name}{} with α = {}{}, β = {}{}, R² = {}, {peak}",
        best.fit.form.name(),
        number(best.fit.alpha),
        within(best.alpha),
        number(best.fit.beta),
        within(best.beta),
        number(best.fit.r_squared)
    ))
}

/// The fitted curves where the series has points.
fn curves(series: &[Series], fitted: &Fitted) -> Vec<Series> {
    let own = series.iter().find(|s| s.panel == "utility" && s.name == fitted.name);
    let Some(own) = own else { return Vec::new() };
    let start = fitted.start;
    let end = own.points.iter().map(|p| p.x).fold(0.0, f64::max);
    let along = |found: &Estimated| {
        let points =
            (0..=GRID).map(|i| grid(end, i)).map(|kl| Point::new(kl, start + found.fit.at(kl.sqrt())));
        Series::new("utility", format!("{}: fit {}", fitted.name, found.fit.form.name()), points)
    };
    fitted.fits.iter().map(along).collect()
}

/// Where utility turns and what is left of it at the end, for the arm that loses most beyond the spread over its runs.
fn title(series: &[Series]) -> String {
    let ends: Vec<(&Series, Point, Point)> = series
        .iter()
        .filter(|s| s.panel == "utility")
        .filter_map(|s| {
            let top = s.points.iter().max_by(|a, b| a.y.total_cmp(&b.y))?;
            let last = s.points.iter().max_by(|a, b| a.x.total_cmp(&b.x))?;
            Some((s, *top, *last))
        })
        .collect();
    let interval = |p: &Point| match (p.low, p.high) {
        (Some(low), Some(high)) => format!("{} [{}, {}]", number(p.y), number(low), number(high)),
        _ => number(p.y),
    };
    let of = |s: &Series| {
        if ends.len() > 1 && !s.name.is_empty() { format!(" ({})", s.name) } else { String::new() }
    };
    let falls = ends.iter().filter(|(_, top, last)| {
        let is_clear = last.high.is_none_or(|high| high < top.y);
        is_clear && top.x < last.x && top.y - last.y > 0.05 * (top.y.abs() + last.y.abs())
    });
    if let Some((s, top, last)) = falls.max_by(|a, b| (a.1.y - a.2.y).total_cmp(&(b.1.y - b.2.y))) {
        return format!(
            "E[V] peaks at {} at KL {} and falls to {} at KL {}{}",
            number(top.y),
            number(top.x),
            interval(last),
            number(last.x),
            of(s)
        );
    }
    match ends.iter().max_by(|a, b| a.2.y.total_cmp(&b.2.y)) {
        Some((s, _, last)) => format!(
            "E[V] reaches {} at KL {}{}; no arm falls beyond the spread over its runs",
            interval(last),
            number(last.x),
            of(s)
        ),
        None => "Over-optimisation: proxy and utility against KL".to_owned(),
    }
}

/// For each replicate of the arm, its steps as (KL, value), in step order.
fn trajectories(run: &RunFolder, arm: usize, column: Column) -> Vec<Path> {
    let mut paths: Vec<(u64, Path)> = Vec::new();
    for row in run.steps.iter().filter(|row| row.arm == arm) {
        let (Some(kl), Some(value)) = (row.kl, column(row)) else { continue };
        if !(kl.is_finite() && value.is_finite()) {
            continue;
        }
        match paths.last_mut().filter(|path| path.0 == row.replicate) {
            Some(path) => path.1.push((kl.max(0.0), value)),
            None => paths.push((row.replicate, vec![(kl.max(0.0), value)])),
        }
    }
    paths.into_iter().map(|path| path.1).filter(|path| path.len() >= TRAJECTORY).collect()
}

/// The largest KL that half of the paths reach.
fn reached(paths: &[Path]) -> Option<f64> {
    let reach: Vec<f64> = paths.iter().map(|path| path.iter().map(|p| p.0).fold(0.0, f64::max)).collect();
    order::median(&reach).filter(|end| *end > 0.0)
}

/// The `i`-th of [`GRID`] values of KL up to `end`, evenly spaced in √KL.
fn grid(end: f64, i: usize) -> f64 {
    end * (i as f64 / GRID as f64).powi(2)
}

/// Median and quartiles of the paths at a grid of KL values, up to the largest that half of them reach.
fn curve(paths: &[Path]) -> Vec<Point> {
    let Some(end) = reached(paths) else { return Vec::new() };
    (0..=GRID)
        .filter_map(|i| {
            let kl = grid(end, i);
            let values: Vec<f64> = paths.iter().filter_map(|path| first_passage(path, kl)).collect();
            Point::quartiles(kl, &values)
        })
        .collect()
}

/// The value when the path first reaches `kl`, by linear interpolation in √KL.
fn first_passage(path: &[(f64, f64)], kl: f64) -> Option<f64> {
    let at = path.iter().position(|p| p.0 >= kl)?;
    let (above, value) = path[at];
    let Some(&(below, before)) = at.checked_sub(1).and_then(|i| path.get(i)) else { return Some(value) };
    let span = above.sqrt() - below.sqrt();
    Some(if span > 0.0 { before + (kl.sqrt() - below.sqrt()) / span * (value - before) } else { value })
}

/// Arms that differ in the last numeric key of the sweep only, with their name.
fn series_of_arms(run: &RunFolder) -> Vec<(String, Vec<usize>)> {
    let keys = run.plan.sweep_keys.len();
    let along = (0..keys).rev().find(|&key| arms::numbers(run, key).is_some());
    match along {
        Some(key) => arms::groups(run, key)
            .into_iter()
            .map(|g| (g.name, g.arms.into_iter().map(|(arm, _)| arm.arm).collect()))
            .collect(),
        None => run.plan.arms.iter().map(|arm| (run.label(arm.arm), vec![arm.arm])).collect(),
    }
}

/// The final policies of the arms, joined along the last numeric key of the sweep.
fn points(run: &RunFolder) -> Vec<Series> {
    let groups = series_of_arms(run);
    let mut series = Vec::new();
    for panel in ["proxy", "utility"] {
        for (name, members) in &groups {
            let point = |&arm: &usize| {
                let kl = order::median(&arms::finals(run, arm, |row| row.kl))?;
                let column = if panel == "proxy" { |row: &_| proxy(row) } else { |row: &_| utility(row) };
                Point::quartiles(kl.max(0.0), &arms::finals(run, arm, column))
            };
            series.push(Series::new(panel, name.clone(), members.iter().filter_map(point)));
        }
    }
    series
}

fn proxy(row: &crate::record::tables::ReplicateRow) -> Option<f64> {
    row.proxy
}

fn utility(row: &crate::record::tables::ReplicateRow) -> Option<f64> {
    row.utility
}

fn draw(run: &RunFolder, series: &[Series], fitted: &[Fitted], size: Size) -> Result<Scene, Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let width = size.width();
    let mut names: Vec<&str> = Vec::new();
    for s in series {
        if !names.contains(&s.name.as_str()) {
            names.push(&s.name);
        }
    }
    let x = Scale::over(Kind::Sqrt, series.iter().flat_map(|s| s.points.iter().map(|p| p.x)))
        .ok_or(nothing.clone())?;
    let reference =
        order::median(&run.replicates.iter().filter_map(|r| r.reference_utility).collect::<Vec<_>>());
    let single = names.len() == 1;
    let height = 200.0;
    let shown = names.iter().copied().filter(|_| !single).chain(reference.map(|_| REFERENCE));
    let naming = Naming::of(shown.collect::<Vec<_>>(), width, height);
    let panels: Vec<(&str, &str)> = [("proxy", "Proxy reward E[U]"), ("utility", "True utility E[V]")]
        .into_iter()
        .filter(|(panel, _)| series.iter().any(|s| s.panel == *panel))
        .collect();
    let mut scene = Scene::new(width, 0.0);
    let mut start = 30.0;
    if naming == Naming::Above {
        let mut pens: Vec<(String, Pen)> =
            names.iter().enumerate().filter(|_| !single).map(|(i, n)| ((*n).to_owned(), pen(i))).collect();
        pens.extend(reference.map(|_| (REFERENCE.to_owned(), LEVEL)));
        start += labels::key(&mut scene, 10.0, width - 10.0, 8.0, &pens) + 2.0;
    }
    for (i, (name, title)) in panels.iter().enumerate() {
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == *name).collect();
        let level = reference.filter(|_| *name == "utility");
        let values = mine.iter().flat_map(|s| s.points.iter().flat_map(Point::ys)).chain(level);
        let y = Scale::over(Kind::Linear, values).ok_or(nothing.clone())?;
        let top = start + i as f64 * (height + 34.0);
        let panel =
            Panel { left: INDENT + 10.0, top, right: width - naming.room(), bottom: top + height, x, y };
        let below = if i + 1 == panels.len() {
            Below::Title("KL(π‖π₀) (nats, √ scale)")
        } else {
            Below::Shared
        };
        panel.frame(&mut scene, title, below);
        let mut ends: Vec<End> =
            level.map(|level| panel.level(&mut scene, level, REFERENCE)).into_iter().collect();
        for s in &mine {
            let index = names.iter().position(|n| *n == s.name).unwrap_or(0);
            let pen = if single { Pen::plain(pen(0).ink) } else { pen(index) };
            let dense = s.points.len() >= GRID / 2;
            if dense {
                panel.band(&mut scene, s, pen.ink);
            }
            panel.line(&mut scene, s, pen);
            if !dense {
                panel.whiskers(&mut scene, s, pen);
            }
            if single {
                continue;
            }
            if let Some(last) = s.points.iter().max_by(|a, b| a.x.total_cmp(&b.x)) {
                ends.push((panel.place(last.x, last.y), s.name.clone(), pen));
            }
        }
        if *name == "utility" && fitted.len() <= MAX_FITS {
            for one in fitted {
                fit_lines(&mut scene, &panel, series, one);
            }
        }
        if matches!(naming, Naming::Beside(_)) {
            labels::at_right(&mut scene, &panel, &ends);
        }
    }
    scene.height = start + panels.len() as f64 * (height + 34.0) + 22.0;
    Ok(scene)
}

/// The better fit, dotted, with a ring at its peak where that is on the axes.
fn fit_lines(scene: &mut Scene, panel: &Panel, series: &[Series], fitted: &Fitted) {
    let Some(best) = fitted.fits.first().filter(|best| best.fit.r_squared >= FITTING) else { return };
    let Some(curve) = curves(series, fitted).into_iter().next() else { return };
    let (low, high) = panel.y.ends();
    for run in curve.points.split(|p| p.y < low || p.y > high) {
        scene.dashed(panel.places(run), GREY, 0.7 * LINE, Dash::Dotted);
    }
    let start = curve.points.first().map_or(0.0, |p| p.y);
    if let Some((d, gain)) = best.fit.peak().filter(|(d, _)| d * d <= panel.x.ends().1)
        && (low..=high).contains(&(start + gain))
    {
        let at = panel.place(d * d, start + gain);
        scene.shape(at, 4.6, GREY, Shape::Circle);
        scene.shape(at, 3.0, WHITE, Shape::Circle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_read_at_its_first_passage() {
        let path = [(0.0, 0.0), (1.0, 10.0), (0.25, 99.0), (4.0, 30.0)];
        assert_eq!(first_passage(&path, 0.0), Some(0.0));
        assert_eq!(first_passage(&path, 0.25), Some(5.0));
        assert_eq!(first_passage(&path, 4.0), Some(30.0));
        assert_eq!(first_passage(&path, 5.0), None);
        let points = curve(&[path.to_vec(), vec![(0.0, 1.0), (0.5, 1.0), (0.6, 1.0)]]);
        assert_eq!(points.len(), GRID + 1);
        assert!((points[GRID].x - 2.3).abs() < 1e-12, "{}", points[GRID].x);
    }
}
