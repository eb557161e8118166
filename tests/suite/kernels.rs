//! `--kernels burn|native`: the same training up to rounding, told apart in identities and manifest.

use crate::cli::tailcatch;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Output;
use tailcatch::config::{Loaded, from_bytes};
use tailcatch::experiment::{Setting, Trained, plan, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, Kernels};
use tailcatch::reward::{RewardModel, Twin};

const BANDIT: &str = "bandit = { outcomes = 200, contexts = 2 }";
const TOKENS: &str = "tokens = { vocabulary = 4, length = 4, prompts = 2 }";

fn load(environment: &str, policy: &str, trainer: &str) -> Loaded {
    let text = format!(
        "question = '?'\nenvironment = {{ {environment} }}\npolicy = {{ {policy} }}\ntrainer = {{ {trainer} }}\n\
         reward = {{ error = {{ laplace = {{}} }} }}\n[[detectors]]\nrandom = {{}}\n"
    );
    from_bytes("kernels.toml", text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn trained(loaded: &Loaded, kernels: Kernels) -> Trained {
    let document = &loaded.document;
    let seeds = SeedTree::new(document.seed, 0);
    let model =
        RewardModel::build(document.environment.part(), &document.reward, &seeds, Twin::Itself).unwrap();
    let (policy, trainer) = (&document.policy, &document.trainer);
    let backend = &Backend::cpu(kernels);
    train(
        Setting {
            deployment: None,
            model: &model,
            policy,
            trainer,
            seeds,
            backend,
            activations: false,
            audit: None,
        },
        None,
    )
    .unwrap()
}

// f32 differs in the seventh digit. An action is another one where a draw falls into that gap, about once in 10⁵ draws, and
// here are 5000: none does, and after 20 steps expectations still agree to 1e-4.
#[test]
fn a_short_training_is_the_same_with_both_kernels() {
    let adam = "optimizer = { adam = { learning_rate = 0.01 } }, batch = 64, steps = 20";
    let (reinforce, ppo) = (format!("reinforce = {{ {adam} }}"), format!("ppo = {{ {adam}, epochs = 2 }}"));
    for (environment, policy) in [
        (BANDIT, "tabular = {}"),
        (TOKENS, "product = {}"),
        (TOKENS, "mlp = { hidden = 8, layers = 2, context = 2 }"),
        (TOKENS, "gru = { hidden = 8 }"),
        (TOKENS, "transformer = { width = 8, heads = 2, layers = 1 }"),
    ] {
        for trainer in [&reinforce, &ppo] {
            let loaded = load(environment, policy, trainer);
            let [native, burn] = [Kernels::Native, Kernels::Burn].map(|kernels| trained(&loaded, kernels));
            assert_eq!(native.observed.outcome, burn.observed.outcome, "{policy}, {trainer}");
            assert_eq!(native.observed.trajectory, burn.observed.trajectory, "{policy}, {trainer}");
            let (one, other) = (native.last.policy, burn.last.policy);
            assert!(one.kl > 1e-3, "{policy}, {trainer}: hardly moved, {}", one.kl);
            for (one, other) in [(one.kl, other.kl), (one.utility, other.utility), (one.error, other.error)] {
                assert!((one - other).abs() < 1e-4, "{policy}, {trainer}: {one} against {other}");
            }
            // Two ways of computing leave traces, except where all is looked up and added in the same order.
            assert_eq!(native == burn, policy.starts_with("product"), "{policy}, {trainer}");
        }
    }
}

#[test]
fn kernels_are_part_of_a_runs_identity() {
    let loaded = load(TOKENS, "gru = { hidden = 4 }", "reinforce = { batch = 8, steps = 2 }");
    let [native, burn] =
        [Kernels::Native, Kernels::Burn].map(|kernels| plan(&loaded, &Backend::cpu(kernels)).unwrap());
    for (native, burn) in native.iter().zip(&burn) {
        assert!(native.train_id != burn.train_id && native.clean_id != burn.clean_id);
        assert!(native.run_id != burn.run_id && native.judge_ids != burn.judge_ids);
    }
    assert_eq!(native, plan(&loaded, &Backend::default()).unwrap());
}

fn run(folder: &Path, kernels: &[&str]) -> Output {
    let (config, out) = (folder.join("kernels.toml"), folder.join("out"));
    let output =
        tailcatch().arg("run").arg(&config).arg("--out").arg(&out).args(kernels).arg("--json").output();
    output.unwrap()
}

#[test]
fn the_manifest_names_the_kernels_and_no_run_is_taken_for_one_of_the_others() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("kernels.toml"),
        format!(
            "question = '?'\nenvironment = {{ {TOKENS} }}\npolicy = {{ gru = {{ hidden = 4 }} }}\n\
             trainer = {{ reinforce = {{ batch = 8, steps = 2 }} }}\nreward = {{ error = {{ laplace = {{}} }} }}\n"
        ),
    )
    .unwrap();
    let mut reused = Vec::new();
    for (arguments, kernels) in
        [(&[][..], "native"), (&["--kernels", "burn"], "burn"), (&["--kernels", "native"], "native")]
    {
        let output = run(folder.path(), arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap();
        reused.push(answer["reused"].as_u64().unwrap());
        let manifest = fs::read_to_string(folder.path().join("out/manifest.json")).unwrap();
        let manifest: Value = serde_json::from_str(&manifest).unwrap();
        assert_eq!((&manifest["kernels"], &manifest["device"]), (&kernels.into(), &"cpu".into()));
    }
    assert_eq!((reused[0], reused[1]), (0, 0));
    assert!(reused[2] > 0, "what was there is found again");
    let wrong = run(folder.path(), &["--kernels", "cuda"]);
    assert_eq!(wrong.status.code(), Some(2));
}
