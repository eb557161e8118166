//! P(U > u) on doubly logarithmic axes: a power law is a straight line, a normal falls off a cliff.

use super::axes::{Below, INDENT, Panel};
use super::figure::Figure;
use super::fitting::wrap;
use super::labels;
use super::merged::{chosen, further, merged};
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, Dash, GREY, LINE, NORMAL, PALETTE, Pen, SILVER, SMALL, Shape};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::record::folder::RunFolder;
use crate::record::tables::SurvivalRow;
use statrs::function::erf::erfc;

const MAX_ARMS: usize = 6;
const FIT: &str = "GPD fit";
const NORMAL_FIT: &str = "normal of the same quartiles";
/// Quartiles of a normal lie so many standard deviations from its centre.
const QUARTILE: f64 = 0.674_489_750_196_081_7;
/// Points on the normal curve.
const GRID: usize = 120;

/// A line of a panel: its name, and its points.
type Line = (String, Vec<Point>);

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    if run.survival.is_empty() {
        return Err(Status::Missing { column: "survival.csv".to_owned() });
    }
    let mut found: Vec<(String, Vec<Line>)> = Vec::new();
    for arm in &run.plan.arms {
        let reference: Vec<(f64, f64)> = run
            .survival
            .iter()
            .filter(|row| row.arm == arm.arm && row.series == "reference")
            .map(|row| (row.proxy, row.survival))
            .collect();
        let bulk = centre_and_sd(&reference);
        // Left of a tenth of the standard deviation a logarithmic axis shows nothing of the tail.
        let from = bulk.map_or(0.0, |(_, sd)| 0.1 * sd);
        let shown = |row: &&SurvivalRow| row.arm == arm.arm && row.proxy > from && row.survival > 0.0;
        let rows: Vec<&SurvivalRow> = run.survival.iter().filter(shown).collect();
        if rows.is_empty() {
            continue;
        }
        let smallest = rows.iter().map(|row| row.survival).fold(1.0, f64::min);
        let mut own = Vec::new();
        for name in ["reference", "training"] {
            let mine = || rows.iter().filter(|row| row.series == name);
            own.push((name.to_owned(), thinned(mine().map(|row| Point::new(row.proxy, row.survival)))));
            let fit = mine().filter_map(|row| {
                row.gpd_fit.filter(|s| *s >= smallest / 3.0).map(|s| Point::new(row.proxy, s))
            });
            let label = if name == "reference" { FIT.to_owned() } else { format!("{FIT} ({name})") };
            own.push((label, fit.collect()));
        }
        let normal = bulk.map_or(Vec::new(), |(centre, sd)| normal(centre, sd, smallest));
        own.push((NORMAL_FIT.to_owned(), normal));
        found.push((run.label(arm.arm), own));
    }
    // Arms that differ only in how the policy is optimised have one reference.
    let mut series: Vec<Series> = merged(found)
        .into_iter()
        .flat_map(|(panel, own)| {
            own.into_iter().map(move |(name, points)| Series::new(panel.as_str(), name, points))
        })
        .collect();
    series.retain(|s| !s.points.is_empty());
    if series.is_empty() {
        return Err(Status::TooFew { what: "positive proxy rewards", have: 0, need: 1 });
    }
    let (title, lead) = title(&series);
    let (scene, left) = draw(&series, lead, size)?;
    let rest = further(left);
    Ok(vec![Figure {
        name: "survival".to_owned(),
        title,
        caption: format!(
            "Share of the rollouts whose proxy reward exceeds u, under the reference policy and during training, with the \
             generalised Pareto tail fitted above its threshold. Dotted: a normal with the reference's quartiles. On these axes a \
             power law is a straight line of slope −1/ξ. Arms with the same rewards share a panel.{rest}"
        ),
        columns: ["proxy", "survival", "ci_low", "ci_high"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

/// Centre and standard deviation of the normal through the quartiles; nothing without both of them.
fn centre_and_sd(reference: &[(f64, f64)]) -> Option<(f64, f64)> {
    let (lower, upper) = (crossing(reference, 0.75)?, crossing(reference, 0.25)?);
    Some(((lower + upper) / 2.0, (upper - lower) / (2.0 * QUARTILE))).filter(|(_, sd)| *sd > 0.0)
}

/// Survival of a normal from a tenth of its standard deviation on, down to `smallest`.
fn normal(centre: f64, sd: f64, smallest: f64) -> Vec<Point> {
    let (from, to) = (0.1 * sd, centre + 40.0 * sd);
    (0..=GRID)
        .map(|i| from * (to / from).powf(i as f64 / GRID as f64))
        .map(|u| Point::new(u, 0.5 * erfc((u - centre) / (sd * std::f64::consts::SQRT_2))))
        .take_while(|p| p.y >= smallest / 3.0)
        .collect()
}

/// Where the survival function falls through `level`.
fn crossing(points: &[(f64, f64)], level: f64) -> Option<f64> {
    let mut ascending: Vec<(f64, f64)> = points.iter().copied().filter(|p| p.0.is_finite()).collect();
    ascending.sort_by(|a, b| a.0.total_cmp(&b.0).then(b.1.total_cmp(&a.1)));
    ascending.windows(2).find_map(|pair| {
        let ((x0, s0), (x1, s1)) = (pair[0], pair[1]);
        (s0 >= level && s1 < level).then(|| x0 + (s0 - level) / (s0 - s1) * (x1 - x0))
    })
}

/// Of equal rewards the two ends of their step: what lies between adds nothing to the picture.
fn thinned(points: impl Iterator<Item = Point>) -> Vec<Point> {
    let mut kept: Vec<Point> = Vec::new();
    for point in points {
        let ties = kept.iter().rev().take_while(|p| p.x == point.x).count();
        if ties >= 2 {
            kept.pop();
        }
        kept.push(point);
    }
    kept
}

/// Where the reference's largest reward stands against a normal of its quartiles, and the panel of which that is told.
fn title(series: &[Series]) -> (String, Option<&str>) {
    let furthest = series.iter().filter(|s| s.name == "reference").filter_map(|s| {
        let largest = s.points.iter().map(|p| p.x).fold(f64::NEG_INFINITY, f64::max);
        let normal = series.iter().find(|n| n.panel == s.panel && n.name == NORMAL_FIT)?;
        let end = normal.points.iter().map(|p| p.x).fold(f64::NEG_INFINITY, f64::max);
        Some((largest / end, largest, end, s))
    });
    let furthest = furthest.max_by(|a, b| a.0.total_cmp(&b.0));
    let lead = furthest.map(|(.., s)| s.panel.as_str());
    let told = match furthest {
        Some((ratio, largest, end, s)) if ratio > 1.05 => format!(
            "Rewards of the reference reach {}, where a normal of the same quartiles ends at {} ({})",
            number(largest),
            number(end),
            s.panel
        ),
        Some((_, largest, ..)) => {
            format!(
                "Rewards of the reference end at {}, no further than a normal of the same quartiles",
                number(largest)
            )
        }
        None => "Tail of the proxy reward".to_owned(),
    };
    (told, lead)
}

fn pen_of(name: &str) -> Pen {
    match name {
        "training" => Pen { ink: PALETTE[1], dash: Dash::Dashed, shape: Shape::Diamond },
        NORMAL_FIT => Pen { ink: SILVER, dash: Dash::Dotted, shape: Shape::Circle },
        name if name.starts_with(FIT) && name != FIT => pen_of("training"),
        _ => Pen::plain(PALETTE[0]),
    }
}

/// The panels, and how many arms have none.
fn draw(series: &[Series], lead: Option<&str>, size: Size) -> Result<(Scene, usize), Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let full = size.width();
    let mut arms: Vec<&str> = Vec::new();
    for s in series {
        if !arms.contains(&s.panel.as_str()) {
            arms.push(&s.panel);
        }
    }
    let lead = arms.iter().position(|arm| Some(*arm) == lead);
    let shown: Vec<&str> = chosen(arms.len(), lead, MAX_ARMS).into_iter().map(|i| arms[i]).collect();
    let left = arms.len() - shown.len();
    let arms = shown;
    let points = || series.iter().flat_map(|s| &s.points);
    let y = Scale::over(Kind::Log, points().map(|p| p.y).chain([1.0])).ok_or(nothing.clone())?;
    let columns = arms.len().min(2);
    let rows = arms.len().div_ceil(columns);
    let tall = arms.len() == 1 && size.is_wide();
    let width = full / columns as f64;
    let mut names: Vec<(String, Pen)> = Vec::new();
    for s in series.iter().filter(|s| !s.name.starts_with(FIT)) {
        if !names.iter().any(|n| n.0 == s.name) {
            names.push((s.name.clone(), pen_of(&s.name)));
        }
    }
    let mut scene = Scene::new(full, 0.0);
    scene.bold((10.0, 18.0), "P(U > u)", NORMAL, Align::Left, BLACK);
    scene.text((74.0, 18.0), "marks: rollouts, lines: fits", SMALL, Align::Left, GREY);
    let head = |arm: &str| wrap(arm, width - 70.0, SMALL, true);
    let heads = if arms.len() == 1 { 0 } else { arms.iter().map(|arm| head(arm).len()).max().unwrap_or(0) };
    let above = heads as f64 * (SMALL + 2.0) + 6.0;
    let start = 26.0 + labels::key(&mut scene, 10.0, full - 10.0, 26.0, &names) + 4.0;
    let height = size.height(start, rows, above + 50.0, if tall { 320.0 } else { 210.0 });
    for (i, arm) in arms.iter().enumerate() {
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == **arm).collect();
        let x = Scale::over(Kind::Log, mine.iter().flat_map(|s| s.points.iter().map(|p| p.x)))
            .ok_or(nothing.clone())?;
        let left = INDENT + 10.0 + (i % columns) as f64 * width;
        let top = start + above + (i / columns) as f64 * (height + above + 50.0);
        let panel = Panel { left, top, right: left + width - INDENT - 26.0, bottom: top + height, x, y };
        panel.frame(&mut scene, "", Below::Title("Proxy reward u"));
        if arms.len() > 1 {
            for (line, text) in head(arm).iter().rev().enumerate() {
                let at = (left, top - 8.0 - line as f64 * (SMALL + 2.0));
                scene.bold(at, text.as_str(), SMALL, Align::Left, BLACK);
            }
        }
        for s in mine {
            let (places, pen) = (panel.places(&s.points), pen_of(&s.name));
            match s.name.as_str() {
                NORMAL_FIT => {
                    scene.dashed(places, pen.ink, 1.4, pen.dash);
                    scene.drawn_from(s, &s.points);
                }
                name if name.starts_with(FIT) => {
                    scene.dashed(places, pen.ink, LINE, pen.dash);
                    scene.drawn_from(s, &s.points);
                }
                _ => {
                    for (at, point) in places.into_iter().zip(&s.points) {
                        scene.shape(at, 2.2, pen.ink.at(0.6), pen.shape);
                        scene.drawn_from(s, std::slice::from_ref(point));
                    }
                }
            }
        }
    }
    scene.height = start + rows as f64 * (height + above + 50.0) + 4.0;
    Ok((scene, left))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_keep_both_ends_of_their_step() {
        let at = |x: f64, y: f64| Point::new(x, y);
        let kept =
            thinned([at(3.0, 0.1), at(2.0, 0.2), at(2.0, 0.3), at(2.0, 0.4), at(1.0, 0.5)].into_iter());
        assert_eq!(kept, [at(3.0, 0.1), at(2.0, 0.2), at(2.0, 0.4), at(1.0, 0.5)]);
    }

    #[test]
    fn the_normal_goes_through_the_quartiles() {
        // Centre 1, sd 2.
        let q = 2.0 * QUARTILE;
        let reference = [(-5.0, 0.99), (1.0 - q, 0.75), (1.0, 0.5), (1.0 + q, 0.25), (6.0, 0.006)];
        assert!((crossing(&reference, 0.25).unwrap() - (1.0 + q)).abs() < 1e-9);
        let (centre, sd) = centre_and_sd(&reference).unwrap();
        assert!((centre - 1.0).abs() < 1e-9 && (sd - 2.0).abs() < 1e-9);
        let points = normal(centre, sd, 1e-3);
        assert!(points.len() > 10 && points.iter().all(|p| p.y >= 1e-3 / 3.0));
        let near = points.iter().min_by(|a, b| (a.x - 3.0).abs().total_cmp(&(b.x - 3.0).abs())).unwrap();
        assert!((near.y - 0.5 * erfc((near.x - 1.0) / (2.0 * 2f64.sqrt()))).abs() < 2e-3);
        assert_eq!(centre_and_sd(&[(1.0, 1.0), (1.0, 0.1)]), None);
    }
}
