//! Trainers that do not learn, at work: their policies, and that a run of them is what it says.

use serde_json::{Value, json};
use tailcatch::config::DeploymentSection;
use tailcatch::environments::Bandit;
use tailcatch::experiment::{Expectations, Setting, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, Snapshot};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::theory::table::best_of_n;
use tailcatch::trainers::{Ground, TrainerSpec};

fn model(reward: Value) -> RewardModel {
    let environment: Bandit = serde_json::from_value(json!({ "outcomes": 500 })).unwrap();
    let reward: RewardSection = serde_json::from_value(reward).unwrap();
    RewardModel::build(&environment, &reward, &SeedTree::new(3, 0), Twin::Itself).unwrap()
}

fn heavy() -> RewardModel {
    model(json!({ "error": { "student_t": { "df": 2 } } }))
}

/// Exact numbers of the policy at the start of a run.
fn exactly(model: &RewardModel, trainer: Value) -> Expectations {
    let spec: TrainerSpec = serde_json::from_value(trainer).unwrap();
    let mut trainer = spec
        .part()
        .start(Ground {
            table: &model.table().unwrap().observed(),
            reference_proxies: &[],
            backend: &Backend::default(),
        })
        .unwrap();
    let mut policy = Snapshot::default();
    policy.clone_from(trainer.policy());
    Expectations::enumerated(&policy, model.table().unwrap())
}

#[test]
fn all_spend_the_kl_that_they_are_said_to() {
    let model = heavy();
    for trainer in [
        json!({ "exact": { "kl": { "budget": 0.7 } } }),
        json!({ "exact": { "kl": { "budget": 0.7 }, "shaping": { "clip": { "high": 3 } } } }),
        json!({ "exact": { "kl": { "budget": 0.7 }, "penalty": "chi_squared" } }),
        json!({ "exact": { "kl": { "budget": 0.7 }, "penalty": { "mixed": { "weight": 0.3 } } } }),
        json!({ "quantilizer": { "mass": (-0.7f64).exp() } }),
    ] {
        let found = exactly(&model, trainer.clone());
        // A quantilizer of 500 outcomes splits one of them: its KL is below ln(1/mass) by less than that outcome's share.
        let slack = if trainer.get("quantilizer").is_some() { 2e-3 } else { 1e-6 };
        assert!((found.kl - 0.7).abs() < slack, "{trainer}: {}", found.kl);
    }
}

#[test]
fn the_tilt_has_the_largest_proxy_of_all_at_its_kl() {
    let model = heavy();
    let tilt = exactly(&model, json!({ "exact": { "kl": { "budget": 0.7 } } }));
    for other in [
        json!({ "exact": { "kl": { "budget": 0.7 }, "shaping": { "clip": { "high": 3 } } } }),
        json!({ "exact": { "kl": { "budget": 0.7 }, "penalty": "chi_squared" } }),
        json!({ "exact": { "kl": { "budget": 0.7 }, "penalty": { "mixed": { "weight": 0.3 } } } }),
        json!({ "quantilizer": { "mass": (-0.7f64).exp() } }),
    ] {
        let found = exactly(&model, other.clone());
        assert!(found.proxy() < tilt.proxy(), "{other}: {} against {}", found.proxy(), tilt.proxy());
    }
}

#[test]
fn a_clip_stops_paying_for_what_lies_beyond() {
    let model = heavy();
    let open = exactly(&model, json!({ "exact": { "kl": { "budget": 2 } } }));
    let clipped =
        exactly(&model, json!({ "exact": { "kl": { "budget": 2 }, "shaping": { "clip": { "high": 2 } } } }));
    assert!(clipped.top_mass.unwrap() < 0.5 * open.top_mass.unwrap(), "{clipped:?} against {open:?}");
    assert!(clipped.utility > open.utility, "{} against {}", clipped.utility, open.utility);
}

#[test]
fn thresholds_that_nothing_reaches_leave_the_reference() {
    let model = model(json!({}));
    for trainer in [
        json!({ "conditioning": { "threshold": 50 } }),
        json!({ "construction": { "threshold": 50 } }),
        json!({ "reference": {} }),
        json!({ "best_of_n": { "n": 1 } }),
    ] {
        let found = exactly(&model, trainer.clone());
        assert!(found.kl < 1e-12, "{trainer}: {}", found.kl);
    }
    let reached = exactly(&model, json!({ "conditioning": { "threshold": 1 } }));
    assert!(reached.kl > 1.0 && reached.utility > 1.0);
}

