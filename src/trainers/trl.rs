//! Advantages, losses, gradients and optimizer steps are those that TRL computes on the same batch:
//! `tests/suite/fixtures/trl_grpo.json` was made by running it (`python/tests/trl_losses.py`).

use super::learner::optimizer::OptimizerSpec;
use super::learner::recipe::Recipe;
use super::loss::average::Averaging;
use super::loss::compared::compared;
use super::loss::estimators::estimate;
use super::loss::kl::Estimator;
use super::loss::norm::shrinkage;
use super::loss::token_credit::{Paid, TokenCredit};
use super::loss::token_slopes::{Loss, slopes};
use super::loss::weight::Weight;
use super::settings::{Grpo, Rloo, TrainerPart};
use crate::policies::TabularPolicy;
use crate::rollout::{Choice, Tape};
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use serde_json::{Value, json};
use std::ops::Range;

fn fixture() -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/suite/fixtures/trl_grpo.json");
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|x| x.as_f64().unwrap()).collect()
}

/// Logits of shape \[positions, rows, actions\] as ln π.
fn normalised(logits: &[f64], actions: usize) -> Vec<f64> {
    let of = |own: &[f64]| {
        let total = own.iter().map(|x| x.exp()).sum::<f64>().ln();
        own.iter().map(|x| x - total).collect::<Vec<_>>()
    };
    logits.chunks(actions).flat_map(of).collect()
}

/// The batch of the fixture.
struct Toy {
    fixture: Value,
    tokens: Vec<Vec<usize>>,
    actions: usize,
    tape: Tape,
    /// Logits of the policy that sampled and of the policy now, \[positions, rows, actions\].
    ends: [Vec<f64>; 2],
}

impl Toy {
    fn new() -> Self {
        let fixture = fixture();
        let batch = &fixture["batch"];
        let of_row = |row: &Value| numbers(row).into_iter().map(|t| t as usize).collect();
        let tokens: Vec<Vec<usize>> = batch["tokens"].as_array().unwrap().iter().map(of_row).collect();
        let size = |key: &str| fixture[key].as_u64().unwrap() as usize;
        let (rows, positions, actions) = (tokens.len(), size("horizon"), size("actions"));
        let places = || (0..positions).flat_map(|t| (0..rows).map(move |row| (t, row)));
        let logits = |name: &str| -> Vec<f64> {
            places().flat_map(|(t, row)| numbers(&batch["logits"][name][row][t])).collect()
        };
        let chosen = places().map(|(t, row)| tokens[row].get(t).copied().unwrap_or(0) as u32).collect();
        let truncated = batch["truncated"].as_array().unwrap();
        let tape = Tape {
            rows,
            actions,
            positions,
            horizon: positions,
            prompts: vec![0; rows],
            lengths: tokens.iter().map(|own| own.len() as u32).collect(),
            truncated: truncated.iter().map(|own| own.as_bool().unwrap()).collect(),
            symbols: vec![0; rows * positions],
            chosen,
            reference: normalised(&logits("reference"), actions),
            choice: Choice::default(),
        };
        let ends = ["old", "now"].map(logits);
        let mut toy = Self { tokens, actions, tape, ends, fixture };
        toy.tape.choice = toy.choice(0.0);
        toy
    }

    /// What the policy does along the batch at a point of the straight way from the one that sampled to the one of now.
    fn choice(&self, share: f64) -> Choice {
        let [old, now] = &self.ends;
        let logits: Vec<f64> = old.iter().zip(now).map(|(old, now)| old + share * (now - old)).collect();
        let log_probs = normalised(&logits, self.actions);
        let each = log_probs.chunks(self.actions).zip(&self.tape.chosen);
        let log_prob: Vec<f64> = each.map(|(own, chosen)| own[*chosen as usize]).collect();
        let none = vec![0.0; log_prob.len()];
        let prob = log_probs.iter().map(|log| log.exp()).collect();
        Choice { prob, log_prob, kl: none.clone(), entropy: none, ..Choice::default() }
    }

    /// The same of some rows.
    fn part(&self, choice: &Choice, rows: &Range<usize>) -> Choice {
        Tape { choice: choice.clone(), ..self.tape.clone() }.select(rows.clone()).choice
    }

    fn groups(&self) -> Vec<u64> {
        let size = self.fixture["group"].as_u64().unwrap();
        (0..self.tokens.len() as u64).map(|row| row / size).collect()
    }

