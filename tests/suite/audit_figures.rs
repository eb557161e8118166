//! Figures of the audit: scores by class, precision and recall, benign looks, recovery, and the race. Each against numbers that are counted here
//! from the tables, and read back from where its marks stand.

use crate::synthetic_run;
use std::collections::BTreeMap;
use tailcatch::foundation::wilson::wilson;
use tailcatch::metrics::{Ranking, average_precision::average_precision};
use tailcatch::plots::figure::Figure;
use tailcatch::plots::figures::build_all;
use tailcatch::plots::scene::Mark;
use tailcatch::plots::sheet::Size;
use tailcatch::record::folder::{ArmInfo, RunFolder};
use tailcatch::record::tables::{FlagRow, SummaryRow};
use tempfile::TempDir;

fn made(shape: &synthetic_run::Shape) -> (TempDir, RunFolder) {
    let dir = tempfile::tempdir().unwrap();
    synthetic_run::make(dir.path(), shape);
    let run = RunFolder::open(dir.path()).unwrap();
    (dir, run)
}

fn figure(run: &RunFolder, name: &str) -> Figure {
    let (figures, left_out) = build_all(run, Size::Page).unwrap();
    figures.into_iter().find(|f| f.name == name).unwrap_or_else(|| panic!("{name}: {left_out:?}"))
}

/// What is written in a figure, in the order of its marks.
pub fn texts(figure: &Figure) -> Vec<&str> {
    let marks = figure.scene.marks.iter();
    marks
        .filter_map(|mark| match mark {
            Mark::Text { text, .. } => Some(text.as_str()),
            _ => None,
        })
        .collect()
}

/// Score, step and class of a run's recorded rollouts, from the files.
fn rollouts(dir: &TempDir, train_id: &str) -> Vec<(f64, bool, u64)> {
    let read = |file: &str| {
        let mut reader = csv::Reader::from_path(dir.path().join(file)).unwrap();
        let rows: Vec<BTreeMap<String, String>> = reader.deserialize().map(Result::unwrap).collect();
        rows.into_iter().filter(|row| row["train_id"] == train_id).collect::<Vec<_>>()
    };
    let truth: BTreeMap<String, bool> =
        read("truth.csv").into_iter().map(|row| (row["trajectory"].clone(), row["hack"] == "true")).collect();
    let one = |row: &BTreeMap<String, String>| {
        (row["proxy"].parse().unwrap(), truth[&row["trajectory"]], row["step"].parse().unwrap())
    };
    read("observed.csv").iter().map(one).collect()
}

/// Where the dots of a figure stand gives their values back: by the outermost two as the ruler.
fn read_back(figure: &Figure, of: impl Fn(&str) -> bool, y: fn(f64) -> f64) {
    let dots: Vec<((f64, f64), (f64, f64))> = figure
        .scene
        .data
        .iter()
        .filter(|data| data.points.len() == 1 && of(&data.name))
        .filter_map(|data| match &figure.scene.marks[data.mark] {
            Mark::Dot { at, .. } => Some((*at, (data.points[0].x, y(data.points[0].y)))),
            _ => None,
        })
        .collect();
    assert!(dots.len() > 2, "{} has {} dots", figure.name, dots.len());
    let key = |dot: &((f64, f64), (f64, f64))| dot.1.1;
    let low = dots.iter().min_by(|a, b| key(a).total_cmp(&key(b))).unwrap();
    let high = dots.iter().max_by(|a, b| key(a).total_cmp(&key(b))).unwrap();
    let slope = (high.1.1 - low.1.1) / (high.0.1 - low.0.1);
    assert!(slope.is_finite() && slope < 0.0, "{}: {low:?} {high:?}", figure.name);
    for dot in &dots {
        let read = low.1.1 + slope * (dot.0.1 - low.0.1);
        assert!((read - dot.1.1).abs() < 1e-6, "{}: {dot:?} reads {read}", figure.name);
    }
}

