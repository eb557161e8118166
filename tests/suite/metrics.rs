//! Measures against independent implementations, and intervals against their promise.

use proptest::prelude::*;
use serde_json::Value;
use tailcatch::distributions::{Distribution, Normal};
use tailcatch::foundation::bootstrap::{Bootstrap, quantile_interval};
use tailcatch::foundation::numeric;
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::foundation::scalar::{OpenProbability, Probability};
use tailcatch::foundation::wilson::{clopper_pearson, wilson};
use tailcatch::metrics::average_precision::average_precision;
use tailcatch::metrics::kaplan_meier::{Duration, kaplan_meier};
use tailcatch::metrics::precision_at::precision_at;
use tailcatch::metrics::roc::{auroc, fpr_at_recall, partial_auroc, recall_at_fpr};
use tailcatch::metrics::{Ranking, oracle};
use tailcatch::record::Truth;

fn level(p: f64) -> OpenProbability {
    OpenProbability::new(p).unwrap()
}

fn share(p: f64) -> Probability {
    Probability::new(p).unwrap()
}

#[track_caller]
fn close(ours: f64, theirs: &Value, tolerance: f64) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= tolerance, "{ours} against {theirs}");
}

fn scored() -> (Vec<f64>, Vec<bool>) {
    let rows = include_str!("fixtures/metrics_ties_n500.csv").lines().skip(1);
    rows.map(|row| row.split_once(',').unwrap())
        .map(|(label, score)| (score.parse::<f64>().unwrap(), label == "1"))
        .unzip()
}

#[test]
fn ranking_measures_agree_with_scikit_learn_on_tied_scores() {
    let expected: Value = serde_json::from_str(include_str!("fixtures/metrics.json")).unwrap();
    let (scores, labels) = scored();
    let ranking = Ranking::new(&scores, &labels).unwrap();
    assert_eq!(ranking.positives(), expected["n_pos"].as_u64().unwrap());
    close(auroc(&ranking).unwrap(), &expected["auroc"], 1e-12);
    close(partial_auroc(&ranking, share(0.1)).unwrap(), &expected["auroc_maxfpr_0_1_standardized"], 1e-12);
    close(average_precision(&ranking).unwrap(), &expected["average_precision"], 1e-12);
    close(fpr_at_recall(&ranking, share(0.95)).unwrap(), &expected["fpr_at_tpr95"], 1e-12);
    let pairs = (ranking.positives() * ranking.negatives()) as f64;
    close(auroc(&ranking).unwrap() * pairs, &expected["mannwhitney_U"], 1e-8);
    for k in [10, 25, 50, 53] {
        let at = &expected[format!("precision_at_{k}")]["expected_over_ties"];
        close(precision_at(&ranking, k).unwrap(), at, 1e-12);
    }
}

#[test]
fn intervals_of_a_fraction_agree_with_scipy() {
    // 17 of 200 at 95%: statsmodels' wilson and scipy's binomtest exact.
    let score = wilson(17, 200, level(0.95)).unwrap();
    assert!((score.low - 0.053_745_750_177_475_606).abs() < 1e-12, "{score:?}");
    assert!((score.high - 0.131_895_870_715_655_67).abs() < 1e-12, "{score:?}");
    let exact = clopper_pearson(17, 200, level(0.95)).unwrap();
    assert!((exact.low - 0.050_295_918_630_241_78).abs() < 1e-12, "{exact:?}");
    assert!((exact.high - 0.132_605_165_829_552_6).abs() < 1e-12, "{exact:?}");
}

#[test]
fn survival_curves_agree_with_lifelines() {
    let cases: Value = serde_json::from_str(include_str!("fixtures/kaplan_meier.json")).unwrap();
    for case in cases.as_array().unwrap() {
        let steps = case["steps"].as_array().unwrap();
        let observed = case["observed"].as_array().unwrap();
        let durations: Vec<Duration> = steps
            .iter()
            .zip(observed)
            .map(|(s, o)| Duration { steps: s.as_u64().unwrap(), observed: o.as_bool().unwrap() })
            .collect();
        let km = kaplan_meier(&durations, level(0.95)).unwrap();
        let curve = case["curve"].as_array().unwrap();
        assert_eq!(km.curve.len(), curve.len());
        for (ours, theirs) in km.curve.iter().zip(curve) {
            assert_eq!(ours.steps, theirs[0].as_u64().unwrap());
            close(ours.survival, &theirs[1], 1e-12);
            assert_eq!(ours.interval.is_none(), theirs[2].is_null());
            if let Some(interval) = ours.interval {
                close(interval.low, &theirs[2], 1e-9);
                close(interval.high, &theirs[3], 1e-9);
            }
        }
        assert_eq!(km.median, case["median"].as_u64());
        assert_eq!(km.median_low, case["mlow"].as_u64());
        assert_eq!(km.median_high, case["mhigh"].as_u64());
    }
}

