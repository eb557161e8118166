//! What each detector is for: where it beats the reward itself, and where it must know nothing.

use rand_distr::{Distribution as _, StandardNormal};
use tailcatch::detectors::{DetectorSpec, Fitted};
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::metrics::Ranking;
use tailcatch::metrics::roc::auroc;
use tailcatch::record::{DISAGREEMENT, GRADIENT_NORM, Observed};

const STEPS: u64 = 40;
const ROLLOUTS: u64 = 250;
const GROUP: u64 = 10;

/// 40 steps of 25 groups of ten: normal rewards, and policy columns that have nothing to do with them.
pub fn log(seed: u64) -> Observed {
    let mut rng = SeedTree::new(seed, 0).stream(Purpose::Calibration, 0);
    let n = STEPS * ROLLOUTS;
    let mut normal = || (0..n).map(|_| StandardNormal.sample(&mut rng)).collect::<Vec<f64>>();
    let (proxy, advantage, reference, ratio) = (normal(), normal(), normal(), normal());
    let (disagreement, gradient, length) = (normal(), normal(), normal());
    let ref_log_prob: Vec<f64> = reference.iter().map(|z| -50.0 - 5.0 * z).collect();
    Observed {
        step: (0..n).map(|i| i / ROLLOUTS).collect(),
        trajectory: (0..n).collect(),
        outcome: (0..n).map(|i| 1000 + i).collect(),
        prompt: (0..n).map(|i| i % ROLLOUTS / GROUP).collect(),
        group: (0..n).map(|i| i / GROUP).collect(),
        proxy,
        advantage: Some(advantage),
        log_prob: Some(ref_log_prob.iter().zip(&ratio).map(|(l, z)| l + 0.5 * z).collect()),
        ref_log_prob: Some(ref_log_prob),
        length: Some(length.iter().map(|z| (250.0 + 80.0 * z).max(1.0)).collect()),
        features: vec![
            (DISAGREEMENT.into(), disagreement.iter().map(|z| (1.0 + 0.2 * z).abs()).collect()),
            (GRADIENT_NORM.into(), gradient.iter().map(|z| z.abs()).collect()),
        ],
        ..Observed::default()
    }
}

/// Changes row `i` of a run; the flag says whether the row is a hack.
type Change = fn(&mut Observed, usize, bool);

pub fn column<'a>(log: &'a mut Observed, name: &str) -> &'a mut Vec<f64> {
    match name {
        "advantage" => log.advantage.as_mut().unwrap(),
        "log_prob" => log.log_prob.as_mut().unwrap(),
        "ref_log_prob" => log.ref_log_prob.as_mut().unwrap(),
        "length" => log.length.as_mut().unwrap(),
        name => &mut log.features.iter_mut().find(|(own, _)| own == name).unwrap().1,
    }
}

/// Which rows are hacks.
#[derive(Clone, Copy)]
pub enum Hacks {
    /// 4% of the rows.
    Rows,
    /// 4% of the rows, none in the first half of the run.
    LateRows,
    /// All rows of 4% of the groups.
    Groups,
    /// All rows of two steps.
    Steps,
}

pub fn labels(hacks: Hacks, rng: &mut Stream) -> Vec<bool> {
    let n = STEPS * ROLLOUTS;
    match hacks {
        Hacks::Rows => (0..n).map(|_| rng.open_unit() < 0.04).collect(),
        Hacks::LateRows => (0..n).map(|i| i >= n / 2 && rng.open_unit() < 0.08).collect(),
        Hacks::Groups => {
            let chosen: Vec<bool> = (0..n / GROUP).map(|_| rng.open_unit() < 0.04).collect();
            (0..n).map(|i| chosen[(i / GROUP) as usize]).collect()
        }
        Hacks::Steps => (0..n).map(|i| matches!(i / ROLLOUTS, 11 | 30)).collect(),
    }
}

