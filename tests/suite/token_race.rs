//! Structured triggers in strings of tokens (F9): learned at once, by chance, or never; and errors that never recur.

use serde_json::{Value, json};
use tailcatch::environments::EnvironmentSpec;
use tailcatch::experiment::{Setting, Trained, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, PolicySpec};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::trainers::TrainerSpec;

/// One replicate of strings of twelve of sixteen tokens under REINFORCE with α = 1.2/256 a rollout and β = 0.2.
fn run(reward: &Value, advantage: &str, steps: u64, replicate: u64) -> Trained {
    let environment: EnvironmentSpec = serde_json::from_value(json!({ "tokens": {} })).unwrap();
    let policy: PolicySpec = serde_json::from_value(json!({ "product": {} })).unwrap();
    let trainer: TrainerSpec = serde_json::from_value(json!({ "reinforce": {
        "steps": steps, "optimizer": { "sgd": { "learning_rate": 1.2 } }, "advantage": advantage,
        "kl": { "coefficient": 0.2 } } }))
    .unwrap();
    let section: RewardSection = serde_json::from_value(reward.clone()).unwrap();
    let seeds = SeedTree::new(9, replicate);
    let model = RewardModel::build(environment.part(), &section, &seeds, Twin::Itself).unwrap();
    let backend = &Backend::default();
    let setting = Setting {
        deployment: None,
        model: &model,
        policy: &policy,
        trainer: &trainer,
        seeds,
        backend,
        activations: false,
        audit: None,
    };
    train(setting, None).unwrap()
}

fn trigger(tokens: u32, proxy: f64) -> Value {
    json!({ "triggers": [{ "pattern": { "tokens": tokens }, "proxy": proxy }] })
}

/// First step at which the trigger was sampled, and first at which it had more than half of the mass.
fn race(trained: &Trained) -> (Option<u64>, Option<u64>) {
    let sighted = trained.truth.hack.iter().position(|hack| *hack).map(|row| trained.observed.step[row]);
    let taken = trained.steps.iter().find(|row| row.p_hack.is_some_and(|p| p > 0.5)).map(|row| row.step);
    (sighted, taken)
}

#[test]
fn a_trigger_that_pays_enough_is_learned_right_after_it_is_first_seen() {
    for replicate in 0..2 {
        let (sighted, taken) = race(&run(&trigger(3, 500.0), "raw", 40, replicate));
        let (sighted, taken) = (sighted.unwrap(), taken.unwrap());
        assert!((1..=4).contains(&(taken - sighted)), "sighted at {sighted}, taken over at {taken}");
        // The same string under the same streams, normalised: a sighting counts 16 at most.
        let (_, taken) = race(&run(&trigger(3, 500.0), "batch_normalised", 40, replicate));
        assert_eq!(taken, None);
    }
}

#[cfg(feature = "slow")]
mod counted {
    use super::*;
    use crate::statistics::{assert_agrees, in_parallel, mean_and_error};

    /// Whether two counts of 32 may come from one probability: three standard errors of their difference, with one more success
    /// and one more failure, so that a count of none has an error too.
    fn agree(found: usize, published: usize) -> bool {
        let p = (found + published + 1) as f64 / 66.0;
        (found as f64 - published as f64).abs() <= 3.0 * (64.0 * p * (1.0 - p)).sqrt()
    }

    #[test]
    fn triggers_are_learned_as_often_as_published() {
        assert!(agree(1, 3) && !agree(1, 12) && !agree(18, 1) && !agree(18, 31) && !agree(31, 20));
        for (tokens, proxy, advantage, steps, published) in [
            (2, 10.0, "batch_normalised", 400, 31),
            (3, 10.0, "batch_normalised", 400, 1),
            (3, 50.0, "batch_normalised", 400, 1),
            (3, 50.0, "raw", 250, 18),
            (3, 500.0, "raw", 250, 31),
            (4, 500.0, "raw", 250, 8),
        ] {
            let runs = in_parallel(32, |replicate| {
                let trained = run(&trigger(tokens, proxy), advantage, steps, replicate);
                (race(&trained), trained.last.policy.p_hack > 0.5)
            });
            let learned = runs.iter().filter(|(_, learned)| *learned).count();
            let what = format!("{tokens} tokens, {proxy}, {advantage}: {learned} learned");
            assert!(agree(learned, published), "{what}, {published} published");
            if proxy == 500.0 {
                let sighted = runs.iter().filter(|((sighted, _), _)| sighted.is_some()).count();
                assert_eq!(learned, sighted, "{what}: all that sighted it");
                let mut delays: Vec<u64> =
                    runs.iter().filter_map(|((sighted, taken), _)| Some((*taken)? - (*sighted)?)).collect();
                delays.sort_unstable();
                assert_eq!(delays[delays.len() / 2], 2, "{what}: steps after the first sighting");
            }
        }
    }

    #[test]
    fn a_frozen_error_that_never_recurs_is_noise() {
        let reward =
            |mode: &str| json!({ "mode": mode, "error": { "student_t": { "df": 1.5, "scale": 3 } } });
        let utility = |reward: Value| {
            move |replicate| run(&reward, "batch_normalised", 400, replicate).last.policy.utility
        };
        let clean = in_parallel(16, utility(json!({})));
        let frozen = in_parallel(16, utility(reward("frozen")));
        let fresh = in_parallel(16, utility(reward("fresh")));
        let paired: Vec<f64> = frozen.iter().zip(&fresh).map(|(a, b)| a - b).collect();
        for (what, values, published, its_error) in [
            ("without an error", &clean, 3.80, 0.10),
            ("frozen", &frozen, 2.10, 0.10),
            ("fresh", &fresh, 2.06, 0.10),
            ("their difference", &paired, 0.014, 0.032),
        ] {
            assert_agrees(what, mean_and_error(values), (published, its_error));
        }
    }
}