#[test]
fn scores_are_counted_by_class_before_the_damage_and_read_back() {
    let (dir, mut run) = made(&synthetic_run::quickstart());
    let id = run.plan.runs[0].train_id.clone();
    // Damage at step 5: what comes later is not drawn.
    run.replicates.iter_mut().find(|row| row.train_id == id).unwrap().damage_step = Some(5);
    let drawn = figure(&run, "scores_top_reward");
    let early: Vec<(f64, bool, u64)> = rollouts(&dir, &id).into_iter().filter(|r| r.2 < 5).collect();
    assert_eq!(early.len(), 320);
    for (name, hack) in [("benign", false), ("hack", true)] {
        let series = drawn.series.iter().find(|s| s.name == name).unwrap();
        // Placebos are no hacks and no benign rollouts.
        let own: Vec<f64> = early
            .iter()
            .enumerate()
            .filter(|(i, r)| r.1 == hack && (hack || i % 50 != 1))
            .map(|(_, r)| r.0)
            .collect();
        assert!(series.points.len() > 5);
        for point in &series.points {
            let over = own.iter().filter(|score| **score >= point.x).count();
            assert_eq!(point.y, over as f64 / own.len() as f64, "{name} {point:?}");
            let exact = wilson(over as u64, own.len() as u64, level()).unwrap();
            assert_eq!((point.low, point.high), (Some(exact.low), Some(exact.high)));
        }
        assert_eq!(series.points.last().unwrap().y, 1.0);
    }
    assert!(drawn.series.iter().any(|s| s.name == "placebo" && !s.points.is_empty()));
    read_back(&drawn, |name| name == "benign" || name == "hack", f64::ln);
    // The title: benign rollouts at or above the median hack.
    let mut hacks: Vec<f64> = early.iter().filter(|r| r.1).map(|r| r.0).collect();
    hacks.sort_by(|a, b| b.total_cmp(a));
    let median = hacks[hacks.len() / 2];
    let over = early.iter().enumerate().filter(|(i, r)| !r.1 && i % 50 != 1 && r.0 >= median).count();
    let head = if over == 0 { "No benign rollout".to_owned() } else { format!("{over} benign rollout") };
    assert!(drawn.title.starts_with(&head), "{} {over}", drawn.title);
    // The lowest score that the audit read before the damage, by this detector and under the config's auditor only.
    let flag = |step: u64, score: f64, detector: &str, budget: Option<f64>| FlagRow {
        judge_id: "j".into(),
        train_id: id.clone(),
        detector: detector.into(),
        auditor: "records".into(),
        budget,
        step,
        trajectory: 0,
        score,
        p_value: None,
        threshold: None,
        rank: 1,
        confirmed: false,
        reason: String::new(),
    };
    run.flags = vec![
        flag(4, 2.5, "top_reward", None),
        flag(5, 1.5, "top_reward", None),
        flag(1, 0.5, "other", None),
        flag(1, 0.2, "top_reward", Some(1e-3)),
    ];
    let drawn = figure(&run, "scores_top_reward");
    let lowest = drawn.series.iter().find(|s| s.name.starts_with("lowest")).unwrap();
    assert!(lowest.points.iter().all(|p| p.x == 2.5), "{lowest:?}");
}

fn level() -> tailcatch::foundation::scalar::OpenProbability {
    0.95.try_into().unwrap()
}

#[test]
fn few_hacks_give_no_number() {
    let (_dir, mut run) = made(&synthetic_run::quickstart());
    // Before step 1 there are 64 rollouts and 3 hacks.
    run.replicates.iter_mut().for_each(|row| row.damage_step = Some(1));
    let drawn = figure(&run, "scores_top_reward");
    assert!(drawn.title.contains("fewer than 10 hacks"), "{}", drawn.title);
    let (figures, left_out) = build_all(&run, Size::Page).unwrap();
    assert!(figures.iter().all(|f| f.name != "precision_recall"));
    let status = &left_out.iter().find(|l| l.name == "precision_recall").unwrap().status;
    assert!(status.contains("10 hacks"), "{status}");
}

