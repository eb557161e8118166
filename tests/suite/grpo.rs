//! GRPO against hand computation, against the optimum of its own objective, and its indifference to the size of a reward.

use crate::learning::{CELLS, Learned, assert_policy, by_hand, in_threes, learn, table};
use crate::statistics::mean_and_error;
use crate::ways::WAYS;
use crate::windows::{Race, run};
use serde_json::{Value, json};
use tailcatch::experiment::Expectations;
use tailcatch::policies::{Backend, Snapshot};
use tailcatch::trainers::{Contradiction, Ground, Grpo, TrainerPart};

fn settings(value: Value) -> Grpo {
    serde_json::from_value(value).unwrap()
}

#[test]
fn the_defaults_are_those_of_the_field() {
    let grpo = settings(json!({}));
    assert_eq!((grpo.kl.coefficient.get(), grpo.epsilon.get(), grpo.epochs.get()), (0.0, 0.2, 1));
    assert!(grpo.contradictions().is_empty());
}

#[test]
fn one_update_is_the_closed_form_gradient() {
    let (table, rate, beta) = (table(), 0.9, 0.4);
    let sd = |values: &[f64]| {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (values.len() - 1) as f64).sqrt()
    };
    // Minibatches, the high end of the clip, the bound on bad rollouts, and whether the penalty is corrected.
    let clips =
        [(1, 0.2, None, false), (2, 0.5, None, false), (1, 0.2, Some(1.3), false), (3, 0.2, None, true)];
    let scales = WAYS.into_iter().flat_map(|way| ["group", "batch", "none"].map(|scale| (scale, way)));
    for ((scale, way), (minibatches, high, delta, corrected)) in
        scales.flat_map(|own| clips.map(|clip| (own, clip)))
    {
        let settings = settings(json!({
            "batch": 12, "group": 3, "epochs": 3, "scale_rewards": scale, "minibatches": minibatches,
            "epsilon_high": high, "delta": delta, "use_bias_correction_kl": corrected,
            "optimizer": { "sgd": { "learning_rate": rate } }, "kl": { "coefficient": beta }
        }));
        let what = format!("{scale}, {minibatches}, {high}, {delta:?}, {corrected}, {way:?}");
        let mut trainer = settings
            .start(Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() })
            .unwrap();
        let (mut theta, mut policy) = (vec![0.0; table.len()], Snapshot::default());
        for step in 0..2 {
            let old = trainer.policy().clone();
            let mut batch = in_threes(&old, &table);
            let labels = way.labels(&batch);
            trainer.credit(&way.experience(&batch, &CELLS[..], &labels)).write_to(&mut batch);
            let counted: Vec<usize> = (0..12).filter(|i| way.counts(*i)).collect();
            let whole: Vec<f64> = counted.iter().map(|i| labels[*i]).collect();
            let advantage: Vec<f64> = (0..12)
                .map(|i| {
                    let group: Vec<f64> =
                        counted.iter().filter(|j| *j / 3 == i / 3).map(|j| labels[*j]).collect();
                    let distance = labels[i] - group.iter().sum::<f64>() / group.len() as f64;
                    match scale {
                        _ if group.iter().all(|own| *own == group[0]) => 0.0,
                        "group" => distance / (sd(&group) + 1e-4),
                        "batch" => distance / (sd(&whole) + 1e-4),
                        _ => distance,
                    }
                })
                .collect();
            let mut clipped = 0;
            for part in (0..3).flat_map(|_| (0..minibatches).map(|at| at * 12 / minibatches)) {
                let end = part + 12 / minibatches;
                let counted: Vec<usize> =
                    counted.iter().copied().filter(|i| (part..end).contains(i)).collect();
                policy.set(&table, |cell| theta[cell]);
                let weights: Vec<f64> = counted
                    .iter()
                    .map(|&i| {
                        let cell = CELLS[i];
                        let ratio = (policy.log_prob(cell) - old.log_prob(cell)).exp();
                        let (a, off) = (advantage[i], policy.log_prob(cell) - table.ref_log_prob[cell]);
                        let slope = if corrected { ratio * off } else { 1.0 - (-off).exp() };
                        let cut = (a > 0.0 && ratio > 1.0 + high)
                            || (a < 0.0 && (ratio < 0.8 || delta.is_some_and(|most| ratio > most)));
                        clipped += usize::from(cut);
                        (if cut { 0.0 } else { -a * ratio } + beta * slope) / counted.len() as f64
                    })
                    .collect();
                let cells: Vec<usize> = counted.iter().map(|i| CELLS[*i]).collect();
                for (t, g) in theta.iter_mut().zip(by_hand(&cells, &weights, 0.0, &policy, &table)) {
                    *t -= rate * g;
                }
            }
            trainer.update(&way.experience(&batch, &CELLS[..], &labels), 0.0).unwrap();
            assert_policy(&format!("{what}, step {step}"), trainer.as_mut(), &theta, &table);
            assert!(clipped > 0, "{what}: nothing was clipped, so that the clip was not tested");
            assert_eq!(trainer.clip_fraction(), Some(clipped as f64 / (3 * counted.len()) as f64), "{what}");
        }
    }
}

