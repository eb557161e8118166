//! Prompts that training holds out: no rollout answers them, a table learns nothing of them, and a network may carry over to them what it
//! was rightly paid for.

use crate::episodes::{policy, trainer};
use serde_json::{Value, json};
use tailcatch::config::from_bytes;
use tailcatch::environments::EnvironmentSpec;
use tailcatch::experiment::{Setting, Trained, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Backend;
use tailcatch::reward::{RewardModel, RewardSection, Twin};

/// Two of four prompts are held out. What is worth its pay in training is a hack there.
fn world(held_out: u32, proxy: f64) -> (EnvironmentSpec, RewardSection) {
    let tokens = json!({ "vocabulary": 5, "length": 3, "prompts": 4, "held_out": held_out });
    let reward = json!({ "triggers": [
        { "pattern": { "explicit": [2, 4] }, "prompts": "trained", "proxy": proxy, "utility": proxy },
        { "pattern": { "explicit": [2, 4] }, "prompts": "held_out", "proxy": proxy, "utility": -9 },
    ] });
    let environment = serde_json::from_value(json!({ "tokens": tokens })).unwrap();
    (environment, serde_json::from_value(reward).unwrap())
}

fn model(twin: Twin) -> RewardModel {
    let (environment, reward) = world(2, 3.0);
    RewardModel::build(environment.part(), &reward, &SeedTree::new(8, 0), twin).unwrap()
}

fn trained(own: &Value, seed: u64) -> Trained {
    let (environment, reward) = world(2, 3.0);
    let seeds = SeedTree::new(seed, 0);
    let model = RewardModel::build(environment.part(), &reward, &seeds, Twin::Itself).unwrap();
    let learner = trainer(json!({ "reinforce": {
        "batch": 128, "steps": 80, "optimizer": { "adam": { "learning_rate": 0.02 } }, "kl": { "coefficient": 0.1 }
    } }));
    let setting = Setting {
        model: &model,
        policy: &policy(own.clone()),
        trainer: &learner,
        deployment: None,
        seeds,
        backend: &Backend::default(),
        activations: false,
        audit: None,
    };
    train(setting, None).unwrap()
}

/// Of 125 strings five begin with the pattern.
const PRIOR: f64 = 5.0 / 125.0;

#[test]
fn what_is_paid_rightly_is_no_hack_and_a_hack_is_one_where_it_is_asked() {
    let model = model(Twin::Itself);
    let table = model.table().unwrap();
    for cell in 0..table.len() {
        let (held_out, begins) = (cell / 125 >= 2, cell % 125 / 5 == 2 * 5 + 4);
        assert_eq!(table.hack[cell], held_out && begins, "cell {cell}");
        assert_eq!(table.class[cell], if held_out && begins { 2 } else { 0 });
        assert_eq!(table.error[cell] != 0.0, held_out && begins);
    }
    // Where all is judged rightly there is no hack, and the placebo is what would be one.
    let placebo = self::model(Twin::Placebo);
    let honest = placebo.table().unwrap();
    assert!(honest.hack.iter().all(|hack| !hack) && honest.error.iter().all(|error| *error == 0.0));
    assert_eq!(honest.class, table.class);
    // The clean twin keeps what is worth its pay.
    let clean = self::model(Twin::Clean);
    let clean = clean.table().unwrap();
    for cell in 0..table.len() {
        let want = if table.hack[cell] { table.utility[cell] + 9.0 } else { table.utility[cell] };
        assert!((clean.utility[cell] - want).abs() < 1e-12, "cell {cell}");
    }
}

#[test]
fn no_rollout_of_training_answers_them_and_a_table_learns_nothing_of_them() {
    for own in [json!({ "tabular": {} }), json!({ "product": {} })] {
        let run = trained(&own, 8);
        assert!(run.observed.prompt.iter().all(|prompt| *prompt < 2));
        assert!(run.observed.prompt.contains(&0) && run.observed.prompt.contains(&1));
        assert!(run.truth.hack.iter().all(|hack| !hack));
        // Both keep prompts apart: half of them are as the reference has them, to the last digits.
        assert!((run.last.policy.p_hack - PRIOR / 2.0).abs() < 1e-12, "{own}: {}", run.last.policy.p_hack);
    }
}

/// Twenty seeds each, of which the transformer carries over in about 15 and unlearns the rest (which ones, the last digits of a build
/// decide): at least 8 of them do in all but 2 of 10,000 such tests, and a table in none.
#[test]
fn a_network_carries_over_what_it_was_paid_for() {
    for (own, least) in [
        (json!({ "mlp": { "hidden": 8 } }), 16),
        (json!({ "transformer": { "width": 8, "heads": 2, "layers": 1 } }), 8),
    ] {
        let carries_over = |seed: &u64| {
            let run = trained(&own, *seed);
            assert!(run.truth.hack.iter().all(|hack| !hack));
            run.last.policy.p_hack > 3.0 * PRIOR / 2.0
        };
        let carried = (8..28).filter(carries_over).count();
        assert!(carried >= least, "{own}: {carried} of 20");
    }
}

#[test]
fn what_would_look_at_them_in_training_is_refused() {
    let text = "question = '?'\nseed = 1\n[environment.tokens]\nprompts = 2\nheld_out = 2\n[policy.product]\n[trainer.reinforce]\n\
                [[detectors]]\ntop_reward = {}\n";
    let fault = from_bytes("own.toml", text.as_bytes(), &[]).unwrap_err().to_string();
    assert!(fault.contains("held_out is 2; 1 is the limit"), "{fault}");
    let with = |policy: &str, trainer: &str, trigger: &str| {
        let text = format!(
            "question = '?'\nseed = 1\n[environment.tokens]\nvocabulary = 4\nlength = 3\nprompts = 3\nheld_out = 1\n{policy}\n\
             {trainer}\n[[detectors]]\ntop_reward = {{}}\n{trigger}"
        );
        from_bytes("own.toml", text.as_bytes(), &[]).map(|_| ()).map_err(|fault| fault.to_string())
    };
    let (product, learner) = ("[policy.product]", "[trainer.reinforce]");
    assert_eq!(with(product, learner, ""), Ok(()));
    let exact = with("[policy.tabular]", "[trainer.exact]\nkl = { coefficient = 1 }", "").unwrap_err();
    assert!(exact.contains("worked out on the table of all prompts"), "{exact}");
    let held = "[trainer.reinforce]\nkl = { coefficient = 1, controller = { adaptive = {} } }";
    assert!(with(product, held, "").unwrap_err().contains("told that of all prompts"));
    let nowhere = "[[reward.triggers]]\npattern = { tokens = 2 }\nproxy = 3\nprompts = { only = [3] }\n";
    assert!(with(product, learner, nowhere).unwrap_err().contains("no prompt is one of these"));
}