#[test]
fn a_jump_plays_the_reference_and_then_the_exploit() {
    let model = model(json!({ "exploits": [{ "mass": 1e-4, "outcomes": 3, "proxy": 9, "utility": -30 }] }));
    let spec: TrainerSpec =
        serde_json::from_value(json!({ "reference": { "steps": 4, "batch": 50 } })).unwrap();
    let deployment: DeploymentSection =
        serde_json::from_value(json!({ "shift": { "jump": { "mass_after": 0.2 } }, "steps": 5 })).unwrap();
    let seeds = SeedTree::new(3, 0);
    let setting = Setting {
        model: &model,
        policy: &Default::default(),
        trainer: &spec,
        seeds,
        backend: &Backend::default(),
        deployment: Some(&deployment),
        activations: false,
        audit: None,
    };
    let trained = train(setting, None).unwrap();
    let p_hack: Vec<f64> = trained.steps.iter().map(|row| row.p_hack.unwrap()).collect();
    assert!(p_hack[..4].iter().all(|p| (p - 1e-4).abs() < 1e-15), "{p_hack:?}");
    assert!(p_hack[4..].iter().all(|p| (p - 0.2).abs() < 1e-12), "{p_hack:?}");
    let expected = 0.2 * (0.2f64 / 1e-4).ln() + 0.8 * (0.8f64 / (1.0 - 1e-4)).ln();
    assert!((trained.last.policy.kl - expected).abs() < 1e-10);
    assert_eq!(trained.last.kl_coefficient, None);
    // The other outcomes keep their proportions: no policy with P(hack) = 0.2 is nearer to the reference.
    assert!((trained.last.policy.proxy_from_hacks - 0.2 * 9.0).abs() < 1e-12);
    let late = trained.truth.hack[200..].iter().filter(|h| **h).count();
    // 250 rollouts at 0.2: 50 ± 6.3; five standard deviations.
    assert!((19..=81).contains(&late), "{late}");
}

#[test]
fn selecting_policies_are_the_tables_own() {
    let model = heavy();
    let table = model.table().unwrap();
    let best = exactly(&model, json!({ "best_of_n": { "n": 16 } }));
    let known = best_of_n(table, 16.0).unwrap().moments(table).unwrap();
    assert!((best.kl - known.kl).abs() < 1e-12 && (best.utility - known.utility).abs() < 1e-12);
    assert!(best.kl > 1.8, "{}", best.kl);
    // The construction's mass above t is t^(−exponent), whatever was there.
    let spec: TrainerSpec =
        serde_json::from_value(json!({ "construction": { "threshold": 4, "exponent": 0.7 } })).unwrap();
    let mut trainer = spec
        .part()
        .start(Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() })
        .unwrap();
    let policy = trainer.policy();
    let above: f64 =
        (0..table.len()).filter(|cell| table.proxy(*cell) > 4.0).map(|cell| policy.prob(cell)).sum();
    assert!((above - 4f64.powf(-0.7)).abs() < 1e-12, "{above}");
}

#[test]
fn a_mixed_penalty_lies_between_its_parts() {
    let model = heavy();
    let proxy = |penalty: Value| {
        let kl = json!({ "budget": 0.7 });
        exactly(&model, json!({ "exact": { "kl": kl, "penalty": penalty } })).proxy()
    };
    let (tilt, squared) = (proxy(json!("kl")), proxy(json!("chi_squared")));
    let [light, even, strong] = [1e-6, 0.3, 1e3].map(|w| proxy(json!({ "mixed": { "weight": w } })));
    assert!((light / tilt - 1.0).abs() < 1e-3 && (strong / squared - 1.0).abs() < 1e-3, "{light} {strong}");
    assert!(squared < even && even < tilt, "{squared} {even} {tilt}");
}

#[test]
fn a_coefficient_is_the_multiplier_that_the_budget_finds() {
    let model = heavy();
    for penalty in [json!("kl"), json!("chi_squared"), json!({ "mixed": { "weight": 0.3 } })] {
        let spec = |kl: Value| -> TrainerSpec {
            serde_json::from_value(json!({ "exact": { "kl": kl, "penalty": penalty } })).unwrap()
        };
        let at_budget = spec(json!({ "budget": 0.7 }))
            .part()
            .start(Ground {
                table: &model.table().unwrap().observed(),
                reference_proxies: &[],
                backend: &Backend::default(),
            })
            .unwrap();
        let beta = at_budget.coefficient().unwrap();
        let found =
            exactly(&model, json!({ "exact": { "kl": { "coefficient": beta }, "penalty": penalty } }));
        assert!((found.kl - 0.7).abs() < 1e-6, "{penalty}: {}", found.kl);
    }
}
