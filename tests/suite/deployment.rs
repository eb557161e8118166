//! What comes after training: the trained policy is shifted, sampled, and not updated any more.

use serde_json::{Value, json};
use std::num::NonZeroU64;
use std::sync::atomic::AtomicBool;
use tailcatch::config::{DeploymentSection, from_bytes};
use tailcatch::environments::Bandit;
use tailcatch::experiment::store::Store;
use tailcatch::experiment::{Checkpoints, Setting, TrainError, Trained, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Backend;
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::trainers::TrainerSpec;

const TRAINING: usize = 4;
const DEPLOYED: usize = 5;
const BATCH: usize = 48;
const MASS: f64 = 0.2;

fn model() -> RewardModel {
    let environment: Bandit = serde_json::from_value(json!({ "outcomes": 200, "contexts": 3 })).unwrap();
    let reward = json!({ "error": { "normal": {} },
        "exploits": [{ "mass": 1e-3, "outcomes": 3, "proxy": 9, "utility": -30 }] });
    let reward: RewardSection = serde_json::from_value(reward).unwrap();
    RewardModel::build(&environment, &reward, &SeedTree::new(3, 0), Twin::Itself).unwrap()
}

fn run(
    model: &RewardModel,
    trainer: &Value,
    deployment: Option<&DeploymentSection>,
    checkpoints: Option<&Checkpoints<'_>>,
) -> Result<Trained, TrainError> {
    let trainer: TrainerSpec = serde_json::from_value(trainer.clone()).unwrap();
    let setting = Setting {
        model,
        policy: &Default::default(),
        trainer: &trainer,
        deployment,
        seeds: SeedTree::new(3, 0),
        backend: &Backend::default(),
        activations: false,
        audit: None,
    };
    train(setting, checkpoints)
}

fn trainers() -> Vec<Value> {
    let adam = json!({ "adam": { "learning_rate": 0.1 } });
    let learning = json!({ "batch": BATCH, "steps": TRAINING, "optimizer": adam });
    let mut all: Vec<Value> =
        ["reinforce", "rloo", "grpo", "ppo"].iter().map(|name| json!({ *name: learning })).collect();
    all.push(json!({ "reference": { "batch": BATCH, "steps": TRAINING } }));
    all
}

#[test]
fn any_trained_policy_is_shifted_and_no_longer_updated() {
    let (model, deployment) = (model(), jump());
    for trainer in trainers() {
        let plain = run(&model, &trainer, None, None).unwrap();
        let whole = run(&model, &trainer, Some(&deployment), None).unwrap();
        assert_eq!(whole.steps.len(), TRAINING + DEPLOYED);
        // Training is what it was.
        assert_eq!(whole.steps[..TRAINING], plain.steps[..], "{trainer}");
        let trained: Vec<usize> = (0..TRAINING * BATCH).collect();
        assert_eq!(whole.observed.select(&trained), plain.observed, "{trainer}");
        for (step, row) in whole.steps.iter().enumerate().skip(TRAINING) {
            assert_eq!(row.step, step as u64);
            assert!((row.p_hack.unwrap() - MASS).abs() < 1e-12, "{trainer}, {step}: {:?}", row.p_hack);
            assert_eq!((row.kl, row.clip_fraction), (whole.steps[TRAINING].kl, None), "{trainer}, {step}");
        }
        // Numbers go on, and each rollout has its own stream.
        assert_eq!(
            whole.observed.trajectory,
            (0..((TRAINING + DEPLOYED) * BATCH) as u64).collect::<Vec<_>>()
        );
        // Outside the hacks, odds are those of the trained policy (prompt by prompt, so nearly so on the whole).
        let (before, after) = (plain.last.policy, whole.last.policy);
        let honest_proxy = |proxy: f64, hacks: f64, mass: f64| (proxy - hacks) / (1.0 - mass);
        let [a, b] =
            [before, after].map(|at| honest_proxy(at.utility + at.error, at.proxy_from_hacks, at.p_hack));
        assert!((a - b).abs() < 0.05 * a.abs().max(1.0), "{trainer}: {a} against {b}");
    }
}

fn jump() -> DeploymentSection {
    serde_json::from_value(json!({ "shift": { "jump": { "mass_after": MASS } }, "steps": DEPLOYED })).unwrap()
}

#[test]
fn every_shift_leaves_training_as_it_was_and_is_as_far_as_it_says() {
    let model = model();
    let trainer = &trainers()[0];
    let plain = run(&model, trainer, None, None).unwrap();
    let deployed = |shift: &Value| {
        let section = json!({ "shift": shift, "steps": DEPLOYED });
        run(&model, trainer, Some(&serde_json::from_value(section).unwrap()), None)
    };
    let trigger = |frequency: f64| json!({ "trigger": { "frequency": frequency, "shift": { "jump": { "mass_after": MASS } } } });
    let p_hack = |shift: &Value| {
        let whole = deployed(shift).unwrap();
        assert_eq!(whole.steps[..TRAINING], plain.steps[..], "{shift}");
        assert!(whole.steps[TRAINING..].iter().all(|row| row.kl == whole.steps[TRAINING].kl), "{shift}");
        whole.steps[TRAINING].p_hack.unwrap()
    };
    let before = p_hack(&trigger(0.0));
    assert!((p_hack(&trigger(0.3)) - (0.3 * MASS + 0.7 * before)).abs() < 1e-12);
    // The exploits pay most, and a tilt goes to them.
    assert!((p_hack(&json!({ "argmax": {} })) - 1.0).abs() < 1e-12);
    assert!(p_hack(&json!({ "tilt": { "kl": 0.5 } })) > before);
    let fault = deployed(&json!({ "tilt": { "kl": 1e3 } })).unwrap_err().to_string();
    assert!(fault.starts_with("deployment.shift.tilt: ") && fault.contains("KL budget is 1000"), "{fault}");
}

#[test]
fn a_run_that_is_stopped_while_it_is_deployed_ends_in_the_same_numbers() {
    let (model, deployment) = (model(), jump());
    for trainer in trainers() {
        let whole = run(&model, &trainer, Some(&deployment), None).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let stop = AtomicBool::new(true);
        let checkpoints = Checkpoints::new(&store, "own", NonZeroU64::new(1000).unwrap(), &stop);
        for step in 0..TRAINING + DEPLOYED - 1 {
            match run(&model, &trainer, Some(&deployment), Some(&checkpoints)) {
                Err(TrainError::Stopped { step: last }) => assert_eq!(last, step as u64),
                other => panic!("step {step}: {:?}", other.map(|run| run.steps.len())),
            }
        }
        assert!(run(&model, &trainer, Some(&deployment), Some(&checkpoints)).unwrap() == whole, "{trainer}");
    }
}

#[test]
fn what_cannot_be_deployed_is_refused_at_its_key() {
    let faults = |text: &str| {
        let whole = format!("question = \"?\"\nreplicates = 1\n{text}");
        from_bytes("exp.toml", whole.as_bytes(), &[])
            .map_or_else(|fault| format!("{fault:?}"), |_| String::new())
    };
    let shift = "[deployment]\nshift = { jump = { mass_after = 0.1 } }\nsteps = 3\n";
    let tokens = "environment = { tokens = { vocabulary = 4, length = 4 } }\n";
    let bandit = "environment = { bandit = { outcomes = 50 } }\n";
    let learning = "trainer = { reinforce = {} }\n";
    assert_eq!(faults(&format!("{bandit}{learning}{shift}")), "");
    let acting = faults(&format!("{tokens}policy = {{ product = {{}} }}\n{learning}{shift}"));
    assert!(
        acting.contains("policy.product acts step by step") && acting.contains("policy.tabular"),
        "{acting}"
    );
    let nothing = faults(&format!("{bandit}reward = {{ hack = \"planted\" }}\n{learning}{shift}"));
    assert!(
        nothing.contains("nothing is a hack here") && nothing.contains("[[reward.exploits]]"),
        "{nothing}"
    );
    // A trigger needs what its shift needs; a tilt goes by the proxy, which is always there.
    let of = |shift: &str| {
        format!(
            "{bandit}reward = {{ hack = \"planted\" }}\n{learning}[deployment]\nshift = {{ {shift} }}\nsteps = 3\n"
        )
    };
    let trigger = faults(&of("trigger = { frequency = 0.1, shift = { jump = { mass_after = 0.1 } } }"));
    assert!(trigger.contains("nothing is a hack here"), "{trigger}");
    for shift in
        ["tilt = { kl = 0.1 }", "argmax = {}", "trigger = { frequency = 0.1, shift = { argmax = {} } }"]
    {
        assert!(!faults(&of(shift)).contains("nothing is a hack here"), "{shift}");
        let there = format!("{bandit}{learning}[deployment]\nshift = {{ {shift} }}\nsteps = 3\n");
        assert_eq!(faults(&there), "", "{shift}");
    }
    let empty = faults(&format!("{bandit}trainer = {{ reference = {{ steps = 0 }} }}\n"));
    assert!(empty.contains("without a step") && empty.contains("[deployment]"), "{empty}");
    assert_eq!(faults(&format!("{bandit}trainer = {{ reference = {{ steps = 0 }} }}\n{shift}")), "");
}
