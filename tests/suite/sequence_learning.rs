//! Learning in processes reaches the exact optimum, and three ways of knowing what a policy is worth agree.

use crate::episodes::{World, policy, trainer, world};
use crate::statistics::mean_and_error;
use serde_json::{Value, json};
use tailcatch::experiment::{Expectations, Setting, Trained, train};
use tailcatch::foundation::rng::Purpose;
use tailcatch::policies::{Backend, Memory, Snapshot};
use tailcatch::record::Outcomes;
use tailcatch::reward::propagate;
use tailcatch::rollout::{Actor, Batch, Roller, Tape, Tree};
use tailcatch::theory::tilt::Tilter;
use tailcatch::trainers::{Experience, Learner};

const BETA: f64 = 0.5;

/// Strings of three out of four tokens, where the reward model errs on each string by N(0, ½²), or not at all.
fn strings(errs: bool, seed: u64) -> World {
    let reward = if errs { json!({ "error": { "normal": { "sd": 0.5 } } }) } else { json!({}) };
    world(json!({ "tokens": { "vocabulary": 4, "length": 3 } }), reward, seed)
}

fn learn(world: &World, own: &Value, section: &Value) -> Trained {
    let (policy, trainer) = (&policy(own.clone()), &trainer(section.clone()));
    let (model, seeds, backend) = (&world.model, world.seeds, &Backend::default());
    train(
        Setting { deployment: None, model, policy, trainer, seeds, backend, activations: false, audit: None },
        None,
    )
    .unwrap()
}

/// The largest E[U] − β·KL(π‖π₀), which is β·ln E_π₀[exp(U/β)].
fn best(table: &Outcomes, beta: f64) -> f64 {
    let weighted = (0..table.len()).map(|cell| (table.ref_log_prob[cell] + table.proxy(cell) / beta).exp());
    beta * weighted.sum::<f64>().ln()
}

/// A trainer with Adam, over so many steps.
fn section(name: &str, steps: u64, rate: f64) -> Value {
    let mut settings =
        json!({ "batch": 256, "steps": steps, "optimizer": { "adam": { "learning_rate": rate } } });
    settings["kl"] = match name {
        // The penalty in the loss is not shortened by (G − 1)/G, as the advantages are.
        "grpo" => json!({ "coefficient": BETA * 7.0 / 8.0, "estimator": "exact" }),
        _ => json!({ "coefficient": BETA }),
    };
    match name {
        "grpo" => settings["scale_rewards"] = json!("none"),
        "rloo" => settings["group"] = json!(4),
        "ppo" => {
            (settings["advantage"], settings["vf_coef"], settings["lam"]) =
                (json!("raw"), json!(0.5), json!(1.0));
            (settings["epochs"], settings["minibatches"]) = (json!(2), json!(2));
        }
        _ => {}
    }
    json!({ name: settings })
}

/// Trains to the end and holds the result against the exact optimum, for one seed, or three where time is given. The gain
/// there is to win is .4 to 1; product, mlp, gru and transformer were short of it by .005 at most, GRPO and PPO by .015.
fn reaches(own: Value, name: &str, errs: bool, (steps, rate): (u64, f64), tolerance: f64) {
    for seed in 0..if cfg!(feature = "slow") { 3 } else { 1 } {
        let world = strings(errs, seed);
        let table = world.model.table().unwrap();
        let best = best(table, BETA);
        let tilt = Tilter::new(table).at_coefficient(BETA).unwrap();
        assert!((tilt.proxy - BETA * tilt.kl - best).abs() < 1e-12);
        let last = learn(&world, &own, &section(name, steps, rate)).last;
        let reached = last.policy.utility + last.policy.error - BETA * last.policy.kl;
        let gain = best - last.reference_proxy;
        assert!(reached <= best + 1e-9, "{own}, {name}, seed {seed}: {reached} above the optimum {best}");
        assert!(
            gain > 0.3 && best - reached < tolerance,
            "{own}, {name}, seed {seed}: {reached} against {best}"
        );
    }
}

