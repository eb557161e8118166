//! A rollout of weight 0 is as if it were not there, and labels are as if they were the proxy, whatever the trainer's settings.

use crate::episodes::{policy, trainer, world};
use crate::learning::{CELLS, in_threes, table};
use crate::ways::Way;
use serde_json::{Value, json};
use tailcatch::policies::{Backend, Snapshot};
use tailcatch::record::Observed;
use tailcatch::rollout::{Actor, Choice, Roller, Tape};
use tailcatch::trainers::{Experience, Ground, Learner, TableLearner, TrainerSpec, Weight};

const WAY: Way = Way { weighted: true, labelled: true };

/// The rows that count, alone, with their labels as proxy.
fn alone(observed: &Observed, labels: &[f64]) -> Observed {
    let rows: Vec<usize> = (0..observed.len()).filter(|row| WAY.counts(*row)).collect();
    let [step, trajectory, outcome] = [(); 3].map(|()| vec![0; observed.len()]);
    Observed { step, trajectory, outcome, proxy: labels.to_vec(), ..observed.clone() }.select(&rows)
}

/// Every baseline and every scale, of trainers whose other settings are not their defaults.
fn settings() -> Vec<Value> {
    let mut all = Vec::new();
    let scales = [
        json!("raw"),
        json!("batch_normalised"),
        json!({ "truncated": { "spreads": 2 } }),
        json!({ "catoni": { "delta": 0.1 } }),
    ];
    let baselines = [
        json!("none"),
        json!("mean"),
        json!("leave_one_out"),
        json!({ "trimmed_mean": { "share": 0.2 } }),
        json!({ "median_of_means": { "blocks": 3 } }),
    ];
    let adaptive = json!({ "adaptive": { "target": 0.1, "horizon": 100 } });
    let optimizer = json!({ "adam": { "learning_rate": 0.1 } });
    for scale in &scales {
        for baseline in &baselines {
            all.push(json!({ "reinforce": { "batch": 12, "optimizer": optimizer, "baseline": baseline, "advantage": scale,
                "shaping": { "clip": { "high": 1 } }, "kl": { "coefficient": 0.4, "controller": adaptive } } }));
        }
        all.push(json!({ "ppo": { "batch": 12, "epochs": 4, "target_kl": 0.05, "optimizer": optimizer, "advantage": scale,
            "surrogate": "masked", "entropy_coef": 0.1, "max_grad_norm": 0.5,
            "kl": { "coefficient": 0.4, "estimator": "exact", "place": "loss" } } }));
    }
    for scale in ["group", "batch", "none"] {
        all.push(json!({ "grpo": { "batch": 12, "group": 3, "epochs": 3, "optimizer": optimizer, "scale_rewards": scale,
            "kl": { "coefficient": 0.4, "estimator": "k2", "controller": adaptive } } }));
    }
    for (loss_type, level) in
        [("grpo", "sequence"), ("bnpo", "token"), ("dr_grpo", "token"), ("dapo", "sequence")]
    {
        all.push(json!({ "grpo": { "batch": 12, "group": 3, "epochs": 3, "loss_type": loss_type,
            "importance_sampling_level": level, "mask_truncated_completions": true, "use_bias_correction_kl": true,
            "epsilon_high": 0.3, "delta": 1.5, "optimizer": { "adamw": { "learning_rate": 0.1, "weight_decay": 0.1 } },
            "max_grad_norm": 1.0, "kl": { "coefficient": 0.4 } } }));
    }
    all.push(json!({ "rloo": { "batch": 12, "group": 3, "optimizer": optimizer, "kl": { "controller": adaptive } } }));
    all
}

