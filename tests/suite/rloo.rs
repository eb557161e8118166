//! RLOO against hand computation and against the exact optimum.

use crate::learning::{CELLS, assert_policy, by_hand, in_threes, learn, table};
use crate::ways::WAYS;
use serde_json::{Value, json};
use tailcatch::environments::Bandit;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, Snapshot};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::Sampler;
use tailcatch::trainers::{Contradiction, Experience, Ground, Rloo, TrainerPart};

fn settings(value: Value) -> Rloo {
    serde_json::from_value(value).unwrap()
}

#[test]
fn one_update_is_the_closed_form_gradient() {
    let (table, rate, beta) = (table(), 0.6, 0.7);
    let settings = settings(json!({
        "batch": 12, "group": 3, "optimizer": { "sgd": { "learning_rate": rate } }, "kl": { "coefficient": beta }
    }));
    assert!(settings.contradictions().is_empty());
    for way in WAYS {
        let mut trainer = settings
            .start(Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() })
            .unwrap();
        let mut theta = vec![0.0; table.len()];
        for step in 0..3 {
            let policy = trainer.policy().clone();
            let mut batch = in_threes(&policy, &table);
            let labels = way.labels(&batch);
            trainer.credit(&way.experience(&batch, &CELLS[..], &labels)).write_to(&mut batch);
            let shaped: Vec<f64> = (0..12)
                .map(|i| labels[i] - beta * (policy.log_prob(CELLS[i]) - table.ref_log_prob[CELLS[i]]))
                .collect();
            let counted: Vec<usize> = (0..12).filter(|i| way.counts(*i)).collect();
            let weights: Vec<f64> = counted
                .iter()
                .map(|&i| {
                    let others: Vec<f64> =
                        counted.iter().filter(|j| **j != i && *j / 3 == i / 3).map(|j| shaped[*j]).collect();
                    // One that is left alone in its group is not compared.
                    let mean = if others.is_empty() {
                        shaped[i]
                    } else {
                        others.iter().sum::<f64>() / others.len() as f64
                    };
                    -(shaped[i] - mean) / counted.len() as f64
                })
                .collect();
            let cells: Vec<usize> = counted.iter().map(|i| CELLS[*i]).collect();
            for (t, g) in theta.iter_mut().zip(by_hand(&cells, &weights, 0.0, &policy, &table)) {
                *t -= rate * g;
            }
            trainer.update(&way.experience(&batch, &CELLS[..], &labels), 0.0).unwrap();
            assert_policy(&format!("{way:?}, step {step}"), trainer.as_mut(), &theta, &table);
            assert_eq!(trainer.clip_fraction(), None);
        }
    }
}

#[test]
fn training_reaches_the_exact_optimum() {
    let beta = 0.5;
    for seed in 0..3 {
        let learned = learn(
            seed,
            &settings(json!({
                "batch": 512, "group": 4, "steps": 1200, "optimizer": { "adam": { "learning_rate": 0.03 } },
                "kl": { "coefficient": beta }
            })),
        );
        let (reached, best) = (learned.objective(beta), learned.best(beta));
        // As for REINFORCE: Adam jitters about the optimum; 2% of the gain there is to win.
        assert!(reached <= best + 1e-6 && best - reached < 0.02, "seed {seed}: {reached} against {best}");
    }
}

#[test]
fn groups_share_their_prompt_and_groups_of_one_draw_as_before() {
    let environment: Bandit = serde_json::from_value(json!({ "outcomes": 9, "contexts": 5 })).unwrap();
    let seeds = SeedTree::new(3, 0);
    let model = RewardModel::build(&environment, &RewardSection::default(), &seeds, Twin::Itself).unwrap();
    let mut policy = Snapshot::default();
    policy.set(model.table().unwrap(), |_| 0.0);
    let draw = |group: u32| {
        let sampler = Sampler::training(&seeds).in_groups(group.try_into().unwrap());
        sampler.batch(&model, model.table().unwrap(), &policy, (1, 240, 240)).observed
    };
    let (alone, grouped) = (draw(1), draw(4));
    assert_eq!(
        alone,
        Sampler::training(&seeds).batch(&model, model.table().unwrap(), &policy, (1, 240, 240)).observed
    );
    for rows in (0..240).collect::<Vec<usize>>().chunks(4) {
        let first = rows[0];
        // A group answers the prompt that its first rollout would have drawn alone, and has a number of its own.
        assert!(rows.iter().all(|&r| grouped.prompt[r] == alone.prompt[first]));
        assert!(rows.iter().all(|&r| grouped.group[r] == 240 + first as u64));
        // The action still comes from the rollout's own stream.
        assert_eq!(grouped.outcome[first], alone.outcome[first]);
    }
    let mut prompts = grouped.prompt.clone();
    prompts.sort_unstable();
    prompts.dedup();
    assert_eq!(prompts, [0, 1, 2, 3, 4]);
    assert!(grouped.outcome.chunks(4).any(|group| group.iter().any(|o| *o != group[0])));
}

#[test]
fn contradictions_are_named_with_their_remedy() {
    let bad = |value: Value| settings(value).contradictions().remove(0);
    let Contradiction { key, remedy, .. } = bad(json!({ "batch": 250, "group": 4 }));
    assert!(key == "group" && remedy.contains("batch = 252"), "{key}: {remedy}");
    let Contradiction { key, remedy, .. } = bad(json!({ "group": 1 }));
    assert!(key == "group" && remedy.contains("group = 2"), "{key}: {remedy}");
    assert_eq!(bad(json!({ "kl": { "estimator": "exact" } })).key, "kl.place");
    let Contradiction { key, remedy, .. } =
        bad(json!({ "kl": { "controller": { "adaptive": { "horizon": 100 } } } }));
    assert!(key == "kl.controller.adaptive.horizon" && remedy.contains("10000"), "{key}: {remedy}");
    let adaptive = settings(json!({ "kl": { "controller": { "adaptive": {} } } }));
    assert_eq!(adaptive.kl_target(), Some(("kl.controller.adaptive.target", 6.0)));
    assert!(adaptive.contradictions().is_empty());
    assert_eq!(
        bad(json!({ "kl": { "coefficient": 0, "controller": { "adaptive": {} } } })).key,
        "kl.coefficient"
    );
}

#[test]
fn an_adaptive_controller_moves_the_coefficient_by_the_rollouts_of_the_step() {
    let table = table();
    let settings = settings(json!({
        "batch": 12, "group": 3,
        "kl": { "coefficient": 0.2, "controller": { "adaptive": { "target": 2, "horizon": 100 } } }
    }));
    let mut trainer = settings
        .start(Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() })
        .unwrap();
    // 12/100 times .2 up, .2 down, and a quarter of 1% up.
    for (kl, expected) in
        [(9.0, 0.2 * 1.024), (0.0, 0.2 * 1.024 * 0.976), (2.05, 0.2 * 1.024 * 0.976 * 1.003)]
    {
        let mut batch = in_threes(trainer.policy(), &table);
        trainer.credit(&Experience::new(&batch, &CELLS[..])).write_to(&mut batch);
        trainer.update(&Experience::new(&batch, &CELLS[..]), kl).unwrap();
        let found = trainer.coefficient().unwrap();
        assert!((found - expected).abs() < 1e-15, "KL {kl}: {found} against {expected}");
    }
}
