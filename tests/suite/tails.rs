//! Tail estimators against independent implementations, published fits and their own symmetries.

use proptest::prelude::*;
use serde_json::Value;
use std::path::PathBuf;
use tailcatch::foundation::failure::Status;
use tailcatch::foundation::order::{MAD_TO_SD, mad, median};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::tails::{
    DoubleBootstrap, Tuned, Verdict, diagnose, double_bootstrap, fit_gpd, hill, hill_plot, kernel, moment,
    pickands,
};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fixtures").join(name)
}

fn column(name: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    text.lines().skip(1).map(|line| line.trim().parse().unwrap()).collect()
}

fn json(name: &str) -> Value {
    serde_json::from_str(&std::fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

fn close(ours: f64, theirs: &Value, tolerance: f64, what: &str) {
    let theirs = theirs.as_f64().unwrap();
    assert!((ours - theirs).abs() <= tolerance * theirs.abs().max(1.0), "{what}: {ours} against {theirs}");
}

#[test]
fn hill_moment_and_pickands_match_independent_code() {
    let descending = column("tail_pareto15_n10000_top2100.csv");
    let plot = hill_plot(&descending).unwrap();
    let oracle = json("evt_tail_index.json");
    let mut compared = 0;
    for (k, expected) in oracle["tail_pareto15_n10000"].as_object().unwrap() {
        let k: usize = k.parse().unwrap();
        let what = format!("k = {k}");
        close(hill(&descending, k).unwrap().xi, &expected["hill"], 1e-12, &what);
        close(plot.at(k).unwrap().xi, &expected["hill"], 1e-12, &what);
        close(hill(&descending, k).unwrap().xi / (k as f64).sqrt(), &expected["hill_se"], 1e-12, &what);
        close(moment(&descending, k).unwrap().xi, &expected["moment"], 1e-9, &what);
        // The fixture holds the 2100 largest, Pickands reads the 4k-th.
        if 4 * k <= descending.len() {
            close(pickands(&descending, k).unwrap().xi, &expected["pickands"], 1e-9, &what);
        }
        compared += 1;
    }
    assert_eq!(compared, 7);
}

#[test]
fn generalised_pareto_fits_match_scipy() {
    for (name, file, count) in [
        ("tail_pareto15_n10000", "tail_pareto15_n10000_top2100.csv", 3),
        ("tail_normal_n10000", "tail_normal_n10000_top1100.csv", 3),
    ] {
        let values = column(file);
        let oracle = json("evt_gpd.json");
        let cases: Vec<_> =
            oracle.as_object().unwrap().iter().filter(|(key, _)| key.starts_with(name)).collect();
        assert_eq!(cases.len(), count);
        for (key, expected) in cases {
            let u = expected["u"].as_f64().unwrap();
            let fit = fit_gpd(&values, u).unwrap();
            assert_eq!(fit.k as u64, expected["Nu"].as_u64().unwrap(), "{key}");
            // The oracle's fits come from a direct polish of scipy's: 1e-6 holds, 1e-3 is asked.
            assert!((fit.xi - expected["xi"].as_f64().unwrap()).abs() < 1e-5, "{key}: {fit:?}");
            close(fit.scale, &expected["sigma"], 1e-5, key);
            close(fit.log_likelihood, &expected["loglik"], 1e-9, key);
            let n = expected["n"].as_f64().unwrap();
            for p in [0.999, 0.9999] {
                let neg_ln_sf = -(n / fit.k as f64 * (1.0 - p)).ln();
                close(fit.upper_quantile(neg_ln_sf), &expected[format!("VaR{p}")], 1e-4, key);
            }
        }
    }
}

#[test]
fn danish_fire_losses_give_the_published_tail() {
    let losses = column("danish.csv");
    let diagnosis = diagnose(&losses, Some(10.0)).unwrap();
    let gpd = diagnosis.gpd.unwrap();
    assert_eq!((diagnosis.n, diagnosis.k, gpd.k), (2167, 109, 109));
    // McNeil 1997: ξ .497, scale 6.975; R fExtremes: .49681, 6.97455.
    assert!((gpd.xi - 0.4968).abs() < 0.001 && (gpd.scale - 6.975).abs() < 0.01, "{gpd:?}");
    assert!(gpd.ci_low > 0.2 && gpd.ci_low < 0.3 && gpd.ci_high > 0.75 && gpd.ci_high < 0.85, "{gpd:?}");
    assert_eq!(diagnosis.verdict, Verdict::Heavy);
    assert!(
        (diagnosis.hill.unwrap().xi - 0.6).abs() < 0.2
            && diagnosis.moment.is_ok()
            && diagnosis.pickands.is_ok()
            && (diagnosis.kernel.unwrap().xi - 0.5).abs() < 0.2
            && diagnosis.gpd_pwm.is_none()
    );
    // the default threshold is within one loss of it
    assert_eq!(diagnose(&losses, None).unwrap().k, 108);
}

/// Values of a file of lines "value count", descending.
fn counted(name: &str) -> Vec<f64> {
    let text = std::fs::read_to_string(fixture(name)).unwrap();
    let mut values = Vec::new();
    for line in text.lines() {
        let (value, count) = line.split_once(' ').unwrap();
        values.extend(std::iter::repeat_n(value.parse::<f64>().unwrap(), count.parse().unwrap()));
    }
    values.sort_unstable_by(|a, b| b.total_cmp(a));
    values
}

fn tuned(descending: &[f64], resamples: usize, seed: u64) -> DoubleBootstrap {
    double_bootstrap(descending, resamples, &SeedTree::new(seed, 0).family(Purpose::Bootstrap))
}

/// The exponent of the density, as in the published figures.
fn exponent(tuned: &Result<Tuned, Status>) -> f64 {
    1.0 + 1.0 / tuned.as_ref().unwrap().estimate.xi
}

/// Published for these 5000 draws (true exponent 2.5): 2.49892, 2.48998, 2.51014, one run with unknown seed; asked to ±.005.
const PARETO: [f64; 3] = [2.49892, 2.48998, 2.51014];

/// Exponents over seeds with 500 resamples, ascending, and how many are within .005 of the published one.
fn over_seeds(seeds: u64) -> [(Vec<f64>, usize); 3] {
    let values = counted("pareto_gamma25.dat");
    assert_eq!(values.len(), 5000);
    let runs: Vec<DoubleBootstrap> = (0..seeds).map(|seed| tuned(&values, 500, seed)).collect();
    let column = |which: fn(&DoubleBootstrap) -> &Result<Tuned, Status>, published: f64| {
        let mut column: Vec<f64> = runs.iter().map(|run| exponent(which(run))).collect();
        column.sort_unstable_by(f64::total_cmp);
        let near = column.iter().filter(|x| (*x - published).abs() <= 0.005).count();
        (column, near)
    };
    [
        column(|run| &run.hill, PARETO[0]),
        column(|run| &run.moment, PARETO[1]),
        column(|run| &run.kernel, PARETO[2]),
    ]
}

/// On an exact power law Hill's criterion has two minima that are equally low on these data, at k near 4350 and near 4900: over 200
/// seeds 63% of its exponents were within .005 of the published one, all within .0137. The kernel's were to 72%, all within
/// .0203; the moment estimator's always. Fewer than 3 of 10 near, under these shares, has probability .005 and .001.
#[test]
fn the_double_bootstrap_gives_the_published_exponents() {
    let [hill, moment, kernel] = over_seeds(10);
    let within = |column: &[f64], centre: f64, bound: f64| column.iter().all(|x| (x - centre).abs() <= bound);
    assert!(hill.1 >= 3 && within(&hill.0, PARETO[0], 0.015), "{hill:?}");
    assert!(moment.1 == 10 && within(&moment.0, PARETO[1], 0.001), "{moment:?}");
    assert!(kernel.1 >= 3 && within(&kernel.0, PARETO[2], 0.022), "{kernel:?}");
}

/// The median over seeds is what the published single runs estimate. With 63% of the seeds in Hill's upper mode, more than half of 101
/// fall into the lower one with probability .003; the kernel's median has a standard error of .0008.
#[cfg(feature = "slow")]
#[test]
fn medians_over_seeds_are_the_published_exponents() {
    for ((column, _), published) in over_seeds(101).into_iter().zip(PARETO) {
        assert!((column[50] - published).abs() <= 0.005, "{} against {published}", column[50]);
    }
}

/// Degrees of the CAIDA network: counts, spread by uniform noise of width 1 before anything else. Published 2.099, 2.115, 2.110.
/// The published Hill exponent took the factor as Qi 2008 prints it, without the square; with the square, which a simulation of the optimal
/// k on Burr samples bears out, k is an eighth smaller and the exponent 2.087.
#[test]
fn the_double_bootstrap_gives_the_published_exponents_of_counts() {
    let mut noise = SeedTree::new(8, 0).stream(Purpose::Bootstrap, u64::MAX);
    let mut degrees: Vec<f64> = counted("caida.dat").iter().map(|x| x + noise.open_unit() - 0.5).collect();
    degrees.sort_unstable_by(|a, b| b.total_cmp(a));
    assert_eq!(degrees.len(), 26_475);
    let tuned = tuned(&degrees, 500, 8);
    for (found, published) in [(&tuned.moment, 2.115), (&tuned.kernel, 2.110)] {
        assert!((exponent(found) - published).abs() <= 0.01, "{tuned:?}");
    }
    let own = tuned.hill.unwrap();
    assert!((1.0 + 1.0 / own.estimate.xi - 2.087).abs() <= 0.01, "{own:?}");
    let ((n1, k1), (_, k2)) = (own.first, own.second);
    let (ln_n1, ln_k1) = ((n1 as f64).ln(), (k1 as f64).ln());
    let as_printed = (1.0 - 2.0 * (ln_k1 - ln_n1) / ln_k1).powf(ln_k1 / ln_n1 - 1.0);
    let k = ((k1 * k1) as f64 / k2 as f64 * as_printed) as usize;
    let theirs = 1.0 + 1.0 / hill(&degrees, k).unwrap().xi;
    assert!((theirs - 2.099).abs() <= 0.01, "{k}: {theirs}");
}

#[test]
fn the_double_bootstrap_depends_on_data_and_seed_only() {
    let values: Vec<f64> = {
        let mut values: Vec<f64> = uniform(3, 3000).into_iter().map(|p| p.powf(-0.5) - 3.0).collect();
        values.sort_unstable_by(|a, b| b.total_cmp(a));
        values
    };
    let first = tuned(&values, 50, 1);
    assert_eq!(first, tuned(&values, 50, 1));
    assert_ne!(first, tuned(&values, 50, 2));
    // Only positive values have logarithms: what lies below does not matter.
    let positive = values.partition_point(|x| *x > 0.0);
    assert_eq!(first, tuned(&values[..positive], 50, 1));
    assert!(matches!(tuned(&values[..99], 50, 1).hill, Err(Status::TooFew { have: 99, need: 100, .. })));
    assert!(tuned(&[], 50, 1).kernel.is_err() && tuned(&[2.0; 500], 50, 1).moment.is_err());
    assert!(tuned(&values, 0, 1).hill.is_err());
    let mut infinite = vec![f64::INFINITY];
    infinite.extend(&values);
    assert!(matches!(tuned(&infinite, 50, 1).hill, Err(Status::Undefined { .. })));
}

/// Fréchet samples of 4000 with ξ = ½, whose bias at k = n/2 is .10 or more for Hill: at the chosen k the estimates have to be near, and
/// k is neither the least nor the most there is. 12 samples: the standard deviation of an estimate is about .03.
#[test]
fn the_double_bootstrap_balances_bias_and_variance() {
    let mut sums = [0.0; 3];
    for index in 0..12 {
        let mut values: Vec<f64> =
            uniform(100 + index, 4000).into_iter().map(|p| (-p.ln()).powf(-0.5)).collect();
        values.sort_unstable_by(|a, b| b.total_cmp(a));
        let run = tuned(&values, 100, index);
        for (sum, found) in sums.iter_mut().zip([&run.hill, &run.moment, &run.kernel]) {
            let found = found.as_ref().unwrap();
            assert!(
                (0.3..0.7).contains(&found.estimate.xi) && (50..3999).contains(&found.estimate.k),
                "{found:?}"
            );
            *sum += found.estimate.xi / 12.0;
        }
        assert!(hill(&values, 2000).unwrap().xi > 0.55);
    }
    assert!(sums.iter().all(|mean| (mean - 0.5).abs() < 0.05), "{sums:?}");
}

#[test]
fn median_and_mad_match_scipy() {
    let oracle = json("univariate.json");
    for name in ["gesd_rosner_n54", "univariate_n200"] {
        let values = column(&format!("{name}.csv"));
        let expected = &oracle[name];
        close(median(&values).unwrap(), &expected["median"], 1e-12, name);
        close(mad(&values).unwrap(), &expected["mad_raw"], 1e-12, name);
        close(MAD_TO_SD * mad(&values).unwrap(), &expected["mad_normal"], 1e-9, name);
    }
}

/// Uniform numbers of stream `index`, to be put through a quantile function.
fn uniform(index: u64, n: usize) -> Vec<f64> {
    let mut stream = SeedTree::new(2026, 0).stream(Purpose::Bootstrap, index);
    (0..n).map(|_| stream.open_unit()).collect()
}

/// 400 samples of 2000 values, 100 excesses each. Under the stated coverage the count is binomial with standard
/// deviation 4.4 around 380; a bound of 360 (90%) is 4.6 of them away and fails with probability 1e-5, while an
/// interval that covers 85% fails with probability .997.
#[test]
fn profile_intervals_cover() {
    for xi in [0.5, 0.0, -0.2] {
        let covered = (0..400)
            .filter(|&i| {
                let values: Vec<f64> = uniform(i, 2000)
                    .into_iter()
                    .map(|p| if xi == 0.0 { -p.ln() } else { (p.powf(-xi) - 1.0) / xi })
                    .collect();
                let mut ascending = values.clone();
                ascending.sort_unstable_by(f64::total_cmp);
                let fit = fit_gpd(&values, ascending[1899]).unwrap();
                fit.ci_low <= xi && xi <= fit.ci_high
            })
            .count();
        assert!(covered >= 360, "xi {xi}: {covered} of 400");
    }
}

#[test]
fn real_rewards_get_statuses_not_numbers() {
    // ten distinct scores out of ten, as a rubric gives them
    let rubric: Vec<f64> = (0..1000).map(|i| f64::from(i % 10)).collect();
    assert_eq!(
        diagnose(&rubric, None).unwrap().verdict,
        Verdict::NotIdentifiable(Status::Discrete { distinct: 10 })
    );
    // a reward model behind a ceiling of 2
    let ceiling: Vec<f64> = uniform(1, 5000).into_iter().map(|p| (-p.ln()).min(2.0)).collect();
    assert!(matches!(
        diagnose(&ceiling, None).unwrap().verdict,
        Verdict::NotIdentifiable(Status::Clipped { at: 2.0, .. })
    ));
    // a hundred pairs
    let few = uniform(2, 100);
    let diagnosis = diagnose(&few, None).unwrap();
    assert!(matches!(diagnosis.gpd, Err(Status::TooFew { have: 5, need: 10, .. })), "{diagnosis:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn estimators_are_invariant_under_scale(seed in 0u64..1000, scale in 1e-6f64..1e6) {
        let mut values: Vec<f64> = uniform(seed, 400).into_iter().map(|p| p.powf(-0.7)).collect();
        values.sort_unstable_by(|a, b| b.total_cmp(a));
        let scaled: Vec<f64> = values.iter().map(|x| x * scale).collect();
        for k in [5, 60, 399] {
            for estimator in [hill, moment, kernel] {
                let (a, b) = (estimator(&values, k).unwrap(), estimator(&scaled, k).unwrap());
                prop_assert!((a.xi - b.xi).abs() < 1e-9, "{} {}", a.xi, b.xi);
            }
        }
    }

    #[test]
    fn the_gpd_fit_is_equivariant(seed in 0u64..1000, scale in 1e-6f64..1e6, shift in -1e3f64..1e3, xi in -0.4f64..1.5) {
        let excesses: Vec<f64> = uniform(seed, 300).into_iter().map(|p| (p.powf(-xi) - 1.0) / xi).collect();
        let fit = fit_gpd(&excesses, 0.0).unwrap();
        let scaled: Vec<f64> = excesses.iter().map(|y| y * scale).collect();
        let other = fit_gpd(&scaled, 0.0).unwrap();
        prop_assert!((fit.xi - other.xi).abs() < 1e-7, "{} {}", fit.xi, other.xi);
        prop_assert!((fit.scale * scale / other.scale - 1.0).abs() < 1e-7);
        prop_assert!((fit.ci_low - other.ci_low).abs() < 1e-5 && (fit.ci_high - other.ci_high).abs() < 1e-5);
        // Adding a constant rounds the excesses, so this holds only roughly.
        let shifted: Vec<f64> = excesses.iter().map(|y| y + shift).collect();
        let moved = fit_gpd(&shifted, shift).unwrap();
        prop_assert!((fit.xi - moved.xi).abs() < 1e-4, "{} {}", fit.xi, moved.xi);
    }

    #[test]
    fn any_input_gives_numbers_or_a_status(values in prop::collection::vec(prop::num::f64::ANY, 0..300), u in prop::num::f64::ANY) {
        for threshold in [None, Some(u)] {
            if let Ok(diagnosis) = diagnose(&values, threshold) {
                for e in [diagnosis.hill, diagnosis.moment, diagnosis.pickands, diagnosis.kernel].into_iter().flatten() {
                    prop_assert!(!e.xi.is_nan() && !e.ci_low.is_nan() && !e.ci_high.is_nan());
                }
                for fit in [diagnosis.gpd].into_iter().chain(diagnosis.gpd_pwm).flatten() {
                    prop_assert!(fit.xi.is_finite() && fit.scale > 0.0 && fit.log_likelihood.is_finite());
                    prop_assert!(fit.ci_low <= fit.xi && fit.xi <= fit.ci_high, "{:?}", fit);
                }
            }
        }
        let mut descending: Vec<f64> = values.into_iter().filter(|x| !x.is_nan()).collect();
        descending.sort_unstable_by(|a, b| b.total_cmp(a));
        let resampled = double_bootstrap(&descending, 20, &SeedTree::new(1, 0).family(Purpose::Bootstrap));
        for t in [resampled.hill, resampled.moment, resampled.kernel].into_iter().flatten() {
            prop_assert!(t.estimate.xi.is_finite());
        }
        if let Ok(plot) = hill_plot(&descending) {
            prop_assert!(plot.iter().all(|e| e.xi >= 0.0 && e.xi.is_finite()));
        }
        for point in tailcatch::tails::mean_excess(&descending) {
            prop_assert!(point.mean.is_finite() && point.ci_low.is_finite() && point.ci_high.is_finite());
        }
    }
}
