//! Catch rate against audit budget, one line a detector, with random audits and the oracle as yardsticks.

use super::axes::{Below, End, INDENT, Panel};
use super::fitting::fit;
use super::labels::{self, Stroke};
use super::scale::{Kind, Scale};
use super::scene::{Align, Place, Scene};
use super::series::{Figure, Point, Series};
use super::theme::{BLACK, GREY, Ink, LINE, NORMAL, SILVER, SMALL, WIDTH, colour};
use crate::foundation::failure::Status;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::metric::{CATCH_RATE, Metric, ORACLE, RANDOM_BASELINE};

/// Small multiples: at most so many arms, in so many columns.
const MAX_ARMS: usize = 12;
const COLUMNS: usize = 3;
/// Most bands over each other.
const MAX_BANDS: usize = 3;
/// Largest distance of neighbouring whiskers, and its share of a panel's width.
const DODGE: (f64, f64) = (5.5, 1.0 / 55.0);
const CHANCE: &str = "random audits (expected)";

pub(super) fn build(run: &RunFolder) -> Result<Vec<Figure>, Status> {
    let mut figures = Vec::new();
    for (name, counts) in [("catch_rate", false), ("catch_rate_counts", true)] {
        let series = read(run, counts);
        if series.is_empty() {
            continue;
        }
        let axis = if counts { "Audit budget (rollouts)" } else { "Audit budget (fraction of rollouts)" };
        let (scene, left_out) = draw(&series, axis)?;
        let rest = if left_out > 0 {
            format!(" {left_out} further arms are in the CSV only.")
        } else {
            String::new()
        };
        figures.push(Figure {
            name: name.to_owned(),
            title: "Caught in time, by audit budget".to_owned(),
            caption: format!(
                "Share of the runs in which an audit confirmed a hack before the damage step, against how many rollouts may be \
                 audited. Bands or whiskers: 95% Wilson intervals (whiskers stand side by side at the same budget). Dashed: the chance of as many random audits. {ORACLE} knows the truth \
                 and bounds what any detector can reach.{rest}"
            ),
            columns: [if counts { "budget_rollouts" } else { "budget_fraction" }, "catch_rate", "ci_low", "ci_high"],
            series,
            scene,
        });
    }
    if figures.is_empty() {
        return Err(Status::Missing { column: format!("{CATCH_RATE}[detector@budget] in summary.csv") });
    }
    Ok(figures)
}

/// One series an arm (its panel) and detector, in the order of the file, and the random baseline as the median over detectors.
fn read(run: &RunFolder, counts: bool) -> Vec<Series> {
    let mut series: Vec<Series> = Vec::new();
    for arm in &run.plan.arms {
        let panel = run.label(arm.arm);
        let mut found: Vec<(String, Vec<Point>)> = Vec::new();
        let mut chance: Vec<(f64, Vec<f64>)> = Vec::new();
        for row in run.summary.iter().filter(|row| row.arm == arm.arm) {
            let (metric, Some(estimate)) = (Metric::parse(&row.metric), row.estimate) else { continue };
            let Some((detector, budget)) = metric.of.filter(|of| (of.1 >= 1.0) == counts) else { continue };
            let point = Point { x: budget, y: estimate, low: row.ci_low, high: row.ci_high };
            match metric.name {
                CATCH_RATE => match found.iter_mut().find(|f| f.0 == detector) {
                    Some(f) => f.1.push(point),
                    None => found.push((detector.to_owned(), vec![point])),
                },
                RANDOM_BASELINE => match chance.iter_mut().find(|c| c.0 == budget) {
                    Some(c) => c.1.push(estimate),
                    None => chance.push((budget, vec![estimate])),
                },
                _ => {}
            }
        }
        let chance =
            chance.iter().filter_map(|(x, ys)| order::median(ys).map(|y| Point::new(*x, y))).collect();
        found.push((CHANCE.to_owned(), chance));
        for (name, mut points) in found {
            points.sort_by(|a, b| a.x.total_cmp(&b.x));
            let made = Series::new(panel.as_str(), name, points);
            if !made.points.is_empty() {
                series.push(made);
            }
        }
    }
    if series.iter().all(|s| s.name == CHANCE) { Vec::new() } else { series }
}

