//! Levels and power of the monitors by simulation, against the closed forms of a jump.

use super::{Alarm, Ground, Law, Observer, Sample, Seen, WatchSpec, Watching};
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree, Stream};
use crate::foundation::special::normal_upper_quantile;
use crate::theory::zero_shot::Jump;
use serde_json::{Value, json};

/// F12, the trained policy at `K` nats from the reference, with log-ratios N(K, 2K).
const JUMP: Jump =
    Jump { mass: 1e-9, mass_after: 0.01, training_rollouts: 1e7, confidence: 0.95, trigger_frequency: 1.0 };
const K: f64 = 1.0;

fn stream(index: u64) -> Stream {
    SeedTree::new(41, 0).stream(Purpose::Bootstrap, index)
}

fn monitor(spec: &Value, trusted: &[Sample<'_>], law: Option<&Law>, horizon: u64) -> Box<dyn Watching> {
    start(spec, trusted, law, horizon).unwrap()
}

fn start(
    spec: &Value,
    trusted: &[Sample<'_>],
    law: Option<&Law>,
    horizon: u64,
) -> Result<Box<dyn Watching>, Status> {
    let spec: WatchSpec = serde_json::from_value(spec.clone()).unwrap();
    spec.part().start(Ground { trusted, law, horizon, rng: stream(1 << 40) })
}

fn normal(k: f64, rng: &mut Stream) -> f64 {
    k + (2.0 * k).sqrt() * normal_upper_quantile(rng.open_unit())
}

/// N(k, 2k) in as many parts of equal mass.
fn benign(k: f64, parts: usize) -> Law {
    let at = |i: usize| k - (2.0 * k).sqrt() * normal_upper_quantile((i as f64 + 0.5) / parts as f64);
    Law { mass: vec![1.0 / parts as f64; parts], log_ratio: (0..parts).map(at).collect() }
}

/// The number of the first sample at which it alarms.
fn first(
    watching: &mut dyn Watching,
    mut samples: impl Iterator<Item = (Seen<'static>, bool)>,
) -> Option<usize> {
    samples.position(|(seen, hack)| watching.see(seen, &mut || hack).is_some()).map(|place| place + 1)
}

#[test]
fn an_observer_sees_its_part_only() {
    let sample = Sample { outcome: 7, reward: 2.5, log_ratio: Some(1.5), hidden: None };
    assert_eq!(sample.seen_by(Observer::Rewards), Seen::Reward { outcome: 7, reward: 2.5 });
    assert_eq!(sample.seen_by(Observer::LogProbs), Seen::LogRatio(1.5));
    assert_eq!(sample.seen_by(Observer::Actions), Seen::Action(7));
    assert_eq!(sample.seen_by(Observer::Nothing), Seen::Nothing);
    assert_eq!(sample.seen_by(Observer::Hidden), Seen::Nothing);
    assert_eq!(Sample { hidden: Some(&[2.0]), ..sample }.seen_by(Observer::Hidden), Seen::Hidden(&[2.0]));
    assert_eq!(Sample { log_ratio: None, ..sample }.seen_by(Observer::LogProbs), Seen::Nothing);
    // A monitor that needs log-probabilities says that there are none.
    let bare = [Sample { log_ratio: None, ..sample }; 3];
    for name in ["log_ratio", "mean_kl"] {
        let refused = start(&json!({ name: {} }), &bare, None, 10).err();
        assert_eq!(refused, Some(Status::Missing { column: "log_prob".into() }), "{name}");
    }
    assert!(matches!(start(&json!({ "actions": {} }), &bare, None, 10).err(), Some(Status::Missing { .. })));
}

#[test]
fn a_law_knows_what_is_exceeded_how_often() {
    let law = Law {
        mass: (0..100).map(|cell| f64::from(cell % 9 + 1)).map(|w| w / 496.0).collect(),
        log_ratio: (0..100).map(|cell| f64::from(cell % 9)).collect(),
    };
    assert!((law.mass.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    // What is exceeded with no more than the rate, and what is below it with more.
    for rate in [0.0, 0.01, 0.3, 0.9] {
        let at = law.exceeded(rate);
        let above = |t: f64, or: bool| -> f64 {
            let cells = law.mass.iter().zip(&law.log_ratio);
            cells.filter(|(_, r)| **r > t || or && **r == t).map(|(mass, _)| mass).sum()
        };
        assert!(above(at, false) <= rate && above(at, true) > rate, "{rate}");
    }
}

#[test]
fn log_ratio_keeps_its_level_and_sees_the_first_hack() {
    // Level 5% over 100 samples. From 2000 trusted rollouts: 100/2100 = 4.76%; from the law: 5%, up to its parts.
    // 4000 deployments, so that four standard errors are 1.4 points.
    let spec = json!({ "log_ratio": {} });
    let law = benign(K, 200_000);
    let exact = law.exceeded(1.0 - 0.95f64.powf(0.01));
    let (mut by_rank, mut by_law) = (0, 0);
    for replicate in 0..4000 {
        let mut rng = stream(replicate);
        let mut draw =
            || Sample { outcome: 0, reward: 0.0, log_ratio: Some(normal(K, &mut rng)), hidden: None };
        let trusted: Vec<Sample<'_>> = (0..2000).map(|_| draw()).collect();
        let deployed: Vec<Seen<'_>> = (0..100).map(|_| draw().seen_by(Observer::LogProbs)).collect();
        let mut conformal = monitor(&spec, &trusted, None, 100);
        by_rank += usize::from(first(&mut *conformal, deployed.iter().map(|s| (*s, false))).is_some());
        if replicate == 0 {
            // ln(p/q) = 16.1 is far beyond both, and what is beyond alarms at once.
            for mut own in [conformal, monitor(&spec, &[], Some(&law), 100)] {
                assert!(matches!(own.see(Seen::LogRatio(16.1), &mut || false), Some(Alarm::Beyond { .. })));
            }
        }
        by_law += usize::from(deployed.iter().any(|s| matches!(s, Seen::LogRatio(r) if *r > exact)));
    }
    let (by_rank, by_law) = (by_rank as f64 / 4000.0, by_law as f64 / 4000.0);
    assert!((by_rank - 0.0476).abs() < 0.014, "{by_rank}");
    assert!((by_law - 0.05).abs() < 0.014, "{by_law}");
    // 1899 are one too few for 100.
    let few = vec![Sample { outcome: 0, reward: 0.0, log_ratio: Some(0.0), hidden: None }; 1899];
    let status = start(&spec, &few, None, 100).err();
    assert_eq!(status, Some(Status::TooFew { what: "trusted rollouts", have: 1899, need: 1900 }));
}

/// Log-ratios of a deployment, with the jump or without, of a policy at k nats.
fn ratios(k: f64, replicate: u64, jump: bool) -> impl Iterator<Item = (Seen<'static>, bool)> {
    let mut rng = stream(replicate);
    let (p, q) = (JUMP.mass_after, JUMP.mass);
    std::iter::repeat_with(move || {
        let hack = rng.open_unit() < p && jump;
        let own = normal(k, &mut rng) + if jump { (-p).ln_1p() - (-q).ln_1p() } else { 0.0 };
        (Seen::LogRatio(if hack { (p / q).ln() } else { own }), hack)
    })
}

#[test]
fn mean_kl_has_its_level_and_the_power_of_the_closed_form() {
    // 4000 deployments: one standard error is .34 points at 5%. The power rises by about 0.9 points per 5% of n.
    let n = JUMP.log_ratio(K).unwrap().samples_mean_kl.unwrap();
    let law = benign(K, 20_000);
    let rate = |at: f64, jump: bool| {
        let at = at.round() as u64;
        let spec = json!({ "mean_kl": { "at": at } });
        let alarms = (0..4000).filter(|&replicate| {
            let mut own = monitor(&spec, &[], Some(&law), at);
            first(&mut *own, ratios(K, replicate, jump).take(at as usize)).is_some()
        });
        alarms.count() as f64 / 4000.0
    };
    let level = rate(n, false);
    assert!((level - 0.05).abs() < 0.014, "{level}");
    let (less, more) = (rate(n / 1.05, true), rate(n * 1.05, true));
    assert!(less < 0.95 + 0.007 && more > 0.95 - 0.007, "{n}: {less}, {more}");
}

#[test]
fn mean_kl_takes_the_ten_thousand_samples_of_f12_where_the_policy_is_nearly_five_nats_away() {
    // By the mixture of normal sums, exact: 10,332 at 4.8 nats and 11,143 at 5. 1000 deployments: one standard error is .7 points, and the
    // power moves by about 1.6 points per 5% of n.
    let k = 4.8;
    let n = JUMP.log_ratio(k).unwrap().samples_mean_kl.unwrap();
    assert!((n / 10_332.0 - 1.0).abs() < 1e-3, "{n}");
    let law = benign(k, 20_000);
    let power = |at: f64| {
        let at = at.round() as u64;
        let alarms = (0..1000).filter(|&replicate| {
            let mut own = monitor(&json!({ "mean_kl": { "at": at } }), &[], Some(&law), at);
            first(&mut *own, ratios(k, replicate, true).take(at as usize)).is_some()
        });
        alarms.count() as f64 / 1000.0
    };
    let (less, more) = (power(n / 1.1), power(n * 1.1));
    assert!(less < 0.95 && more > 0.95, "{n}: {less}, {more}");
}

#[test]
fn mean_kl_keeps_its_level_at_every_sample_of_the_horizon() {
    // Lévy's bound is sharp for a Brownian path; 400 steps stop short of the bound by .03 of its standard deviation: 4.7%.
    // From 400 trusted rollouts the bound is √2 wide, and holds.
    let law = benign(K, 20_000);
    let spec = json!({ "mean_kl": {} });
    let (mut exact, mut estimated) = (0, 0);
    for replicate in 0..4000 {
        let mut own = monitor(&spec, &[], Some(&law), 400);
        exact += usize::from(first(&mut *own, ratios(K, replicate, false).take(400)).is_some());
        let mut rng = stream(100_000 + replicate);
        let mut draw =
            || Sample { outcome: 0, reward: 0.0, log_ratio: Some(normal(K, &mut rng)), hidden: None };
        let trusted: Vec<Sample<'_>> = (0..400).map(|_| draw()).collect();
        let mut own = monitor(&spec, &trusted, None, 400);
        estimated += usize::from(first(&mut *own, ratios(K, replicate, false).take(400)).is_some());
    }
    let (exact, estimated) = (exact as f64 / 4000.0, estimated as f64 / 4000.0);
    assert!((exact - 0.047).abs() < 0.0135, "{exact}");
    assert!(estimated < 0.064 && estimated > 0.02, "{estimated}");
}

#[test]
fn random_audits_take_as_long_as_the_closed_form_says() {
    // 4000 deployments at p = .02, a tenth read: 95% within the answer, to four standard errors.
    let jump = Jump { mass_after: 0.02, ..JUMP };
    let within = jump.samples(0.1).unwrap().round() as usize;
    let mut rng = stream(7);
    let spec: WatchSpec = serde_json::from_value(json!({ "random": { "rate": 0.1 } })).unwrap();
    let caught = (0..4000).filter(|&replicate| {
        let ground = Ground { trusted: &[], law: None, horizon: within as u64, rng: stream(replicate) };
        let mut own = spec.part().start(ground).unwrap();
        first(&mut *own, (0..within).map(|_| (Seen::Nothing, rng.open_unit() < 0.02))).is_some()
    });
    let caught = caught.count() as f64 / 4000.0;
    assert!((caught - 0.95).abs() < 0.014, "{caught}");
}

#[test]
fn the_reading_list_costs_what_it_says_and_reads_the_extreme() {
    // 1000 trusted, 1000 deployed: k = 28 and 28·ln 2 = 19.4 looks; over 400 deployments four standard errors are .8.
    let (mut looks, mut caught) = (0, 0);
    for replicate in 0..400 {
        let mut rng = stream(replicate);
        // A tail index of 1: the cost does not depend on it.
        let mut draw =
            |outcome| Sample { outcome, reward: 1.0 / rng.open_unit(), log_ratio: None, hidden: None };
        let trusted: Vec<Sample<'_>> = (0..1000).map(&mut draw).collect();
        let mut own = monitor(&json!({ "reading_list": {} }), &trusted, None, 1000);
        for outcome in 1000..2000 {
            let mut look = || {
                looks += 1;
                false
            };
            assert_eq!(own.see(draw(outcome).seen_by(Observer::Rewards), &mut look), None);
        }
        let hack = Sample { outcome: 5000, reward: 1e9, log_ratio: None, hidden: None };
        caught += usize::from(own.see(hack.seen_by(Observer::Rewards), &mut || true).is_some());
        // A hack that pays nothing is never read.
        let cheap = Sample { outcome: 5001, reward: 0.0, log_ratio: None, hidden: None };
        assert_eq!(own.see(cheap.seen_by(Observer::Rewards), &mut || true), None);
    }
    assert_eq!(caught, 400);
    assert!((f64::from(looks) / 400.0 - 19.4).abs() < 0.8, "{looks}");
}
