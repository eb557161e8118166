//! Training as stacked panels over the step: utility beside its clean twin, what hacks cost, proxy, KL, p(hack), and above them when in each
//! replicate the exploit was first seen, flagged and caught, and when the damage was done.

mod curves;

use super::axes::{Below, INDENT, Panel};
use super::figure::Figure;
use super::fitting::wrap;
use super::labels::{self, Naming};
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::sheet::Size;
use super::theme::{BLACK, Dash, GREY, GRID, HAIR, LINE, PALETTE, Pen, SMALL, Shape, WHITE};
use crate::foundation::failure::Status;
use crate::foundation::format::report as number;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::tables::{ReplicateRow, StepRow};
use curves::{CURVES, LOSS, OWN, POLICY, SINGLE, SINGLE_POINTS, curves, others, singles};

/// With more arms than this only the one that is damaged most is drawn.
const MAX_ARMS: usize = 4;
/// Smallest p(hack) that the axis shows.
const FLOOR: f64 = 1e-6;

type Event = fn(&ReplicateRow) -> Option<u64>;

const PANELS: [(&str, &str); 5] = [
    ("utility", "True utility E[V]"),
    (LOSS, "Attributable loss E[V | not hack] − E[V]"),
    ("proxy", "Proxy reward E[U]"),
    ("kl", "KL(π‖π₀) (nats)"),
    ("p_hack", "Probability of a hack"),
];
const fn event(i: usize, dash: Dash, shape: Shape) -> Pen {
    Pen { ink: PALETTE[i], dash, shape }
}
const EVENTS: [(&str, Event, Pen); 4] = [
    ("first sighting", |row| row.first_sighting, event(4, Dash::Dotted, Shape::Circle)),
    ("first true flag", |row| row.first_true_flag, event(3, Dash::DashDot, Shape::Diamond)),
    ("first catch", |row| row.first_catch, event(2, Dash::Dashed, Shape::Up)),
    ("damage", |row| row.damage_step, event(1, Dash::Solid, Shape::Down)),
];

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let all: Vec<usize> = run.plan.arms.iter().map(|arm| arm.arm).collect();
    let decisive = [decisive(run)];
    let arms = if all.len() > MAX_ARMS { &decisive[..] } else { &all[..] };
    let mut figures = Vec::new();
    let mut reason = Status::TooFew { what: "arms", have: 0, need: 1 };
    for &arm in arms {
        match figure(run, arm, all.len(), size) {
            Ok(figure) => figures.push(figure),
            Err(status) => reason = status,
        }
    }
    if figures.is_empty() { Err(reason) } else { Ok(figures) }
}

/// The first arm with the most damaged runs of those that were trained.
fn decisive(run: &RunFolder) -> usize {
    let is_trained = |arm: &usize| run.steps.iter().any(|row| row.arm == *arm && row.step > 0);
    let damaged = |arm: &usize| {
        run.replicates.iter().filter(|row| row.arm == *arm && row.damage_step.is_some()).count()
    };
    let arms = run.plan.arms.iter().map(|arm| arm.arm).filter(is_trained);
    arms.rev().max_by_key(damaged).unwrap_or(0)
}