fn draw(series: &[Series], axis: &str) -> Result<(Scene, usize), Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let mut arms: Vec<&str> = Vec::new();
    let mut detectors: Vec<&str> = Vec::new();
    for s in series {
        if !arms.contains(&s.panel.as_str()) {
            arms.push(&s.panel);
        }
        let own = s.name != CHANCE && s.name != ORACLE && s.name != "random";
        if own && !detectors.contains(&s.name.as_str()) {
            detectors.push(&s.name);
        }
    }
    let ink = |name: &str| match name {
        CHANCE => SILVER,
        "random" => GREY,
        ORACLE => BLACK,
        _ => colour(detectors.iter().position(|d| *d == name).unwrap_or(0), detectors.len()),
    };
    let x = Scale::over(Kind::Log, series.iter().flat_map(|s| s.points.iter().map(|p| p.x)))
        .ok_or(nothing.clone())?;
    // Room for whiskers beside the smallest and the largest budget.
    let x = Scale::exact(Kind::Log, x.ends().0 / 1.5, x.ends().1 * 1.5).unwrap_or(x);
    let y = Scale::exact(Kind::Linear, 0.0, 1.0).ok_or(nothing)?;
    let shown = arms.len().min(MAX_ARMS);
    let left_out = arms.len() - shown;
    if let [_] = arms[..] {
        let mut scene = Scene::new(WIDTH, 400.0);
        let room = labels::room(series.iter().map(|s| s.name.as_str()));
        let panel = Panel { left: INDENT + 10.0, top: 30.0, right: WIDTH - room, bottom: 346.0, x, y };
        panel.frame(&mut scene, "P(caught in time)", Below::Title(axis));
        let mine: Vec<&Series> = series.iter().collect();
        let ends = panel_lines(&mut scene, &panel, &mine, &ink);
        labels::at_right(&mut scene, &panel, &ends);
        return Ok((scene, left_out));
    }
    let mut names: Vec<(String, Ink, Stroke)> = Vec::new();
    for s in series {
        if !names.iter().any(|n| n.0 == s.name) {
            let stroke = if s.name == CHANCE { Stroke::Dashed } else { Stroke::Solid };
            names.push((s.name.clone(), ink(&s.name), stroke));
        }
    }
    let columns = shown.min(COLUMNS);
    let rows = shown.div_ceil(columns);
    let mut scene = Scene::new(WIDTH, 0.0);
    let start = labels::key(&mut scene, 10.0, WIDTH - 10.0, 28.0, &names) + 28.0 + 26.0;
    scene.bold((10.0, 18.0), "P(caught in time)", NORMAL, Align::Left, BLACK);
    let (width, height) = ((WIDTH - 10.0) / columns as f64, if columns < 3 { 210.0 } else { 170.0 });
    for (i, arm) in arms.iter().take(shown).enumerate() {
        let (column, row) = (i % columns, i / columns);
        let left = 46.0 + column as f64 * width;
        let top = start + row as f64 * (height + 46.0);
        let panel = Panel { left, top, right: left + width - 58.0, bottom: top + height, x, y };
        let last = i + columns >= shown;
        panel.frame(&mut scene, "", Below::Title(if last { axis_short(axis, columns) } else { "" }));
        let title = fit(arm, width - 50.0, SMALL, true);
        scene.bold((left, top - 9.0), title, SMALL, Align::Left, BLACK);
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == **arm).collect();
        panel_lines(&mut scene, &panel, &mine, &ink);
    }
    scene.height = start + rows as f64 * (height + 46.0) + 12.0;
    Ok((scene, left_out))
}

fn axis_short(axis: &str, columns: usize) -> &str {
    if columns < 3 || axis.contains("(rollouts)") { axis } else { "Budget (fraction of rollouts)" }
}

/// Intervals as bands while they can be told apart, else as whiskers beside each other; gives the ends of the lines.
fn panel_lines(scene: &mut Scene, panel: &Panel, series: &[&Series], ink: &dyn Fn(&str) -> Ink) -> Vec<End> {
    let measured = series.iter().filter(|s| s.name != CHANCE).count();
    let bands = measured <= MAX_BANDS;
    let dodge = DODGE.0.min((panel.right - panel.left) * DODGE.1);
    let mut ends = Vec::new();
    for s in series.iter().filter(|_| bands) {
        panel.band(scene, s, ink(&s.name));
    }
    for s in series.iter().filter(|s| s.name == CHANCE) {
        let places = panel.places(&s.points);
        scene.dashed(&places, ink(&s.name), LINE, 5.0, 3.5);
        ends.extend(places.last().map(|at| (*at, s.name.clone(), ink(&s.name))));
    }
    for (i, s) in series.iter().filter(|s| s.name != CHANCE).enumerate() {
        let ink = ink(&s.name);
        let shift = if bands { 0.0 } else { (i as f64 - (measured as f64 - 1.0) / 2.0) * dodge };
        let places: Vec<Place> = panel.places(&s.points).into_iter().map(|(x, y)| (x + shift, y)).collect();
        ends.extend(places.last().map(|at| (*at, s.name.clone(), ink)));
        if bands {
            places.iter().for_each(|at| scene.dot(*at, 2.8, ink));
            scene.line(places, ink, LINE);
        } else {
            scene.line(places, ink.at(0.7), 1.3);
            panel.whiskers(scene, s, ink, shift);
        }
    }
    ends
}
