//! What training gives to draw: medians over the runs, single runs, and the same of the arms that are not drawn.

use crate::plots::series::{Point, Series};
use crate::plots::theme::{Dash, PALETTE, Pen, SILVER, Shape};
use crate::record::folder::RunFolder;
use crate::record::tables::StepRow;
use std::collections::BTreeMap;

/// With more runs than this single ones are not drawn.
const MAX_SINGLES: usize = 40;
/// Points of a single run's line.
pub(super) const SINGLE_POINTS: usize = 120;
pub(super) const POLICY: &str = "policy";
/// The panel of what hacks cost.
pub(super) const LOSS: &str = "attributable_loss";
pub(super) const SINGLE: &str = "replicate ";

pub(super) type Column = fn(&StepRow) -> Option<f64>;

pub(super) const OWN: Pen = Pen::plain(PALETTE[0]);
const TWIN: Pen = Pen { ink: SILVER, dash: Dash::Dashed, shape: Shape::Square };

/// Panel, name, column and pen of each curve.
pub(super) const CURVES: [(&str, &str, Column, Pen); 7] = [
    ("utility", POLICY, |row| row.utility, OWN),
    ("utility", "clean twin", |row| row.clean_utility, TWIN),
    (LOSS, POLICY, |row| row.attributable_loss, OWN),
    (LOSS, "placebo", |row| row.placebo_loss, TWIN),
    ("proxy", POLICY, |row| row.proxy, OWN),
    ("kl", POLICY, |row| row.kl, OWN),
    ("p_hack", POLICY, |row| row.p_hack, OWN),
];
/// The curves that rows of steps carry.
pub(super) fn curves(rows: &[&StepRow]) -> Vec<Series> {
    CURVES
        .iter()
        .map(|(panel, name, column, _)| Series::new(*panel, *name, medians(rows, *column)))
        .filter(|s| s.points.len() > 1)
        // Where nothing is a hack there is no loss to show.
        .filter(|s| s.panel != LOSS || s.points.iter().any(|point| point.y != 0.0))
        .collect()
}

/// The curves of the arms that are not drawn, each in panels of its name, thinned.
pub(super) fn others(run: &RunFolder, drawn: usize) -> Vec<Series> {
    let of = |arm: usize| {
        let rows: Vec<&StepRow> = run.steps.iter().filter(|row| row.arm == arm).collect();
        let own = curves(&rows).into_iter();
        own.map(move |s| Series::new(format!("{}: {}", run.label(arm), s.panel), s.name, thinned(s.points)))
            .collect::<Vec<_>>()
    };
    run.plan.arms.iter().map(|arm| arm.arm).filter(|arm| *arm != drawn).flat_map(of).collect()
}

/// Points thinned to what the eye can tell apart; the last is kept.
fn thinned(points: Vec<Point>) -> Vec<Point> {
    let (stride, last) = (points.len().div_ceil(SINGLE_POINTS).max(1), points.len().saturating_sub(1));
    let kept = points.into_iter().enumerate().filter(|(i, _)| i % stride == 0 || *i == last);
    kept.map(|(_, point)| point).collect()
}

/// Median and quartiles over replicates at each step.
fn medians(rows: &[&StepRow], column: Column) -> Vec<Point> {
    let mut at: BTreeMap<u64, Vec<f64>> = BTreeMap::new();
    for row in rows {
        if let Some(value) = column(row) {
            at.entry(row.step).or_default().push(value);
        }
    }
    at.iter().filter_map(|(step, values)| Point::quartiles(*step as f64, values)).collect()
}

/// The single runs, thinned.
pub(super) fn singles(rows: &[&StepRow], panel: &str, column: Column) -> Vec<Series> {
    let mut runs: BTreeMap<u64, Vec<Point>> = BTreeMap::new();
    for row in rows {
        if let Some(value) = column(row) {
            runs.entry(row.replicate).or_default().push(Point::new(row.step as f64, value));
        }
    }
    if !(2..=MAX_SINGLES).contains(&runs.len()) {
        return Vec::new();
    }
    runs.into_iter()
        .filter(|(_, points)| points.len() > 1)
        .map(|(replicate, points)| Series::new(panel, format!("{SINGLE}{replicate}"), thinned(points)))
        .collect()
}