/// AUROC of a detector, fitted on an honest run, and of the reward itself.
fn areas(detector: &str, hacks: Hacks, change: Change) -> (f64, f64) {
    let spec: DetectorSpec = serde_json::from_str(detector).unwrap();
    let (mut calibration, mut run) = (log(1), log(2));
    let hack = labels(hacks, &mut SeedTree::new(3, 0).stream(Purpose::Exploit, 0));
    for (i, &hack) in hack.iter().enumerate() {
        change(&mut calibration, i, false);
        change(&mut run, i, hack);
    }
    let mut rng = SeedTree::new(4, 0).stream(Purpose::Detector, 0);
    let Fitted::Ready(mut scorer) = spec.part().fit(&calibration, &mut rng) else {
        panic!("{detector} refused")
    };
    let area = |scores: &[f64]| auroc(&Ranking::new(scores, &hack).unwrap()).unwrap();
    (area(scorer.score(&run).unwrap().values()), area(&run.proxy))
}

/// A number between −3 and 3 that rows of the same group share.
fn difficulty(i: usize) -> f64 {
    (i as u64 / GROUP * 37 % 61) as f64 / 10.0 - 3.0
}

/// Each detector on a case made for it: its area, that of the reward, and the least difference (what was found, less
/// four standard errors of .004 or so of a pair, rounded down).
#[test]
fn each_detector_beats_the_reward_where_it_should() {
    let cases: [(&str, Hacks, Change, f64); 12] = [
        // Prompts differ by six standard deviations, hacks by four.
        (
            r#"{"within_prompt": {}}"#,
            Hacks::Rows,
            |log, i, hack| log.proxy[i] += 2.0 * difficulty(i) + 4.0 * f64::from(hack),
            0.1,
        ),
        // The policy gets better by 12 standard deviations over the run.
        (
            r#"{"gesd": {}}"#,
            Hacks::Rows,
            |log, i, hack| log.proxy[i] += 0.3 * log.step[i] as f64 + 4.0 * f64::from(hack),
            0.1,
        ),
        // Long answers are paid for.
        (
            r#"{"length_residual": {}}"#,
            Hacks::Rows,
            |log, i, hack| {
                log.proxy[i] += 0.03 * column(log, "length")[i] + 4.0 * f64::from(hack);
            },
            0.1,
        ),
        // Each hack's reward is one that honest rollouts have too, only more often than they do.
        (
            r#"{"tail_cusum": {"tail_fraction": 0.2}}"#,
            Hacks::LateRows,
            |log, i, hack| {
                if hack {
                    log.proxy[i] = 0.85 + log.proxy[i].abs()
                }
            },
            0.01,
        ),
        (
            r#"{"log_ratio": {}}"#,
            Hacks::Rows,
            |log, i, hack| column(log, "log_prob")[i] += 2.0 * f64::from(hack),
            0.1,
        ),
        (
            r#"{"influence": {}}"#,
            Hacks::Rows,
            |log, i, hack| {
                if hack {
                    column(log, "advantage")[i] *= 5.0
                }
            },
            0.1,
        ),
        // No visit is paid more than many honest ones are, and there are many.
        (
            r#"{"cumulative_reward": {}}"#,
            Hacks::Rows,
            |log, i, hack| {
                if hack {
                    log.outcome[i] = 7;
                    log.proxy[i] += 1.0
                }
            },
            0.1,
        ),
        // No visit is special, and there are many.
        (
            r#"{"cumulative_influence": {}}"#,
            Hacks::Rows,
            |log, i, hack| {
                if hack {
                    log.outcome[i] = 7
                }
            },
            0.1,
        ),
        (
            r#"{"gradient_norm": {}}"#,
            Hacks::Rows,
            |log, i, hack| {
                if hack {
                    column(log, GRADIENT_NORM)[i] *= 5.0
                }
            },
            0.1,
        ),
        (
            r#"{"surprise": {}}"#,
            Hacks::Rows,
            |log, i, hack| {
                column(log, "ref_log_prob")[i] -= 3.0 * 50.0 * f64::from(hack);
            },
            0.1,
        ),
        (
            r#"{"disagreement": {}}"#,
            Hacks::Rows,
            |log, i, hack| column(log, DISAGREEMENT)[i] += f64::from(hack),
            0.1,
        ),
        // Two weak hints.
        (
            r#"{"rank_mean": {"members": ["robust_z", "log_ratio"]}}"#,
            Hacks::Rows,
            |log, i, hack| {
                log.proxy[i] += 2.0 * f64::from(hack);
                column(log, "log_prob")[i] += f64::from(hack);
            },
            0.02,
        ),
    ];
    for (detector, hacks, change, gain) in cases {
        let (own, reward) = areas(detector, hacks, change);
        println!("{detector}: {own:.4} against {reward:.4}");
        assert!(own - reward >= gain, "{detector}: {own} against {reward}");
    }
}

