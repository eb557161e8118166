//! Hill plot: the tail index ξ against how many of the largest rewards it is read from (Hill 1975; Drees, de Haan & Resnick 2000
//! on why to draw it over log k). A plateau is an index, a slope is none.

use super::axes::{Below, End, INDENT, LEVEL, Panel};
use super::figure::Figure;
use super::labels::{self, Naming};
use super::merged::{chosen, further, merged};
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{COLOURS, Pen, pen};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::record::folder::RunFolder;

/// Lines on a wide sheet; in a column no more than colours tell apart.
const MAX_ARMS: usize = 12;
/// With more arms than this the bands would hide each other.
const MAX_BANDS: usize = 4;
const PANEL: &str = "hill";
/// Below this k an estimate says nothing: its relative standard error is 1/√k.
const LEAST: usize = 10;

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    if run.hill.is_empty() {
        return Err(Status::Missing { column: "hill.csv".to_owned() });
    }
    let mut found: Vec<(String, Vec<Point>)> = Vec::new();
    for arm in &run.plan.arms {
        let rows = run.hill.iter().filter(|row| row.arm == arm.arm && row.k >= LEAST && row.xi > 0.0);
        // Where the k largest are all equal the estimate is 0: they are one value, no tail.
        let points = rows.map(|row| Point { x: row.k as f64, y: row.xi, low: row.ci_low, high: row.ci_high });
        let made = Series::new(PANEL, run.label(arm.arm), points);
        if made.points.len() > 1 {
            found.push((made.name, made.points));
        }
    }
    // Arms that differ only in how the policy is optimised have the same reference, and so the same curve.
    let series = merged(found).into_iter().map(|(name, points)| Series::new(PANEL, name, points));
    let series: Vec<Series> = series.collect();
    if series.is_empty() {
        return Err(Status::TooFew { what: "values of k", have: 1, need: 2 });
    }
    let (title, lead) = title(&series);
    let most = if size.is_wide() { MAX_ARMS } else { MAX_ARMS.min(COLOURS) };
    let shown: Vec<&Series> = chosen(series.len(), lead, most).into_iter().map(|i| &series[i]).collect();
    let scene = draw(&shown, size)?;
    let bands = if shown.len() > MAX_BANDS { "whose intervals are in the CSV" } else { "with 95% intervals" };
    let rest = further(series.len() - shown.len());
    Ok(vec![Figure {
        name: "hill".to_owned(),
        title,
        caption: format!(
            "Hill's estimate of the tail index ξ = 1/α from the k largest rewards, k ≥ {LEAST}, {bands}. A plateau is a tail index; \
             a steady slope means that there is none at these sizes. Above ξ = ½ the variance is infinite, above 1 the mean. \
             The estimate is always positive, so it cannot show a light tail: compare the moment and GPD estimates. Arms with the same rewards share a line.{rest}"
        ),
        columns: ["k", "xi", "ci_low", "ci_high"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

/// Where each curve has its median over the upper half of its k, which is its height where it has a plateau: the lowest and the highest, and which
/// curve is the highest.
fn title(series: &[Series]) -> (String, Option<usize>) {
    let index = |(i, s): (usize, &Series)| {
        let mut rest: Vec<&Point> = s.points[s.points.len() / 2..].iter().collect();
        rest.sort_by(|a, b| a.y.total_cmp(&b.y));
        rest.get(rest.len() / 2).map(|point| (i, **point))
    };
    let told = |point: &Point| match (point.low, point.high) {
        (Some(low), Some(high)) => format!("{} [{}, {}]", number(point.y), number(low), number(high)),
        _ => number(point.y),
    };
    let mut found: Vec<(usize, Point)> = series.iter().enumerate().filter_map(index).collect();
    found.sort_by(|a, b| a.1.y.total_cmp(&b.1.y));
    match found.as_slice() {
        [] => ("Hill plot of the proxy reward".to_owned(), None),
        [(_, xi)] => (format!("Hill's tail index of the proxy reward is about {}", told(xi)), None),
        [(low, first), .., (high, last)] => {
            let text = format!(
                "Hill's tail index of the proxy reward runs from {} ({}) to {} ({})",
                told(first),
                series[*low].name,
                told(last),
                series[*high].name
            );
            (text, Some(*high))
        }
    }
}

fn draw(shown: &[&Series], size: Size) -> Result<Scene, Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let width = size.width();
    let points = || shown.iter().flat_map(|s| &s.points);
    let x = Scale::over(Kind::Log, points().map(|p| p.x)).ok_or(nothing.clone())?;
    // The intervals at the smallest k would squeeze everything else.
    let high = points().map(|p| p.y).fold(0.0, f64::max) * 1.25;
    let y = Scale::exact(Kind::Linear, 0.0, high.max(0.6)).ok_or(nothing)?;
    let single = shown.len() == 1;
    let levels = [(0.5, "infinite variance"), (1.0, "infinite mean")];
    let drawn: Vec<(f64, &str)> =
        levels.into_iter().filter(|(level, _)| *level < y.ends().1 * 0.97).collect();
    let names = shown.iter().map(|s| s.name.as_str()).filter(|_| !single);
    let names: Vec<&str> = names.chain(drawn.iter().map(|(_, name)| *name)).collect();
    let height = if size.is_wide() { 296.0 } else { 200.0 };
    let naming = Naming::of(names, width, height);
    let mut scene = Scene::new(width, 0.0);
    let mut top = 30.0;
    if naming == Naming::Above {
        let mut pens: Vec<(String, Pen)> =
            shown.iter().enumerate().filter(|_| !single).map(|(i, s)| (s.name.clone(), pen(i))).collect();
        pens.extend((!drawn.is_empty()).then(|| ("infinite variance (½), mean (1)".to_owned(), LEVEL)));
        top += labels::key(&mut scene, 10.0, width - 10.0, 8.0, &pens) + 2.0;
    }
    let panel = Panel { left: INDENT + 10.0, top, right: width - naming.room(), bottom: top + height, x, y };
    panel.frame(&mut scene, "Tail index ξ", Below::Title("Largest rewards used, k"));
    let mut ends: Vec<End> =
        drawn.into_iter().map(|(level, name)| panel.level(&mut scene, level, name)).collect();
    for (i, s) in shown.iter().enumerate() {
        let pen = if single { Pen::plain(pen(0).ink) } else { pen(i) };
        if shown.len() <= MAX_BANDS {
            panel.band(&mut scene, s, pen.ink);
        }
        panel.line(&mut scene, s, pen);
        if let Some(last) = s.points.last().filter(|_| !single) {
            ends.push((panel.place(last.x, last.y), s.name.clone(), pen));
        }
    }
    if matches!(naming, Naming::Beside(_)) {
        labels::at_right(&mut scene, &panel, &ends);
    }
    scene.height = panel.bottom + 54.0;
    Ok(scene)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_title_tells_the_lowest_and_the_highest_curve_with_their_intervals() {
        let curve = |name: &str, xi: f64| {
            let point = |k: u32| Point { x: f64::from(k), y: xi, low: Some(xi - 0.1), high: Some(xi + 0.1) };
            Series::new(PANEL, name, (10..20).map(point))
        };
        let (told, lead) = title(&[curve("light", 0.25), curve("heavy", 0.75), curve("other", 0.5)]);
        assert_eq!(
            told,
            "Hill's tail index of the proxy reward runs from 0.25 [0.15, 0.35] (light) to 0.75 [0.65, 0.85] (heavy)"
        );
        assert_eq!(lead, Some(1));
        assert_eq!(
            title(&[curve("", 0.5)]).0,
            "Hill's tail index of the proxy reward is about 0.5 [0.4, 0.6]"
        );
    }
}
