//! Hill plot: the tail index ξ against how many of the largest rewards it is read from (Hill 1975; Drees, de Haan & Resnick 2000
//! on why to draw it over log k). A plateau is an index, a slope is none.

use super::axes::{Below, End, INDENT, LEVEL, Panel};
use super::figure::Figure;
use super::labels::{self, Naming};
use super::merged::{chosen, further, merged};
use super::multiples::{Line, Multiples};
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, HAIR, NORMAL, PALETTE, Pen, SILVER, pen};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::record::folder::RunFolder;

/// Curves of a figure: on a wide sheet, and in a column.
const MAX_ARMS: usize = 12;
const MAX_NARROW: usize = 8;
/// With more curves than this their bands would hide each other: each has a panel then.
const MAX_BANDS: usize = 4;
/// Height of a panel of one curve.
const LOW: f64 = 120.0;
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
    let most = if size.is_wide() { MAX_ARMS } else { MAX_NARROW };
    let shown: Vec<&Series> = chosen(series.len(), lead, most).into_iter().map(|i| &series[i]).collect();
    let (scene, apart) = if shown.len() > MAX_BANDS {
        (panels(&shown, size)?, " Pale: the other curves.")
    } else {
        (draw(&shown, size)?, "")
    };
    let rest = further(series.len() - shown.len());
    Ok(vec![Figure {
        name: "hill".to_owned(),
        title,
        caption: format!(
            "Hill's estimate of the tail index ξ = 1/α from the k largest rewards, k ≥ {LEAST}. Bands: ξ ± 1.96 ξ/√k, the asymptotic 95% interval of independent rewards beyond which the tail is \
             exactly a power.{apart} A plateau is a tail index; \
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

/// The scales of all curves.
fn scales(shown: &[&Series]) -> Result<(Scale, Scale), Status> {
    let points = || shown.iter().flat_map(|s| &s.points);
    // The intervals at the smallest k would squeeze everything else.
    let high = points().map(|p| p.y).fold(0.0, f64::max) * 1.25;
    let x = Scale::over(Kind::Log, points().map(|p| p.x));
    let y = Scale::exact(Kind::Linear, 0.0, high.max(0.6));
    x.zip(y).ok_or(Status::TooFew { what: "finite points", have: 0, need: 1 })
}

/// The levels that lie on the axis.
fn levels(y: Scale) -> Vec<(f64, &'static str)> {
    let all = [(0.5, "infinite variance"), (1.0, "infinite mean")];
    all.into_iter().filter(|(level, _)| *level < y.ends().1 * 0.97).collect()
}

/// The levels in a key.
fn key_of(levels: &[(f64, &str)]) -> Option<(String, Pen)> {
    let words = match levels {
        [] => return None,
        [_] => "infinite variance (ξ = ½)",
        _ => "infinite variance (ξ = ½), mean (ξ = 1)",
    };
    Some((words.to_owned(), LEVEL))
}

/// A panel for each curve, with its band, before the other curves.
fn panels(shown: &[&Series], size: Size) -> Result<Scene, Status> {
    let (x, y) = scales(shown)?;
    let width = size.width();
    let mut scene = Scene::new(width, 0.0);
    scene.bold((10.0, 18.0), "Tail index ξ", NORMAL, Align::Left, BLACK);
    let levels = levels(y);
    let key: Vec<(String, Pen)> = key_of(&levels).into_iter().collect();
    let start = 30.0 + labels::key(&mut scene, 10.0, width - 10.0, 28.0, &key);
    let heads: Vec<Vec<Line>> = shown.iter().map(|s| vec![(s.name.clone(), BLACK, true)]).collect();
    let cells = Multiples::new(&heads, size, start, LOW, 3);
    for (i, own) in shown.iter().enumerate() {
        let (left, top, right, bottom) = cells.edges(i);
        let panel = Panel { left, top, right, bottom, x, y };
        cells.head(&mut scene, i);
        panel.frame(&mut scene, "", cells.below(i, "Rewards used, k"));
        for (level, name) in &levels {
            panel.level(&mut scene, *level, name);
        }
        for other in shown.iter().filter(|other| other.name != own.name) {
            scene.line(panel.places(&other.points), SILVER.at(0.5), HAIR);
        }
        panel.band(&mut scene, own, PALETTE[0]);
        panel.line(&mut scene, own, Pen::plain(PALETTE[0]));
    }
    scene.height = cells.end();
    Ok(scene)
}

/// All curves in one panel, each with its band.
fn draw(shown: &[&Series], size: Size) -> Result<Scene, Status> {
    let (x, y) = scales(shown)?;
    let width = size.width();
    let single = shown.len() == 1;
    let drawn = levels(y);
    let names = shown.iter().map(|s| s.name.as_str()).filter(|_| !single);
    let names: Vec<&str> = names.chain(drawn.iter().map(|(_, name)| *name)).collect();
    let height = if size.is_wide() { 296.0 } else { 200.0 };
    let naming = Naming::of(names, width, height);
    let mut scene = Scene::new(width, 0.0);
    let mut top = 30.0;
    if naming == Naming::Above {
        let mut pens: Vec<(String, Pen)> =
            shown.iter().enumerate().filter(|_| !single).map(|(i, s)| (s.name.clone(), pen(i))).collect();
        pens.extend(key_of(&drawn));
        top += labels::key(&mut scene, 10.0, width - 10.0, 8.0, &pens) + 2.0;
    }
    let panel = Panel { left: INDENT + 10.0, top, right: width - naming.room(), bottom: top + height, x, y };
    panel.frame(&mut scene, "Tail index ξ", Below::Title("Largest rewards used, k"));
    let mut ends: Vec<End> =
        drawn.into_iter().map(|(level, name)| panel.level(&mut scene, level, name)).collect();
    for (i, s) in shown.iter().enumerate() {
        let pen = if single { Pen::plain(pen(0).ink) } else { pen(i) };
        panel.band(&mut scene, s, pen.ink);
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
    use super::super::scene::Mark;
    use super::super::theme::BAND;
    use super::*;

    #[test]
    fn every_curve_has_its_band_however_many_there_are() {
        let point = |k: u32| Point { x: f64::from(k), y: 0.5, low: Some(0.4), high: Some(0.6) };
        let made = |i: usize| Series::new(PANEL, format!("arm {i}"), (10..20).map(point));
        for count in [1, MAX_BANDS, MAX_BANDS + 1, MAX_ARMS] {
            let series: Vec<Series> = (0..count).map(made).collect();
            let shown: Vec<&Series> = series.iter().collect();
            let scene = if count > MAX_BANDS { panels(&shown, Size::Page) } else { draw(&shown, Size::Page) };
            let is_band = |mark: &&Mark| matches!(mark, Mark::Area { ink, .. } if ink.alpha == BAND);
            assert_eq!(scene.unwrap().marks.iter().filter(is_band).count(), count);
        }
    }

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
