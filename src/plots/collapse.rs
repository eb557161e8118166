//! F1's collapse: the gain of true utility per √KL against how far the largest proxy lies beyond the frontier.

use super::axes::{Below, End, INDENT, Panel};
use super::figure::Figure;
use super::labels;
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{Pen, pen};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::record::folder::RunFolder;
use crate::record::metric::{FRONTIER_RATIO, GAIN};

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    // Drawn where the experiment expects this order: elsewhere the KL is no budget and the ratio means nothing.
    if !run.checks.iter().any(|row| row.metric == GAIN && row.source.ends_with(FRONTIER_RATIO)) {
        return Ok(Vec::new());
    }
    let mut series: Vec<Series> = Vec::new();
    for arm in &run.plan.arms {
        let (Some(ratio), Some(gain)) = (run.metric(arm.arm, FRONTIER_RATIO), run.metric(arm.arm, GAIN))
        else {
            continue;
        };
        let (Some(x), Some(y)) = (ratio.estimate, gain.estimate) else { continue };
        let point = Point { x, y, low: gain.ci_low, high: gain.ci_high };
        let name = arm.name(0).map_or_else(String::new, super::arms::readable);
        match series.iter_mut().find(|s| s.name == name) {
            Some(one) => one.points.push(point),
            None => series.push(Series::new("collapse", name, [point])),
        }
    }
    let nothing = Status::TooFew { what: "arms with a gain and a ratio", have: 0, need: 1 };
    let points = || series.iter().flat_map(|s| &s.points);
    let x = Scale::over(Kind::Log, points().map(|p| p.x)).ok_or(nothing.clone())?;
    let y = Scale::over(Kind::Linear, points().flat_map(Point::ys).chain([0.0, 1.0])).ok_or(nothing)?;
    let pens: Vec<(String, Pen)> = series.iter().enumerate().map(|(i, s)| (s.name.clone(), pen(i))).collect();
    let width = size.width();
    let mut scene = Scene::new(width, 0.0);
    let top = 34.0 + labels::key(&mut scene, 10.0, width - 10.0, 8.0, &pens);
    let names = ["all of it", "none"];
    let panel =
        Panel { left: INDENT + 10.0, top, right: width - labels::room(names), bottom: top + 300.0, x, y };
    panel.frame(
        &mut scene,
        "Gain of true utility per √KL",
        Below::Title("largest proxy / frontier size T*(1/K, KL)"),
    );
    let ends: Vec<End> = [1.0, 0.0].iter().zip(names).map(|(y, n)| panel.level(&mut scene, *y, n)).collect();
    for (s, (_, pen)) in series.iter().zip(&pens) {
        panel.whiskers(&mut scene, s, *pen);
    }
    labels::at_right(&mut scene, &panel, &ends);
    scene.height = panel.bottom + 48.0;
    Ok(vec![Figure {
        name: "collapse".to_owned(),
        title: title(&series),
        caption: "Mean gain of true utility per √KL over the replicates, with 95% intervals, against the largest proxy of the \
                  table in units of the size at which a single outcome supplies half of the proxy's gain at that KL. Where the \
                  ratio decides, arms that differ in tail, number of outcomes and KL lie on one falling curve."
            .to_owned(),
        columns: ["ratio", "gain_per_root_kl", "ci_low", "ci_high"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

/// How far the gain falls from the least to the greatest reach.
fn title(series: &[Series]) -> String {
    let mut points: Vec<&Point> = series.iter().flat_map(|s| &s.points).collect();
    points.sort_by(|a, b| a.x.total_cmp(&b.x));
    let gain = |point: &Point| match (point.low, point.high) {
        (Some(low), Some(high)) => format!("{} [{}, {}]", number(point.y), number(low), number(high)),
        _ => number(point.y),
    };
    match (points.first(), points.last()) {
        (Some(first), Some(last)) => format!(
            "The gain per √KL goes from {} to {} as the largest proxy goes from {} to {} frontier sizes",
            gain(first),
            gain(last),
            number(first.x),
            number(last.x)
        ),
        _ => "Gain against the reach of the largest proxy".to_owned(),
    }
}