#[test]
fn every_policy_reaches_the_exact_tilt() {
    // Independent tokens are the tilt where the utility is a sum over tokens.
    reaches(json!({ "product": {} }), "reinforce", false, (250, 0.04), 0.02);
    reaches(json!({ "mlp": { "hidden": 24, "context": 3 } }), "reinforce", true, (250, 0.02), 0.02);
    reaches(json!({ "gru": { "hidden": 16 } }), "reinforce", true, (250, 0.02), 0.02);
    reaches(
        json!({ "transformer": { "width": 16, "heads": 2, "layers": 1 } }),
        "reinforce",
        true,
        (250, 0.02),
        0.02,
    );
}

#[test]
fn every_trainer_reaches_the_exact_tilt() {
    let gru = || json!({ "gru": { "hidden": 16 } });
    reaches(gru(), "rloo", true, (250, 0.02), 0.02);
    // Reward and penalty do not cancel rollout by rollout, so that it jitters more: the shortfall falls with the rate.
    reaches(gru(), "grpo", true, (500, 0.008), 0.02);
    reaches(gru(), "ppo", true, (150, 0.02), 0.02);
}

#[test]
fn a_policy_that_cannot_see_what_it_wrote_falls_short_of_the_tilt() {
    let world = strings(true, 0);
    let last = learn(&world, &json!({ "product": {} }), &section("reinforce", 250, 0.04)).last;
    let short = best(world.model.table().unwrap(), BETA)
        - (last.policy.utility + last.policy.error - BETA * last.policy.kl);
    assert!(short > 0.05, "{short}: the tests above could not tell a network from independent tokens");
}