fn figure(run: &RunFolder, arm: usize, arms: usize, size: Size) -> Result<Figure, Status> {
    let rows: Vec<&StepRow> = run.steps.iter().filter(|row| row.arm == arm).collect();
    let mut steps: Vec<u64> = rows.iter().map(|row| row.step).collect();
    steps.sort_unstable();
    steps.dedup();
    if steps.len() < 2 {
        return Err(Status::TooFew { what: "training steps", have: steps.len(), need: 2 });
    }
    let mut series = curves(&rows);
    if series.is_empty() {
        return Err(Status::Missing { column: "utility, proxy, kl or p_hack in steps.csv".to_owned() });
    }
    let alone: Vec<Series> = CURVES
        .iter()
        .filter(|c| c.1 == POLICY && series.iter().any(|s| s.panel == c.0))
        .flat_map(|(panel, _, column, _)| singles(&rows, panel, *column))
        .collect();
    let are_alone = !alone.is_empty();
    series.extend(alone);
    let runs: Vec<&ReplicateRow> = run.replicates.iter().filter(|row| row.arm == arm).collect();
    let events: Vec<Series> = EVENTS
        .iter()
        .map(|(name, event, _)| {
            let points = runs
                .iter()
                .filter_map(|row| event(row).map(|step| Point::new(step as f64, row.replicate as f64)));
            Series::new("events", *name, points)
        })
        .collect();
    let mut scene = draw(&series, &events, runs.len(), size)?;
    let title = title(&series, &events, runs.len());
    series.extend(events.into_iter().filter(|s| !s.points.is_empty()));
    let only = arms > MAX_ARMS;
    let which = if arms > 1 { format!(" ({})", run.label(arm)) } else { String::new() };
    if arms > 1 {
        name_above(&mut scene, &run.label(arm));
    }
    let mut rest = String::new();
    if only {
        series.extend(others(run, arm));
        rest = format!(
            " Of {arms} arms that with the most damaged runs is shown; the CSV has the medians of all, of the others at {SINGLE_POINTS} steps."
        );
    }
    let thin = if are_alone { "; thin lines are single runs" } else { "" };
    Ok(Figure {
        name: if arms > 1 && !only { format!("training_{arm}") } else { "training".to_owned() },
        title: format!("{title}{which}"),
        caption: format!(
            "Median over {} runs with the quartiles as a band{thin}. The dashed line is the clean twin: the same seed without the exploit \
             or the error; what the mass on hacks costs needs no twin. Above: the step of each event in each run (ticks) and its median (dot), in how many runs it came at all; \
             the lines carry the medians down.{rest}",
            runs.len()
        ),
        columns: ["step", "median_or_replicate", "q25", "q75"],
        series,
        beside: Vec::new(),
        scene,
    })
}

/// Says above all that was drawn of which arm it is.
fn name_above(scene: &mut Scene, name: &str) {
    const LINE_HEIGHT: f64 = SMALL + 2.5;
    let lines = wrap(name, scene.width - 20.0, SMALL, true);
    scene.lower(lines.len() as f64 * LINE_HEIGHT + 4.0);
    for (i, line) in lines.iter().enumerate() {
        scene.bold((10.0, 13.0 + i as f64 * LINE_HEIGHT), line.as_str(), SMALL, Align::Left, BLACK);
    }
}

/// In how many runs there was damage, and when, beside the first sighting.
fn title(series: &[Series], events: &[Series], runs: usize) -> String {
    let step = |name: &str| {
        let own = events.iter().find(|s| s.name == name)?;
        let steps: Vec<f64> = own.points.iter().map(|p| p.x).collect();
        Some((
            steps.len(),
            order::median(&steps)?,
            order::quantile(&steps, 0.25)?,
            order::quantile(&steps, 0.75)?,
        ))
    };
    let at = |(n, median, low, high): (usize, f64, f64, f64)| {
        format!("{n} of {runs} runs, at step {median} [{low}, {high}]")
    };
    match (step("damage"), step("first sighting")) {
        (Some(damage), Some((_, seen, low, high))) => {
            format!("Damage in {}; first sighting at step {seen} [{low}, {high}]", at(damage))
        }
        (Some(damage), None) => format!("Damage in {}", at(damage)),
        (None, Some(seen)) => format!("No run is damaged; a hack is first sighted in {}", at(seen)),
        (None, None) => {
            let own = series.iter().find(|s| s.panel == "utility" && s.name == POLICY);
            own.and_then(|s| s.points.last()).map_or_else(
                || "Training".to_owned(),
                |p| format!("No hack is sighted; E[V] ends at {}", number(p.y)),
            )
        }
    }
}

