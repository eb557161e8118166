//! Utility and proxy against KL from the reference, in the manner of Gao, Schulman & Hilton (2023, fig. 1).
//!
//! Where runs have a trajectory, each replicate is read at the first step that reaches a KL (interpolated in √KL), and a
//! curve is the median over replicates as far as half of them come. Where a run is one exact solution, the arms are the
//! points, joined along the numeric key of the sweep.

use super::arms;
use super::axes::{Below, End, INDENT, Panel};
use super::fitting::fit;
use super::labels;
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Figure, Point, Series};
use super::theme::{WIDTH, colour};
use crate::foundation::failure::Status;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::tables::StepRow;

/// Points of a trajectory's curve.
const GRID: usize = 80;
/// Steps from which on a run counts as a trajectory.
const TRAJECTORY: usize = 3;

pub(super) const REFERENCE: &str = "reference π₀";

type Column = fn(&StepRow) -> Option<f64>;

pub(super) fn build(run: &RunFolder) -> Result<Vec<Figure>, Status> {
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
    let scene = draw(run, &series)?;
    let caption = if trajectories {
        "Expected proxy reward and expected true utility against the KL divergence from the reference policy, read at the first \
         training step that reaches it. Lines: median over replicates, as far as half of them come; bands: quartiles. \
         The horizontal axis is proportional to √KL."
    } else {
        "Expected proxy reward and expected true utility of the final policies against their KL divergence from the reference \
         policy. Dots: median over replicates; whiskers: quartiles; lines join the arms of one series. \
         The horizontal axis is proportional to √KL."
    };
    Ok(vec![Figure {
        name: "over_optimisation".to_owned(),
        title: "Over-optimisation: proxy and utility against KL".to_owned(),
        caption: caption.to_owned(),
        columns: ["kl_nats", "median", "q25", "q75"],
        series,
        scene,
    }])
}

/// For each replicate of the arm, its steps as (KL, value), in step order.
fn trajectories(run: &RunFolder, arm: usize, column: Column) -> Vec<Vec<(f64, f64)>> {
    let mut paths: Vec<(u64, Vec<(f64, f64)>)> = Vec::new();
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

/// Median and quartiles of the paths at a grid of KL values, up to the largest that half of them reach.
fn curve(paths: &[Vec<(f64, f64)>]) -> Vec<Point> {
    let reach: Vec<f64> = paths.iter().map(|path| path.iter().map(|p| p.0).fold(0.0, f64::max)).collect();
    let Some(end) = order::median(&reach).filter(|end| *end > 0.0) else { return Vec::new() };
    (0..=GRID)
        .filter_map(|i| {
            let kl = end * (i as f64 / GRID as f64).powi(2);
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

/// The final policies of the arms, joined along the last numeric key of the sweep.
fn points(run: &RunFolder) -> Vec<Series> {
    let keys = run.plan.sweep_keys.len();
    let along = (0..keys).rev().find(|&key| arms::numbers(run, key).is_some());
    let groups: Vec<(String, Vec<usize>)> = match along {
        Some(key) => arms::groups(run, key)
            .into_iter()
            .map(|g| (g.name, g.arms.into_iter().map(|(arm, _)| arm.arm).collect()))
            .collect(),
        None => run.plan.arms.iter().map(|arm| (run.label(arm.arm), vec![arm.arm])).collect(),
    };
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

fn draw(run: &RunFolder, series: &[Series]) -> Result<Scene, Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let mut names: Vec<&str> = Vec::new();
    for s in series {
        if !names.contains(&s.name.as_str()) {
            names.push(&s.name);
        }
    }
    let shown: Vec<String> = names.iter().map(|name| fit(name, 190.0, super::theme::SMALL, false)).collect();
    let x = Scale::over(Kind::Sqrt, series.iter().flat_map(|s| s.points.iter().map(|p| p.x)))
        .ok_or(nothing.clone())?;
    let reference =
        order::median(&run.replicates.iter().filter_map(|r| r.reference_utility).collect::<Vec<_>>());
    let single = names.len() == 1;
    let shown_names = shown.iter().map(String::as_str).filter(|_| !single);
    let room = labels::room(shown_names.chain(reference.map(|_| REFERENCE))).max(18.0);
    let panels: Vec<(&str, &str)> = [("proxy", "Proxy reward E[U]"), ("utility", "True utility E[V]")]
        .into_iter()
        .filter(|(panel, _)| series.iter().any(|s| s.panel == *panel))
        .collect();
    let height = 200.0;
    let mut scene = Scene::new(WIDTH, 30.0 + panels.len() as f64 * (height + 34.0) + 22.0);
    for (i, (name, title)) in panels.iter().enumerate() {
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == *name).collect();
        let level = reference.filter(|_| *name == "utility");
        let values = mine.iter().flat_map(|s| s.points.iter().flat_map(Point::ys)).chain(level);
        let y = Scale::over(Kind::Linear, values).ok_or(nothing.clone())?;
        let top = 30.0 + i as f64 * (height + 34.0);
        let panel = Panel { left: INDENT + 10.0, top, right: WIDTH - room, bottom: top + height, x, y };
        let below = if i + 1 == panels.len() {
            Below::Title("KL(π‖π₀) (nats, √ scale)")
        } else {
            Below::Shared
        };
        panel.frame(&mut scene, title, below);
        let mut ends: Vec<End> =
            level.map(|level| panel.level(&mut scene, level, REFERENCE)).into_iter().collect();
        for s in mine {
            let index = names.iter().position(|n| *n == s.name).unwrap_or(0);
            let ink = colour(index, names.len());
            let dense = s.points.len() >= GRID / 2;
            if dense {
                panel.band(&mut scene, s, ink);
            }
            panel.line(&mut scene, s, ink);
            if !dense {
                panel.whiskers(&mut scene, s, ink, 0.0);
            }
            if single {
                continue;
            }
            if let Some(last) = s.points.iter().max_by(|a, b| a.x.total_cmp(&b.x)) {
                ends.push((panel.place(last.x, last.y), shown[index].clone(), ink));
            }
        }
        labels::at_right(&mut scene, &panel, &ends);
    }
    Ok(scene)
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
