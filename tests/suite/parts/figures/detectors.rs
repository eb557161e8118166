//! A detector by its scores, of hacks and of honest rollouts: the same log for all.

use super::{chart, curve, from_on, spec};
use crate::detector_power::{Hacks, column, labels, log};
use serde_json::Value;
use tailcatch::detectors::{DetectorSpec, Fitted};
use tailcatch::foundation::rng::{Purpose, SeedTree};
use tailcatch::foundation::special::normal_upper_quantile;
use tailcatch::metrics::oracle::{ORACLE, oracle};
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;
use tailcatch::record::{DISAGREEMENT, GRADIENT_NORM, Observed, Truth};

/// Shares of the scores that lie beyond the ends of the axis.
const BEYOND: f64 = 0.002;

pub fn figure(name: &str) -> Chart {
    let rng = |seed: u64, purpose| SeedTree::new(seed, 0).stream(purpose, 0);
    let hack = labels(Hacks::Rows, &mut rng(3, Purpose::Exploit));
    let (calibration, run) = (world(1, &vec![false; hack.len()]), world(2, &hack));
    let scores = if name == ORACLE.name {
        let utility = hack.iter().map(|hack| if *hack { -5.0 } else { 0.0 }).collect();
        oracle(&Truth { utility, hack: hack.clone(), ..Truth::default() }).unwrap()
    } else {
        let spec: DetectorSpec = spec(name, Value::Null);
        match spec.part().fit(&calibration, &mut rng(4, Purpose::Detector)) {
            Fitted::Ready(mut scorer) => scorer.score(&run).unwrap(),
            Fitted::Refused(status) => panic!("{name}: {status}"),
        }
    };
    let all = scores.values();
    let mut ascending = all.to_vec();
    ascending.sort_by(f64::total_cmp);
    let end = |share: f64| ascending[(share * (ascending.len() - 1) as f64) as usize];
    let (low, high) = (end(BEYOND), end(1.0 - BEYOND));
    let of = |wanted: bool| {
        let own: Vec<f64> =
            all.iter().zip(&hack).filter(|(_, hack)| **hack == wanted).map(|(s, _)| *s).collect();
        from_on(&own).into_iter().filter(|(x, _)| (low..=high).contains(x)).collect::<Vec<_>>()
    };
    chart(
        format!("Scores of {name}"),
        "Share of hacks and of honest rollouts that score at least x, fitted with the settings by default on an honest run. The log is the same for \
         all detectors: 10,000 rollouts, 4% of them hacks, which are paid 2 standard deviations more and differ a little in whatever a \
         detector may see. The further apart the curves are, the better; where they lie on each other, it knows nothing.",
        ("Score x", Kind::Linear),
        ("Share from x on", Kind::Linear),
        vec![curve("hacks", of(true)), curve("honest", of(false))],
    )
}

/// A run in which hacks differ from the rest in every column.
fn world(seed: u64, hack: &[bool]) -> Observed {
    let mut log = log(seed);
    for index in 0..3 {
        let mut rng = SeedTree::new(seed, 0).stream(Purpose::Layout, index);
        let normal = hack.iter().map(|_| normal_upper_quantile(rng.open_unit())).collect();
        log.features.push((format!("hidden_{index}"), normal));
    }
    for row in (0..hack.len()).filter(|row| hack[*row]) {
        log.proxy[row] += 2.0;
        // A fifth of them are visits of the same outcome.
        if row % 5 == 0 {
            log.outcome[row] = 7;
        }
        for (name, more) in
            [("log_prob", -3.5), ("ref_log_prob", -4.5), ("length", 40.0), (DISAGREEMENT, 0.3)]
        {
            column(&mut log, name)[row] += more;
        }
        for name in ["advantage", GRADIENT_NORM] {
            column(&mut log, name)[row] *= 3.0;
        }
        for name in ["hidden_0", "hidden_1"] {
            column(&mut log, name)[row] += 2.0;
        }
    }
    log
}
