//! Every detector of the registry against the contract.

use proptest::prelude::*;
use rand_distr::{Distribution as _, StandardNormal};
use tailcatch::detectors::{Detector, DetectorSpec, Fitted, Scorer};
use tailcatch::foundation::failure::Status;
use tailcatch::foundation::order::quantile;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::record::Observed;
use tailcatch::thresholds::{calibrated_threshold, p_value};

fn stream(index: u64) -> Stream {
    SeedTree::new(11, 0).stream(Purpose::Detector, index)
}

/// Every detector with its defaults, as a config would name it.
fn all() -> Vec<DetectorSpec> {
    DetectorSpec::PARTS
        .iter()
        .map(|part| serde_json::from_str(&format!("{{\"{}\": {{}}}}", part.name)).unwrap())
        .collect()
}

fn spec(name: &str) -> DetectorSpec {
    all().into_iter().find(|spec| spec.name() == name).unwrap()
}

/// `steps` × `rollouts` rows with every column, rewards Student-t with 3 degrees of freedom.
fn log(seed: u64, steps: u64, rollouts: u64) -> Observed {
    let mut rng = SeedTree::new(seed, 0).stream(Purpose::Calibration, 0);
    let n = steps * rollouts;
    let proxy: Vec<f64> = (0..n).map(|_| student_3(&mut rng)).collect();
    let log_prob: Vec<f64> = (0..n).map(|_| rng.open_unit().ln()).collect();
    let ref_log_prob: Vec<f64> = (0..n).map(|_| rng.open_unit().ln()).collect();
    Observed {
        step: (0..n).map(|i| i / rollouts).collect(),
        trajectory: (0..n).collect(),
        outcome: (0..n).collect(),
        prompt: vec![0; n as usize],
        group: (0..n).map(|i| i / rollouts).collect(),
        advantage: Some(proxy.iter().map(|u| u - 0.1).collect()),
        reward: Some(proxy.clone()),
        log_prob: Some(log_prob),
        ref_log_prob: Some(ref_log_prob),
        proxy,
        ..Observed::default()
    }
}

/// The rows of `log` at `rows`, in that order.
fn pick(log: &Observed, rows: &[usize]) -> Observed {
    let at = |column: &[u64]| rows.iter().map(|&i| column[i]).collect::<Vec<_>>();
    let value = |column: &[f64]| rows.iter().map(|&i| column[i]).collect::<Vec<_>>();
    let optional = |column: &Option<Vec<f64>>| column.as_deref().map(value);
    Observed {
        step: at(&log.step),
        trajectory: at(&log.trajectory),
        outcome: at(&log.outcome),
        prompt: at(&log.prompt),
        group: at(&log.group),
        proxy: value(&log.proxy),
        reward: optional(&log.reward),
        advantage: optional(&log.advantage),
        log_prob: optional(&log.log_prob),
        ref_log_prob: optional(&log.ref_log_prob),
        ..Observed::default()
    }
}

fn ready(detector: &dyn Detector, calibration: &Observed) -> Box<dyn Scorer> {
    match detector.fit(calibration, &mut stream(0)) {
        Fitted::Ready(scorer) => scorer,
        Fitted::Refused(status) => panic!("{detector:?} refused: {status}"),
    }
}

fn refusal(detector: &dyn Detector, calibration: &Observed) -> Option<Status> {
    match detector.fit(calibration, &mut stream(0)) {
        Fitted::Ready(_) => None,
        Fitted::Refused(status) => Some(status),
    }
}

fn scores(scorer: &mut Box<dyn Scorer>, batch: &Observed) -> Vec<f64> {
    scorer.score(batch).unwrap().values().to_vec()
}

