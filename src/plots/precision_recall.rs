//! Precision against recall of each score over the recorded rollouts before the damage, with the base rate as the level of chance.

use super::arms::first_of_each_arm;
use super::axes::{LEVEL, Panel};
use super::early::{LEAST, MAX_RUNS, Recorded, SCORES, Score, early, varies};
use super::figure::Figure;
use super::labels;
use super::multiples::{Line, Multiples};
use super::scale::{Kind, Scale};
use super::scene::{Align, Scene};
use super::series::{Point, Series};
use super::shares::percent;
use super::sheet::Size;
use super::theme::{BLACK, NORMAL, Pen, pen};
use crate::foundation::bootstrap::Bootstrap;
use crate::foundation::failure::Status;
use crate::foundation::numeric;
use crate::record::folder::RunFolder;

const CHANCE: &str = "base rate";
/// Points of a curve.
const POINTS: usize = 200;
/// Seed of the intervals over replicates.
const SEED: u64 = 0;

/// Average precision of one score in one arm: the mean over its runs.
struct Found {
    arm: String,
    detector: &'static str,
    mean: f64,
    interval: Option<(f64, f64)>,
    runs: usize,
    base_rate: f64,
}

pub(super) fn build(run: &RunFolder, size: Size) -> Result<Vec<Figure>, Status> {
    let recorded = early(run)?;
    let mut series = Vec::new();
    let (mut heads, mut found, mut empty): (Vec<Vec<Line>>, Vec<Found>, Vec<Option<String>>) =
        Default::default();
    let arms = first_of_each_arm(&recorded, |one| one.arm);
    for arm in arms.iter().map(|one| one.arm) {
        let own: Vec<&Recorded> = recorded.iter().filter(|one| one.arm == arm).collect();
        let panel = run.label(arm);
        let mut head: Vec<Line> = Vec::new();
        if run.plan.arms.len() > 1 {
            head.push((panel.clone(), BLACK, true));
        }
        let rollouts = || own.iter().flat_map(|one| &one.rollouts);
        let (hacks, all) = (rollouts().filter(|r| r.hack).count(), rollouts().count());
        let few = hacks < LEAST || all - hacks < LEAST;
        empty.push(few.then(|| {
            format!("{hacks} hacks and {} others before the damage, {LEAST} of each needed", all - hacks)
        }));
        if !few {
            let rate = hacks as f64 / all as f64;
            series.push(Series::new(
                panel.as_str(),
                CHANCE,
                [0.0, 1.0].map(|recall| Point::new(recall, rate)),
            ));
            for (place, (name, _, score)) in SCORES.iter().enumerate().filter(|(_, s)| varies(&recorded, s.2))
            {
                let pooled = curve(&pairs(&own, *score));
                if pooled.is_empty() {
                    continue;
                }
                series.push(Series::new(panel.as_str(), *name, steps(pooled)));
                let one = average(&own, (*name, *score), &panel, rate);
                head.push((
                    one.as_ref().map_or_else(|| format!("{name}: no run with {LEAST} hacks"), words),
                    pen(place).ink.text(),
                    false,
                ));
                found.extend(one);
            }
        }
        heads.push(head);
    }
    if found.is_empty() {
        return Err(Status::TooFew {
            what: "arms with 10 hacks recorded before the damage",
            have: 0,
            need: 1,
        });
    }
    let labels: Vec<String> = arms.iter().map(|one| run.label(one.arm)).collect();
    let scene = draw(&labels, &series, heads, &empty, size)?;
    let (all, shown) = (run.plan.arms.len(), labels.len());
    let rest = if all > shown {
        format!(" Of {all} arms the first {shown} that were recorded are shown.")
    } else {
        String::new()
    };
    Ok(vec![Figure {
        name: "precision_recall".to_owned(),
        title: title(&found, run.plan.arms.len() > 1),
        caption: format!(
            "Share of hacks among the rollouts that score at least so much, against the share of all hacks that are among them; equal scores are taken at once. Recorded rollouts \
             before the damage, those of at most {MAX_RUNS} recorded runs of an arm together. AP: average precision, the mean over these runs, with its 95% bootstrap interval over them where there are \
             enough. Dashed: the base rate, which chance gives.{rest}"
        ),
        columns: ["recall", "precision", "ci_low", "ci_high"],
        series,
        beside: Vec::new(),
        scene,
    }])
}

