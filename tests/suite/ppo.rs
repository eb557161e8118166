//! PPO against hand computation and against the exact optimum; advantage estimation and KL estimators against oracles.

use crate::learning::{CELLS, REWARDS, assert_policy, in_threes, learn, table};
use crate::ways::{WAYS, Way};
use serde_json::{Value, json};
use std::path::Path;
use tailcatch::policies::{Backend, Snapshot};
use tailcatch::trainers::estimators::estimate;
use tailcatch::trainers::{Contradiction, Estimator, Ground, Ppo, TrainerPart, gae};

fn settings(value: Value) -> Ppo {
    serde_json::from_value(value).unwrap()
}

fn fixture(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fixtures").join(name))
        .unwrap()
}

fn rows(name: &str) -> Vec<Vec<f64>> {
    fixture(name).lines().skip(1).map(|l| l.split(',').map(|x| x.parse().unwrap()).collect()).collect()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

#[test]
fn advantages_over_sequences_are_the_oracles() {
    let oracle: Value = serde_json::from_str(&fixture("gae.json")).unwrap();
    let steps = rows("gae_T50.csv");
    let column = |i: usize| steps.iter().map(|s| s[i]).collect::<Vec<f64>>();
    let (rewards, values) = (column(0), column(1));
    let done: Vec<bool> = column(2).iter().map(|d| *d != 0.0).collect();
    let bootstrap = oracle["bootstrap_value"].as_f64().unwrap();
    assert!(
        done.iter().filter(|d| **d).count() > 1 && !done[49],
        "episodes end within, and the last goes on"
    );
    let mut checked = 0;
    for (name, expected) in oracle.as_object().unwrap() {
        let Some((gamma, lambda)) = name.strip_prefix("gamma=").and_then(|n| n.split_once(",lambda=")) else {
            continue;
        };
        let found = gae(&rewards, &values, &done, bootstrap, gamma.parse().unwrap(), lambda.parse().unwrap());
        for (t, (advantage, target)) in
            numbers(&expected["adv"]).iter().zip(numbers(&expected["returns"])).enumerate()
        {
            assert!(
                (found[t] - advantage).abs() < 1e-12,
                "{name}, step {t}: {} against {advantage}",
                found[t]
            );
            assert!((found[t] + values[t] - target).abs() < 1e-12, "{name}, return {t}");
            checked += 1;
        }
    }
    assert!(checked >= 100, "{checked} advantages were checked");
}

#[test]
fn kl_estimators_are_the_oracles() {
    let oracle: Value = serde_json::from_str(&fixture("kl_estimators.json")).unwrap();
    let pairs = rows("logprobs_n2000.csv");
    for (k, (name, estimator)) in
        [("k1", Estimator::K1), ("k2", Estimator::K2), ("k3", Estimator::K3)].into_iter().enumerate()
    {
        let found: Vec<f64> = pairs.iter().map(|p| estimate(estimator, p[0], p[1]).unwrap()).collect();
        for (row, expected) in oracle["first5"].as_array().unwrap().iter().enumerate() {
            let expected = numbers(expected)[k];
            assert!(
                (found[row] - expected).abs() < 1e-12,
                "{name}, row {row}: {} against {expected}",
                found[row]
            );
        }
        let n = found.len() as f64;
        let mean = found.iter().sum::<f64>() / n;
        let sd = |freedom: f64| (found.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / freedom).sqrt();
        let stated = |what: &str| oracle[format!("{name}_{what}")].as_f64().unwrap();
        assert!((mean - stated("mean")).abs() < 1e-12, "{name}: mean {mean}");
        let nearest = (sd(n) - stated("sd")).abs().min((sd(n - 1.0) - stated("sd")).abs());
        assert!(nearest < 1e-12, "{name}: sd {} against {}", sd(n), stated("sd"));
    }
}

/// PPO written out in plain f64: ∂π/∂θ by the full Jacobian, losses as the papers have them.
struct ByHand {
    theta: Vec<f64>,
    values: Vec<f64>,
}

const RATE: f64 = 0.8;
const BETA: f64 = 0.3;
const ENTROPY: f64 = 0.05;
const VALUE: f64 = 0.5;

impl ByHand {
    /// One update; gives the advantages, the clipped share, and the largest norm of a gradient before its clip.
    fn update(
        &mut self,
        minibatches: usize,
        whiten: bool,
        masked: bool,
        largest: f64,
        way: Way,
    ) -> (Vec<f64>, f64, f64) {
        let table = table();
        let pi = |theta: &[f64]| {
            let mut policy = Snapshot::default();
            policy.set(&table, |cell| theta[cell]);
            policy
        };
        let old = pi(&self.theta);
        let before = self.values.clone();
        let shaped: Vec<f64> = (0..12)
            .map(|i| {
                way.label(i, REWARDS[i]) - BETA * (old.log_prob(CELLS[i]) - table.ref_log_prob[CELLS[i]])
            })
            .collect();
        let own: Vec<f64> = (0..12).map(|i| shaped[i] - before[CELLS[i] / 4]).collect();
        let counted: Vec<usize> = (0..12).filter(|i| way.counts(*i)).collect();
        let n = counted.len() as f64;
        let mean = counted.iter().map(|i| own[*i]).sum::<f64>() / n;
        let sd = (counted.iter().map(|i| (own[*i] - mean).powi(2)).sum::<f64>() / n).sqrt();
        let advantage: Vec<f64> = own.iter().map(|a| if whiten { (a - mean) / sd } else { *a }).collect();
        let (mut clipped, mut steepest) = (0, 0f64);
        for epoch in 0..4 {
            for part in 0..minibatches {
                let rows = part * 12 / minibatches..(part + 1) * 12 / minibatches;
                let rows: Vec<usize> = rows.filter(|i| way.counts(*i)).collect();
                let size = rows.len();
                if size == 0 {
                    continue;
                }
                let policy = pi(&self.theta);
                let (mut gradient, mut of_value) = (vec![0.0; 8], vec![0.0; 2]);
                for i in rows {
                    let (cell, prompt, a) = (CELLS[i], CELLS[i] / 4, advantage[i]);
                    let ratio = (policy.log_prob(cell) - old.log_prob(cell)).exp();
                    let cut = (a > 0.0 && ratio > 1.2) || (a < 0.0 && ratio < 0.8);
                    clipped += usize::from(cut);
                    for (other, slope) in gradient.iter_mut().enumerate().skip(prompt * 4).take(4) {
                        let own = f64::from(u8::from(other == cell));
                        let jacobian = if masked && epoch > 0 { own } else { own - policy.prob(other) };
                        let push = if masked { a } else { a * ratio };
                        *slope -= if cut { 0.0 } else { push * jacobian / size as f64 };
                    }
                    let (v, r) = (self.values[prompt], shaped[i]);
                    let held = v.clamp(before[prompt] - 0.2, before[prompt] + 0.2);
                    if (v - r).powi(2) >= (held - r).powi(2) {
                        of_value[prompt] += VALUE * (v - r) / size as f64;
                    }
                }
                for (cell, slope) in gradient.iter_mut().enumerate() {
                    let row = cell / 4 * 4..cell / 4 * 4 + 4;
                    let entropy: f64 = row.map(|c| -policy.prob(c) * policy.log_prob(c)).sum();
                    *slope += ENTROPY * policy.prob(cell) * (policy.log_prob(cell) + entropy) / 2.0;
                }
                let norm = gradient.iter().chain(&of_value).map(|g| g * g).sum::<f64>().sqrt();
                steepest = steepest.max(norm);
                let scale = (largest / norm).min(1.0);
                self.theta.iter_mut().zip(&gradient).for_each(|(t, g)| *t -= RATE * scale * g);
                self.values.iter_mut().zip(&of_value).for_each(|(v, g)| *v -= RATE * scale * g);
            }
        }
        (advantage, clipped as f64 / (4.0 * n), steepest)
    }
}

#[test]
fn updates_are_those_written_out_by_hand() {
    let table = table();
    let (mut clips, mut limited) = (0.0, false);
    let parts = |way| [(1, way), (3, way), (12, way)];
    for (minibatches, way) in WAYS.into_iter().flat_map(parts) {
        for (advantage, surrogate) in
            [("batch_normalised", "clipped"), ("raw", "clipped"), ("batch_normalised", "masked")]
        {
            for largest in [None, Some(0.4)] {
                let settings = settings(json!({
                    "batch": 12, "minibatches": minibatches, "advantage": advantage, "surrogate": surrogate,
                    "optimizer": { "sgd": { "learning_rate": RATE } }, "kl": { "coefficient": BETA },
                    "entropy_coef": ENTROPY, "vf_coef": VALUE, "max_grad_norm": largest
                }));
                assert!(settings.contradictions().is_empty());
                let mut trainer = settings
                    .start(Ground {
                        table: &table.observed(),
                        reference_proxies: &[],
                        backend: &Backend::default(),
                    })
                    .unwrap();
                let mut hand = ByHand { theta: vec![0.0; 8], values: vec![0.0; 2] };
                // V is seen in the advantages of the next update.
                for update in 0..3 {
                    let what = format!(
                        "{minibatches} parts, {advantage}, {surrogate}, {largest:?}, {way:?}, update {update}"
                    );
                    let mut batch = in_threes(trainer.policy(), &table);
                    let labels = way.labels(&batch);
                    trainer.credit(&way.experience(&batch, &CELLS[..], &labels)).write_to(&mut batch);
                    let (advantages, clipped, steepest) = hand.update(
                        minibatches,
                        advantage != "raw",
                        surrogate == "masked",
                        largest.unwrap_or(f64::INFINITY),
                        way,
                    );
                    for (i, (a, b)) in batch.advantage.as_ref().unwrap().iter().zip(&advantages).enumerate() {
                        let b = if way.counts(i) { *b } else { 0.0 };
                        assert!((a - b).abs() < 1e-5, "{what}: advantage {a} against {b}");
                    }
                    trainer.update(&way.experience(&batch, &CELLS[..], &labels), 0.0).unwrap();
                    assert_policy(&what, trainer.as_mut(), &hand.theta, &table);
                    assert_eq!(trainer.clip_fraction(), Some(clipped), "{what}");
                    clips += clipped;
                    limited |= largest.is_some_and(|l| steepest > l);
                }
            }
        }
    }
    assert!(clips > 0.5 && limited, "neither clip was tested: {clips}, {limited}");
}

#[test]
fn training_reaches_the_exact_optimum() {
    let beta = 0.5;
    for seed in 0..3 {
        for advantage in ["batch_normalised", "raw"] {
            let trainer = json!({
                "batch": 512, "steps": 800, "minibatches": 2, "advantage": advantage,
                "optimizer": { "adam": { "learning_rate": 0.01 } }, "kl": { "coefficient": beta }
            });
            let learned = learn(seed, &settings(trainer));
            let (reached, best) = (learned.objective(beta), learned.best(beta));
            assert!(
                reached <= best + 1e-6 && best - reached < 0.03,
                "{advantage}, {seed}: {reached} of {best}"
            );
        }
    }
}

#[test]
fn contradictions_are_named_with_their_remedy() {
    let bad = |value: Value| settings(value).contradictions().remove(0);
    let Contradiction { key, remedy, .. } = bad(json!({ "batch": 250, "minibatches": 4 }));
    assert!(key == "minibatches" && remedy.contains("batch = 252"), "{key}: {remedy}");
    assert_eq!(bad(json!({ "batch": 1 })).key, "batch");
    assert_eq!(bad(json!({ "kl": { "place": "loss" } })).key, "kl.estimator");
    assert!(settings(json!({})).contradictions().is_empty());
}

#[test]
fn the_estimated_cost_grows_with_the_descent_steps_of_a_batch() {
    let seconds = |epochs: u32| {
        let text = format!(
            "question = '?'\n[environment.bandit]\noutcomes = 500_000\n[trainer.ppo]\nepochs = {epochs}\nminibatches = 2\n"
        );
        let loaded = tailcatch::config::from_bytes("test.toml", text.as_bytes(), &[]).unwrap();
        tailcatch::experiment::cost(&loaded).cpu_seconds
    };
    let [one, two, three] = [1, 2, 3].map(seconds);
    assert!(two > 1.3 * one && ((three - two) / (two - one) - 1.0).abs() < 1e-9, "{one} {two} {three}");
}
