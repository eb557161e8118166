//! When hacks are sighted, confirmed, and do damage: the share of the runs in which each has happened by a step.
//!
//! All runs of an arm have the same length and none is lost on the way, so that Kaplan and Meier's estimate is this share.

use super::figure::Figure;
use super::over_steps;
use super::scale::{Kind, Scale};
use super::series::{Point, Series};
use super::shares::{share, told};
use super::sheet::Size;
use super::theme::{Dash, PALETTE, Pen, Shape};
use crate::foundation::failure::Status;
use crate::record::folder::RunFolder;
use crate::record::tables::ReplicateRow;

type Event = fn(&ReplicateRow) -> Option<u64>;

const SIGHTED: &str = "sighted";
const CAUGHT: &str = "confirmed";
const DAMAGED: &str = "damaged";
const EVENTS: [(&str, Event); 3] =
    [(SIGHTED, |row| row.first_sighting), (CAUGHT, |row| row.first_catch), (DAMAGED, |row| row.damage_step)];
const PENS: [(&str, Pen); 3] = [
    (SIGHTED, Pen { ink: PALETTE[4], dash: Dash::Dotted, shape: Shape::Circle }),
    (CAUGHT, Pen { ink: PALETTE[2], dash: Dash::Dashed, shape: Shape::Up }),
    (DAMAGED, Pen { ink: PALETTE[1], dash: Dash::Solid, shape: Shape::Down }),
];

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let mut series = Vec::new();
    let mut counts = Vec::new();
    for arm in &run.plan.arms {
        let rows: Vec<&ReplicateRow> = run.replicates.iter().filter(|row| row.arm == arm.arm).collect();
        let end = run.steps.iter().filter(|row| row.arm == arm.arm).map(|row| row.step).max();
        let Some(end) = end.filter(|_| rows.len() > 1) else { continue };
        for (name, event) in EVENTS {
            let mut steps: Vec<u64> =
                rows.iter().filter_map(|row| event(row)).filter(|step| *step <= end).collect();
            steps.sort_unstable();
            if name == DAMAGED {
                counts.push((run.label(arm.arm), steps.len(), caught_before(&rows), rows.len()));
            }
            if !steps.is_empty() {
                series.push(Series::new(run.label(arm.arm), name, stairs(&steps, rows.len(), end)));
            }
        }
    }
    if series.is_empty() {
        return Err(Status::TooFew { what: "sightings of hacks in runs with steps", have: 0, need: 1 });
    }
    let whole = Scale::exact(Kind::Linear, 0.0, 1.0);
    let lead = worst(&counts).map(|(arm, ..)| arm.as_str());
    let (scene, rest) = over_steps::draw(&series, lead, &PENS, "Share of runs, by step", whole, size)
        .ok_or(Status::TooFew { what: "training steps", have: 1, need: 2 })?;
    Ok(vec![Figure {
        name: "timing".to_owned(),
        title: title(&counts),
        caption: format!(
            "Share of the runs in which by a step a hack was first sampled, was first confirmed by the audit, and had done damage. All runs have the same \
             length, so that Kaplan and Meier's estimate is this share; bands: 95% Wilson intervals at each step. Where damage lies left of the confirmed, the audit is too late.{rest}"
        ),
        columns: ["step", "share", "ci_low", "ci_high"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

/// The corners of the stairs, with the interval of the share at each.
fn stairs(steps: &[u64], runs: usize, end: u64) -> Vec<Point> {
    let mut points: Vec<Point> = share(0.0, 0, runs).into_iter().collect();
    for (i, step) in steps.iter().enumerate() {
        let (before, after) = (i, i + 1);
        points.extend([before, after].iter().filter_map(|hits| share(*step as f64, *hits, runs)));
    }
    points.extend(share(end as f64, steps.len(), runs));
    points
}

/// How many of the damaged runs had confirmed a hack before.
fn caught_before(rows: &[&ReplicateRow]) -> usize {
    let before = |row: &&&ReplicateRow| {
        row.damage_step.zip(row.first_catch).is_some_and(|(damage, catch)| catch < damage)
    };
    rows.iter().filter(before).count()
}

/// An arm with its damaged runs, those of them in which a hack was confirmed before, and its runs.
type Count = (String, usize, usize, usize);

/// The first arm with the most damaged runs.
fn worst(counts: &[Count]) -> Option<&Count> {
    counts.iter().rev().max_by_key(|(_, damaged, ..)| *damaged)
}

fn title(counts: &[Count]) -> String {
    match worst(counts) {
        Some((arm, damaged, before, runs)) if *damaged > 0 => {
            let of = if counts.len() > 1 { format!(" ({arm})") } else { String::new() };
            format!(
                "{} of the runs are damaged; in {} of these a hack was confirmed before{of}",
                told_share(*damaged, *runs),
                told_share(*before, *damaged)
            )
        }
        _ => "No run is damaged".to_owned(),
    }
}

fn told_share(hits: usize, runs: usize) -> String {
    share(0.0, hits, runs).map_or_else(|| hits.to_string(), |point| told(&point))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stairs_rise_at_each_event_to_the_share_that_had_it() {
        let points = stairs(&[3, 3, 8], 4, 10);
        let corners: Vec<(f64, f64)> = points.iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(
            corners,
            [
                (0.0, 0.0),
                (3.0, 0.0),
                (3.0, 0.25),
                (3.0, 0.25),
                (3.0, 0.5),
                (8.0, 0.5),
                (8.0, 0.75),
                (10.0, 0.75)
            ]
        );
    }
}