    /// What rollouts are credited with.
    fn credited(&self, recipe: &Recipe, rewards: &[f64]) -> TokenCredit {
        let mut credit = TokenCredit::default();
        let objective = &recipe.objective;
        let (groups, weight, none) = (self.groups(), Weight::ONE, vec![0.0; rewards.len()]);
        let (shaped, penalty, coefficient) = (rewards, &none[..], objective.kl.coefficient.get());
        let groups = &groups;
        credit.fill(
            &Paid { objective, coefficient, shaped, penalty, rewards, functions: &[], groups, weight },
            &self.tape,
        );
        credit
    }
}

/// Our settings for those of TRL.
fn settings(trl: &Value) -> Grpo {
    let of = |key: &str, default: Value| trl.get(key).cloned().unwrap_or(default);
    let count = |key: &str| of(key, json!(1)).as_u64().unwrap();
    let loss_type = match of("loss_type", json!("dapo")) {
        Value::String(own) if own == "luspo" => json!("sum"),
        own => own,
    };
    let beta = of("beta", json!(0.0));
    let mut own = json!({
        "batch": 12, "group": 4, "loss_type": loss_type, "kl": { "coefficient": beta },
        "use_bias_correction_kl": of("use_bias_correction_kl", json!(true)),
        "minibatches": count("steps_per_generation") / count("gradient_accumulation_steps"),
    });
    let same = [
        "importance_sampling_level",
        "mask_truncated_completions",
        "scale_rewards",
        "multi_objective_aggregation",
        "epsilon",
        "epsilon_high",
        "delta",
    ];
    for key in same {
        if let Some(value) = trl.get(key) {
            own[key] = value.clone();
        }
    }
    serde_json::from_value(own).unwrap()
}

/// The gradient in the logits of one minibatch at some point of the way.
fn gradient(toy: &Toy, recipe: &Recipe, credit: &TokenCredit, rows: Range<usize>, now: &Choice) -> Vec<f64> {
    let (tape, objective) = (&toy.tape, &recipe.objective);
    let shares = averaging(recipe).shares(tape, rows.clone());
    let loss = Loss {
        objective,
        coefficient: objective.kl.coefficient.get(),
        credit,
        shares: &shares,
        rows: (rows.start, tape.rows),
        later: true,
    };
    let (mut found, mut values) = (Vec::new(), Vec::new());
    slopes(&loss, &tape.select(rows.clone()), &toy.part(now, &rows), &mut found, &mut values);
    found.into_iter().map(f64::from).collect()
}

fn averaging(recipe: &Recipe) -> Averaging<'static> {
    Averaging {
        loss_type: recipe.objective.loss_type,
        mask_truncated: recipe.objective.mask_truncated,
        weight: Weight::ONE,
        minibatches: recipe.minibatches,
    }
}

/// Holds a gradient in the logits to TRL's in ln π of the actions taken.
fn hold(what: &str, toy: &Toy, rows: &Range<usize>, now: &Choice, found: &[f64], expected: &Value) {
    let expected: Vec<Vec<f64>> = expected.as_array().unwrap().iter().map(numbers).collect();
    let largest = expected.iter().flatten().fold(0f64, |most, g| most.max(g.abs()));
    assert!(largest > 1e-3, "{what}: nothing is pushed");
    let now = toy.part(now, rows);
    for (at, own) in found.chunks(toy.actions).enumerate() {
        let (t, row) = (at / rows.len(), at % rows.len());
        let slope = expected[row].get(t).copied().unwrap_or(0.0);
        for (action, own) in own.iter().enumerate() {
            let hit = f64::from(u8::from(toy.tokens[rows.start + row].get(t) == Some(&action)));
            let want = slope * (hit - now.prob[at * toy.actions + action]);
            let off = (own - want).abs();
            assert!(off < 1e-5 * largest, "{what}, row {row}, action {t}: {own} against {want}");
        }
    }
}

