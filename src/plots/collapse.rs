//! F1's collapse: the gain of true utility per √KL against how far the largest proxy lies beyond the frontier.

use super::axes::{Below, End, INDENT, Panel};
use super::labels::{self, Stroke};
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Figure, Point, Series};
use super::theme::{Ink, WIDTH, colour};
use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::metric::{FRONTIER_RATIO, GAIN};

pub(super) fn build(run: &RunFolder) -> Result<Vec<Figure>, Status> {
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
        let name = arm.values.first().cloned().unwrap_or_default();
        match series.iter_mut().find(|s| s.name == name) {
            Some(one) => one.points.push(point),
            None => series.push(Series::new("collapse", name, [point])),
        }
    }
    let nothing = Status::TooFew { what: "arms with a gain and a ratio", have: 0, need: 1 };
    let points = || series.iter().flat_map(|s| &s.points);
    let x = Scale::over(Kind::Log, points().map(|p| p.x)).ok_or(nothing.clone())?;
    let y = Scale::over(Kind::Linear, points().flat_map(Point::ys).chain([0.0, 1.0])).ok_or(nothing)?;
    let inks: Vec<(String, Ink, Stroke)> = series
        .iter()
        .enumerate()
        .map(|(i, s)| (s.name.clone(), colour(i, series.len()), Stroke::Solid))
        .collect();
    let mut scene = Scene::new(WIDTH, 0.0);
    let top = 34.0 + labels::key(&mut scene, 10.0, WIDTH - 10.0, 8.0, &inks);
    let names = ["all of it", "none"];
    let panel =
        Panel { left: INDENT + 10.0, top, right: WIDTH - labels::room(names), bottom: top + 300.0, x, y };
    panel.frame(
        &mut scene,
        "Gain of true utility per √KL",
        Below::Title("largest proxy / frontier size T*(1/K, KL)"),
    );
    let ends: Vec<End> = [1.0, 0.0].iter().zip(names).map(|(y, n)| panel.level(&mut scene, *y, n)).collect();
    for (s, (_, ink, _)) in series.iter().zip(&inks) {
        panel.whiskers(&mut scene, s, *ink, 0.0);
    }
    labels::at_right(&mut scene, &panel, &ends);
    scene.height = panel.bottom + 48.0;
    Ok(vec![Figure {
        name: "collapse".to_owned(),
        title: "Gain against the reach of the largest proxy".to_owned(),
        caption: "Mean gain of true utility per √KL over the replicates, with 95% intervals, against the largest proxy of the \
                  table in units of the size at which a single outcome supplies half of the proxy's gain at that KL. Where the \
                  ratio decides, arms that differ in tail, number of outcomes and KL lie on one falling curve."
            .to_owned(),
        columns: ["ratio", "gain_per_root_kl", "ci_low", "ci_high"],
        series,
        scene,
    }])
}
