//! F1 and F2: what heavy-tailed error does to the exact optimum.

use crate::statistics::{assert_agrees, in_parallel, mean_and_error};
use serde_json::{Value, json};
use tailcatch::environments::Bandit;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::record::Outcomes;
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::theory::tilt::Tilter;

fn section(error: &Value) -> RewardSection {
    serde_json::from_value(json!({ "error": error, "standardize": "iqr" })).unwrap()
}

fn bandit(outcomes: u32) -> Bandit {
    serde_json::from_value(json!({ "outcomes": outcomes })).unwrap()
}

/// Calls `measure` with the tilter of each replicate's table, in parallel, results in order.
fn replicates<T: Send>(
    outcomes: u32,
    error: &Value,
    count: u64,
    measure: impl Fn(&Tilter<'_>, &Outcomes) -> T + Sync,
) -> Vec<T> {
    let (environment, section) = (bandit(outcomes), section(error));
    in_parallel(count, |replicate| {
        let model =
            RewardModel::build(&environment, &section, &SeedTree::new(11, replicate), Twin::Itself).unwrap();
        let table = model.table().unwrap();
        measure(&Tilter::new(table), table)
    })
}

/// Mean of V over the table.
fn centre(table: &Outcomes) -> f64 {
    table.utility.iter().sum::<f64>() / table.len() as f64
}

/// R = (E[V] − mean V)/√ε at ε = 0.1 and 1, against centres from as many independent replicates as stated.
fn check_f1(outcomes: u32, ours: u64, theirs: f64, rows: &[(&str, Value, f64, f64)]) {
    for (name, error, small, large) in rows {
        let found = replicates(outcomes, error, ours, |tilter, table| {
            let mean = centre(table);
            [0.1f64, 1.0].map(|kl| (tilter.at_budget(kl).unwrap().utility - mean) / kl.sqrt())
        });
        for (i, (kl, expected)) in [(0.1, small), (1.0, large)].into_iter().enumerate() {
            let values: Vec<f64> = found.iter().map(|r| r[i]).collect();
            let (mean, error) = mean_and_error(&values);
            assert!(error <= 0.02, "{name}, K = {outcomes}, KL = {kl}: our error {error} is too large");
            // Their standard error, from the same law of a replicate; they state ±.01 for the normal, whose own is smaller.
            let stated = if *name == "normal" { 0.01 } else { 5e-4 };
            let published = (error * (ours as f64 / theirs).sqrt()).hypot(stated);
            assert_agrees(
                &format!("{name}, K = {outcomes}, KL = {kl}"),
                (mean, error),
                (*expected, published),
            );
        }
    }
}

#[test]
fn utility_gain_vanishes_as_the_tail_gets_heavier() {
    let t = |df: f64| json!({ "student_t": { "df": df } });
    check_f1(
        10_000,
        200,
        200.0,
        &[
            ("exponential", json!({ "exponential": {} }), 0.768, 0.554),
            ("t5", t(5.0), 0.871, 0.645),
            ("t3", t(3.0), 0.584, 0.295),
            ("t2", t(2.0), 0.229, 0.093),
        ],
    );
    check_f1(10_000, 40, 24.0, &[("normal", json!({ "normal": {} }), 0.999, 0.998)]);
}

#[test]
fn more_outcomes_make_it_worse() {
    let t = |df: f64| json!({ "student_t": { "df": df } });
    check_f1(
        100_000,
        96,
        48.0,
        &[("t5", t(5.0), 0.853, 0.531), ("t3", t(3.0), 0.442, 0.176), ("t2", t(2.0), 0.098, 0.04)],
    );
    check_f1(
        100_000,
        16,
        24.0,
        &[
            ("normal", json!({ "normal": {} }), 1.0, 0.993),
            ("exponential", json!({ "exponential": {} }), 0.766, 0.548),
        ],
    );
}

#[test]
fn the_policy_condenses_on_the_largest_reward() {
    // β_c·ln K/U_max, where the most rewarded outcome holds half of the mass.
    for (outcomes, df, expected, theirs) in [
        (100_000, 1.5, 0.975, 0.009),
        (100_000, 2.0, 0.971, 0.017),
        (100_000, 5.0, 0.73, 0.06),
        (10_000, 2.0, 0.938, 0.026),
        (10_000, 5.0, 0.757, 0.057),
    ] {
        let error = json!({ "student_t": { "df": df } });
        let ratios = replicates(outcomes, &error, 32, |tilter, table| {
            let top = (0..table.len()).map(|cell| table.proxy(cell)).fold(f64::MIN, f64::max);
            tilter.condensation().unwrap() * f64::from(outcomes).ln() / top
        });
        let ours = mean_and_error(&ratios);
        assert_agrees(&format!("condensation, t{df}, K = {outcomes}"), ours, (expected, theirs));
    }
}

#[test]
fn light_tails_keep_one_over_beta() {
    // E[V] = 1/β until condensation, for V ~ N(0, 1): t5 at β = 4 and 8, well above U_max/ln K.
    for beta in [4.0, 8.0] {
        let error = json!({ "student_t": { "df": 5 } });
        let gains = replicates(100_000, &error, 16, |tilter, table| {
            (tilter.at_coefficient(beta).unwrap().utility - centre(table)) * beta
        });
        assert_agrees(&format!("β·E[V], t5, β = {beta}"), mean_and_error(&gains), (1.0, 0.005));
    }
}

#[test]
fn an_exploit_takes_half_of_the_mass_at_its_critical_size() {
    // u_c = β·ln((1 − q)/q) + σ²/(2β) for a normal bulk; p = logistic((u − u_c)/β) for every u.
    let (beta, q) = (0.5f64, 1e-3f64);
    let critical = beta * ((1.0 - q) / q).ln() + 1.0 / (2.0 * beta);
    for offset in [-0.5, 0.0, 0.5] {
        let section: RewardSection = serde_json::from_value(json!({
            "exploits": [{ "mass": q, "outcomes": 1, "proxy": critical + offset, "utility": -5 }]
        }))
        .unwrap();
        let logits: Vec<f64> = (0..24)
            .map(|replicate| {
                let seeds = SeedTree::new(5, replicate);
                let model = RewardModel::build(&bandit(100_000), &section, &seeds, Twin::Itself).unwrap();
                let table = model.table().unwrap();
                let tilt = Tilter::new(table).at_coefficient(beta).unwrap();
                let cell = table.hack.iter().position(|h| *h).unwrap();
                let p = (table.ref_log_prob[cell] + table.proxy(cell) / beta - tilt.log_partition).exp();
                (p / (1.0 - p)).ln()
            })
            .collect();
        // The bulk's log-partition over 10⁵ draws is a little below its expectation: its variance is e⁴/K = 5e-4.
        let (mean, error) = mean_and_error(&logits);
        assert_agrees(&format!("logit p at u_c + {offset}"), (mean, error), (offset / beta, 1e-3));
    }
}