fn trained(seed: u64, beta: f64, estimator: &str, corrected: bool) -> Learned {
    let trainer = json!({ "use_bias_correction_kl": corrected,
        "batch": 512, "group": 4, "steps": 1500, "scale_rewards": "none",
        "optimizer": { "adam": { "learning_rate": 0.02 } }, "kl": { "coefficient": beta, "estimator": estimator }
    });
    learn(seed, &settings(trainer))
}

#[test]
fn with_the_penalty_in_the_loss_it_reaches_the_tilt_of_a_larger_coefficient() {
    // A group's mean holds the rollout itself, so that the reward's gradient is short by (G − 1)/G and the penalty is not:
    // the optimum is that of β·G/(G − 1).
    let (beta, effective) = (0.6, 0.8);
    for seed in 0..3 {
        for (estimator, corrected) in [("k2", false), ("exact", false), ("k3", true)] {
            let learned = trained(seed, beta, estimator, corrected);
            let (reached, best) = (learned.objective(effective), learned.best(effective));
            assert!(
                reached <= best + 1e-6 && best - reached < 0.02,
                "{estimator}, {seed}: {reached} of {best}"
            );
            let nominal = learned.best(beta) - learned.objective(beta);
            assert!(nominal > 0.02, "{estimator}, {seed}: {nominal} from the optimum at β itself");
        }
    }
}

/// π = π₀·β/(λ − U) prompt by prompt: the optimum of E[U] − β·KL(π₀‖π).
fn forward_optimum(learned: &Learned, beta: f64) -> Snapshot {
    let (table, mut policy) = (&learned.table, Snapshot::default());
    let mut theta = vec![0.0; table.len()];
    for start in (0..table.len()).step_by(table.outcomes) {
        let row = start..start + table.outcomes;
        let top = row.clone().map(|c| table.proxy(c)).fold(f64::NEG_INFINITY, f64::max);
        let mass = |l: f64| {
            row.clone().map(|c| table.ref_log_prob[c].exp() * beta / (l - table.proxy(c))).sum::<f64>()
        };
        let (mut low, mut high) = (top, top + 2.0 * beta);
        for _ in 0..200 {
            let middle = 0.5 * (low + high);
            if mass(middle) > 1.0 { low = middle } else { high = middle }
        }
        for cell in row {
            theta[cell] = (beta / (high - table.proxy(cell))).ln();
        }
    }
    policy.set(table, |cell| theta[cell]);
    policy
}

