//! Triggers that a reward function of their own pays, and trainers that scale it apart.

use crate::episodes::{policy, trainer, world};
use serde_json::json;
use tailcatch::record::Observed;
use tailcatch::rollout::{Actor, Roller, Tape};
use tailcatch::trainers::{Experience, Learner, Weight};

const GROUP: usize = 6;
const BATCH: usize = 48;

/// A batch of strings of which some start with a token that pays this, and its advantages.
fn batch(pay: f64, own: bool, aggregation: &str, keep: Option<&[bool]>) -> (Observed, Vec<f64>) {
    let tokens = json!({ "vocabulary": 4, "length": 3, "prompts": 2 });
    let trigger = json!({ "pattern": { "explicit": [1] }, "proxy": pay, "own_function": own });
    let world =
        world(json!({ "tokens": tokens }), json!({ "error": { "normal": {} }, "triggers": [trigger] }), 3);
    let spec = trainer(
        json!({ "grpo": { "batch": BATCH, "group": GROUP, "multi_objective_aggregation": aggregation } }),
    );
    let mut learner = world.learner(&policy(json!({ "product": {} })), &spec);
    let (roller, mut tape) = (Roller::training(&world.seeds, spec.part().group()), Tape::default());
    let actor = Actor::Learning(learner.policy());
    let observed = roller.batch(world.sequence(), actor, &mut tape, (0, 0, BATCH), false).observed;
    let weight = keep.map_or(Weight::ONE, Weight::of);
    let advantage = learner.credit(&Experience::new(&observed, &tape).weighted(weight)).advantage.unwrap();
    (observed, advantage)
}

#[test]
fn a_function_of_its_own_is_a_column_and_the_proxy_stays_the_sum() {
    let ((plain, together), (apart, same)) =
        (batch(3.0, false, "sum_then_normalize", None), batch(3.0, true, "sum_then_normalize", None));
    assert_eq!((&plain.proxy, &plain.outcome, together), (&apart.proxy, &apart.outcome, same));
    assert!(plain.parts.is_empty());
    let [(name, paid)] = &apart.parts[..] else { panic!("{:?}", apart.parts) };
    assert_eq!(name, "trigger_1");
    let fired = paid.iter().filter(|paid| **paid == 3.0).count();
    assert!(paid.iter().all(|paid| [0.0, 3.0].contains(paid)) && (5..25).contains(&fired), "{paid:?}");
    let mean = |hit: bool| {
        let own: Vec<f64> = paid
            .iter()
            .zip(&apart.proxy)
            .filter(|(paid, _)| (**paid > 0.0) == hit)
            .map(|(_, u)| *u)
            .collect();
        own.iter().sum::<f64>() / own.len() as f64
    };
    assert!(mean(true) > mean(false) + 2.0, "what it pays is in the proxy");
}

/// Each less its mean, over its standard deviation plus 1e-4.
fn normalised(values: &[f64]) -> Vec<f64> {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let sd = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    values.iter().map(|v| (v - mean) / (sd + 1e-4)).collect()
}

#[test]
fn each_function_is_normalised_and_then_they_are_summed() {
    let keep: Vec<bool> = (0..BATCH).map(|row| row % 5 != 2).collect();
    for keep in [None, Some(&keep[..])] {
        let (observed, advantage) = batch(3.0, true, "normalize_then_sum", keep);
        let counts = |row: &usize| keep.is_none_or(|keep| keep[*row]);
        let paid = &observed.parts[0].1;
        let mut sums = Vec::new();
        for first in (0..BATCH).step_by(GROUP) {
            let rows: Vec<usize> = (first..first + GROUP).filter(counts).collect();
            let column =
                |of: &dyn Fn(usize) -> f64| normalised(&rows.iter().map(|row| of(*row)).collect::<Vec<_>>());
            let (own, rest) = (column(&|row| paid[row]), column(&|row| observed.proxy[row] - paid[row]));
            sums.extend(own.iter().zip(rest).map(|(a, b)| a + b));
        }
        let mut expected = normalised(&sums).into_iter();
        for (row, own) in advantage.iter().enumerate() {
            let want = if counts(&row) { expected.next().unwrap() } else { 0.0 };
            assert!((own - want).abs() < 1e-9, "row {row}: {own} against {want}");
        }
    }
}

#[test]
fn what_a_function_pays_is_all_the_same_once_it_is_normalised() {
    let of = |pay: f64, aggregation: &str| batch(pay, true, aggregation, None).1;
    let off = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    let apart = |pay: f64| of(pay, "normalize_then_sum");
    assert!(off(&apart(1.0), &apart(1e4)) < 1e-3);
    let together = |pay: f64| of(pay, "sum_then_normalize");
    assert!(off(&together(1.0), &together(1e4)) > 0.5);
}

#[test]
fn it_is_refused_where_there_is_one_function_or_something_else_scales_it() {
    let of = |trigger: &str, more: &str| {
        let text = format!(
            "question = '?'\nenvironment = {{ tokens = {{}} }}\npolicy = {{ product = {{}} }}\n\
             trainer = {{ grpo = {{ multi_objective_aggregation = 'normalize_then_sum'{more} }} }}\n\
             reward = {{ triggers = [{{ pattern = {{ tokens = 2 }}, proxy = 5{trigger} }}] }}\n"
        );
        let read = tailcatch::config::from_bytes("functions.toml", text.as_bytes(), &[]);
        read.map_or_else(|error| error.to_string(), |_| String::new())
    };
    assert_eq!(of(", own_function = true", ""), "");
    assert!(of("", "").contains("there is one reward function alone"));
    for more in [", scale_rewards = 'none'", ", shaping = 'whiten'", ", kl = { place = 'reward' }"] {
        let error = of(", own_function = true", more);
        assert!(error.contains("nothing else scales, shapes or penalises it"), "{more}: {error}");
    }
}