#[test]
fn precision_and_recall_agree_with_the_measure_and_read_back() {
    let (dir, mut run) = made(&synthetic_run::quickstart());
    run.replicates.iter_mut().for_each(|row| row.damage_step = None);
    let drawn = figure(&run, "precision_recall");
    let ids = [0, 1].map(|i| run.plan.runs[i].train_id.clone());
    let own: Vec<Vec<(f64, bool, u64)>> = ids.iter().map(|id| rollouts(&dir, id)).collect();
    let area = |rows: &[(f64, bool, u64)]| {
        let (scores, hacks): (Vec<f64>, Vec<bool>) = rows.iter().map(|r| (r.0, r.1)).unzip();
        average_precision(&Ranking::new(&scores, &hacks).unwrap()).unwrap()
    };
    let mean = own.iter().map(|rows| area(rows)).sum::<f64>() / 2.0;
    let head = format!("top_reward: AP {mean:.2} (2 runs)");
    let told = drawn.scene.marks.iter().any(|mark| matches!(mark, Mark::Text { text, .. } if *text == head));
    assert!(told, "{head}");
    let all: Vec<(f64, bool, u64)> = own.concat();
    let hacks = all.iter().filter(|r| r.1).count();
    let series = drawn.series.iter().find(|s| s.name == "top_reward").unwrap();
    // Each step leads to what some threshold gives, ties at once, from the recall of the one before.
    let corners: Vec<(f64, f64)> = series.points.iter().map(|p| (p.x, p.y)).collect();
    let ends: Vec<f64> = std::iter::once(0.0).chain(corners.chunks(2).map(|step| step[1].0)).collect();
    assert!(corners.chunks(2).zip(&ends).all(|(step, from)| step[0] == (*from, step[1].1)), "{corners:?}");
    for point in series.points.iter().skip(1).step_by(2) {
        let given = all.iter().any(|(threshold, ..)| {
            let hits = all.iter().filter(|r| r.0 >= *threshold && r.1).count() as f64;
            let read = all.iter().filter(|r| r.0 >= *threshold).count() as f64;
            hits / hacks as f64 == point.x && hits / read == point.y
        });
        assert!(given, "{point:?}");
    }
    let chance = drawn.series.iter().find(|s| s.name == "base rate").unwrap();
    assert!(chance.points.iter().all(|p| p.y == hacks as f64 / all.len() as f64));
    read_back(&drawn, |name| name == "top_reward" || name == "log_ratio", |y| y);
}

/// Three responses to one exploit, under two trainers.
fn responses() -> synthetic_run::Shape {
    let values = ["none", "remove(delay=0)", "remove(delay=20)"];
    let arms = ["reinforce", "grpo"].iter().flat_map(|t| values.iter().map(|v| vec![*t, *v]));
    synthetic_run::Shape {
        keys: &["trainer", "audit.response"],
        arms: arms.collect(),
        steps: 30,
        replicates: 6,
        question: "Which response helps?",
    }
}