/// Three detectors rank as the reward does, but for ties of ranks below a tail's threshold: what they add are p-values.
#[test]
fn detectors_of_the_reward_alone_rank_as_it_does() {
    let change: Change = |log, i, hack| log.proxy[i] += 2.0 * f64::from(hack);
    for detector in [r#"{"robust_z": {}}"#, r#"{"gpd_tail": {}}"#, r#"{"hill_tail": {}}"#] {
        let (own, reward) = areas(detector, Hacks::Rows, change);
        assert!((own - reward).abs() < 1e-4 && reward > 0.9, "{detector}: {own} against {reward}");
    }
}

/// Each detector where it has nothing to go by. Some 400 hacks among 10,000 rows: the standard error of an area of ½ is
/// .015 for independent rows (Hanley & McNeil 1982, less within groups and steps), the bound four of them.
#[test]
fn no_detector_knows_what_it_cannot_see() {
    let by_reward: Change = |log, i, hack| log.proxy[i] += 4.0 * f64::from(hack);
    let by_policy: Change = |log, i, hack| {
        column(log, "log_prob")[i] += 4.0 * f64::from(hack);
        column(log, DISAGREEMENT)[i] += f64::from(hack);
    };
    let by_ensemble: Change = |log, i, hack| column(log, DISAGREEMENT)[i] += f64::from(hack);
    // Longer, and paid for it as all are.
    let by_length: Change = |log, i, hack| {
        column(log, "length")[i] += 300.0 * f64::from(hack);
        log.proxy[i] += 0.03 * column(log, "length")[i];
    };
    let cases = [
        (r#"{"top_reward": {}}"#, Hacks::Rows, by_policy),
        (r#"{"robust_z": {}}"#, Hacks::Rows, by_policy),
        (r#"{"gpd_tail": {}}"#, Hacks::Rows, by_policy),
        (r#"{"hill_tail": {}}"#, Hacks::Rows, by_policy),
        (r#"{"tail_cusum": {}}"#, Hacks::Rows, by_policy),
        (r#"{"cumulative_reward": {}}"#, Hacks::Rows, by_policy),
        (r#"{"gesd": {}}"#, Hacks::Steps, by_reward),
        (r#"{"within_prompt": {}}"#, Hacks::Groups, by_reward),
        (r#"{"length_residual": {}}"#, Hacks::Rows, by_length),
        (r#"{"log_ratio": {}}"#, Hacks::Rows, by_reward),
        (r#"{"influence": {}}"#, Hacks::Rows, by_reward),
        (r#"{"cumulative_influence": {}}"#, Hacks::Rows, by_reward),
        (r#"{"gradient_norm": {}}"#, Hacks::Rows, by_reward),
        (r#"{"surprise": {}}"#, Hacks::Rows, by_reward),
        (r#"{"disagreement": {}}"#, Hacks::Rows, by_reward),
        (r#"{"rank_mean": {}}"#, Hacks::Rows, by_ensemble),
        (r#"{"random": {}}"#, Hacks::Rows, by_reward),
    ];
    for (detector, hacks, change) in cases {
        let (own, _) = areas(detector, hacks, change);
        println!("{detector}: {own:.4}");
        assert!((own - 0.5).abs() < 0.06, "{detector}: {own}");
    }
}
