//! Policies on a table against the oracle and against each other: the table of 1000 outcomes with an uneven reference.

use crate::tilting::table;
use serde_json::Value;
use tailcatch::record::Outcomes;
use tailcatch::theory::TheoryError;
use tailcatch::theory::table::{
    Divergence, Moments, Reweighting, best_of_n, best_of_n_kl_bound, condition, construction, penalised,
    penalised_at, quantilizer,
};

const ORACLE: &str = include_str!("fixtures/best_of_n_table.json");

fn moments(policy: Result<Reweighting, TheoryError>, table: &Outcomes) -> Moments {
    let moments = policy.unwrap().moments(table).unwrap();
    for number in
        [moments.kl, moments.chi_squared, moments.utility, moments.error, moments.proxy, moments.ess]
    {
        assert!(number.is_finite(), "{moments:?}");
    }
    moments
}

/// The same table for each of several prompts.
fn repeated(table: &Outcomes, prompts: usize) -> Outcomes {
    Outcomes {
        prompts,
        outcomes: table.outcomes,
        ref_log_prob: table.ref_log_prob.repeat(prompts),
        utility: table.utility.repeat(prompts),
        error: table.error.repeat(prompts),
        class: table.class.repeat(prompts),
        hack: table.hack.repeat(prompts),
    }
}

#[test]
fn best_of_n_agrees_with_forty_digits() {
    let (table, oracle): (Outcomes, Value) = (table(), serde_json::from_str(ORACLE).unwrap());
    let mut compared = 0;
    for (key, expected) in oracle.as_object().unwrap() {
        let Some(n) = key.strip_prefix("n=").map(|n| n.parse::<f64>().unwrap()) else { continue };
        let found = moments(best_of_n(&table, n), &table);
        for (name, found) in [
            ("KL", found.kl),
            ("EU", found.proxy),
            ("EV", found.utility),
            ("bound", best_of_n_kl_bound(n).unwrap()),
        ] {
            let truth = expected[name].as_f64().unwrap();
            assert!((found - truth).abs() < 1e-10, "n = {n}, {name}: {found} against {truth}");
            compared += 1;
        }
    }
    assert_eq!(compared, 32, "eight values of n, four numbers each");
}

#[test]
fn best_of_n_grows_from_the_reference_to_the_best_outcome() {
    let table = table();
    let reference = moments(best_of_n(&table, 1.0), &table);
    assert!(reference.kl < 1e-14 && reference.chi_squared < 1e-13, "{reference:?}");
    let (mut last, mut n) = (reference, 1.0);
    while n < 1e15 {
        n *= 1.7;
        let next = moments(best_of_n(&table, n), &table);
        assert!(next.kl >= last.kl && next.proxy >= last.proxy - 1e-12, "n = {n}");
        assert!(next.kl <= best_of_n_kl_bound(n).unwrap() + 1e-12, "n = {n}");
        last = next;
    }
    let best = (0..table.len()).map(|cell| table.proxy(cell)).fold(f64::NEG_INFINITY, f64::max);
    assert!((last.proxy - best).abs() < 1e-9 && (last.top_mass - 1.0).abs() < 1e-12, "{last:?}");
}