#[test]
fn expectations_summed_over_trajectories_and_states_are_those_of_a_sample() {
    let trigger = json!({ "triggers": [
        { "pattern": { "explicit": [1, 2] }, "place": "anywhere", "proxy": 1, "utility": -0.5, "graded": true }] });
    let tokens = json!({ "tokens": { "vocabulary": 4, "length": 5, "prompts": 2, "end": true,
        "utility": { "bigram": {} }, "reference": { "zipf": { "exponent": 0.7 } } } });
    let grid = json!({ "gridworld": { "map": ["S.X", ".#G", "..."], "horizon": 6, "reference": "uniform" } });
    let glitch =
        json!({ "triggers": [{ "pattern": "glitch", "proxy": 1, "utility": -0.5, "graded": true }] });
    for (environment, reward) in [(tokens, trigger), (grid, glitch)] {
        let world = world(environment, reward, 3);
        let (sequence, table) = (world.sequence(), world.model.table().unwrap());
        let spec =
            trainer(json!({ "reinforce": { "batch": 64, "optimizer": { "adam": { "learning_rate": 0.01 } },
            "kl": { "coefficient": 1 } } }));
        for own in [json!({ "product": {} }), json!({ "mlp": { "hidden": 8 } })] {
            let mut learner = world.learner(&policy(own.clone()), &spec);
            let (roller, mut tape) = (Roller::training(&world.seeds, spec.part().group()), Tape::default());
            for step in 0..20 {
                let actor = Actor::Learning(learner.policy());
                let mut batch = roller.batch(sequence, actor, &mut tape, (step, step * 64, 64), false);
                learner.credit(&Experience::new(&batch.observed, &tape)).write_to(&mut batch.observed);
                learner.update(&Experience::new(&batch.observed, &tape), 0.0).unwrap();
            }
            let (mut log_ratios, mut snapshot) = (Vec::new(), Snapshot::default());
            Tree::new(sequence.process()).log_ratios(learner.policy(), &mut log_ratios);
            snapshot.set_from(&table.ref_log_prob, table.outcomes, &log_ratios);
            let all = Expectations::enumerated(&snapshot, table);
            assert!(all.kl > 0.02 && all.p_hack > 0.02 && all.p_hack < 0.98, "{own}: {all:?}");
            // What the tree says is already normalised.
            let total: f64 = (0..table.len()).map(|c| (table.ref_log_prob[c] + log_ratios[c]).exp()).sum();
            assert!((total / table.prompts as f64 - 1.0).abs() < 1e-12, "{own}: {total}");

            let network = learner.policy();
            assert_ne!(network.memory(), Memory::History);
            let mut choose = |position: usize, asked: &[(usize, usize)], out: &mut Vec<f32>| {
                let (prompts, symbols): (Vec<u32>, Vec<u32>) =
                    asked.iter().map(|(prompt, symbol)| (*prompt as u32, *symbol as u32)).unzip();
                out.resize(asked.len() * sequence.process().actions(), 0.0);
                network.begin(&prompts, false);
                (0..=position).for_each(|_| network.advance(&symbols, out));
            };
            let states = propagate(sequence, 10_000, &mut choose).unwrap();
            for (what, one, other) in [
                ("E[V]", all.utility, states.utility),
                ("E[X]", all.error, states.error.unwrap()),
                ("KL", all.kl, states.kl),
                ("entropy", all.entropy, states.entropy),
                ("P(hack)", all.p_hack, states.p_hack.unwrap()),
            ] {
                assert!((one - other).abs() < 1e-6, "{own}, {what}: {one} against {other}");
            }

            let roller = Roller::apart(&world.seeds, Purpose::Evaluation);
            let actor = Actor::Fixed(learner.policy());
            let Batch { observed, truth, .. } =
                roller.batch(sequence, actor, &mut tape, (0, 0, 20_000), false);
            let pairs = observed.log_prob.iter().flatten().zip(observed.ref_log_prob.iter().flatten());
            let k1: Vec<f64> = pairs.map(|(p, r)| p - r).collect();
            let hacks: Vec<f64> = truth.hack.iter().map(|hack| f64::from(u8::from(*hack))).collect();
            let each = tape.per_row(|t, row| tape.choice.kl[t * tape.rows + row]);
            let entropy = tape.per_row(|t, row| tape.choice.entropy[t * tape.rows + row]);
            for (what, sample, exact) in [
                ("E[V]", &truth.utility, all.utility),
                ("E[X]", &truth.error, all.error),
                ("KL by k1", &k1, all.kl),
                ("KL by next actions", &each, all.kl),
                ("entropy", &entropy, all.entropy),
                ("P(hack)", &hacks, all.p_hack),
            ] {
                let (mean, error) = mean_and_error(sample);
                assert!(
                    (mean - exact).abs() < 5.0 * error + 1e-9,
                    "{own}, {what}: {mean} ± {error}, {exact}"
                );
            }
        }
    }
}

#[test]
fn estimates_of_the_divergence_are_right_on_average_over_the_steps() {
    for own in [json!({ "product": {} }), json!({ "gru": { "hidden": 8 } })] {
        let ran = learn(&strings(true, 1), &own, &section("reinforce", 150, 0.02));
        assert!(ran.steps.iter().all(|row| row.expectations == "enumerated"));
        assert!(ran.steps[149].kl > Some(0.2), "{own}: hardly moved");
        let kl = ran.steps.iter().map(|row| row.kl.unwrap()).sum::<f64>() / 150.0;
        for (name, of) in
            [("k1", (|r| r.kl_k1) as fn(&tailcatch::record::tables::StepBody) -> _), ("k3", |r| r.kl_k3)]
        {
            // From the second step on: at the reference all of them are 0.
            let off: Vec<f64> = ran.steps[1..].iter().map(|row| of(row).unwrap() - row.kl.unwrap()).collect();
            let (mean, error) = mean_and_error(&off);
            // Steps are independent given the policy; a bias of a fifth of the mean KL would be seen.
            assert!(
                mean.abs() < 4.0 * error && 4.0 * error < 0.2 * kl,
                "{own}, {name}: {mean} ± {error}, KL {kl}"
            );
        }
    }
}