/// Scores with what they belong to.
fn pairs(runs: &[&Recorded], score: Score) -> Vec<(f64, bool)> {
    let all = runs.iter().flat_map(|run| &run.rollouts);
    all.filter_map(|rollout| Some((score(rollout)?, rollout.hack))).filter(|(s, _)| s.is_finite()).collect()
}

/// (recall, precision) at each score that some hack has, from the highest down; nothing without hacks.
fn curve(pairs: &[(f64, bool)]) -> Vec<(f64, f64)> {
    let mut descending = pairs.to_vec();
    descending.sort_by(|a, b| b.0.total_cmp(&a.0));
    let hacks = descending.iter().filter(|pair| pair.1).count();
    let (mut hits, mut points) = (0, Vec::new());
    let mut read = 0;
    for tied in descending.chunk_by(|a, b| a.0 == b.0) {
        let own = tied.iter().filter(|pair| pair.1).count();
        (hits, read) = (hits + own, read + tied.len());
        if own > 0 {
            points.push((hits as f64 / hacks as f64, hits as f64 / read as f64));
        }
    }
    points
}

/// Σ (Rᵢ − Rᵢ₋₁)·Pᵢ.
fn average_precision(curve: &[(f64, f64)]) -> Option<f64> {
    let mut before = 0.0;
    let terms = curve.iter().map(|(recall, precision)| {
        let gained = recall - before;
        before = *recall;
        gained * precision
    });
    let sum = numeric::sum(terms);
    (!curve.is_empty()).then_some(sum)
}