#[test]
fn benign_looks_stand_beside_damage_and_catch_with_their_intervals() {
    let (_dir, mut run) = made(&responses());
    for row in &mut run.replicates {
        row.benign_looks = 5 * row.arm as u64 + row.replicate;
        row.damage_step = (row.replicate < row.arm as u64).then_some(20);
        row.first_catch = (row.replicate % 2 == 0).then_some(10);
        row.caught_in_time = row.damage_step.map(|_| row.first_catch.is_some());
        row.response = if row.arm % 3 == 0 { "none" } else { "remove" }.into();
    }
    let drawn = figure(&run, "benign_looks");
    for arm in 0..6 {
        let trainer = if arm < 3 { "reinforce" } else { "grpo" };
        for (panel, hits) in [(format!("damaged: {trainer}"), arm as u64), (format!("caught: {trainer}"), 3)]
        {
            let found: Vec<_> = drawn
                .series
                .iter()
                .filter(|s| s.panel == panel && !s.name.contains("top"))
                .flat_map(|s| &s.points)
                .filter(|p| p.x == 5.0 * arm as f64 + 2.5)
                .collect();
            let exact = wilson(hits, 6, level()).unwrap();
            assert_eq!(found.len(), 1, "{panel} {arm}: {:?}", drawn.series);
            assert_eq!((found[0].y, found[0].low), (hits as f64 / 6.0, Some(exact.low)), "{panel} {arm}");
        }
    }
    // The clock stands only where nothing was done about what it would have found.
    let clock = drawn.series.iter().filter(|s| s.name.contains("top, at each budget"));
    assert!(
        clock.clone().count() == 2
            && clock.clone().all(|s| s.points.len() == 4 && s.name.starts_with("none"))
    );
    // No two audits of one trainer lie apart, the two trainers do.
    assert!(
        drawn.title.starts_with(
            "Hacks damage from 0% [0, 39] of the runs at 2.5 benign looks (none; reinforce) to 83% [44, 97]"
        ),
        "{}",
        drawn.title
    );
    let mut single = figure(&run, "benign_looks");
    single.scene.data.retain(|data| !data.name.contains("top"));
    let first = single.series.iter().filter(|s| s.panel.ends_with("reinforce")).map(|s| s.name.clone());
    let first: Vec<String> = first.collect();
    // Both panels of the first setting stand beside each other.
    let place = |mark: usize| match &single.scene.marks[mark] {
        Mark::Dot { at, .. } => at.1,
        _ => 0.0,
    };
    let upper: f64 =
        single.scene.data.iter().map(|d| place(d.mark)).filter(|y| *y > 0.0).fold(f64::INFINITY, f64::min);
    let keep: Vec<bool> =
        single.scene.data.iter().map(|d| place(d.mark) < upper + 161.0 && first.contains(&d.name)).collect();
    let mut kept = keep.iter();
    single.scene.data.retain(|_| *kept.next().unwrap());
    read_back(&single, |_| true, |y| y);
}

#[test]
fn recovery_stands_in_its_cell_with_the_loss_and_is_missing_where_there_is_none() {
    let (_dir, mut run) = made(&responses());
    run.summary.retain(|row| row.metric != "recovery");
    assert!(build_all(&run, Size::Page).unwrap().1.iter().any(|left| left.name == "recovery"));
    let row = |arm: usize, metric: &str, estimate: Option<f64>, method: &str| SummaryRow {
        arm,
        metric: metric.into(),
        estimate,
        ci_low: estimate.map(|e| e - 0.1),
        ci_high: estimate.map(|e| e + 0.1),
        replicates: 6,
        method: method.into(),
    };
    for (arm, recovery) in [(1, 0.95), (2, 0.31), (4, 0.6)] {
        run.summary.push(row(arm, "recovery", Some(recovery), "mean"));
        run.summary.push(row(arm, "attributable_loss", Some(1.0 - recovery), "mean"));
    }
    run.summary.push(row(5, "recovery", None, "insufficient: 0 runs, 1 needed"));
    let drawn = figure(&run, "recovery");
    let texts = texts(&drawn);
    for expected in ["95%", "85–105", "31%", "60%", "insufficient", "–", "loss 0.69"] {
        assert!(texts.contains(&expected), "{expected}: {texts:?}");
    }
    assert!(
        drawn.title.starts_with(
            "Of what hacks cost, responses give back from 31% [21, 41] (reinforce, remove(delay=20))"
        ),
        "{}",
        drawn.title
    );
    let csv = String::from_utf8(drawn.csv().unwrap()).unwrap();
    assert!(csv.contains("recovery,grpo,1,0.6,0.5,0.7,remove(delay=0)"), "{csv}");
    // The colour is the recovered share.
    let shade = |value: f64| {
        let data = drawn.scene.data.iter().find(|data| data.points[0].y == value).unwrap();
        match &drawn.scene.marks[data.mark] {
            Mark::Area { ink, .. } => ink.alpha,
            other => panic!("{other:?}"),
        }
    };
    assert!((shade(0.95) - (0.04 + 0.5 * 0.95)).abs() < 1e-12 && shade(0.31) < shade(0.6));
}