#[test]
fn the_oracle_ranks_perfectly() {
    let truth = Truth {
        utility: vec![-1.0, 2.0, -9.0, 0.5],
        hack: vec![true, true, false, false],
        ..Truth::default()
    };
    let scores = oracle::oracle(&truth).unwrap();
    let ranking = Ranking::new(scores.values(), &truth.hack).unwrap();
    assert_eq!(auroc(&ranking), Ok(1.0));
    assert_eq!(recall_at_fpr(&ranking, share(0.0)), Ok(1.0));
}

/// Draws 1000 data sets and counts how often `covers`.
fn coverage(n: usize, covers: impl Fn(&[f64]) -> bool) -> f64 {
    let streams = SeedTree::new(11, 0).family(Purpose::Utility);
    let mut values = vec![0.0; n];
    let hits = (0..1000).filter(|&set| {
        Normal::default().fill(&mut values, &mut streams.at(set));
        covers(&values)
    });
    hits.count() as f64 / 1000.0
}

#[test]
fn the_bootstrap_covers_a_normal_mean_as_documented() {
    // Nominal 95%. Coverage over 1000 sets has a standard error of at most .012, and ±3 of them are allowed about the
    // documented 94% at 50 and 90% at 10 replicates: an interval half as wide (coverage .67) fails with certainty, and
    // so does a 90% interval (.89 at n = 50).
    for (n, documented) in [(10, 0.90), (50, 0.94)] {
        let ids: Vec<u64> = (0..n as u64).collect();
        let found = coverage(n, |values| {
            let mean =
                |rows: &[usize]| Some(numeric::sum(rows.iter().map(|&row| values[row])) / rows.len() as f64);
            let bootstrap = Bootstrap { resamples: 399, ..Bootstrap::new(1) };
            bootstrap.interval(&ids, mean).unwrap().interval.contains(0.0)
        });
        assert!((found - documented).abs() < 0.03, "{found} at n = {n}");
    }
}

#[test]
fn a_quantile_interval_covers_at_least_what_it_says() {
    // Exact coverage of ranks 6 and 15 of 20 for a median is .9586; three standard errors of 1000 sets are .019.
    let found = coverage(20, |values| {
        quantile_interval(values, level(0.5), level(0.95)).unwrap().interval.contains(0.0)
    });
    assert!((found - 0.9586).abs() < 0.019, "{found}");
}

fn labelled() -> impl Strategy<Value = Vec<(i8, bool)>> {
    prop::collection::vec((-4i8..5, any::<bool>()), 2..40)
}

proptest! {
    #[test]
    fn auroc_counts_pairs(rows in labelled()) {
        let scores: Vec<f64> = rows.iter().map(|r| f64::from(r.0)).collect();
        let labels: Vec<bool> = rows.iter().map(|r| r.1).collect();
        let ranking = Ranking::new(&scores, &labels).unwrap();
        if let Ok(area) = auroc(&ranking) {
            let mut won = 0.0;
            for a in rows.iter().filter(|r| r.1) {
                for b in rows.iter().filter(|r| !r.1) {
                    won += if a.0 > b.0 { 1.0 } else if a.0 == b.0 { 0.5 } else { 0.0 };
                }
            }
            prop_assert!((area - won / (ranking.positives() * ranking.negatives()) as f64).abs() < 1e-14);
            prop_assert!((partial_auroc(&ranking, share(1.0)).unwrap() - area).abs() < 1e-12);
            // Turning the scores round turns the area round.
            let turned: Vec<f64> = scores.iter().map(|s| -s).collect();
            let back = auroc(&Ranking::new(&turned, &labels).unwrap()).unwrap();
            prop_assert!((area + back - 1.0).abs() < 1e-14);
            let precision = average_precision(&ranking).unwrap();
            prop_assert!(precision > 0.0 && precision <= 1.0 + 1e-15);
        } else {
            let one_score = scores.windows(2).all(|w| w[0] == w[1]);
            let one_class = labels.windows(2).all(|w| w[0] == w[1]);
            prop_assert!(one_score || one_class);
        }
    }

    #[test]
    fn no_measure_gives_a_nan(scores in prop::collection::vec(any::<f64>(), 0..30), seed in any::<u64>()) {
        let labels: Vec<bool> = (0..scores.len()).map(|i| seed >> (i % 64) & 1 == 1).collect();
        if let Ok(ranking) = Ranking::new(&scores, &labels) {
            let found = [
                auroc(&ranking), partial_auroc(&ranking, share(0.1)), recall_at_fpr(&ranking, share(0.001)),
                fpr_at_recall(&ranking, share(0.95)), average_precision(&ranking), precision_at(&ranking, 5),
            ];
            for value in found.into_iter().flatten() {
                prop_assert!((0.0..=1.0 + 1e-12).contains(&value), "{value}");
            }
        } else {
            prop_assert!(scores.iter().any(|s| s.is_nan()));
        }
    }
}
