//! Score distributions by class: which share of the benign rollouts, of the placebos and of the hacks scores at least so much.
//!
//! Drawn from the recorded rollouts before the damage. The swap twin's rollouts are in no table.

use super::arms::first_of_each_arm;
use super::axes::Panel;
use super::early::{LEAST, Recorded, SCORES, Score, early, varies};
use super::figure::Figure;
use super::labels;
use super::multiples::{Line, Multiples};
use super::scale::{Kind, Scale};
use super::scene::Scene;
use super::series::{Point, Series};
use super::shares::{share, told};
use super::sheet::Size;
use super::theme::{BLACK, Dash, GREY, PALETTE, Pen, Shape};
use crate::foundation::failure::Status;
use crate::foundation::order;
use crate::record::folder::RunFolder;
use crate::record::recorded::Rollout;

const BENIGN: &str = "benign";
const PLACEBO: &str = "placebo";
const HACK: &str = "hack";
const READ: &str = "lowest score that the audit read";
const PENS: [(&str, Pen); 4] = [
    (BENIGN, Pen { ink: PALETTE[0], dash: Dash::Solid, shape: Shape::Circle }),
    (PLACEBO, Pen { ink: PALETTE[2], dash: Dash::DashDot, shape: Shape::Up }),
    (HACK, Pen { ink: PALETTE[1], dash: Dash::Dashed, shape: Shape::Diamond }),
    (READ, Pen { ink: GREY, dash: Dash::Dotted, shape: Shape::Circle }),
];
/// Ranks from the top of a class that are all drawn, and how many more are of each tenfold.
const ALL: usize = 40;
const PER_DECADE: f64 = 30.0;
/// Ranges of so many quartile distances need a symlog axis.
const WIDE: f64 = 12.0;

fn class(rollout: &Rollout) -> &'static str {
    match (rollout.hack, rollout.class) {
        (true, _) => HACK,
        (false, 0) => BENIGN,
        (false, _) => PLACEBO,
    }
}

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let recorded = early(run)?;
    let runs = first_of_each_arm(&recorded, |one| one.arm);
    let figures = SCORES.iter().filter(|(.., score)| varies(&recorded, *score));
    let figures: Vec<Figure> =
        figures.filter_map(|(name, title, score)| figure(run, &runs, (name, title, *score), size)).collect();
    if figures.is_empty() { Err(Status::AllTied) } else { Ok(figures) }
}

fn figure(
    run: &RunFolder,
    runs: &[&Recorded],
    (name, axis, score): (&str, &str, Score),
    size: Size,
) -> Option<Figure> {
    let (mut series, mut heads, mut overlaps) = (Vec::new(), Vec::new(), Vec::new());
    let mut counts = Vec::new();
    let label = |recorded: &Recorded| run.label(recorded.arm);
    for recorded in runs {
        let panel = label(recorded);
        let of = |wanted: &str| -> Vec<f64> {
            let own = recorded.rollouts.iter().filter(|rollout| class(rollout) == wanted);
            order::descending(&own.filter_map(score).filter(|s| s.is_finite()).collect::<Vec<_>>())
        };
        let classes = [BENIGN, PLACEBO, HACK].map(|name| (name, of(name)));
        let present = classes.iter().filter(|(name, scores)| *name != PLACEBO || !scores.is_empty());
        let told: Vec<String> = present.map(|(name, scores)| format!("{name} {}", scores.len())).collect();
        let mut head: Vec<Line> = vec![(told.join(", "), GREY, false)];
        if run.plan.arms.len() > 1 {
            head.insert(0, (panel.clone(), BLACK, true));
        }
        heads.push(head);
        for (name, scores) in &classes {
            let points = survival(scores);
            counts.extend(points.iter().map(|_| scores.len().to_string()));
            series.push(Series::new(panel.as_str(), *name, points));
        }
        if let Some(lowest) = lowest_read(run, recorded, name) {
            let ends = [1.0, 0.5 / classes[0].1.len().max(1) as f64].map(|share| Point::new(lowest, share));
            counts.extend(ends.iter().map(|_| String::new()));
            series.push(Series::new(panel.as_str(), READ, ends));
        }
        overlaps.extend(overlap(&classes[0].1, &classes[2].1).map(|share| (panel, share)));
    }
    let scene = draw(runs.iter().map(|one| label(one)).collect(), &series, heads, axis, size)?;
    let (all, shown) = (run.plan.arms.len(), runs.len());
    let rest = if all > shown {
        format!(" Of {all} arms the first {shown} that were recorded are shown.")
    } else {
        String::new()
    };
    Some(Figure {
        name: format!("scores_{name}"),
        title: title(name, &overlaps, run.plan.arms.len() > 1),
        caption: format!(
            "Share of the rollouts of a class that score at least so much by {name}, in the first recorded run of each arm, before its damage; bands: 95% intervals by \
             Wilson, as if rollouts were independent. Where the hacks' curve stands right of the end of the benign one, they are told apart by the score. \
             Dotted: {READ}.{rest}"
        ),
        columns: ["score", "share_at_least", "ci_low", "ci_high"],
        series,
        beside: vec![("rollouts_of_class", counts)],
        scene,
    })
}

/// Share of the scores, which descend, that are at least as large as each.
fn survival(scores: &[f64]) -> Vec<Point> {
    let n = scores.len();
    let mut points = Vec::new();
    let mut next = 0.0;
    for (i, score) in scores.iter().enumerate() {
        // The last of equal scores counts them all.
        let is_last = scores.get(i + 1).is_none_or(|below| below < score);
        if is_last && (i < ALL || i as f64 >= next || i + 1 == n) {
            points.extend(share(*score, i + 1, n));
            next = (i + 1) as f64 * 10f64.powf(1.0 / PER_DECADE);
        }
    }
    points
}

