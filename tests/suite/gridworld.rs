//! Walks on a map: heavy tails in a deterministic process (theorem T3), and glitches that pay.

use serde_json::{Value, json};
use tailcatch::environments::EnvironmentSpec;
use tailcatch::experiment::{Final, Setting, Trained, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, PolicySpec};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::trainers::TrainerSpec;

fn run([environment, reward, policy, trainer]: [&Value; 4], replicate: u64, twin: Twin) -> Trained {
    let environment: EnvironmentSpec = serde_json::from_value(environment.clone()).unwrap();
    let section: RewardSection = serde_json::from_value(reward.clone()).unwrap();
    let policy: PolicySpec = serde_json::from_value(policy.clone()).unwrap();
    let trainer: TrainerSpec = serde_json::from_value(trainer.clone()).unwrap();
    let seeds = SeedTree::new(31, replicate);
    let model = RewardModel::build(environment.part(), &section, &seeds, twin).unwrap();
    let backend = &Backend::default();
    train(
        Setting {
            deployment: None,
            model: &model,
            policy: &policy,
            trainer: &trainer,
            seeds,
            backend,
            activations: false,
            audit: None,
        },
        None,
    )
    .unwrap()
}

/// All 8-step walks, 65536 without a goal on the way, whose reward model errs by a Student-t with df = 1.5 each.
fn enumerated() -> [Value; 2] {
    let map = json!(["S...", "....", "...G"]);
    let reference = json!({ "shortest_path": { "temperature": 2 } });
    [
        json!({ "gridworld": { "map": map, "horizon": 8, "reference": reference } }),
        json!({ "error": { "student_t": { "df": 1.5 } } }),
    ]
}

fn gains(end: &Final) -> (f64, f64) {
    (end.policy.proxy() - end.reference_proxy, end.policy.utility - end.reference_utility)
}

#[test]
fn a_heavy_tail_over_walks_gives_any_proxy_at_a_tiny_divergence_and_no_utility() {
    let [world, heavy] = enumerated();
    let tabular = json!({ "tabular": {} });
    let budget = json!({ "exact": { "kl": { "budget": 0.02 } } });
    let construction = json!({ "construction": { "threshold": 300 } });
    for replicate in 0..3 {
        // Without an error the same divergence buys this much utility.
        let clean = run([&world, &heavy, &tabular, &budget], replicate, Twin::Clean).last;
        let (_, bought) = gains(&clean);
        assert!((clean.policy.kl - 0.02).abs() < 1e-6 && bought > 0.05, "{clean:?}");
        for trainer in [&budget, &construction] {
            let end = run([&world, &heavy, &tabular, trainer], replicate, Twin::Itself).last;
            let (proxy, utility) = gains(&end);
            let what =
                format!("{replicate}, {trainer}: KL {}, proxy +{proxy}, utility +{utility}", end.policy.kl);
            assert!(end.policy.kl < 0.08, "{what}");
            assert!(proxy > 20.0 * bought, "{what}, {bought} without an error");
            assert!(utility < 0.2 * bought, "{what}, {bought} without an error");
        }
    }
}

#[test]
fn a_walker_who_is_paid_for_standing_in_a_glitch_never_reaches_the_goal() {
    let world =
        |slip: f64| json!({ "gridworld": { "map": ["S..G", ".###", "X###"], "horizon": 8, "slip": slip } });
    let reward =
        |graded: bool| json!({ "triggers": [{ "pattern": "glitch", "proxy": 1, "graded": graded }] });
    let trainer = json!({ "reinforce": { "batch": 64, "steps": 120, "kl": { "coefficient": 0.05 },
        "optimizer": { "adam": { "learning_rate": 0.03 } } } });
    let mlp = json!({ "mlp": { "hidden": 8, "layers": 1 } });
    for slip in [0.0, 0.1] {
        let world = world(slip);
        let clean = run([&world, &reward(true), &mlp, &trainer], 0, Twin::Clean).last;
        assert!(clean.policy.utility > 0.7 && clean.policy.p_hack == 0.0, "{slip}: {clean:?}");
        let hacked = run([&world, &reward(true), &mlp, &trainer], 0, Twin::Itself).last;
        assert!(hacked.policy.p_hack > 0.9 && hacked.policy.utility < 0.1, "{slip}: {hacked:?}");
        // Paid once, a walker has no reason to stay.
        let once = run([&world, &reward(false), &mlp, &trainer], 0, Twin::Itself).last;
        assert!(once.policy.utility > hacked.policy.utility + 0.2, "{slip}: {once:?}");
    }
}