#[test]
fn losses_and_gradients_are_those_of_trl() {
    let toy = Toy::new();
    let rewards = numbers(&toy.fixture["batch"]["quality"]);
    let (tape, rows) = (&toy.tape, toy.tokens.len());
    let [sampled, now] = [0.0, 1.0].map(|share| toy.choice(share));
    let mut checked = 0;
    for case in toy.fixture["losses"].as_array().unwrap() {
        let settings = settings(&case["settings"]);
        assert_eq!(settings.contradictions(), vec![], "{}", case["settings"]);
        let recipe = settings.recipe().unwrap();
        let credit = toy.credited(&recipe, &rewards);
        let size = rows / recipe.minibatches as usize;
        for (at, (before, after)) in steps(case).enumerate() {
            let (part, what) = (at * size..(at + 1) * size, format!("{}, step {at}", case["settings"]));
            for (choice, expected) in [(&sampled, before), (&now, after)] {
                let found = gradient(&toy, &recipe, &credit, part.clone(), choice);
                hold(&what, &toy, &part, choice, &found, &expected["gradient"]);
            }
            // The loss of the policy that sampled, whose ratios are 1, and from there what the gradient adds up to.
            let mut loss = at_sampling(&recipe, tape, &credit, &part);
            let expected = before["loss"].as_f64().unwrap();
            assert!(
                (loss - expected).abs() < 1e-5 * expected.abs().max(0.05),
                "{what}: {loss} against {expected}"
            );
            loss += way(&toy, &recipe, &credit, &part);
            let expected = after["loss"].as_f64().unwrap();
            assert!(
                (loss - expected).abs() < 1e-5 * expected.abs().max(0.05),
                "{what}: {loss} against {expected}"
            );
            checked += 1;
        }
    }
    assert!(checked >= 55, "{checked}");
}

/// What is kept of a case: each optimizer step at sampling, and now.
fn steps(case: &Value) -> impl Iterator<Item = (&Value, &Value)> {
    let of = |key: &str| case[key].as_array().unwrap().iter();
    of("at_sampling").zip(of("now"))
}

/// The loss of a minibatch under the policy that sampled it.
fn at_sampling(recipe: &Recipe, tape: &Tape, credit: &TokenCredit, part: &Range<usize>) -> f64 {
    let shares = averaging(recipe).shares(tape, part.clone());
    let mut loss = 0.0;
    for (row, share) in part.clone().zip(shares) {
        for t in (0..tape.positions).filter(|&t| tape.acts(t, row)) {
            let place = t * tape.rows + row;
            let k3 = estimate(Estimator::K3, tape.choice.log_prob[place], tape.ref_log_prob(t, row)).unwrap();
            let penalty = recipe.objective.kl.coefficient.get() * k3;
            loss += share.unwrap_or(0.0) * (penalty - credit.advantage[place]);
        }
    }
    loss
}

/// ∫ gradient·d(logits) from the policy that sampled to the one of now, by Simpson's rule in parts that are halved where it jumps.
fn way(toy: &Toy, recipe: &Recipe, credit: &TokenCredit, part: &Range<usize>) -> f64 {
    let select = |logits: &[f64]| -> Vec<f64> {
        let wide = toy.tokens.len() * toy.actions;
        let cells = part.start * toy.actions..part.end * toy.actions;
        logits.chunks(wide).flat_map(|position| position[cells.clone()].to_vec()).collect()
    };
    let [start, end] = [0, 1].map(|end| select(&toy.ends[end]));
    let along = |share: f64| {
        let slopes = gradient(toy, recipe, credit, part.clone(), &toy.choice(share));
        slopes.iter().zip(start.iter().zip(&end)).map(|(g, (a, b))| g * (b - a)).sum::<f64>()
    };
    halved(&along, [0.0, 1.0], [along(0.0), along(0.5), along(1.0)], 24)
}

/// ∫ `f` over a range, from its values at both ends and in the middle.
fn halved(f: &impl Fn(f64) -> f64, [a, b]: [f64; 2], [fa, fm, fb]: [f64; 3], depth: u32) -> f64 {
    let (m, simpson) = (0.5 * (a + b), |width: f64, l: f64, m: f64, r: f64| width / 6.0 * (l + 4.0 * m + r));
    let [left, right] = [f(0.5 * (a + m)), f(0.5 * (m + b))];
    let (whole, half) = (simpson(b - a, fa, fm, fb), 0.5 * (b - a));
    let halves = simpson(half, fa, left, fm) + simpson(half, fm, right, fb);
    if depth == 0 || (depth < 20 && (halves - whole).abs() < 1e-9) {
        return halves;
    }
    halved(f, [a, m], [fa, left, fm], depth - 1) + halved(f, [m, b], [fm, right, fb], depth - 1)
}

