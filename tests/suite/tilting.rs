//! The exponential tilt against 40-digit arithmetic: the oracle's table of 1000 outcomes with an uneven reference.

use serde_json::Value;
use tailcatch::foundation::numeric::log_sum_exp;
use tailcatch::record::Outcomes;
use tailcatch::theory::tilt::Tilter;

const TABLE: &str = include_str!("fixtures/tilt_n1000.csv");
const ORACLE: &str = include_str!("fixtures/tilting.json");

fn table() -> Outcomes {
    let rows: Vec<Vec<f64>> =
        TABLE.lines().skip(1).map(|line| line.split(',').map(|c| c.parse().unwrap()).collect()).collect();
    let column = |i: usize| rows.iter().map(|row| row[i]).collect::<Vec<f64>>();
    let logs = column(0);
    let total = log_sum_exp(&logs);
    let n = rows.len();
    Outcomes {
        prompts: 1,
        outcomes: n,
        ref_log_prob: logs.iter().map(|l| l - total).collect(),
        utility: column(1),
        error: column(2),
        class: vec![0; n],
        hack: vec![false; n],
    }
}

#[test]
fn the_tilt_agrees_with_forty_digits() {
    let (table, oracle): (Outcomes, Value) = (table(), serde_json::from_str(ORACLE).unwrap());
    let tilter = Tilter::new(&table);
    let mut compared = 0;
    for (key, expected) in oracle.as_object().unwrap() {
        let Some(beta) = key.strip_prefix("beta=").map(|b| b.parse::<f64>().unwrap()) else { continue };
        let tilt = tilter.at_coefficient(beta).unwrap();
        // 1e-10 is asked for β from 2 to 20; relative to the size of the number, which at β = 0.01 is in the thousands.
        for (name, found) in [
            ("KL", tilt.kl),
            ("rKL", tilt.reverse_kl),
            ("EU", tilt.proxy),
            ("EV", tilt.utility),
            ("EX", tilt.error),
            ("logZ", tilt.log_partition),
            ("ess", tilt.ess),
            ("pi_max", tilt.top_mass),
        ] {
            let truth = expected[name].as_f64().unwrap();
            let slack = 1e-10 * truth.abs().max(1.0);
            assert!((found - truth).abs() <= slack, "β = {beta}, {name}: {found} against {truth}");
            compared += 1;
        }
    }
    assert_eq!(compared, 80, "ten values of β, eight numbers each");
}

#[test]
fn a_budget_finds_the_coefficient_that_spends_it() {
    let (table, oracle): (Outcomes, Value) = (table(), serde_json::from_str(ORACLE).unwrap());
    let tilter = Tilter::new(&table);
    for beta in [2.0f64, 5.0, 20.0] {
        let kl = oracle[format!("beta={beta:.1}")]["KL"].as_f64().unwrap();
        let found = tilter.at_budget(kl).unwrap();
        assert!((found.beta / beta - 1.0).abs() < 1e-8, "β = {beta}: {}", found.beta);
    }
}