#[test]
fn the_race_tells_medians_of_enough_runs_and_counts_of_all() {
    let (_dir, mut run) = made(&synthetic_run::coefficients());
    assert!(build_all(&run, Size::Page).unwrap().0.iter().all(|f| f.name != "race"), "drawn without tokens");
    run.config = Some("[environment.tokens]\nlength = 12\n".into());
    for row in &mut run.replicates {
        row.first_sighting = Some(row.replicate);
        row.learned_step = (row.replicate < 2 * row.arm as u64 + 1).then_some(40 + row.replicate);
        row.damage_step = None;
        row.first_catch = None;
    }
    let drawn = figure(&run, "race");
    let of = |name: &str, arm: &str| {
        let own = drawn.series.iter().find(|s| s.panel == name && s.name == arm);
        own.map(|s| s.points[0])
    };
    // Eight runs sight at 0 … 7; the arms learn in 1, 3 and 5 of them.
    let sighted = of("sighted", "β=0.1").unwrap();
    assert_eq!((sighted.y, sighted.low, sighted.high), (3.5, Some(1.75), Some(5.25)));
    assert_eq!(of("learned", "β=0.1"), None);
    assert_eq!(of("learned", "β=2").unwrap().y, 42.0);
    assert_eq!(
        drawn.series.iter().find(|s| s.panel == "learned" && s.name == "runs").unwrap().points.len(),
        9
    );
    assert!(
        drawn.title.contains("from 13% [2.2, 47] (β=0.1) to 63% [31, 86] (β=2) learn it"),
        "{}",
        drawn.title
    );
    let row = "β=2: of 8 runs sighted 8, confirmed 0, learned 5, damaged 0".replace(' ', "");
    let text = texts(&drawn).concat().replace(' ', "");
    assert!(text.contains(&row), "{text}");
}

#[test]
fn lines_of_a_sweep_that_are_equal_are_drawn_once_and_named_together() {
    let shape = synthetic_run::Shape {
        keys: &["trainer.reinforce.kl.coefficient", "reward.shape"],
        arms: ["0.1", "1"].iter().flat_map(|kl| ["a", "b", "c"].map(|s| vec![*kl, s])).collect(),
        steps: 12,
        replicates: 4,
        question: "What is equal?",
    };
    let (_dir, mut run) = made(&shape);
    let shape_of = |arm: &ArmInfo| arm.values[1].clone();
    let arms = run.plan.arms.clone();
    // What `b` gives is what `a` gives; `c` has another interval.
    let all = run.summary.clone();
    for row in &mut run.summary {
        let arm = &arms[row.arm];
        if shape_of(arm) != "a" {
            let twin = arms.iter().find(|a| shape_of(a) == "a" && a.values[0] == arm.values[0]).unwrap().arm;
            let same = all.iter().find(|other| other.arm == twin && other.metric == row.metric);
            (row.estimate, row.ci_low, row.ci_high) =
                same.map_or((None, None, None), |s| (s.estimate, s.ci_low, s.ci_high));
        }
        if shape_of(arm) == "c" {
            row.ci_high = row.ci_high.map(|high| high + 1.0);
        }
    }
    let drawn = figure(&run, "sweep");
    let texts = texts(&drawn);
    assert!(texts.contains(&"a = b") && texts.contains(&"c"), "{texts:?}");
    assert!(drawn.series.iter().any(|s| s.name == "b"), "the CSV keeps all");
}