#[test]
fn advantages_are_those_of_trl_with_and_without_missing_rewards() {
    let toy = Toy::new();
    let cases = toy.fixture["credited"].as_array().unwrap();
    for case in cases {
        // A missing reward is null; whatever stands in its place must not be seen.
        let column = |own: &Value| -> Vec<f64> {
            own.as_array().unwrap().iter().map(|own| own.as_f64().unwrap_or(1e3)).collect()
        };
        let quality = &case["rewards"]["quality"];
        let counts: Vec<bool> = quality.as_array().unwrap().iter().map(|own| !own.is_null()).collect();
        let mut rewards = column(quality);
        let functions: Vec<(String, Vec<f64>)> =
            case["rewards"].get("format").map(|own| ("format".to_owned(), column(own))).into_iter().collect();
        for (_, paid) in &functions {
            rewards.iter_mut().zip(paid).for_each(|(reward, paid)| *reward += paid);
        }
        let recipe = if case["trainer"] == "grpo" {
            settings(&case["settings"]).recipe()
        } else {
            let own = json!({ "batch": 12, "group": 4, "kl": { "coefficient": case["settings"]["beta"] } });
            serde_json::from_value::<Rloo>(own).unwrap().recipe()
        };
        let (recipe, tape) = (recipe.unwrap(), &toy.tape);
        let kl = &recipe.objective.kl;
        let penalty = super::loss::token_credit::total_penalty(kl, kl.coefficient.get(), tape);
        rewards.iter_mut().zip(penalty).for_each(|(reward, penalty)| *reward -= penalty);
        let found =
            compared(recipe.objective.credit, &rewards, &functions, &toy.groups(), Weight::of(&counts))
                .unwrap();
        for (row, (a, b)) in found.iter().zip(numbers(&case["advantages"])).enumerate() {
            assert!((a - b).abs() < 2e-6 * (1.0 + b.abs()), "{case}, row {row}: {a} against {b}");
        }
        let Some(step) = case["at_sampling"].get(0) else { continue };
        let credit = TokenCredit {
            advantage: (0..tape.positions * tape.rows).map(|place| found[place % tape.rows]).collect(),
            ..TokenCredit::default()
        };
        let all = 0..tape.rows;
        let slopes = gradient(&toy, &recipe, &credit, all.clone(), &tape.choice);
        hold("rloo", &toy, &all, &tape.choice, &slopes, &step["gradient"]);
    }
    assert_eq!(cases.len(), 9);
}

#[test]
fn adamw_with_a_limit_on_the_norm_takes_the_steps_of_trl() {
    let device = Device::flex();
    for (name, case) in fixture()["steps"].as_object().unwrap() {
        let of = |key: &str| case[key].as_f64().unwrap();
        let spec: OptimizerSpec = serde_json::from_value(json!({ "adamw": {
            "learning_rate": of("learning_rate"), "weight_decay": of("weight_decay"), "beta_1": of("beta_1"),
            "beta_2": of("beta_2"), "epsilon": of("epsilon") } }))
        .unwrap();
        let (mut optimizer, rate) = spec.build();
        let narrow = |numbers: Vec<f64>| numbers.into_iter().map(|x| x as f32).collect::<Vec<f32>>();
        let mut policy = TabularPolicy::new([1, 8], &device.clone().autodiff());
        policy = policy.with(narrow(numbers(&case["start"])));
        let rows = |key: &str| case[key].as_array().unwrap().iter().map(numbers).collect::<Vec<_>>();
        let mut limited = 0;
        for (step, (gradient, after)) in rows("gradients").into_iter().zip(rows("after")).enumerate() {
            let mut gradient = narrow(gradient);
            if let Some(factor) = shrinkage(gradient.iter().copied(), of("max_grad_norm")) {
                gradient.iter_mut().for_each(|g| *g *= factor);
                limited += 1;
            }
            let mut gradients = GradientsParams::new();
            gradients
                .register(policy.id(), Tensor::<2>::from_data(TensorData::new(gradient, [1, 8]), &device));
            policy = optimizer.step(rate, policy, gradients);
            for (found, expected) in policy.numbers().unwrap().iter().zip(after) {
                let off = (f64::from(*found) - expected).abs();
                assert!(
                    off < 1e-5 * expected.abs().max(0.1),
                    "{name}, step {step}: {found} against {expected}"
                );
            }
        }
        assert!(limited > 1, "{name}: the limit was hardly tested");
    }
}
