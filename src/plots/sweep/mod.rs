//! What became of each arm of a sweep: final utility and proxy with intervals and every run, along the first key; colour is the second key,
//! and a panel what further keys say.

mod axis;
mod colours;
mod sheet;

use super::arms;
use super::figure::Figure;
use super::series::{Point, Series};
use super::sheet::Size;
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::record::folder::RunFolder;
use crate::record::metric::{PROXY, SWAP_UTILITY, UTILITY};
use crate::record::tables::ReplicateRow;
use axis::Axis;
use sheet::draw;

const PANELS: [(&str, &str); 3] = [
    (UTILITY, "Final utility E[V]"),
    (PROXY, "Final proxy reward E[U]"),
    (SWAP_UTILITY, "Final utility of the swap twin"),
];
/// What the CSV calls the single runs of a panel.
const RUNS: &str = "runs";

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    if run.plan.arms.len() < 2 || run.plan.sweep_keys.is_empty() {
        return Err(Status::TooFew { what: "arms", have: run.plan.arms.len(), need: 2 });
    }
    let groups = arms::groups(run, 0);
    let axis = Axis::of(run);
    let (mut series, mut categories) = (Vec::new(), Vec::new());
    for (metric, _) in PANELS {
        for group in &groups {
            let points = group.arms.iter().filter_map(|(arm, value)| {
                let row = run.metric(arm.arm, metric)?;
                Some(Point { x: axis.position(value)?, y: row.estimate?, low: row.ci_low, high: row.ci_high })
            });
            series.push(Series::new(metric, group.name.clone(), points));
        }
    }
    series.retain(|s| !s.points.is_empty());
    if series.is_empty() {
        return Err(Status::Missing { column: format!("{UTILITY} or {PROXY} in summary.csv") });
    }
    let scene = draw(run, &axis, &groups, &series, size)?;
    let title = title(run, &axis, &series);
    for (metric, _) in PANELS {
        if !series.iter().any(|s| s.panel == metric) {
            continue;
        }
        for group in &groups {
            let points = group.arms.iter().flat_map(|(arm, value)| {
                let position = axis.position(value);
                let runs = arms::finals(run, arm.arm, column(metric));
                runs.into_iter().filter_map(move |found| Some(Point::new(position?, found)))
            });
            series.push(Series::new(format!("{metric} {RUNS}"), group.name.clone(), points));
        }
    }
    series.retain(|s| !s.points.is_empty());
    for point in series.iter().flat_map(|s| &s.points) {
        categories.push(axis.category(point.x));
    }
    let key = &run.plan.sweep_keys[0];
    let beside = if axis.names.is_some() { vec![("category", categories)] } else { Vec::new() };
    Ok(vec![Figure {
        name: "sweep".to_owned(),
        title,
        caption: format!(
            "Final policies by {key}: estimates with their intervals over the replicates (see the summary for how each is made). \
             Faint dots are single runs, triangles at the edge those beyond the range of the intervals."
        ),
        columns: ["value", "estimate", "ci_low", "ci_high"],
        series,
        beside,
        scene,
    }])
}

fn column(metric: &str) -> fn(&ReplicateRow) -> Option<f64> {
    match metric {
        UTILITY => |row| row.utility,
        SWAP_UTILITY => |row| row.swap_utility,
        _ => |row| row.proxy,
    }
}

/// The arm that ends best, and the one that ends worst.
fn title(run: &RunFolder, axis: &Axis, series: &[Series]) -> String {
    let key = arms::short_key(&run.plan.sweep_keys[0]);
    let mut found: Vec<(&Series, &Point)> = series
        .iter()
        .filter(|s| s.panel == UTILITY)
        .flat_map(|s| s.points.iter().map(move |point| (s, point)))
        .collect();
    found.sort_by(|a, b| a.1.y.total_cmp(&b.1.y));
    let told = |(s, p): &(&Series, &Point)| {
        let value = axis.names.as_ref().map_or_else(|| number(p.x), |_| axis.category(p.x));
        let arm = if s.name.is_empty() { value } else { format!("{value}, {}", s.name) };
        match (p.low, p.high) {
            (Some(low), Some(high)) => format!("{} [{}, {}] ({arm})", number(p.y), number(low), number(high)),
            _ => format!("{} ({arm})", number(p.y)),
        }
    };
    match (found.first(), found.last()) {
        (Some(worst), Some(best)) if found.len() > 1 => {
            format!("Final E[V] by {key}, from {} to {}", told(worst), told(best))
        }
        _ => format!("Outcome by {key}"),
    }
}
