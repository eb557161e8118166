//! Runs as paths of (KL, value), and the arms of exact solutions as points.

use crate::foundation::order;
use crate::plots::arms;
use crate::plots::series::{Point, Series};
use crate::record::folder::RunFolder;
use crate::record::tables::{ReplicateRow, StepRow};

/// Points of a trajectory's curve.
pub(super) const GRID: usize = 80;
/// Steps from which on a run counts as a trajectory.
const TRAJECTORY: usize = 3;

pub(super) type Column = fn(&StepRow) -> Option<f64>;
/// A run, or its points, as (KL or √KL, value).
pub(super) type Path = Vec<(f64, f64)>;

/// For each replicate of the arm, its steps as (KL, value), in step order.
pub(super) fn trajectories(run: &RunFolder, arm: usize, column: Column) -> Vec<Path> {
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
pub(super) fn reached(paths: &[Path]) -> Option<f64> {
    let reach: Vec<f64> = paths.iter().map(|path| path.iter().map(|p| p.0).fold(0.0, f64::max)).collect();
    order::median(&reach).filter(|end| *end > 0.0)
}

/// The `i`-th of [`GRID`] values of KL up to `end`, evenly spaced in √KL.
pub(super) fn grid(end: f64, i: usize) -> f64 {
    end * (i as f64 / GRID as f64).powi(2)
}

/// Median and quartiles of the paths at a grid of KL values, up to the largest that half of them reach.
pub(super) fn curve(paths: &[Path]) -> Vec<Point> {
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
pub(super) fn first_passage(path: &[(f64, f64)], kl: f64) -> Option<f64> {
    let at = path.iter().position(|p| p.0 >= kl)?;
    let (above, value) = path[at];
    let Some(&(below, before)) = at.checked_sub(1).and_then(|i| path.get(i)) else { return Some(value) };
    let span = above.sqrt() - below.sqrt();
    Some(if span > 0.0 { before + (kl.sqrt() - below.sqrt()) / span * (value - before) } else { value })
}

/// Arms that differ in the last numeric key of the sweep only, with their name.
pub(super) fn series_of_arms(run: &RunFolder) -> Vec<(String, Vec<usize>)> {
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
pub(super) fn points(run: &RunFolder) -> Vec<Series> {
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

fn proxy(row: &ReplicateRow) -> Option<f64> {
    row.proxy
}

fn utility(row: &ReplicateRow) -> Option<f64> {
    row.utility
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