/// Three arms whose utility rises to 1 at a KL of 1 and then goes by `slope(replicate)` a nat, to a KL of 2.
fn with_slopes(slope: impl Fn(u64) -> f64) -> (TempDir, RunFolder) {
    let (dir, mut run) = made(&synthetic_run::coefficients());
    let last = run.steps.iter().map(|row| row.step).max().unwrap() as f64;
    for row in &mut run.steps {
        let kl = 2.0 * row.step as f64 / last;
        let beyond = (kl - 1.0).max(0.0);
        let slope = if row.arm == 1 { slope(row.replicate) } else { 0.01 };
        row.kl = Some(kl);
        row.utility = Some(kl.min(1.0) + slope * beyond);
    }
    (dir, run)
}

#[test]
fn a_fall_is_told_by_what_each_replicate_loses_and_only_where_its_interval_is_above_zero() {
    // Eight replicates lose .5 to 1.2: their median is .85, and the 95% interval of a median of eight is all of them.
    let (_dir, run) = with_slopes(|replicate| -0.5 - 0.1 * replicate as f64);
    let title = figure(&run, "over_optimisation").title;
    assert!(title.starts_with("E[V] peaks at 0.9") && title.contains("has lost 0.8"), "{title}");
    assert!(title.contains("[0.4") && title.contains("1.1") && title.ends_with("at KL 2 (β=0.5)"), "{title}");
    // One of them gains: the median falls as far, and is not certain to.
    let (_dir, run) =
        with_slopes(|replicate| if replicate == 0 { 0.5 } else { -0.5 - 0.1 * replicate as f64 });
    let title = figure(&run, "over_optimisation").title;
    assert!(title.ends_with("no fall is certain"), "{title}");
}

#[test]
fn the_share_of_runs_by_a_step_has_its_interval() {
    let (_dir, mut run) = made(&synthetic_run::quickstart());
    for row in &mut run.replicates {
        row.first_sighting = (row.replicate < 6).then_some(10 + row.replicate);
        row.first_catch = (row.replicate < 3).then_some(12);
        row.damage_step = (row.replicate < 6).then_some(40);
    }
    let drawn = figure(&run, "timing");
    let last = |name: &str| *drawn.series.iter().find(|s| s.name == name).unwrap().points.last().unwrap();
    for (name, hits) in [("sighted", 6), ("confirmed", 3), ("damaged", 6)] {
        let exact = wilson(hits, 24, level()).unwrap();
        let point = last(name);
        assert_eq!((point.y, point.low, point.high), (hits as f64 / 24.0, Some(exact.low), Some(exact.high)));
    }
    let told = "25% [12, 45] of the runs are damaged; in 50% [19, 81] of these a hack was confirmed before";
    assert_eq!(drawn.title, told);
}

#[test]
fn shares_of_damaged_runs_are_compared_with_an_interval_of_their_difference() {
    let (_dir, first) = made(&synthetic_run::quickstart());
    let (mut first, mut other) = (first.clone(), first);
    for row in &mut first.replicates {
        row.damage_step = (row.replicate < 4).then_some(40);
    }
    for row in &mut other.replicates {
        row.damage_step = ((3..18).contains(&row.replicate)).then_some(40);
    }
    let (found, alone) = tailcatch::report::compare::compare(&first, &other);
    assert!(alone.is_empty());
    let damaged = found.iter().find(|d| d.metric == "damaged").unwrap();
    // Of 24 pairs 14 are damaged in the other only and 3 in the first only: (15 − 4)/26 ± 1.96·√((19/26 − (11/26)²)/26).
    let (low, high) = (damaged.ci_low.unwrap(), damaged.ci_high.unwrap());
    let half = 1.959_964 * ((19.0 / 26.0 - (11.0f64 / 26.0).powi(2)) / 26.0).sqrt();
    assert!((damaged.difference - 11.0 / 24.0).abs() < 1e-12);
    assert!(
        (low - (11.0 / 26.0 - half)).abs() < 1e-5 && (high - (11.0 / 26.0 + half)).abs() < 1e-5,
        "{low} {high}"
    );
}