#[test]
fn at_equal_kl_nothing_beats_the_tilt_and_at_equal_chi_squared_nothing_beats_its_own_penalty() {
    let table = table();
    let others = [
        ("best of 3", moments(best_of_n(&table, 3.0), &table)),
        ("best of 200", moments(best_of_n(&table, 200.0), &table)),
        ("top 30%", moments(quantilizer(&table, 0.3), &table)),
        ("top 1%", moments(quantilizer(&table, 0.01), &table)),
        ("U ≥ 4", moments(condition(&table, 4.0), &table)),
        ("T1 at 12", moments(construction(&table, 12.0, 0.8), &table)),
        ("KL + χ²", moments(penalised(&table, Divergence::Mixed { weight: 0.5 }, 0.7), &table)),
        ("χ²", moments(penalised(&table, Divergence::ChiSquared, 0.7), &table)),
        ("tilt", moments(penalised(&table, Divergence::Kl, 0.7), &table)),
    ];
    for (name, other) in others {
        let tilt = moments(penalised(&table, Divergence::Kl, other.kl), &table);
        assert!((tilt.kl - other.kl).abs() < 1e-9, "{name}");
        let margin = if name == "tilt" { -1e-9 } else { 1e-4 };
        assert!(tilt.proxy > other.proxy + margin, "{name}: {} against {}", tilt.proxy, other.proxy);
        // The multiplier at which the χ²-penalised policy has the other's χ², by bisection on its logarithm.
        let (mut low, mut high) = (-30.0f64, 30.0f64);
        for _ in 0..100 {
            let middle = 0.5 * (low + high);
            let chi = moments(penalised_at(&table, Divergence::ChiSquared, middle.exp()), &table).chi_squared;
            if chi > other.chi_squared { low = middle } else { high = middle }
        }
        let own = moments(penalised_at(&table, Divergence::ChiSquared, low.exp()), &table);
        assert!((own.chi_squared / other.chi_squared - 1.0).abs() < 1e-6, "{name}");
        let margin = if name == "χ²" { -1e-6 } else { 1e-4 };
        assert!(own.proxy > other.proxy + margin, "{name}: {} against {}", own.proxy, other.proxy);
    }
}

#[test]
fn budgets_are_spent_under_every_divergence() {
    let table = table();
    let divergences = [
        Divergence::Kl,
        Divergence::ChiSquared,
        Divergence::Mixed { weight: 1e-3 },
        Divergence::Mixed { weight: 10.0 },
    ];
    for divergence in divergences {
        let mut last = f64::NEG_INFINITY;
        for budget in [1e-8, 1e-4, 0.03, 0.5, 2.0, 5.0, 6.7] {
            let found = moments(penalised(&table, divergence, budget), &table);
            assert!((found.kl / budget - 1.0).abs() < 1e-6, "{divergence:?}, {budget}: {}", found.kl);
            assert!(found.proxy > last, "{divergence:?}, {budget}");
            last = found.proxy;
        }
        let message = penalised(&table, divergence, 9.0).unwrap_err().to_string();
        assert!(message.contains("6.79") && message.contains("largest KL on this table"), "{message}");
    }
}

#[test]
fn several_equal_prompts_are_one() {
    let one = table();
    let three = repeated(&one, 3);
    type Policy = fn(&Outcomes) -> Result<Reweighting, TheoryError>;
    let policies: [Policy; 7] = [
        |t| best_of_n(t, 5.5),
        |t| quantilizer(t, 0.123),
        |t| condition(t, 3.0),
        |t| construction(t, 12.0, 0.8),
        |t| penalised(t, Divergence::Kl, 0.4),
        |t| penalised(t, Divergence::ChiSquared, 0.4),
        |t| penalised(t, Divergence::Mixed { weight: 0.3 }, 0.4),
    ];
    for (i, policy) in policies.into_iter().enumerate() {
        let (single, triple) = (moments(policy(&one), &one), moments(policy(&three), &three));
        for (a, b) in [(single.kl, triple.kl), (single.proxy, triple.proxy), (3.0 * single.ess, triple.ess)] {
            assert!((a - b).abs() < 1e-9 * a.abs().max(1.0), "policy {i}: {a} against {b}");
        }
    }
}

#[test]
fn broken_tables_are_refused_by_all() {
    let mut table = table();
    table.utility[5] = f64::NAN;
    let message = "the table's utility is NaN; a number of size at most 1e150 in cell 5 is needed";
    for policy in [
        best_of_n(&table, 2.0),
        quantilizer(&table, 0.5),
        condition(&table, 0.0),
        construction(&table, 12.0, 0.8),
        penalised(&table, Divergence::Kl, 0.1),
        penalised(&table, Divergence::ChiSquared, 0.1),
        penalised_at(&table, Divergence::Mixed { weight: 1.0 }, 1.0),
    ] {
        assert_eq!(policy.unwrap_err().to_string(), message);
    }
}
