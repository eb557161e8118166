//! The exponential tilt against 40-digit arithmetic: the oracle's table of 1000 outcomes with an uneven reference.

use serde_json::Value;
use tailcatch::foundation::numeric::log_sum_exp;
use tailcatch::record::Outcomes;
use tailcatch::theory::tilt::Tilter;

const TABLE: &str = include_str!("fixtures/tilt_n1000.csv");
const ORACLE: &str = include_str!("fixtures/tilting.json");

/// The oracle's table.
pub(crate) fn table() -> Outcomes {
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

/// The oracle's table as four prompts of 250 outcomes.
fn several_prompts() -> Outcomes {
    let mut table = table();
    (table.prompts, table.outcomes) = (4, table.len() / 4);
    for row in table.ref_log_prob.chunks_mut(table.outcomes) {
        let total = log_sum_exp(row);
        row.iter_mut().for_each(|log| *log -= total);
    }
    table
}

#[test]
fn a_path_is_its_points() {
    for table in [table(), several_prompts()] {
        let tilter = Tilter::new(&table);
        let betas: Vec<f64> = (0..60).map(|i| 0.01 * 1.25f64.powi(i)).rev().collect();
        let path = tilter.path(&betas).unwrap();
        assert_eq!(path.len(), betas.len());
        for (beta, point) in betas.iter().zip(&path) {
            assert_eq!(*point, tilter.at_coefficient(*beta).unwrap());
        }
        for pair in path.windows(2) {
            // Far below condensation the last digits stand still.
            let rises = if pair[1].beta > 0.5 { 0.0 } else { -1e-12 };
            let (kl, proxy) = (pair[1].kl - pair[0].kl, pair[1].proxy - pair[0].proxy);
            assert!(kl > rises && proxy > rises, "β = {}: {kl:e}, {proxy:e}", pair[1].beta);
        }
        assert_eq!(tilter.path(&[]), Ok(Vec::new()));
    }
}

#[test]
fn a_tilt_as_a_policy_has_the_same_moments() {
    for table in [table(), several_prompts()] {
        let tilter = Tilter::new(&table);
        for beta in [0.01, 0.5, 2.0, 50.0] {
            let tilt = tilter.at_coefficient(beta).unwrap();
            let moments = tilter.reweighting(beta).unwrap().moments(&table).unwrap();
            for (found, want) in [
                (moments.kl, tilt.kl),
                (moments.proxy, tilt.proxy),
                (moments.utility, tilt.utility),
                (moments.error, tilt.error),
                (moments.ess, tilt.ess),
                (moments.top_mass, tilt.top_mass),
            ] {
                assert!(
                    (found - want).abs() < 1e-11 * want.abs().max(1.0),
                    "β = {beta}: {found} against {want}"
                );
            }
        }
    }
}

#[test]
fn condensation_is_half_of_the_mass_on_the_best_outcome() {
    let table = table();
    let tilter = Tilter::new(&table);
    let beta = tilter.condensation().unwrap();
    assert!((tilter.at_coefficient(beta).unwrap().top_mass - 0.5).abs() < 1e-12);
}

#[test]
fn what_has_no_tilt_is_refused_and_named() {
    let mut table = table();
    let fault =
        |table: &Outcomes, beta: f64| Tilter::new(table).at_coefficient(beta).unwrap_err().to_string();
    assert_eq!(fault(&table, 0.0), "a KL coefficient of 0; a finite number above 0 is needed");
    assert!(fault(&table, 1e-310).contains("at least"), "{}", fault(&table, 1e-310));
    assert!(Tilter::new(&table).path(&[1.0, f64::NAN]).is_err());
    assert!(Tilter::new(&table).at_budget(1e-15).is_err());
    table.error[17] = f64::INFINITY;
    let message = "the table's error is inf; a number of size at most 1e150 in cell 17 is needed";
    assert_eq!(fault(&table, 1.0), message);
    assert_eq!(Tilter::new(&table).at_budget(0.1).unwrap_err().to_string(), message);
    assert_eq!(Tilter::new(&table).condensation(), None);
    table.error[17] = 0.0;
    table.ref_log_prob[3] += 3.0;
    assert!(fault(&table, 1.0).contains("1 in prompt 0 is needed"), "{}", fault(&table, 1.0));
    table.ref_log_prob[3] = f64::NAN;
    assert!(fault(&table, 1.0).contains("probabilities is NaN; 1 in prompt 0"), "{}", fault(&table, 1.0));
    table.utility.pop();
    assert!(
        fault(&table, 1.0).starts_with("the table's number of utilities is 999;"),
        "{}",
        fault(&table, 1.0)
    );
}
