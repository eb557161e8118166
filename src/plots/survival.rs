//! P(U > u) on doubly logarithmic axes: a power law is a straight line, a normal falls off a cliff.

use super::axes::{INDENT, Panel};
use super::figure::Figure;
use super::fitting::wrap;
use super::labels;
use super::merged::{chosen, further, grouped, merged};
use super::multiples::{BELOW, TITLE, below};
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, Dash, GREY, LINE, NORMAL, PALETTE, Pen, SILVER, SMALL, Shape, pen};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::record::folder::RunFolder;
use crate::record::tables::SurvivalRow;
use statrs::function::erf::erfc;

const MAX_PANELS: usize = 6;
/// Trainings that a panel holds: those of both ends of what is swept.
const MAX_TRAININGS: usize = 2;
const REFERENCE: &str = "reference";
const TRAINING: &str = "training";
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
    let mut found: Vec<(String, Vec<Line>, Vec<Line>)> = Vec::new();
    for arm in &run.plan.arms {
        let reference: Vec<(f64, f64)> = run
            .survival
            .iter()
            .filter(|row| row.arm == arm.arm && row.series == REFERENCE)
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
        let mine = |name: &'static str| rows.iter().filter(move |row| row.series == name);
        let smallest = |name| mine(name).map(|row| row.survival).fold(1.0, f64::min);
        let lines = |name: &'static str| -> Vec<Line> {
            let least = smallest(name) / 3.0;
            let fitted = |row: &&SurvivalRow| row.gpd_fit.map(|s| Point::new(row.proxy, s));
            let fit = mine(name).filter_map(fitted).filter(|p| p.y >= least);
            let marks = thinned(mine(name).map(|row| Point::new(row.proxy, row.survival)));
            vec![(name.to_owned(), marks), (FIT.to_owned(), fit.collect())]
        };
        let normal = bulk.map_or(Vec::new(), |(centre, sd)| normal(centre, sd, smallest(REFERENCE)));
        let mut reference = lines(REFERENCE);
        reference.push((NORMAL_FIT.to_owned(), normal));
        found.push((run.label(arm.arm), reference, lines(TRAINING)));
    }
    // Arms that differ only in how the policy is optimised have one reference.
    let mut series: Vec<Series> = Vec::new();
    for group in grouped(found) {
        let panel = group.name.as_str();
        let mut add = |name: String, points: Vec<Point>| series.push(Series::new(panel, name, points));
        let trained = merged(group.own);
        let several = trained.len() > 1;
        group.shown.into_iter().for_each(|(name, points)| add(name, points));
        for (own, lines) in trained {
            let of = if several { format!("{TRAINING}, {own}") } else { TRAINING.to_owned() };
            for (name, points) in lines {
                add(if name == TRAINING { of.clone() } else { format!("{FIT} ({of})") }, points);
            }
        }
    }
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
             power law is a straight line of slope −1/ξ. Arms with the same reference share a panel, in which training is that of the first and of the last of them.{rest}"
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
    let furthest = series.iter().filter(|s| s.name == REFERENCE).filter_map(|s| {
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

/// The training that a series is of, whether it is marks or a fit.
fn training(name: &str) -> Option<&str> {
    let fitted = name.strip_prefix(FIT).and_then(|rest| rest.strip_prefix(" (")?.strip_suffix(')'));
    fitted.or(Some(name)).filter(|name| name.starts_with(TRAINING))
}

/// The pen of a series, among the trainings that the figure shows.
fn pen_of(name: &str, trainings: &[&str]) -> Pen {
    match training(name) {
        Some(of) => pen(1 + trainings.iter().position(|own| *own == of).unwrap_or(0)),
        None if name == NORMAL_FIT => Pen { ink: SILVER, dash: Dash::Dotted, shape: Shape::Circle },
        None => Pen::plain(PALETTE[0]),
    }
}

/// The series of a panel that are drawn: of many trainings the first and the last.
fn shown_of<'a>(series: &'a [Series], panel: &str) -> Vec<&'a Series> {
    let own: Vec<&Series> = series.iter().filter(|s| s.panel == panel).collect();
    let mut trainings: Vec<&str> = own.iter().filter_map(|s| training(&s.name)).collect();
    trainings.dedup();
    let kept: Vec<&str> =
        chosen(trainings.len(), None, MAX_TRAININGS).into_iter().map(|i| trainings[i]).collect();
    own.into_iter().filter(|s| training(&s.name).is_none_or(|of| kept.contains(&of))).collect()
}