/// How many of the benign rollouts score as high as the median hack; nothing where either are few.
fn overlap(benign: &[f64], hacks: &[f64]) -> Option<(usize, Point)> {
    if hacks.len() < LEAST || benign.len() < LEAST {
        return None;
    }
    let median = hacks[hacks.len() / 2];
    let over = benign.iter().filter(|score| **score >= median).count();
    Some((over, share(0.0, over, benign.len())?))
}

/// The lowest score that the config's audit by this detector read of the run before the damage.
fn lowest_read(run: &RunFolder, recorded: &Recorded, detector: &str) -> Option<f64> {
    let own = run.flags.iter().filter(|flag| {
        flag.train_id == recorded.train_id
            && flag.detector == detector
            && flag.budget.is_none()
            && recorded.damage.is_none_or(|damage| flag.step < damage)
    });
    own.map(|flag| flag.score).filter(|score| score.is_finite()).min_by(f64::total_cmp)
}

fn title(name: &str, overlaps: &[(String, (usize, Point))], several: bool) -> String {
    let worst = overlaps.iter().max_by(|a, b| a.1.1.y.total_cmp(&b.1.1.y));
    match worst {
        None => format!(
            "Scores by {name}: fewer than {LEAST} hacks were recorded before the damage, too few to tell them apart"
        ),
        Some((arm, (over, share))) => {
            let place = if several { format!(" ({arm})") } else { String::new() };
            let most = if several && *over > 0 { "At worst " } else { "" };
            let who = match over {
                0 => "No benign rollout scores".to_owned(),
                1 => "1 benign rollout scores".to_owned(),
                _ => format!("{over} benign rollouts score"),
            };
            format!("{most}{who} as high as the median hack by {name}: {} of them{place}", told(share))
        }
    }
}

fn draw(
    arms: Vec<String>,
    series: &[Series],
    heads: Vec<Vec<Line>>,
    axis: &str,
    size: Size,
) -> Option<Scene> {
    let width = size.width();
    let mut scene = Scene::new(width, 0.0);
    let shown =
        PENS.iter().filter(|(name, _)| series.iter().any(|s| s.name == *name && !s.points.is_empty()));
    let pens: Vec<(String, Pen)> = shown.map(|(name, pen)| ((*name).to_owned(), *pen)).collect();
    let title = "Share of the class that scores at least so much";
    scene.bold((10.0, 18.0), title, super::theme::NORMAL, super::scene::Align::Left, BLACK);
    let start = 30.0 + labels::key(&mut scene, 10.0, width - 10.0, 28.0, &pens);
    let panels = Multiples::new(&heads, size, start, 190.0, 3);
    for (i, arm) in arms.iter().enumerate() {
        let mine: Vec<&Series> = series.iter().filter(|s| s.panel == *arm && !s.points.is_empty()).collect();
        let (left, top, right, bottom) = panels.edges(i);
        panels.head(&mut scene, i);
        let points = || mine.iter().flat_map(|s| &s.points);
        let Some(x) = score_scale(mine.iter().copied()) else { continue };
        let y = Scale::over(Kind::Log, points().map(|p| p.y).chain([1.0]))?;
        let panel = Panel { left, top, right, bottom, x, y };
        panel.frame(&mut scene, "", panels.below(i, axis));
        for s in mine {
            let Some((_, pen)) = PENS.iter().find(|(name, _)| *name == s.name) else { continue };
            if s.name == READ {
                scene.dashed(panel.places(&s.points), pen.ink, super::theme::LINE, pen.dash);
                scene.drawn_from(s, &s.points);
                continue;
            }
            panel.band(&mut scene, s, pen.ink);
            panel.line(&mut scene, s, *pen);
        }
    }
    scene.height = panels.end();
    Some(scene)
}

/// Symlog where the scores of all classes span many times what the benign ones mostly do.
fn score_scale<'a>(series: impl Iterator<Item = &'a Series> + Clone) -> Option<Scale> {
    let all: Vec<f64> = series.clone().flat_map(|s| s.points.iter().map(|p| p.x)).collect();
    let benign = series.filter(|s| s.name == BENIGN).flat_map(|s| &s.points);
    let quartile = |level: f64| {
        let above = benign.clone().filter(|p| p.y >= level).map(|p| p.x);
        above.max_by(f64::total_cmp)
    };
    let spread = quartile(0.25).zip(quartile(0.75)).map_or(0.0, |(upper, lower)| upper - lower);
    let (low, high) = all.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), x| (l.min(*x), h.max(*x)));
    let wide = spread > 0.0 && high - low > WIDE * spread;
    if wide { Scale::symlog(all, spread) } else { Scale::over(Kind::Linear, all) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_counted_at_once_and_shares_end_at_one() {
        let points = survival(&[5.0, 3.0, 3.0, 3.0, 1.0]);
        let found: Vec<(f64, f64)> = points.iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(found, [(5.0, 0.2), (3.0, 0.8), (1.0, 1.0)]);
        let many: Vec<f64> = (0..10_000).rev().map(f64::from).collect();
        let thinned = survival(&many);
        assert!(thinned.len() < 140 && thinned.last().is_some_and(|p| p.y == 1.0), "{}", thinned.len());
    }

    #[test]
    fn an_overlap_needs_enough_hacks() {
        let benign: Vec<f64> = (0..100).rev().map(f64::from).collect();
        assert_eq!(overlap(&benign, &[98.0; 9]), None);
        let (over, share) = overlap(&benign, &[98.0; 10]).unwrap();
        assert!(over == 2 && share.y == 0.02);
    }
}
