//! Mitigations at work: shaped rewards, robust advantages, ensembles, early stops.

use crate::learning::{CELLS, assert_policy, in_threes, table};
use serde_json::{Value, json};
use tailcatch::config::from_bytes;
use tailcatch::environments::Bandit;
use tailcatch::experiment::{Setting, Trained, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, Snapshot};
use tailcatch::record::{DISAGREEMENT, Outcomes};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::reference_proxies;
use tailcatch::theory::tilt::Tilter;
use tailcatch::trainers::{Experience, Ground, Shaping, TableLearner, TrainerSpec};

const SEEDS: fn() -> SeedTree = || SeedTree::new(3, 0);

fn model(reward: &Value, twin: Twin) -> RewardModel {
    let environment: Bandit = serde_json::from_value(json!({ "outcomes": 500 })).unwrap();
    let reward: RewardSection = serde_json::from_value(reward.clone()).unwrap();
    RewardModel::build(&environment, &reward, &SEEDS(), twin).unwrap()
}

fn heavy() -> Value {
    json!({ "error": { "student_t": { "df": 2 } } })
}

fn spec(trainer: Value) -> TrainerSpec {
    serde_json::from_value(trainer).unwrap()
}

fn run(model: &RewardModel, trainer: Value) -> Trained {
    let trainer = spec(trainer);
    let policy = Default::default();
    let (seeds, backend) = (SEEDS(), &Backend::default());
    train(
        Setting {
            deployment: None,
            model,
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

fn on_the_toy_table(trainer: Value, table: &Outcomes) -> Box<TableLearner> {
    let trainer = spec(trainer);
    assert_eq!(trainer.part().contradictions(), Vec::new());
    trainer
        .part()
        .start(Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() })
        .unwrap()
}

#[test]
fn the_optimised_reward_is_the_shaped_proxy_less_the_penalty() {
    let model = model(&heavy(), Twin::Itself);
    let reference = reference_proxies(&model, model.table().unwrap(), &SEEDS());
    for shaping in
        [json!("none"), json!({ "clip": { "high": 1 } }), json!({ "winsorize": {} }), json!("sigmoid")]
    {
        let shaper = serde_json::from_value::<Shaping>(shaping.clone()).unwrap().fit(&reference).unwrap();
        for (trainer, beta) in [("reinforce", 0.5), ("rloo", 0.05), ("ppo", 0.05), ("grpo", 0.0)] {
            let ran = run(&model, json!({ trainer: { "batch": 64, "steps": 3, "shaping": shaping } }));
            let (o, what) = (&ran.observed, format!("{trainer}, {shaping}"));
            let column = |c: &Option<Vec<f64>>| c.clone().unwrap();
            let (reward, log_prob, reference) =
                (column(&o.reward), column(&o.log_prob), column(&o.ref_log_prob));
            for row in 0..o.len() {
                assert_eq!(o.proxy[row], model.table().unwrap().proxy(o.outcome[row] as usize), "{what}");
                let expected = shaper.apply(o.proxy[row]) - beta * (log_prob[row] - reference[row]);
                assert!((reward[row] - expected).abs() < 1e-12, "{what}: {} against {expected}", reward[row]);
            }
        }
    }
}

#[test]
fn the_optimum_of_a_shaped_reward_is_the_tilt_of_its_table() {
    let model = model(&heavy(), Twin::Itself);
    let reference = reference_proxies(&model, model.table().unwrap(), &SEEDS());
    let shaper = Shaping::Sigmoid.fit(&reference).unwrap();
    let ran = run(&model, json!({ "exact": { "kl": { "coefficient": 0.2 }, "shaping": "sigmoid" } }));
    let mut shaped = model.table().unwrap().clone();
    for cell in 0..shaped.len() {
        shaped.utility[cell] = shaper.apply(model.table().unwrap().proxy(cell));
        shaped.error[cell] = 0.0;
    }
    let expected = Tilter::new(&shaped).at_coefficient(0.2).unwrap();
    assert!(
        (ran.last.policy.kl - expected.kl).abs() < 1e-9,
        "{} against {}",
        ran.last.policy.kl,
        expected.kl
    );
    let rewards = ran.observed.reward.clone().unwrap();
    assert!(rewards.iter().zip(&ran.observed.proxy).all(|(r, u)| *r == shaper.apply(*u)));
    assert_eq!(ran.last.beta_critical, None, "it is that of the raw proxy");
}

/// The monitor's score in the reward: the policy goes to the tilt of U − λ·s, and to nothing else where λ is 0.
#[test]
fn the_optimum_under_a_monitors_score_is_the_tilt_less_the_score() {
    let model = model(&heavy(), Twin::Itself);
    let reference = reference_proxies(&model, model.table().unwrap(), &SEEDS());
    let mut found = Vec::new();
    for score in ["distance", "surprise", "log_distance"] {
        let shaping = json!({ "evade": { "weight": 0.4, "score": score } });
        let shaper = serde_json::from_value::<Shaping>(shaping.clone()).unwrap().fit(&reference).unwrap();
        let ran = run(&model, json!({ "exact": { "kl": { "coefficient": 0.2 }, "shaping": shaping } }));
        let mut less = model.table().unwrap().clone();
        for cell in 0..less.len() {
            less.utility[cell] = shaper.apply(model.table().unwrap().proxy(cell));
            less.error[cell] = 0.0;
        }
        let expected = Tilter::new(&less).at_coefficient(0.2).unwrap();
        assert!((ran.last.policy.kl - expected.kl).abs() < 1e-9, "{score}");
        found.push(ran.last.policy.kl);
    }
    assert!(found.windows(2).all(|pair| (pair[0] - pair[1]).abs() > 1e-3), "{found:?}");
    let blind = json!({ "evade": { "weight": 0 } });
    for trainer in ["reinforce", "ppo"] {
        let with =
            |shaping: Value| run(&model, json!({ trainer: { "batch": 64, "steps": 8, "shaping": shaping } }));
        assert_eq!(with(blind.clone()), with(json!("none")), "{trainer}");
    }
}

#[test]
fn shaping_cannot_tell_excellence_from_error() {
    let reward = heavy();
    let (itself, swapped) = (model(&reward, Twin::Itself), model(&reward, Twin::Swapped));
    for trainer in [
        json!({ "exact": { "kl": { "budget": 1 }, "shaping": { "winsorize": {} } } }),
        json!({ "reinforce": { "batch": 64, "steps": 5, "shaping": "whiten" } }),
    ] {
        let (one, other) = (run(&itself, trainer.clone()), run(&swapped, trainer));
        assert_eq!(one.observed, other.observed);
        assert_ne!(one.last.policy.utility, other.last.policy.utility);
    }
}

#[test]
fn one_member_is_no_ensemble_to_the_last_bit() {
    let with = |members: u32| {
        let mut reward = heavy();
        reward["ensemble"] = json!({ "members": members, "correlation": 0.3 });
        model(&reward, Twin::Itself)
    };
    let alone = model(&heavy(), Twin::Itself);
    assert_eq!(with(1).table().unwrap(), alone.table().unwrap());
    assert_eq!(with(1).disagreement(7), None);
    assert_ne!(with(2).table().unwrap().error, alone.table().unwrap().error);
    assert_eq!(with(2).table().unwrap().utility, alone.table().unwrap().utility);
}

#[test]
fn disagreement_is_seen_alike_in_the_run_and_its_swap_twin_and_survives_the_record() {
    let mut reward = heavy();
    reward["ensemble"] = json!({ "members": 3, "combine": { "mean_minus": { "lambda": 0.5 } } });
    let model = |twin| model(&reward, twin);
    let trainer = json!({ "reinforce": { "batch": 32, "steps": 4 } });
    let ran = run(&model(Twin::Itself), trainer.clone());
    let [(name, column)] = ran.observed.features.as_slice() else { panic!("one feature") };
    assert_eq!((name.as_str(), column.len()), (DISAGREEMENT, 128));
    assert!(column.iter().all(|sd| *sd > 0.0));
    let known = model(Twin::Itself);
    assert_eq!(known.disagreement(ran.observed.outcome[5] as usize), Some(column[5]));
    assert_eq!(run(&model(Twin::Swapped), trainer.clone()).observed, ran.observed);

    let read = Trained::from_record(&ran.to_record().unwrap(), "here".as_ref()).unwrap();
    assert_eq!(read, ran);
    // The clean twin errs nowhere, so nobody disagrees.
    let clean = run(&model(Twin::Clean), trainer);
    assert!(clean.observed.features.is_empty() && clean.truth.error.iter().all(|x| *x == 0.0));
    assert_eq!(Trained::from_record(&clean.to_record().unwrap(), "here".as_ref()).unwrap(), clean);
}

#[test]
fn a_policy_beyond_the_stop_is_sampled_but_no_longer_updated() {
    let model = model(&heavy(), Twin::Itself);
    for trainer in ["reinforce", "rloo", "ppo", "grpo"] {
        let kl = |stop: Value| -> Vec<f64> {
            let settings = json!({ "batch": 64, "steps": 30, "optimizer": { "sgd": { "learning_rate": 1 } },
                "kl": { "coefficient": 0.01, "stop": stop } });
            let ran = run(&model, json!({ trainer: settings }));
            assert_eq!(ran.observed.len(), 30 * 64);
            ran.steps.iter().map(|row| row.kl.unwrap()).chain([ran.last.policy.kl]).collect()
        };
        let free = kl(Value::Null);
        let stop = free[8];
        let passed = free.iter().position(|kl| *kl > stop).unwrap();
        let stopped = kl(json!(stop));
        assert_eq!(stopped[..=passed], free[..=passed], "{trainer}");
        assert!(stopped[passed..].iter().all(|kl| *kl == stopped[passed]), "{trainer}: {stopped:?}");
        assert!(free[30] > stopped[30], "{trainer}");
    }
}

#[test]
fn no_pass_follows_once_the_policy_has_left_the_one_that_sampled() {
    let table = table();
    let after = |epochs: u32, target: Value| {
        let mut trainer = on_the_toy_table(
            json!({ "ppo": { "batch": 12, "epochs": epochs, "target_kl": target, "cliprange": 9, "surrogate": "clipped",
                "optimizer": { "sgd": { "learning_rate": 0.5 } } } }),
            &table,
        );
        let mut batch = in_threes(trainer.policy(), &table);
        trainer.credit(&Experience::new(&batch, &CELLS[..])).write_to(&mut batch);
        trainer.update(&Experience::new(&batch, &CELLS[..]), 0.0).unwrap();
        trainer
    };
    let theta = |trainer: &mut TableLearner| -> Vec<f64> {
        let policy = trainer.policy().clone();
        (0..8).map(|cell| policy.log_prob(cell) - table.ref_log_prob[cell]).collect()
    };
    // k3 of the batch after one, two … passes, by hand: r − 1 − ln r, r = π/π₀ with π₀ as what sampled.
    let k3 = |policy: &Snapshot| {
        let one = |cell: &usize| {
            let log_ratio = policy.log_prob(*cell) - table.ref_log_prob[*cell];
            log_ratio.exp() - 1.0 - log_ratio
        };
        CELLS.iter().map(one).sum::<f64>() / 12.0
    };
    let strayed: Vec<f64> = (1..=4).map(|n| k3(after(n, Value::Null).policy())).collect();
    assert!(strayed[0] > 0.0 && strayed.windows(2).all(|pair| pair[0] < pair[1]), "{strayed:?}");
    for passes in 1..4usize {
        // Above what `passes − 1` left and below what `passes` did: the pass after that is not made.
        let target =
            if passes == 1 { 0.5 * strayed[0] } else { 0.5 * (strayed[passes - 2] + strayed[passes - 1]) };
        let expected = theta(after(passes as u32, Value::Null).as_mut());
        assert_policy(&format!("{passes} passes"), after(4, json!(target)).as_mut(), &expected, &table);
    }
}

#[test]
fn robust_advantages_reach_the_update() {
    let model = model(&json!({ "error": { "student_t": { "df": 1.5 } } }), Twin::Itself);
    let settings = |baseline: Value, advantage: Value| {
        json!({ "reinforce": { "batch": 64, "steps": 1, "baseline": baseline, "advantage": advantage,
            "kl": { "coefficient": 0 } } })
    };
    let ran = run(
        &model,
        settings(json!({ "trimmed_mean": { "share": 0.1 } }), json!({ "truncated": { "spreads": 3 } })),
    );
    let (advantages, mut rewards) =
        (ran.observed.advantage.clone().unwrap(), ran.observed.reward.clone().unwrap());
    rewards.sort_by(f64::total_cmp);
    let centre = rewards[6..58].iter().sum::<f64>() / 52.0;
    let dropped = advantages.iter().filter(|a| **a == 0.0).count();
    assert!((1..20).contains(&dropped), "{dropped} of 64 are outliers");
    for (advantage, reward) in advantages.iter().zip(ran.observed.reward.as_ref().unwrap()) {
        assert!(*advantage == 0.0 || (advantage - (reward - centre)).abs() < 1e-12);
    }
    let share = |ran: &Trained| ran.steps[0].influence_max.unwrap();
    let raw = run(&model, settings(json!("mean"), json!("raw")));
    let catoni = run(
        &model,
        settings(json!({ "median_of_means": { "blocks": 8 } }), json!({ "catoni": { "delta": 0.01 } })),
    );
    assert!(
        share(&catoni) < 0.6 * share(&raw) && share(&ran) < share(&catoni),
        "{} {} {}",
        share(&raw),
        share(&catoni),
        share(&ran)
    );
}

#[test]
fn what_contradicts_itself_is_refused_at_its_key() {
    let refused = |reward: &str, trainer: &str| {
        let text = format!(
            "question = \"?\"\nreplicates = 1\n[environment.bandit]\noutcomes = 100\n[reward]\n{reward}\n[trainer.{trainer}\n"
        );
        match from_bytes("exp.toml", text.as_bytes(), &[]) {
            Ok(_) => String::new(),
            Err(fault) => format!("{fault:?}"),
        }
    };
    let normal = "error = { normal = {} }";
    assert_eq!(refused(&format!("{normal}\nensemble = {{}}"), "reference]"), "");
    for (reward, trainer, word) in [
        ("ensemble = {}", "reference]", "differ by their errors"),
        ("mode = \"fresh\"\nerror = { normal = {} }\nensemble = {}", "reference]", "redrawn at every visit"),
        ("correlation = 0.5\nerror = { normal = {} }\nensemble = {}", "reference]", "tied to each other"),
        (normal, "exact]\nkl = { budget = 1 }\nshaping = { clip = {} }", "without bounds"),
        (normal, "ppo]\nshaping = { clip = { low = 3, high = 1 } }", "not below"),
        (normal, "grpo]\nshaping = { winsorize = { quantile = 0.5 } }", "0.99"),
        (normal, "reinforce]\nbaseline = { trimmed_mean = { share = 0.5 } }", "leaves nothing"),
        (normal, "reinforce]\nbatch = 4\nbaseline = { median_of_means = { blocks = 5 } }", "5 blocks"),
    ] {
        let fault = refused(reward, trainer);
        assert!(fault.contains(word), "{reward} / {trainer}: {fault}");
    }
}
