//! Catch rate against audit budget, one line a detector, with random audits and the oracle as yardsticks.

use super::axes::{End, Panel};
use super::figure::Figure;
use super::fitting::wrap;
use super::labels::{self, Naming, alike, joined};
use super::merged::{chosen, further};
use super::multiples::{BELOW, TITLE, below};
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, Dash, GREY, NORMAL, Pen, SILVER, SMALL, Shape, pen};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::metric::{CATCH_RATE, Metric, ORACLE, RANDOM_BASELINE};

/// Small multiples: at most so many arms, each at least so wide.
const MAX_ARMS: usize = 12;
/// Most bands over each other.
const MAX_BANDS: usize = 3;
const CHANCE: &str = "random audits (expected)";

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let mut figures = Vec::new();
    for (name, counts) in [("catch_rate", false), ("catch_rate_counts", true)] {
        let (series, hits, runs) = read(run, counts);
        if series.is_empty() {
            continue;
        }
        let axis = if counts { "Audit budget (rollouts)" } else { "Audit budget (fraction of rollouts)" };
        let (title, lead) = title(&series, counts);
        let (scene, left_out) = draw(run, &series, lead, axis, size)?;
        let rest = further(left_out);
        figures.push(Figure {
            name: name.to_owned(),
            title,
            caption: format!(
                "Share of the damaged runs in which an audit confirmed a hack before the damage step, against how many rollouts may be \
                 audited. Bands or whiskers: 95% Wilson intervals. Detectors with the same numbers in every panel share a name. Dashed: the chance of as many random audits. {ORACLE} knows the truth \
                 and bounds what any detector can reach.{rest}"
            ),
            columns: [if counts { "budget_rollouts" } else { "budget_fraction" }, "catch_rate", "ci_low", "ci_high"],
            series,
            beside: vec![("hits", hits), ("damaged_runs", runs)],
            scene,
        });
    }
    if figures.is_empty() {
        return Err(Status::Missing { column: format!("{CATCH_RATE}[detector@budget] in summary.csv") });
    }
    Ok(figures)
}

/// What the first detector reaches at its smallest budget, beside chance, and the panel of which that is told.
fn title(series: &[Series], counts: bool) -> (String, Option<&str>) {
    let first = series.iter().find(|s| s.name != CHANCE && s.name != "random" && s.name != ORACLE);
    let told = first.and_then(|s| {
        let point = s.points.first()?;
        let budget = if counts {
            format!("{} rollouts", number(point.x))
        } else {
            format!("{}% of the rollouts", number(100.0 * point.x))
        };
        let percent = |x: f64| number((100.0 * x).round());
        let interval = match (point.low, point.high) {
            (Some(low), Some(high)) => format!(" [{}, {}]", percent(low), percent(high)),
            _ => String::new(),
        };
        let chance = series.iter().find(|c| c.name == CHANCE && c.panel == s.panel);
        let chance = chance.and_then(|c| c.points.iter().find(|p| p.x == point.x)).map(|p| p.y);
        let beside = match chance {
            Some(chance) if point.high.is_some_and(|high| high < chance) => {
                format!(", worse than chance ({}%)", number(100.0 * chance))
            }
            Some(chance) => format!(", {}% by chance", number((1000.0 * chance).round() / 10.0)),
            None => String::new(),
        };
        let several = series.iter().any(|other| other.panel != s.panel);
        let place = if several { format!(" ({})", s.panel) } else { String::new() };
        Some(format!(
            "{} is in time in {}%{interval} of the damaged runs at {budget}{beside}{place}",
            s.name,
            percent(point.y)
        ))
    });
    let told = told.unwrap_or_else(|| "Caught in time, by audit budget".to_owned());
    (told, first.map(|s| s.panel.as_str()))
}

/// Series with the hits and the runs of each point, in order.
type Counted = (Vec<Series>, Vec<String>, Vec<String>);

