//! Every detector of the registry against the contract.

use proptest::prelude::*;
use rand_distr::{Distribution as _, StandardNormal};
use tailcatch::detectors::{Detector, DetectorSpec, Fitted, Scorer};
use tailcatch::distributions::DistributionSpec;
use tailcatch::foundation::failure::Status;
use tailcatch::foundation::order::quantile;
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::record::{DISAGREEMENT, GRADIENT_NORM, Observed};
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

/// `steps` × `rollouts` rows with every column, rewards Student-t with 3 degrees of freedom, groups of up to ten.
fn log(seed: u64, steps: u64, rollouts: u64) -> Observed {
    let mut rng = SeedTree::new(seed, 0).stream(Purpose::Calibration, 0);
    let n = steps * rollouts;
    let proxy: Vec<f64> = (0..n).map(|_| student_3(&mut rng)).collect();
    let mut uniform = || (0..n).map(|_| rng.open_unit()).collect::<Vec<f64>>();
    let logarithms = |column: Vec<f64>| Some(column.iter().map(|u| u.ln()).collect::<Vec<f64>>());
    Observed {
        step: (0..n).map(|i| i / rollouts).collect(),
        trajectory: (0..n).collect(),
        outcome: (0..n).map(|i| i * 7 % 97).collect(),
        prompt: (0..n).map(|i| i % rollouts / 10).collect(),
        group: (0..n).map(|i| i / rollouts * 1000 + i % rollouts / 10).collect(),
        parts: vec![("format".into(), uniform())],
        advantage: Some(proxy.iter().map(|u| u - 0.1).collect()),
        reward: Some(proxy.clone()),
        log_prob: logarithms(uniform()),
        ref_log_prob: logarithms(uniform()),
        length: Some(uniform().iter().map(|u| (1.0 + 200.0 * u).floor()).collect()),
        features: ["hidden_0", "hidden_1", "hidden_2", DISAGREEMENT, GRADIENT_NORM]
            .map(|name| (name.to_owned(), uniform()))
            .into(),
        proxy,
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
    assert_eq!(
        names,
        [
            "top_reward",
            "robust_z",
            "gpd_tail",
            "hill_tail",
            "gesd",
            "within_prompt",
            "length_residual",
            "tail_cusum",
            "cumulative_reward",
            "log_ratio",
            "influence",
            "cumulative_influence",
            "gradient_norm",
            "surprise",
            "disagreement",
            "mahalanobis",
            "isolation_forest",
            "ecod",
            "knn",
            "spectral",
            "rank_mean",
            "random"
        ]
    );
    assert!(serde_json::from_str::<DetectorSpec>(r#"{"robust_z": {"contamination": 0.1}}"#).is_err());
    assert!(serde_json::from_str::<DetectorSpec>(r#"{"gpd_tail": {"tail_fraction": 1}}"#).is_err());
}

/// The proxy and these columns of `log`, no others.
fn only(log: &Observed, columns: &[String]) -> Observed {
    let wants = |name: &str| columns.iter().any(|own| own == name);
    let words = |name: &str, column: &[u64]| if wants(name) { column.to_vec() } else { Vec::new() };
    let numbers = |name: &str, column: &Option<Vec<f64>>| column.clone().filter(|_| wants(name));
    Observed {
        proxy: log.proxy.clone(),
        step: words("step", &log.step),
        trajectory: words("trajectory", &log.trajectory),
        outcome: words("outcome", &log.outcome),
        group: words("group", &log.group),
        advantage: numbers("advantage", &log.advantage),
        log_prob: numbers("log_prob", &log.log_prob),
        ref_log_prob: numbers("ref_log_prob", &log.ref_log_prob),
        length: numbers("length", &log.length),
        features: (log.features.iter())
            .filter(|(name, _)| wants(name) || (name.starts_with("hidden") && wants("feature columns")))
            .cloned()
            .collect(),
        ..Observed::default()
    }
}

#[test]
fn what_a_detector_needs_is_enough_and_each_of_it_is_missed() {
    let whole = log(3, 20, 100);
    let judged = |spec: &DetectorSpec, columns: &[String]| {
        let own = only(&whole, columns);
        match spec.part().fit(&own, &mut stream(0)) {
            Fitted::Ready(mut scorer) => scorer.score(&own).map(|scores| scores.values().len()),
            Fitted::Refused(status) => Err(status),
        }
    };
    let named: DetectorSpec =
        serde_json::from_str(r#"{"knn": {"columns": "proxy+length+log_ratio+hidden_1"}}"#).unwrap();
    assert_eq!(named.part().needs(), ["length", "log_prob", "ref_log_prob", "hidden_1"]);
    let members: DetectorSpec =
        serde_json::from_str(r#"{"rank_mean": {"members": "log_ratio+surprise"}}"#).unwrap();
    assert_eq!(members.part().needs(), ["ref_log_prob"], "log_ratio may be left out");
    let mut asked = 0;
    for spec in all().into_iter().chain([named]) {
        let needs = spec.part().needs();
        assert_eq!(judged(&spec, &needs), Ok(whole.len()), "{spec:?}");
        for missed in &needs {
            let rest: Vec<String> = needs.iter().filter(|name| *name != missed).cloned().collect();
            let status = judged(&spec, &rest);
            assert_eq!(status, Err(Status::Missing { column: missed.clone() }), "{spec:?}");
            asked += 1;
        }
    }
    assert!(asked >= 20, "{asked}");
}

#[test]
fn permuting_the_rows_of_a_step_permutes_the_scores() {
    let batch = log(3, 1, 200);
    let order: Vec<usize> = (0..200).map(|i| (i * 77 + 5) % 200).collect();
    for spec in all() {
        let mut scorer = ready(spec.part(), &log(1, 10, 200));
        let plain = scores(&mut scorer, &batch);
        let permuted = scores(&mut scorer, &batch.select(&order));
        for (place, &row) in order.iter().enumerate() {
            // Sums over 200 rows are rounded in another order.
            assert!((permuted[place] - plain[row]).abs() <= 1e-13 * plain[row].abs(), "{}", spec.name());
        }
    }
}

#[test]
fn a_run_step_by_step_has_the_scores_of_the_run_at_once_and_another_run_starts_anew() {
    let whole = log(3, 6, 100);
    let steps: Vec<Observed> =
        (0..6).map(|step| whole.select(&(step * 100..(step + 1) * 100).collect::<Vec<_>>())).collect();
    for spec in all() {
        let calibration = log(1, 10, 200);
        let mut scorer = ready(spec.part(), &calibration);
        let together = scores(&mut scorer, &whole);
        let again = scores(&mut scorer, &whole);
        let apart: Vec<f64> = steps.iter().flat_map(|step| scores(&mut scorer, step)).collect();
        scorer.restart();
        let later = scores(&mut scorer, &steps[5]);
        let alone = scores(&mut ready(spec.part(), &calibration), &steps[5]);
        assert!(together == again && together == apart && later == alone, "{}", spec.name());
    }
}

#[test]
fn later_steps_never_change_earlier_scores() {
    let whole = log(3, 6, 100);
    let mut changed = whole.clone();
    let columns =
        [&mut changed.advantage, &mut changed.log_prob, &mut changed.ref_log_prob, &mut changed.length];
    let columns = columns.into_iter().flatten().chain([&mut changed.proxy]);
    for column in columns.chain(changed.features.iter_mut().map(|(_, column)| column)) {
        column[400..].iter_mut().for_each(|x| *x = 1000.0 - 3.0 * *x);
    }
    changed.outcome[400..].fill(3);
    changed.group[400..].fill(1);
    for spec in all() {
        let score = |run: &Observed| scores(&mut ready(spec.part(), &log(1, 10, 200)), run);
        let (before, after) = (score(&whole), score(&changed));
        assert_eq!(before[..400], after[..400], "{}", spec.name());
        assert!(spec.name() == "random" || before[400..] != after[400..], "{}", spec.name());
    }
}

#[test]
fn no_rows_one_row_ties_and_infinities_give_finite_scores() {
    let calibration = log(1, 10, 200);
    let whole = log(3, 4, 50);
    let tied = Observed { proxy: vec![0.25; 200], advantage: Some(vec![0.0; 200]), ..whole.clone() };
    let mut extreme = whole.clone();
    for (row, value) in
        [(0, f64::INFINITY), (3, f64::NEG_INFINITY), (60, f64::MAX), (61, f64::MIN), (62, 5e-324)]
    {
        extreme.proxy[row] = value;
        extreme.advantage.as_mut().unwrap()[row] = value;
        // A feature column that is not finite is refused (`feature_detectors.rs`); what the policy's owner sees is not.
        let own = |name: &str| name == DISAGREEMENT || name == GRADIENT_NORM;
        let takes = extreme.features.iter_mut().filter(|(name, _)| value.is_finite() || own(name));
        takes.for_each(|(_, column)| column[row] = value.abs());
    }
    extreme.ref_log_prob.as_mut().unwrap()[5] = f64::NEG_INFINITY;
    for spec in all() {
        let mut scorer = ready(spec.part(), &calibration);
        for batch in [&whole.select(&[]), &whole.select(&[7]), &tied, &extreme] {
            let made = scorer.score(batch).unwrap();
            assert!(made.values().len() == batch.len() && made.values().iter().all(|s| s.is_finite()));
            let p = made.p_values().unwrap_or_default();
            assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{}", spec.name());
        }
        // Equal rows of a step are equally suspicious.
        let twice = whole.select(&[4, 9, 9, 30]);
        let made = scores(&mut scorer, &twice);
        assert!(spec.name() == "random" || made[1] == made[2], "{}: {made:?}", spec.name());
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
    for (name, column) in
        [("within_prompt", "group"), ("length_residual", "length"), ("surprise", "ref_log_prob")]
    {
        assert_eq!(refusal(spec(name).part(), &bare), missing(column), "{name}");
        assert_eq!(ready(spec(name).part(), &complete).score(&bare).err(), missing(column), "{name}");
    }
    for (name, column) in [
        ("gradient_norm", GRADIENT_NORM),
        ("disagreement", DISAGREEMENT),
        ("cumulative_reward", "outcome"),
        ("cumulative_influence", "advantage"),
        ("rank_mean", "group"),
    ] {
        assert_eq!(ready(spec(name).part(), &complete).score(&bare).err(), missing(column), "{name}");
    }
    let proxy_only = Observed { step: vec![], ..bare.clone() };
    assert_eq!(ready(spec("tail_cusum").part(), &complete).score(&proxy_only).err(), missing("step"));
    assert_eq!(refusal(spec("log_ratio").part(), &bare), missing("log_prob"));
    // Influence learns nothing from calibration rollouts, so it is the scoring that refuses.
    let mut influence = ready(spec("influence").part(), &bare);
    assert_eq!(influence.score(&bare).err(), missing("advantage"));
    let without_reference = Observed { ref_log_prob: None, ..complete.clone() };
    assert_eq!(refusal(spec("log_ratio").part(), &without_reference), missing("ref_log_prob"));
    let constant = Observed { proxy: vec![1.0; 2000], ..complete.clone() };
    let mostly = |row: usize| if row.is_multiple_of(5) { complete.proxy[row] } else { 1.0 };
    let mostly =
        Observed { proxy: (0..2000).map(mostly).collect(), step: vec![], group: vec![], ..complete.clone() };
    assert_eq!(refusal(spec("robust_z").part(), &mostly), Some(Status::ZeroMad));
    assert_eq!(refusal(spec("gpd_tail").part(), &constant), Some(Status::AllTied));
    let few = complete.select(&(0..150).collect::<Vec<_>>());
    assert!(matches!(
        refusal(spec("gpd_tail").part(), &few),
        Some(Status::TooFew { what: "excesses", have: 7, need: 10 })
    ));
    let with_nan = Observed { proxy: vec![f64::NAN; 2000], ..complete.clone() };
    for name in ["robust_z", "gpd_tail", "hill_tail", "within_prompt", "length_residual", "tail_cusum"] {
        assert!(matches!(refusal(spec(name).part(), &with_nan), Some(Status::Undefined { .. })), "{name}");
    }
    for name in [
        "top_reward",
        "robust_z",
        "gpd_tail",
        "hill_tail",
        "gesd",
        "within_prompt",
        "length_residual",
        "tail_cusum",
        "rank_mean",
    ] {
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

/// The smallest reward whose p-value is at most `rate`, by bisection through the public contract.
fn alarm_at(scorer: &mut Box<dyn Scorer>, rate: f64) -> f64 {
    let (mut below, mut above) = (0.0, 1e6);
    for _ in 0..80 {
        let middle = 0.5 * (below + above);
        let one = Observed { proxy: vec![middle], ..Observed::default() };
        let p = scorer.score(&one).unwrap().p_values().unwrap()[0];
        if p <= rate { above = middle } else { below = middle }
    }
    above
}

/// A power law keeps its nominal rate by Hill's estimator: at 1e-4 the log of one replicate's rate scatters by 6.2/√1000
/// = .2 (the extrapolation times Hill's relative error), that of the mean of 20 by .045; bounds at five of them. A normal
/// tail is no power law: the rate falls under 1e-6.
#[test]
fn hill_tail_keeps_its_nominal_rate_for_power_laws_only() {
    let rate = |draw: fn(&mut Stream) -> f64, sf: fn(f64) -> f64| {
        let rate = |r| sf(alarm_at(&mut ready(spec("hill_tail").part(), &calibration(draw, r)), 1e-4));
        ((0..20).map(|r| rate(r).ln()).sum::<f64>() / 20.0).exp()
    };
    let pareto = rate(|rng| rng.open_unit().powf(-1.0 / 1.5), |x| x.powf(-1.5));
    assert!((0.8e-4..1.25e-4).contains(&pareto), "{pareto:e}");
    let light = rate(normal, |x| "normal".parse::<DistributionSpec>().unwrap().part().sf(x));
    assert!(light < 1e-6, "{light:e}");
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
        let n = rewards.len();
        // One step and one group: whatever compares rewards with those around them must keep their order too.
        let batch = Observed {
            proxy: rewards,
            step: vec![4; n],
            group: vec![4; n],
            length: Some(vec![100.0; n]),
            ..Observed::default()
        };
        for name in
            ["top_reward", "robust_z", "gpd_tail", "hill_tail", "gesd", "within_prompt", "length_residual", "tail_cusum"]
        {
            let mut scorer = ready(spec(name).part(), &log(1, 1, 1000));
            let made = scorer.score(&batch).unwrap();
            prop_assert!(made.values().windows(2).all(|w| w[0] <= w[1]), "{}", name);
            if let Some(p) = made.p_values() {
                prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)) && p.windows(2).all(|w| w[0] >= w[1]));
            }
        }
    }

    #[test]
    fn any_calibration_gives_a_scorer_or_a_status(
        proxy in prop::collection::vec(prop::num::f64::ANY, 0..400),
        other in prop::collection::vec(prop::num::f64::ANY, 400),
    ) {
        let clean: Vec<f64> = proxy.iter().copied().filter(|x| !x.is_nan()).collect();
        let other: Vec<f64> = other.iter().map(|x| if x.is_nan() { 1.0 } else { x.abs() }).collect();
        let with = |proxy: Vec<f64>| {
            let n = proxy.len();
            Observed {
                step: vec![0; n],
                trajectory: (0..n as u64).collect(),
                outcome: (0..n as u64).map(|i| i % 5).collect(),
                prompt: vec![0; n],
                group: (0..n as u64).map(|i| i % 7).collect(),
                advantage: Some(proxy.clone()),
                length: Some(other[..n].iter().map(|x| x.min(f64::MAX)).collect()),
                log_prob: Some(other[..n].iter().map(|x| -x).collect()),
                ref_log_prob: Some(other[400 - n..].iter().map(|x| -x).collect()),
                features: [DISAGREEMENT, GRADIENT_NORM].map(|name| (name.into(), other[..n].to_vec())).into(),
                proxy,
                ..Observed::default()
            }
        };
        let batch = with(clean);
        for calibration in [&with(proxy), &batch] {
            for spec in all() {
                if let Fitted::Ready(mut scorer) = spec.part().fit(calibration, &mut stream(0)) {
                    let made = scorer.score(&batch);
                    if let Some(p) = made.as_ref().ok().and_then(|made| made.p_values()) {
                        prop_assert!(p.iter().all(|p| (0.0..=1.0).contains(p)), "{}", spec.name());
                    }
                    for row in [0, 1, 399] {
                        prop_assert!(!scorer.explain(&batch, row).is_empty());
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