fn draw(series: &[Series], events: &[Series], runs: usize, size: Size) -> Result<Scene, Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let panels: Vec<(&str, &str)> =
        PANELS.into_iter().filter(|(panel, _)| series.iter().any(|s| s.panel == *panel)).collect();
    let last_step =
        series.iter().chain(events).flat_map(|s| s.points.iter().map(|p| p.x)).fold(0.0, f64::max);
    let x = Scale::exact(Kind::Linear, 0.0, last_step.max(1.0)).ok_or(nothing.clone())?;
    let seen = events.iter().any(|s| !s.points.is_empty());
    let width = size.width();
    // On a narrow sheet the names of events stand above their lines.
    let (row, height, gap) = (if size.is_wide() { 17.0 } else { 31.0 }, 104.0, 34.0);
    let strip = if seen { 14.0 + row * events.len() as f64 } else { 0.0 };
    let first = strip + 30.0;
    let mut scene = Scene::new(width, 0.0);
    let left = INDENT + 10.0 + if seen && size.is_wide() { 42.0 } else { 0.0 };
    let twins = series.iter().map(|s| s.name.as_str()).filter(|name| !name.starts_with(SINGLE));
    let room = match Naming::of(twins.collect::<Vec<_>>(), width, f64::INFINITY) {
        Naming::Beside(room) => room,
        Naming::Above => 84.0,
    };
    let right = width - room.max(if seen { 66.0 } else { 0.0 });
    let frame = |top: f64, bottom: f64, y: Scale| Panel { left, top, right, bottom, x, y };

    for (i, (name, title)) in panels.iter().enumerate() {
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == *name).collect();
        let values = || mine.iter().flat_map(|s| s.points.iter().flat_map(Point::ys));
        let y = if *name == "p_hack" {
            let low = values().filter(|v| *v > 0.0).fold(0.5, f64::min).max(FLOOR);
            Scale::exact(Kind::Log, low / 1.5, 1.4)
        } else if *name == "kl" {
            let high = values().fold(0.0, f64::max);
            Scale::exact(Kind::Linear, 0.0, if high > 0.0 { high * 1.06 } else { 1.0 })
        } else {
            Scale::over(Kind::Linear, values())
        };
        let top = first + i as f64 * (height + gap);
        let panel = frame(top, top + height, y.ok_or(nothing.clone())?);
        let below = if i + 1 == panels.len() { Below::Title("Training step") } else { Below::Shared };
        panel.frame(&mut scene, title, below);
        let mut ends = Vec::new();
        let (singles, mine): (Vec<&Series>, Vec<&Series>) =
            mine.iter().partition(|s| s.name.starts_with(SINGLE));
        for s in singles {
            scene.line(panel.places(&s.points), PALETTE[0].at(0.28), 0.7);
            scene.drawn_from(s, &s.points);
        }
        for s in mine {
            let pen = CURVES.iter().find(|c| c.0 == *name && c.1 == s.name).map_or(OWN, |c| c.3);
            panel.band(&mut scene, s, pen.ink);
            scene.dashed(panel.places(&s.points), pen.ink, LINE, pen.dash);
            scene.drawn_from(s, &s.points);
            if let Some(end) = s.points.last() {
                ends.push((panel.place(end.x, end.y), s.name.clone(), pen));
            }
        }
        if ends.len() > 1 {
            labels::at_right(&mut scene, &panel, &ends);
        }
    }
    if seen {
        for (i, (s, (name, _, pen))) in events.iter().zip(EVENTS).enumerate() {
            let y = if size.is_wide() { 18.0 } else { 29.0 } + row * i as f64;
            let place = |step: f64| left + x.unit(step) * (right - left);
            if size.is_wide() {
                scene.text((left - 10.0, y + 0.36 * SMALL), name, SMALL, Align::Right, pen.ink.text());
            } else {
                scene.text((left, y - 9.0), name, SMALL, Align::Left, pen.ink.text());
            }
            scene.line(vec![(left, y), (right, y)], GRID, HAIR);
            scene.text(
                (right + 10.0, y + 0.36 * SMALL),
                format!("{} of {runs}", s.points.len()),
                SMALL,
                Align::Left,
                GREY,
            );
            for point in &s.points {
                let line = vec![(place(point.x), y - 5.0), (place(point.x), y + 5.0)];
                scene.line(line, pen.ink.at(0.45), 1.2);
                scene.drawn_from(s, &[*point; 2]);
            }
            let steps: Vec<f64> = s.points.iter().map(|p| p.x).collect();
            if let Some(median) = order::median(&steps) {
                // Within the panels only: names and titles stay free.
                for i in 0..panels.len() {
                    let top = first + i as f64 * (height + gap);
                    let down = vec![(place(median), top), (place(median), top + height)];
                    scene.dashed(down, pen.ink.at(0.7), 1.0, pen.dash);
                }
                scene.shape((place(median), y), 4.8, WHITE, pen.shape);
                scene.shape((place(median), y), 3.8, pen.ink, pen.shape);
            }
        }
    }
    scene.height = first + panels.len() as f64 * (height + gap) + 20.0;
    Ok(scene)
}