#[test]
fn on_a_table_an_update_is_that_of_the_smaller_batch() {
    let table = table();
    let start = |section: &Value| -> Box<TableLearner> {
        let spec: TrainerSpec = serde_json::from_value(section.clone()).unwrap();
        spec.part()
            .start(Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() })
            .unwrap()
    };
    let counted: Vec<usize> = (0..12).filter(|row| WAY.counts(*row)).map(|row| CELLS[row]).collect();
    for section in settings() {
        let (mut weighted, mut smaller) = (start(&section), start(&section));
        for step in 0..4 {
            let observed = in_threes(weighted.policy(), &table);
            let labels = WAY.labels(&observed);
            let few = alone(&in_threes(smaller.policy(), &table), &labels);
            let all = WAY.experience(&observed, &CELLS[..], &labels);
            let few = Experience::new(&few, &counted[..]);
            let (of_all, of_few) = (weighted.credit(&all), smaller.credit(&few));
            for (at, row) in (0..12).filter(|row| WAY.counts(*row)).enumerate() {
                let (a, b) =
                    (of_all.advantage.as_ref().unwrap()[row], of_few.advantage.as_ref().unwrap()[at]);
                assert!((a - b).abs() < 1e-5, "{section}, step {step}, row {row}: {a} against {b}");
            }
            weighted.update(&all, 0.3).unwrap();
            smaller.update(&few, 0.3).unwrap();
            assert_eq!(weighted.coefficient(), smaller.coefficient(), "{section}");
            assert_eq!(weighted.clip_fraction(), smaller.clip_fraction(), "{section}");
            let (a, b): (&Snapshot, &Snapshot) = (weighted.policy(), smaller.policy());
            for cell in 0..8 {
                let (a, b) = (a.log_prob(cell), b.log_prob(cell));
                assert!((a - b).abs() < 1e-5, "{section}, step {step}, cell {cell}: {a} against {b}");
            }
        }
    }
}

/// Rows of a batch of which the last three do not count.
const FIRST: usize = 9;

#[test]
fn in_a_process_an_update_is_that_of_the_smaller_batch() {
    let tokens = json!({ "vocabulary": 3, "length": 3, "prompts": 2, "end": true });
    let world = world(json!({ "tokens": tokens }), json!({ "error": { "normal": { "sd": 2 } } }), 5);
    let mask: Vec<bool> = (0..12).map(|row| row < FIRST).collect();
    for own in [json!({ "product": {} }), json!({ "gru": { "hidden": 4 } })] {
        for section in settings() {
            let spec = trainer(section.clone());
            let start = || world.learner(&policy(own.clone()), &spec);
            let (mut weighted, mut smaller) = (start(), start());
            let (roller, mut tape) = (Roller::training(&world.seeds, spec.part().group()), Tape::default());
            for step in 0..3 {
                let actor = Actor::Learning(weighted.policy());
                let observed =
                    roller.batch(world.sequence(), actor, &mut tape, (step, step * 12, 12), false).observed;
                let labels = WAY.labels(&observed);
                let (mut part, mut now) = (tape.select(0..FIRST), Choice::default());
                part.reconsider(smaller.policy(), &mut now);
                part.choice = now;
                let few = Observed { proxy: labels.clone(), ..observed.clone() };
                let few = few.select(&(0..FIRST).collect::<Vec<usize>>());
                let all = Experience::new(&observed, &tape).labelled(&labels);
                let all = all.weighted(Weight::of(&mask));
                let few = Experience::new(&few, &part);
                let (of_all, of_few) = (weighted.credit(&all), smaller.credit(&few));
                let (of_all, of_few) = (of_all.advantage.unwrap(), of_few.advantage.unwrap());
                assert!(of_all[FIRST..].iter().all(|a| *a == 0.0));
                for (row, (a, b)) in of_all.iter().zip(&of_few).enumerate() {
                    assert!(
                        (a - b).abs() < 1e-4,
                        "{own}, {section}, step {step}, row {row}: {a} against {b}"
                    );
                }
                weighted.update(&all, 0.3).unwrap();
                smaller.update(&few, 0.3).unwrap();
                assert_eq!(weighted.coefficient(), smaller.coefficient(), "{section}");
                let both = weighted.policy().weights().iter().zip(smaller.policy().weights());
                for (index, (a, b)) in both.enumerate() {
                    assert!((a - b).abs() < 1e-4, "{own}, {section}, step {step}, {index}: {a} against {b}");
                }
            }
        }
    }
}

#[test]
fn a_batch_of_which_nothing_counts_moves_nothing() {
    let table = table();
    for section in settings() {
        let spec: TrainerSpec = serde_json::from_value(section).unwrap();
        let ground =
            Ground { table: &table.observed(), reference_proxies: &[], backend: &Backend::default() };
        let mut learner = spec.part().start(ground).unwrap();
        let observed = in_threes(learner.policy(), &table);
        let none = Experience::new(&observed, &CELLS[..]);
        let none = none.weighted(Weight::of(&[false; 12]));
        assert_eq!(learner.credit(&none).advantage, Some(vec![0.0; 12]));
        learner.update(&none, 0.3).unwrap();
        for cell in 0..8 {
            assert_eq!(learner.policy().log_prob(cell), table.ref_log_prob[cell]);
        }
    }
}