#[test]
fn the_registry_names_all_detectors_once() {
    let names: Vec<&str> = all().iter().map(DetectorSpec::name).collect();
    assert_eq!(names, ["top_reward", "robust_z", "gpd_tail", "log_ratio", "influence", "random"]);
    assert!(serde_json::from_str::<DetectorSpec>(r#"{"robust_z": {"contamination": 0.1}}"#).is_err());
    assert!(serde_json::from_str::<DetectorSpec>(r#"{"gpd_tail": {"tail_fraction": 1}}"#).is_err());
}

#[test]
fn permuting_the_rows_of_a_step_permutes_the_scores() {
    let batch = log(3, 1, 200);
    let order: Vec<usize> = (0..200).map(|i| (i * 77 + 5) % 200).collect();
    for spec in all() {
        let mut scorer = ready(spec.part(), &log(1, 10, 200));
        let plain = scores(&mut scorer, &batch);
        let permuted = scores(&mut scorer, &pick(&batch, &order));
        for (place, &row) in order.iter().enumerate() {
            assert!((permuted[place] - plain[row]).abs() <= 1e-15 * plain[row].abs(), "{}", spec.name());
        }
    }
}

#[test]
fn later_batches_never_change_earlier_scores() {
    let whole = log(3, 6, 100);
    let first: Vec<usize> = (0..200).collect();
    let rest: Vec<usize> = (200..600).collect();
    for spec in all() {
        let calibration = log(1, 10, 200);
        let together = scores(&mut ready(spec.part(), &calibration), &whole);
        let mut scorer = ready(spec.part(), &calibration);
        let mut apart = scores(&mut scorer, &pick(&whole, &first));
        apart.extend(scores(&mut scorer, &pick(&whole, &rest)));
        assert_eq!(together, apart, "{}", spec.name());
    }
}

#[test]
fn every_row_is_explained_and_absent_rows_do_not_panic() {
    let batch = log(3, 2, 50);
    for spec in all() {
        let scorer = ready(spec.part(), &log(1, 10, 200));
        for row in [0, 99, 100, usize::MAX] {
            let reason = scorer.explain(&batch, row);
            assert!(!reason.is_empty() && !reason.contains('\n') && !reason.contains("NaN"), "{reason}");
        }
        let known = scorer.explain(&batch, 1);
        assert!(known.chars().any(|c| c.is_ascii_digit()), "{known}");
        assert!(scorer.explain(&Observed::default(), 0).contains("absent"));
    }
}

#[test]
fn missing_columns_and_degenerate_rewards_are_refused_by_name() {
    let complete = log(1, 10, 200);
    let bare = Observed { proxy: complete.proxy.clone(), step: complete.step.clone(), ..Observed::default() };
    let missing = |column: &str| Some(Status::Missing { column: column.into() });
    assert_eq!(refusal(spec("log_ratio").part(), &bare), missing("log_prob"));
    // Influence learns nothing from calibration rollouts, so it is the scoring that refuses.
    let mut influence = ready(spec("influence").part(), &bare);
    assert_eq!(influence.score(&bare).err(), missing("advantage"));
    let without_reference = Observed { ref_log_prob: None, ..complete.clone() };
    assert_eq!(refusal(spec("log_ratio").part(), &without_reference), missing("ref_log_prob"));
    let constant = Observed { proxy: vec![1.0; 2000], ..complete.clone() };
    assert_eq!(refusal(spec("robust_z").part(), &constant), Some(Status::ZeroMad));
    assert_eq!(refusal(spec("gpd_tail").part(), &constant), Some(Status::AllTied));
    let few = pick(&complete, &(0..150).collect::<Vec<_>>());
    assert!(matches!(
        refusal(spec("gpd_tail").part(), &few),
        Some(Status::TooFew { what: "excesses", have: 7, need: 10 })
    ));
    let with_nan = Observed { proxy: vec![f64::NAN; 2000], ..complete.clone() };
    for name in ["robust_z", "gpd_tail"] {
        assert!(matches!(refusal(spec(name).part(), &with_nan), Some(Status::Undefined { .. })), "{name}");
    }
    for name in ["top_reward", "robust_z", "gpd_tail"] {
        let mut scorer = ready(spec(name).part(), &complete);
        assert!(matches!(scorer.score(&with_nan), Err(Status::Undefined { .. })), "{name}");
    }
}

#[test]
fn robust_z_matches_scipy() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fixtures");
    let oracle: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("univariate.json")).unwrap()).unwrap();
    for name in ["gesd_rosner_n54", "univariate_n200"] {
        let text = std::fs::read_to_string(folder.join(format!("{name}.csv"))).unwrap();
        let proxy: Vec<f64> = text.lines().skip(1).map(|line| line.trim().parse().unwrap()).collect();
        let batch = Observed { proxy, ..Observed::default() };
        let z = scores(&mut ready(spec("robust_z").part(), &batch), &batch);
        let expected = oracle[name]["robust_z_first10"].as_array().unwrap();
        for (ours, theirs) in z.iter().zip(expected) {
            assert!((ours - theirs.as_f64().unwrap()).abs() < 1e-9, "{name}: {ours} {theirs}");
        }
        let max = z.iter().copied().fold(f64::MIN, f64::max);
        assert!((max - oracle[name]["robust_z_max"].as_f64().unwrap()).abs() < 1e-9);
    }
}

#[test]
fn p_values_are_uniform_where_the_null_is_true() {
    // Calibration and batch from the same law; 20,000 p-values below .01 number 200 ± 14 if the 5% tail were known,
    // and the fit's own error adds some 10%: bounds at five of both.
    let (calibration, batch) = (log(21, 1, 20_000), log(22, 1, 20_000));
    for (name, low, high) in [("gpd_tail", 90, 310), ("random", 130, 270)] {
        let mut scorer = ready(spec(name).part(), &calibration);
        let made = scorer.score(&batch).unwrap();
        let flagged = p_value(made.p_values().unwrap(), 0.01).unwrap().rows.len();
        assert!((low..=high).contains(&flagged), "{name}: {flagged}");
    }
}

fn normal(rng: &mut Stream) -> f64 {
    StandardNormal.sample(rng)
}

fn exponential(rng: &mut Stream) -> f64 {
    -rng.open_unit().ln()
}

fn student_3(rng: &mut Stream) -> f64 {
    let z = normal(rng);
    let chi2: f64 = (0..3).map(|_| normal(rng).powi(2)).sum();
    z / (chi2 / 3.0).sqrt()
}

/// Name and sampler.
type Family = (&'static str, fn(&mut Stream) -> f64);
const FAMILIES: [Family; 3] = [("normal", normal), ("exponential", exponential), ("t3", student_3)];

fn calibration(draw: fn(&mut Stream) -> f64, replicate: u64) -> Observed {
    let mut rng = SeedTree::new(7, replicate).stream(Purpose::Calibration, 0);
    Observed { proxy: (0..20_000).map(|_| draw(&mut rng)).collect(), ..Observed::default() }
}

#[test]
fn a_calibrated_alert_rate_holds_whatever_the_tail() {
    // Rank-based, so distribution-free: 20,000 newcomers at rate .01 give 200 flags, standard deviation 14 from the
    // batch and 20 from the calibration's own quantile of 10,000.
    for (name, draw) in FAMILIES {
        let (own, other) = (calibration(draw, 100), calibration(draw, 101));
        let threshold = calibrated_threshold(&own.proxy[..10_000], 0.01).unwrap();
        let flagged = other.proxy.iter().filter(|x| **x > threshold).count();
        assert!((100..=300).contains(&flagged), "{name}: {flagged}");
        assert!(quantile(&own.proxy[..10_000], 0.99).unwrap() <= threshold);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn scores_are_finite_on_any_rewards_and_rise_with_them(
        mut rewards in prop::collection::vec(prop::num::f64::ANY, 1..60),
        near in prop::collection::vec(-50.0f64..50.0, 0..60),
    ) {
        rewards.extend(near);
        rewards.retain(|x| !x.is_nan());
        rewards.sort_unstable_by(f64::total_cmp);
        let batch = Observed { proxy: rewards, ..Observed::default() };
        for name in ["top_reward", "robust_z", "gpd_tail"] {
            let mut scorer = ready(spec(name).part(), &log(1, 1, 1000));
            let made = scorer.score(&batch).unwrap();
            prop_assert!(made.values().windows(2).all(|w| w[0] <= w[1]), "{}", name);
            if let Some(p) = made.p_values() {
                prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)) && p.windows(2).all(|w| w[0] >= w[1]));
            }
        }
    }

    #[test]
    fn any_calibration_gives_a_scorer_or_a_status(proxy in prop::collection::vec(prop::num::f64::ANY, 0..400)) {
        let clean: Vec<f64> = proxy.iter().copied().filter(|x| !x.is_nan()).collect();
        let batch = Observed { proxy: clean, ..Observed::default() };
        for calibration in [&Observed { proxy, ..Observed::default() }, &batch] {
            for name in ["top_reward", "robust_z", "gpd_tail"] {
                if let Fitted::Ready(mut scorer) = spec(name).part().fit(calibration, &mut stream(0)) {
                    let made = scorer.score(&batch).unwrap();
                    if let Some(p) = made.p_values() {
                        prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{}", name);
                    }
                }
            }
        }
    }

    #[test]
    fn robust_z_is_invariant_under_shift_and_scale(seed in 0u64..1000, scale in 1e-3f64..1e3, shift in -1e3f64..1e3) {
        let plain = log(seed, 1, 300);
        let moved =
            Observed { proxy: plain.proxy.iter().map(|x| x * scale + shift).collect(), ..Observed::default() };
        let a = scores(&mut ready(spec("robust_z").part(), &plain), &plain);
        let b = scores(&mut ready(spec("robust_z").part(), &moved), &moved);
        for (a, b) in a.iter().zip(&b) {
            prop_assert!((a - b).abs() < 1e-9 * (1.0 + a.abs()) * (1.0 + shift.abs() / scale), "{} {}", a, b);
        }
    }
}