/// One series an arm (its panel) and detector, in the order of the file, and the random baseline as the median over detectors.
fn read(run: &RunFolder, counts: bool) -> Counted {
    let mut series: Vec<Series> = Vec::new();
    let (mut hits, mut runs): (Vec<String>, Vec<String>) = Default::default();
    for arm in &run.plan.arms {
        let panel = run.label(arm.arm);
        let mut found: Vec<(String, Vec<(Point, usize)>)> = Vec::new();
        let mut chance: Vec<(f64, Vec<f64>)> = Vec::new();
        for row in run.summary.iter().filter(|row| row.arm == arm.arm) {
            let (metric, Some(estimate)) = (Metric::parse(&row.metric), row.estimate) else { continue };
            let Some((detector, budget)) = metric.of.filter(|of| (of.1 >= 1.0) == counts) else { continue };
            let point = Point { x: budget, y: estimate, low: row.ci_low, high: row.ci_high };
            match metric.name {
                CATCH_RATE => match found.iter_mut().find(|f| f.0 == detector) {
                    Some(f) => f.1.push((point, row.replicates)),
                    None => found.push((detector.to_owned(), vec![(point, row.replicates)])),
                },
                RANDOM_BASELINE => match chance.iter_mut().find(|c| c.0 == budget) {
                    Some(c) => c.1.push(estimate),
                    None => chance.push((budget, vec![estimate])),
                },
                _ => {}
            }
        }
        let chance =
            chance.iter().filter_map(|(x, ys)| order::median(ys).map(|y| (Point::new(*x, y), 0))).collect();
        found.push((CHANCE.to_owned(), chance));
        for (name, mut points) in found {
            points.retain(|(point, _)| point.x.is_finite() && point.y.is_finite());
            points.sort_by(|a, b| a.0.x.total_cmp(&b.0.x));
            for (point, of) in &points {
                let hit = point.y * *of as f64;
                // Shares that stand for more runs than were made are no counts.
                let is_count = (hit - hit.round()).abs() < 1e-6;
                hits.push(if *of > 0 && is_count { format!("{hit:.0}") } else { String::new() });
                runs.push(if *of > 0 { of.to_string() } else { String::new() });
            }
            if !points.is_empty() {
                series.push(Series::new(panel.as_str(), name, points.into_iter().map(|one| one.0)));
            }
        }
    }
    if series.iter().all(|s| s.name == CHANCE) { Counted::default() } else { (series, hits, runs) }
}

fn draw(
    run: &RunFolder,
    series: &[Series],
    lead: Option<&str>,
    axis: &str,
    size: Size,
) -> Result<(Scene, usize), Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let width = size.width();
    let arms: Vec<String> = run.plan.arms.iter().map(|arm| run.label(arm.arm)).collect();
    let mut detectors: Vec<&str> = Vec::new();
    for s in series {
        let own = s.name != CHANCE && s.name != ORACLE && s.name != "random";
        if own && !detectors.contains(&s.name.as_str()) {
            detectors.push(&s.name);
        }
    }
    let pen_of = |name: &str| match name {
        CHANCE => Pen { ink: SILVER, dash: Dash::Dashed, shape: Shape::Circle },
        "random" => Pen { ink: GREY, dash: Dash::Dotted, shape: Shape::Plus },
        ORACLE => Pen { ink: BLACK, dash: Dash::Solid, shape: Shape::Down },
        _ => pen(detectors.iter().position(|d| *d == name).unwrap_or(0)),
    };
    let merged = names_of(series);
    let x = Scale::over(Kind::Log, series.iter().flat_map(|s| s.points.iter().map(|p| p.x)))
        .ok_or(nothing.clone())?;
    // Room for markers at the smallest and the largest budget.
    let x = Scale::exact(Kind::Log, x.ends().0 / 1.5, x.ends().1 * 1.5).unwrap_or(x);
    let y = Scale::exact(Kind::Linear, 0.0, 1.0).ok_or(nothing)?;
    let lead = arms.iter().position(|arm| Some(arm.as_str()) == lead);
    let columns = arms.len().min(((width / size.narrowest()) as usize).max(1)).max(1);
    let cell = (width - 10.0) / columns as f64;
    let head = |arm: &String| wrap(arm, cell - 60.0, SMALL, true);
    let height = if arms.len() == 1 { 250.0 } else { 170.0 };
    let mut scene = Scene::new(width, 0.0);
    let naming = match arms.len() {
        1 => Naming::of(merged.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), width, height),
        _ => Naming::Above,
    };
    scene.bold((10.0, 18.0), "P(caught in time)", NORMAL, Align::Left, BLACK);
    let mut start = 34.0;
    if naming == Naming::Above {
        let pens: Vec<(String, Pen)> =
            merged.iter().map(|(name, first)| (name.clone(), pen_of(first))).collect();
        start = labels::key(&mut scene, 10.0, width - 10.0, 28.0, &pens) + 34.0;
    }
    let heads = if arms.len() == 1 { 0 } else { arms.iter().map(|a| head(a).len()).max().unwrap_or(0) };
    let above = heads as f64 * (SMALL + 2.0) + 6.0;
    let most = MAX_ARMS.min(columns.saturating_mul(size.rows(start + TITLE, height + above + BELOW)));
    let of: Vec<usize> = chosen(arms.len(), lead, most);
    let left_out = arms.len() - of.len();
    let arms: Vec<String> = of.iter().map(|i| arms[*i].clone()).collect();
    let shown = arms.len();
    let rows = shown.div_ceil(columns);
    let short = match cell {
        cell if cell < 200.0 => {
            axis.replace("Audit budget", "Budget").replace("fraction of rollouts", "fraction")
        }
        cell if cell < 300.0 => axis.replace("Audit budget", "Budget"),
        _ => axis.to_owned(),
    };
    for (i, arm) in arms.iter().enumerate() {
        let (column, row) = (i % columns, i / columns);
        let left = 46.0 + column as f64 * cell;
        let top = start + above + row as f64 * (height + above + BELOW);
        let room = if shown == 1 { naming.room() } else { 0.0 };
        let right = if shown == 1 { width - room } else { left + cell - 58.0 };
        let panel = Panel { left, top, right, bottom: top + height, x, y };
        panel.frame(&mut scene, "", below(i, (columns, shown), &short));
        if shown > 1 {
            for (line, text) in head(arm).iter().rev().enumerate() {
                let at = (left, top - 9.0 - line as f64 * (SMALL + 2.0));
                scene.bold(at, text.as_str(), SMALL, Align::Left, BLACK);
            }
        }
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == *arm).collect();
        if mine.iter().all(|s| s.name == CHANCE) {
            let arm = of.get(i).and_then(|at| run.plan.arms.get(*at)).map_or(0, |arm| arm.arm);
            panel.empty(&mut scene, &why_empty(run, arm));
        }
        let ends = panel_lines(&mut scene, &panel, &mine, &pen_of);
        if matches!(naming, Naming::Beside(_)) {
            labels::at_right(&mut scene, &panel, &ends);
        }
    }
    scene.height = start + rows as f64 * (height + above + BELOW) + TITLE + 4.0;
    Ok((scene, left_out))
}