/// The panels, and how many there are beside them.
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
    let shown: Vec<&str> = chosen(arms.len(), lead, MAX_PANELS).into_iter().map(|i| arms[i]).collect();
    let left = arms.len() - shown.len();
    let arms = shown;
    let drawn: Vec<&Series> = arms.iter().flat_map(|arm| shown_of(series, arm)).collect();
    let mut trainings: Vec<&str> = Vec::new();
    for of in drawn.iter().filter_map(|s| training(&s.name)) {
        if !trainings.contains(&of) {
            trainings.push(of);
        }
    }
    let points = || drawn.iter().flat_map(|s| &s.points);
    let y = Scale::over(Kind::Log, points().map(|p| p.y).chain([1.0])).ok_or(nothing.clone())?;
    let columns = arms.len().min(2);
    let rows = arms.len().div_ceil(columns);
    let tall = arms.len() == 1 && size.is_wide();
    let width = full / columns as f64;
    let mut names: Vec<(String, Pen)> = Vec::new();
    for s in drawn.iter().filter(|s| !s.name.starts_with(FIT)) {
        if !names.iter().any(|n| n.0 == s.name) {
            names.push((s.name.clone(), pen_of(&s.name, &trainings)));
        }
    }
    let mut scene = Scene::new(full, 0.0);
    scene.bold((10.0, 18.0), "P(U > u)", NORMAL, Align::Left, BLACK);
    scene.text((74.0, 18.0), "marks: rollouts, lines: fits", SMALL, Align::Left, GREY);
    let head = |arm: &str| wrap(arm, width - 70.0, SMALL, true);
    let heads = if arms.len() == 1 { 0 } else { arms.iter().map(|arm| head(arm).len()).max().unwrap_or(0) };
    let above = heads as f64 * (SMALL + 2.0) + 6.0;
    let start = 26.0 + labels::key(&mut scene, 10.0, full - 10.0, 26.0, &names) + 4.0;
    let height = size.height(start + TITLE, rows, above + BELOW, if tall { 320.0 } else { 210.0 });
    for (i, arm) in arms.iter().enumerate() {
        let mine = shown_of(series, arm);
        let x = Scale::over(Kind::Log, mine.iter().flat_map(|s| s.points.iter().map(|p| p.x)))
            .ok_or(nothing.clone())?;
        let left = INDENT + 10.0 + (i % columns) as f64 * width;
        let top = start + above + (i / columns) as f64 * (height + above + BELOW);
        let panel = Panel { left, top, right: left + width - INDENT - 26.0, bottom: top + height, x, y };
        panel.frame(&mut scene, "", below(i, (columns, arms.len()), "Proxy reward u"));
        if arms.len() > 1 {
            for (line, text) in head(arm).iter().rev().enumerate() {
                let at = (left, top - 8.0 - line as f64 * (SMALL + 2.0));
                scene.bold(at, text.as_str(), SMALL, Align::Left, BLACK);
            }
        }
        for s in mine {
            let (places, pen) = (panel.places(&s.points), pen_of(&s.name, &trainings));
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
    scene.height = start + rows as f64 * (height + above + BELOW) + TITLE + 4.0;
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
    fn a_panel_holds_its_reference_once_and_two_of_its_trainings() {
        let named = |name: &str| Series::new("p", name, [Point::new(1.0, 0.5)]);
        let names = ["reference", FIT, NORMAL_FIT, "training, k = 1", "GPD fit (training, k = 1)"];
        let more = ["training, k = 2", "training, k = 3", "GPD fit (training, k = 3)"];
        let series: Vec<Series> = names.iter().chain(&more).map(|name| named(name)).collect();
        let shown: Vec<&str> = shown_of(&series, "p").into_iter().map(|s| s.name.as_str()).collect();
        assert_eq!(shown, [&names[..], &more[1..]].concat());
        let trainings = ["training, k = 1", "training, k = 3"];
        assert_eq!(pen_of("training, k = 3", &trainings), pen_of("GPD fit (training, k = 3)", &trainings));
        assert_ne!(pen_of("training, k = 3", &trainings), pen_of("training, k = 1", &trainings));
        assert_eq!((pen_of(FIT, &trainings), training("reference")), (Pen::plain(PALETTE[0]), None));
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
