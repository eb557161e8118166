//! Utility and proxy against KL from the reference, in the manner of Gao, Schulman & Hilton (2023, fig. 1).
//!
//! Where runs have a trajectory, each replicate is read at the first step that reaches a KL (interpolated in √KL), and a
//! curve is the median over replicates as far as half of them come. Where a run is one exact solution, the arms are the
//! points, joined along the numeric key of the sweep.

mod falls;
mod fits;
mod paths;

pub use fits::{Fitted, fits};

use super::axes::{Below, End, INDENT, LEVEL, Panel};
use super::figure::Figure;
use super::labels::{self, Naming};
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{Dash, GREY, LINE, Pen, Shape, WHITE, pen};
use crate::foundation::failure::Status;
use crate::foundation::gao::{DISTINCT, FITTING};
use crate::foundation::order;
use crate::record::folder::RunFolder;
use fits::{curves, told};
use paths::{Column, GRID, curve, points, trajectories};

/// Fits are drawn where so few curves are.
const MAX_FITS: usize = 4;
/// What the key calls the dotted curves.
const FIT: &str = "dotted: fit, ring: its peak";
const FIT_PEN: Pen = Pen { ink: GREY, dash: Dash::Dotted, shape: Shape::Circle };

pub(super) const REFERENCE: &str = "reference π₀";

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
    let title = falls::title(&falls::falls(run, &series));
    let drawn: Vec<Series> = fitted.iter().flat_map(|fitted| curves(&series, fitted)).collect();
    series.extend(drawn);
    let how = if trajectories {
        "Expected proxy reward and expected true utility against the KL divergence from the reference policy, read at the first \
         training step that reaches it. Lines: median over replicates, as far as half of them come; bands: quartiles."
    } else {
        "Expected proxy reward and expected true utility of the final policies against their KL divergence from the reference \
         policy. Marks: median over replicates; whiskers: quartiles; lines join the arms of one series."
    };
    let utilities = series.iter().filter(|s| s.panel == "utility" && !s.name.contains(": fit ")).count();
    let told = fits_told(&fitted, utilities);
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

/// What is said of the fits of so many series: each by name where they are few.
fn fits_told(fitted: &[Fitted], series: usize) -> String {
    let told: Vec<String> = fitted.iter().take(MAX_FITS).filter_map(told).collect();
    let without = series.saturating_sub(fitted.len());
    let few = format!("insufficient: fewer than {DISTINCT} different KLs above 0");
    if told.is_empty() {
        return if series == 0 {
            String::new()
        } else {
            format!(" No curve of Gao et al. (2023) is fitted ({few}).")
        };
    }
    let further = fitted.len() - told.len();
    let mut rest = String::new();
    if further > 0 {
        rest += &format!("; {further} further series: tailcatch fit");
    }
    if without > 0 {
        rest += &format!("; {without} of {series} series have none ({few})");
    }
    format!(
        " Gain of utility in d = √KL by least squares over all runs (Gao et al. 2023), dotted where R² ≥ {FITTING} and the curves are at most {MAX_FITS}, with a ring at a peak within the data: {}{rest}.",
        told.join("; ")
    )
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
    let fitted = if fitted.len() <= MAX_FITS { fitted } else { &[] };
    let dotted = fitted.iter().any(|one| !curves(series, one).is_empty()).then_some(FIT);
    let shown = names.iter().copied().filter(|_| !single).chain(reference.map(|_| REFERENCE)).chain(dotted);
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
        pens.extend(dotted.map(|name| (name.to_owned(), FIT_PEN)));
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
        if *name == "utility" {
            let fits: Vec<End> =
                fitted.iter().filter_map(|one| fit_lines(&mut scene, &panel, series, one)).collect();
            ends.extend(fits.into_iter().take(1));
        }
        if matches!(naming, Naming::Beside(_)) {
            labels::at_right(&mut scene, &panel, &ends);
        }
    }
    scene.height = start + panels.len() as f64 * (height + 34.0) + 22.0;
    Ok(scene)
}

/// The better fit, dotted, with a ring at its peak where that is on the axes; gives the end of the curve.
fn fit_lines(scene: &mut Scene, panel: &Panel, series: &[Series], fitted: &Fitted) -> Option<End> {
    let best = fitted.fits.first()?;
    let curve = curves(series, fitted).into_iter().next()?;
    let (low, high) = panel.y.ends();
    for run in curve.points.split(|p| p.y < low || p.y > high) {
        scene.dashed(panel.places(run), GREY, 0.7 * LINE, Dash::Dotted);
    }
    let start = curve.points.first().map_or(0.0, |p| p.y);
    if let Ok((d, gain)) = best.peak()
        && d * d <= panel.x.ends().1
        && (low..=high).contains(&(start + gain))
    {
        let at = panel.place(d * d, start + gain);
        scene.shape(at, 4.6, GREY, Shape::Circle);
        scene.shape(at, 3.0, WHITE, Shape::Circle);
    }
    curve.points.last().map(|last| (panel.place(last.x, last.y), FIT.to_owned(), FIT_PEN))
}