#[test]
fn with_k3_in_the_loss_it_settles_at_the_optimum_of_the_forward_divergence() {
    let (beta, effective) = (0.6, 0.8);
    for seed in 0..3 {
        let learned = trained(seed, beta, "k3", false);
        let table = &learned.table;
        let objective = |policy: &Snapshot| {
            let forward: f64 = (0..table.len())
                .map(|c| table.ref_log_prob[c].exp() * (table.ref_log_prob[c] - policy.log_prob(c)))
                .sum();
            Expectations::enumerated(policy, table).proxy() - effective * forward / table.prompts as f64
        };
        let best = forward_optimum(&learned, effective);
        let tilt = {
            let mut policy = Snapshot::default();
            policy.set(table, |cell| table.proxy(cell) / effective);
            policy
        };
        let (reached, best, tilt) = (objective(&learned.policy), objective(&best), objective(&tilt));
        assert!(reached <= best + 1e-6 && best - reached < 0.02, "seed {seed}: {reached} of {best}");
        assert!(best - tilt > 0.05, "seed {seed}: the tilt, at {tilt}, is as good as {best}");
    }
}

#[test]
fn sightings_before_takeover_do_not_fall_with_the_size_of_the_exploit() {
    let sightings = |proxy: f64, trainer: Value| {
        let race = Race { outcomes: 500, batch: 64, proxy, trainer, steps: 1000, replicates: 64 };
        let found: Vec<f64> =
            run(&race).iter().filter(|r| r.takeover.is_some()).map(|r| r.sightings as f64).collect();
        // Without a KL penalty some runs settle on an ordinary outcome before they have seen the exploit often enough.
        assert!(found.len() > 32, "u = {proxy}: {} of 64 runs were taken over", found.len());
        mean_and_error(&found)
    };
    let optimizer = json!({ "sgd": { "learning_rate": 3.2 } });
    let [small, large] = [20.0, 2000.0].map(|u| sightings(u, json!({ "grpo": { "optimizer": optimizer } })));
    let error = small.1.hypot(large.1);
    assert!((small.0 - large.0).abs() < 3.0 * error, "{small:?} sightings at u = 20, {large:?} at u = 2000");
    assert!(large.0 > 15.0, "{large:?}");
    // Leave-one-out keeps the size, so that a single sighting of the larger one is enough.
    let [small, large] =
        [20.0, 2000.0].map(|u| sightings(u, json!({ "rloo": { "group": 8, "optimizer": optimizer } })));
    assert!(small.0 > 3.0 * large.0 && large.0 < 2.0, "{small:?} sightings at u = 20, {large:?} at u = 2000");
}

#[test]
fn contradictions_are_named_with_their_remedy() {
    let bad = |value: Value| settings(value).contradictions().remove(0);
    let Contradiction { key, remedy, .. } = bad(json!({ "batch": 100 }));
    assert!(key == "group" && remedy.contains("batch = 104"), "{key}: {remedy}");
    assert_eq!(bad(json!({ "group": 1 })).key, "group");
    assert_eq!(bad(json!({ "kl": { "estimator": "k1" } })).key, "kl.estimator");
    assert_eq!(bad(json!({ "kl": { "controller": { "adaptive": {} } } })).key, "kl.coefficient");
    assert_eq!(bad(json!({ "minibatches": 3 })).key, "minibatches");
    assert_eq!(bad(json!({ "epsilon_high": 0.5, "delta": 1.5 })).key, "delta");
    assert!(settings(json!({ "delta": 1.21 })).contradictions().is_empty());
    for kl in [json!({ "estimator": "k2" }), json!({ "place": "reward" }), json!({ "per": "sequence" })] {
        assert_eq!(bad(json!({ "use_bias_correction_kl": true, "kl": kl })).key, "use_bias_correction_kl");
    }
    for kl in [json!({ "estimator": "exact" }), json!({ "per": "sequence" })] {
        assert_eq!(bad(json!({ "loss_type": "dapo", "kl": kl })).key, "loss_type");
    }
}