fn average(
    runs: &[&Recorded],
    (detector, score): (&'static str, Score),
    arm: &str,
    base_rate: f64,
) -> Option<Found> {
    let hacks = |run: &&&Recorded| run.rollouts.iter().filter(|r| r.hack).count() >= LEAST;
    let own: Vec<(u64, f64)> = runs
        .iter()
        .filter(hacks)
        .filter_map(|run| Some((run.replicate, average_precision(&curve(&pairs(&[*run], score)))?)))
        .collect();
    let (ids, values): (Vec<u64>, Vec<f64>) = own.into_iter().unzip();
    let mean = |rows: &[usize]| numeric::mean(&rows.iter().map(|&row| values[row]).collect::<Vec<_>>());
    let estimate = Bootstrap::new(SEED).interval(&ids, mean);
    let interval = estimate.ok().map(|found| (found.interval.low, found.interval.high));
    let mean = numeric::mean(&values)?;
    Some(Found { arm: arm.to_owned(), detector, mean, interval, runs: values.len(), base_rate })
}

/// `AP 0.95 [0.9, 1]` with its detector, or with how few runs it is of.
fn words(found: &Found) -> String {
    let two = |x: f64| format!("{x:.2}");
    let of = match found.interval {
        Some((low, high)) => format!("[{}, {}]", two(low), two(high)),
        None if found.runs == 1 => "(1 run)".to_owned(),
        None => format!("({} runs)", found.runs),
    };
    format!("{}: AP {} {of}", found.detector, two(found.mean))
}

fn title(found: &[Found], several: bool) -> String {
    let Some(worst) = found.iter().min_by(|a, b| a.mean.total_cmp(&b.mean)) else { return String::new() };
    let place = if several { format!(" ({})", worst.arm) } else { String::new() };
    let least = if found.len() > 1 {
        "The least average precision before the damage"
    } else {
        "Average precision before the damage"
    };
    format!("{least} is that of {} at a base rate of {}%{place}", words(worst), percent(worst.base_rate))
}

/// Steps to each threshold, evenly thinned to what a picture shows: up to its recall a threshold has its precision, and straight lines between
/// thresholds would promise more (Davis & Goadrich 2006).
fn steps(curve: Vec<(f64, f64)>) -> Vec<Point> {
    let every = curve.len().div_ceil(POINTS).max(1);
    let last = curve.len().saturating_sub(1);
    let kept = curve.into_iter().enumerate().filter(|(i, _)| i % every == 0 || *i == last);
    let mut before = 0.0;
    kept.flat_map(|(_, (recall, precision))| {
        let from = std::mem::replace(&mut before, recall);
        [from, recall].map(|recall| Point::new(recall, precision))
    })
    .collect()
}

fn draw(
    arms: &[String],
    series: &[Series],
    heads: Vec<Vec<Line>>,
    empty: &[Option<String>],
    size: Size,
) -> Result<Scene, Status> {
    let nothing = Status::TooFew { what: "finite points", have: 0, need: 1 };
    let width = size.width();
    let scale = Scale::exact(Kind::Linear, 0.0, 1.0).ok_or(nothing)?;
    let mut scene = Scene::new(width, 0.0);
    scene.bold((10.0, 18.0), "Precision", NORMAL, Align::Left, BLACK);
    let names = SCORES.iter().enumerate().map(|(i, (name, ..))| ((*name).to_owned(), pen(i)));
    let pens: Vec<(String, Pen)> = names
        .chain([(CHANCE.to_owned(), LEVEL)])
        .filter(|(name, _)| series.iter().any(|s| s.name == *name))
        .collect();
    let start = 30.0 + labels::key(&mut scene, 10.0, width - 10.0, 28.0, &pens);
    let panels = Multiples::new(&heads, size, start, 170.0, 3);
    for (i, arm) in arms.iter().enumerate() {
        let (left, top, right, bottom) = panels.edges(i);
        let panel = Panel { left, top, right, bottom, x: scale, y: scale };
        panels.head(&mut scene, i);
        panel.frame(&mut scene, "", panels.below(i, "Recall"));
        if let Some(why) = empty.get(i).and_then(Option::as_ref) {
            panel.empty(&mut scene, why);
        }
        for s in series.iter().filter(|s| s.panel == *arm) {
            let Some((_, pen)) = pens.iter().find(|(name, _)| *name == s.name) else { continue };
            if s.name == CHANCE {
                scene.dashed(panel.places(&s.points), pen.ink, 1.0, pen.dash);
                scene.drawn_from(s, &s.points);
            } else {
                panel.line(&mut scene, s, *pen);
            }
        }
    }
    scene.height = panels.end();
    Ok(scene)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ties_are_one_threshold_and_the_area_is_the_hand_counted_one() {
        // + | − + (tie) | + | −: precision 1, 2/3, 3/4 at recall 1/3, 2/3, 1.
        let pairs = [(9.0, true), (7.0, false), (7.0, true), (5.0, true), (4.0, false)];
        let found = curve(&pairs);
        let expected = [(1.0 / 3.0, 1.0), (2.0 / 3.0, 2.0 / 3.0), (1.0, 0.75)];
        assert_eq!(found, expected);
        assert!((average_precision(&found).unwrap() - (1.0 + 2.0 / 3.0 + 0.75) / 3.0).abs() < 1e-15);
        assert_eq!(average_precision(&curve(&[(1.0, false)])), None);
    }

    #[test]
    fn a_curve_is_stairs_and_keeps_its_ends_when_it_is_thinned() {
        let corners: Vec<(f64, f64)> =
            steps(vec![(0.4, 1.0), (1.0, 0.5)]).iter().map(|p| (p.x, p.y)).collect();
        assert_eq!(corners, [(0.0, 1.0), (0.4, 1.0), (0.4, 0.5), (1.0, 0.5)]);
        let long: Vec<(f64, f64)> = (1..=1001).map(|i| (f64::from(i) / 1001.0, 0.5)).collect();
        let kept = steps(long);
        assert!(kept.len() <= 2 * POINTS + 2 && kept[1].x < 0.01 && kept[kept.len() - 1].x == 1.0);
    }
}
