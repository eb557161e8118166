//! Thresholds of streams against libspot.

use crate::cli::fixture;
use tailcatch::foundation::scalar::OpenProbability;
use tailcatch::thresholds::{Spot, SpotWatcher, Verdict};

/// Student-t draws (3 degrees of freedom) with three planted anomalies.
fn stream() -> Vec<f64> {
    let text = std::fs::read_to_string(fixture("spot_stream_n22000.csv")).unwrap();
    text.lines().skip(1).map(|line| line.parse().unwrap()).collect()
}

const PLANTED: [usize; 3] = [12345, 15000, 20000];

struct Run {
    after_fit: f64,
    spot: SpotWatcher,
    excesses: usize,
    anomalies: Vec<usize>,
}

/// libspot 3.1.0 estimates its excess threshold while it reads and ends on the .97683 quantile, where the .98 quantile was
/// asked for. Given that level the two stand on the same 47 excesses, and what is compared is the fit and the rule.
fn run(q: f64) -> Run {
    let values = stream();
    let level = OpenProbability::new(0.976_834_795_239_002_2).unwrap();
    let mut spot = SpotWatcher::new(&values[..2000], q, Spot { level, max_excess: 200 }).unwrap();
    assert!((spot.excess_threshold() - 3.166_699_228_549_864).abs() < 1e-9);
    let (after_fit, mut excesses, mut anomalies) = (spot.anomaly_threshold(), 0, Vec::new());
    for (i, value) in values.iter().enumerate().skip(2000) {
        match spot.step(*value).unwrap() {
            Verdict::Normal => {}
            Verdict::Excess => excesses += 1,
            Verdict::Anomaly => anomalies.push(i),
        }
    }
    Run { after_fit, spot, excesses, anomalies }
}

/// At q = 1e-4 libspot's last fit is by moments of its window, (ξ, σ) = (.13314, 1.33400), and .57 below that window's
/// maximum of the likelihood, at (.2325, 1.198): the ends are compared at q = 1e-3 only.
#[test]
fn the_stream_of_libspot() {
    let common = run(1e-3);
    assert!((common.after_fit / 11.419_272_733_409_6 - 1.0).abs() < 1e-6, "{}", common.after_fit);
    let end = common.spot.anomaly_threshold();
    assert!((end / 5.948_293_199_152_586 - 1.0).abs() < 0.02, "{end}");
    assert!(common.excesses.abs_diff(443) <= 5, "{}", common.excesses);
    assert!(common.anomalies.len().abs_diff(48) <= 5, "{:?}", common.anomalies);

    let rare = run(1e-4);
    assert!((rare.after_fit / 23.627_251_646_075_788 - 1.0).abs() < 1e-6, "{}", rare.after_fit);
    assert!(rare.excesses.abs_diff(485) <= 5, "{}", rare.excesses);
    for run in [&common, &rare] {
        assert!(PLANTED.iter().all(|row| run.anomalies.contains(row)), "{:?}", run.anomalies);
    }
    let libspot = [6967, 12345, 15000, 17329, 20000, 21629];
    assert!(rare.anomalies.iter().all(|row| libspot.contains(row)), "{:?}", rare.anomalies);
}