/// A detector's lines: the panel and the points of each.
type Lines<'a> = Vec<(&'a str, &'a [Point])>;

/// Names for the key: detectors that are equal wherever they stand share one, with the first of them.
fn names_of(series: &[Series]) -> Vec<(String, String)> {
    let mut names: Vec<&str> = Vec::new();
    for s in series {
        if !names.contains(&s.name.as_str()) {
            names.push(&s.name);
        }
    }
    let points = |name: &str| -> Lines<'_> {
        let own = series.iter().filter(|s| s.name == name);
        own.map(|s| (s.panel.as_str(), s.points.as_slice())).collect()
    };
    let mut groups: Vec<(Vec<&str>, Lines<'_>)> = Vec::new();
    for name in names {
        let own = points(name);
        match groups.iter_mut().find(|group| group.1 == own && name != CHANCE && group.0[0] != CHANCE) {
            Some(group) => group.0.push(name),
            None => groups.push((vec![name], own)),
        }
    }
    groups.into_iter().map(|(names, _)| (joined(&names), names[0].to_owned())).collect()
}

/// Why an arm has no rate.
fn why_empty(run: &RunFolder, arm: usize) -> String {
    let mut own = run.replicates.iter().filter(|row| row.arm == arm).peekable();
    if own.peek().is_some() && own.all(|row| row.damage_step.is_none()) {
        return "no run is damaged here".to_owned();
    }
    let mine = run.summary.iter().filter(|row| row.arm == arm && row.estimate.is_none());
    let why = mine.filter(|row| Metric::parse(&row.metric).name == CATCH_RATE).map(|row| row.method.as_str());
    why.into_iter().next().map_or_else(|| "no audit was recorded".to_owned(), str::to_owned)
}

/// Intervals as bands while they can be told apart, else as whiskers; gives the ends of the lines.
fn panel_lines(
    scene: &mut Scene,
    panel: &Panel,
    series: &[&Series],
    pen_of: &dyn Fn(&str) -> Pen,
) -> Vec<End> {
    let measured: Vec<&Series> = series.iter().copied().filter(|s| s.name != CHANCE).collect();
    let groups = alike(&measured);
    let bands = groups.len() <= MAX_BANDS;
    let mut ends = Vec::new();
    for group in groups.iter().filter(|_| bands) {
        panel.band(scene, group[0], pen_of(&group[0].name).ink);
    }
    for s in series.iter().filter(|s| s.name == CHANCE) {
        let (places, pen) = (panel.places(&s.points), pen_of(&s.name));
        ends.extend(places.last().map(|at| (*at, s.name.clone(), pen)));
        scene.dashed(places, pen.ink, super::theme::LINE, pen.dash);
        scene.drawn_from(s, &s.points);
    }
    for group in &groups {
        let (s, pen) = (group[0], pen_of(&group[0].name));
        panel.line(scene, s, pen);
        if !bands {
            panel.whiskers(scene, s, pen);
        }
        let names: Vec<&str> = group.iter().map(|s| s.name.as_str()).collect();
        ends.extend(s.points.last().map(|p| (panel.place(p.x, p.y), joined(&names), pen)));
    }
    ends
}
