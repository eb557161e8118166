//! Runs that are interrupted: they are kept, go on where they were, and end in the bytes of runs that were not.

use crate::cli::{outcome, tailcatch};
use std::fs;
use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tailcatch::config::{Loaded, from_bytes};
use tailcatch::experiment::store::{Record, Store};
use tailcatch::experiment::{
    Checkpoints, ExperimentError, Options, Progress, Setting, TrainError, Trained, run, train,
};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Backend;
use tailcatch::reward::{RewardModel, Twin};

const TOKENS: &str = "environment = { tokens = { vocabulary = 4, length = 4, prompts = 2, end = true } }\n";

/// World, policy and trainer; activations where the policy has any.
const SUBJECTS: [(&str, &str, &str, bool); 5] = [
    (
        "environment = { bandit = { outcomes = 60, contexts = 3 } }\n",
        "policy = { tabular = {} }\n",
        "trainer = { ppo = { batch = 12, minibatches = 2, optimizer = { adam = { learning_rate = 0.05 } }, \
         kl = { coefficient = 0.2, controller = { adaptive = { target = 0.1, horizon = 50 } } }, steps = STEPS } }\n",
        false,
    ),
    (
        TOKENS,
        "policy = { gru = { hidden = 6 } }\n",
        "trainer = { reinforce = { batch = 12, optimizer = { adam = { learning_rate = 0.05 } }, steps = STEPS, \
         kl = { coefficient = 0.1, controller = { budget = { target = 0.2 } } } } }\n",
        true,
    ),
    (
        TOKENS,
        "policy = { mlp = { hidden = 6, context = 2 } }\n",
        "trainer = { ppo = { batch = 12, minibatches = 3, optimizer = { adam = { learning_rate = 0.05 } }, steps = STEPS } }\n",
        true,
    ),
    (
        "environment = { bandit = { outcomes = 60, contexts = 3 } }\n",
        "policy = { tabular = {} }\n",
        "trainer = { grpo = { batch = 12, group = 4, optimizer = { adam = { learning_rate = 0.2 } }, steps = STEPS, \
         kl = { controller = { project = { target = 0.02 } } } } }\n",
        false,
    ),
    (
        TOKENS,
        "policy = { transformer = { width = 8, heads = 2, layers = 1 } }\n",
        "trainer = { grpo = { batch = 12, group = 4, optimizer = { adam = { learning_rate = 0.02 } }, steps = STEPS, \
         kl = { coefficient = 0.1, stop = 0.01 } } }\n",
        true,
    ),
];

fn text(
    (world, policy, trainer, activations): (&str, &str, &str, bool),
    steps: u32,
    checkpoint: &str,
) -> String {
    format!(
        "question = '?'\n{world}{policy}{}[reward]\nerror = {{ laplace = {{}} }}\nensemble = {{ members = 2 }}\n\
         [calibration]\nrollouts = 400\n[record]\nactivations = {activations}\n{checkpoint}",
        trainer.replace("STEPS", &steps.to_string())
    )
}

fn load(text: &str) -> Loaded {
    from_bytes("small.toml", text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}"))
}

/// Trains the first run of a config.
fn trained(loaded: &Loaded, checkpoints: Option<&Checkpoints<'_>>) -> Result<Trained, TrainError> {
    let document = &loaded.document;
    let seeds = SeedTree::new(document.seed, 0);
    let (policy, trainer) = (&document.policy, &document.trainer);
    let model =
        RewardModel::build(document.environment.part(), &document.reward, &seeds, Twin::Itself).unwrap();
    let activations = document.record.activations;
    let backend = &Backend::default();
    train(
        Setting {
            deployment: None,
            model: &model,
            policy,
            trainer,
            seeds,
            backend,
            activations,
            audit: None,
        },
        checkpoints,
    )
}

fn every(steps: u64) -> NonZeroU64 {
    NonZeroU64::new(steps).unwrap()
}

#[test]
fn a_run_that_is_stopped_after_every_step_ends_in_the_same_bytes() {
    for subject in SUBJECTS {
        let loaded = load(&text(subject, 6, ""));
        let whole = trained(&loaded, None).unwrap();
        if subject.3 {
            assert!(whole.observed.features.iter().any(|(name, _)| name == "hidden_0"));
        }
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        // Who is asked to stop takes one more step: only what is kept can bring a run to its end.
        let stop = AtomicBool::new(true);
        let checkpoints = Checkpoints::new(&store, "own", every(1000), &stop);
        for step in 0..5 {
            match trained(&loaded, Some(&checkpoints)) {
                Err(TrainError::Stopped { step: last }) => assert_eq!(last, step),
                other => panic!("step {step}: {:?}", other.map(|run| run.steps.len())),
            }
        }
        let resumed = trained(&loaded, Some(&checkpoints)).unwrap();
        assert!(resumed == whole, "{}: other numbers", subject.1);
        assert!(resumed.to_record().unwrap() == whole.to_record().unwrap(), "{}: other bytes", subject.1);
    }
}

#[test]
fn what_is_kept_is_what_a_run_goes_on_from_and_damage_counts_as_absent() {
    let loaded = load(&text(SUBJECTS[1], 6, ""));
    let whole = trained(&loaded, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let stop = AtomicBool::new(true);
    let checkpoints = Checkpoints::new(&store, "own", every(1000), &stop);
    for _ in 0..3 {
        trained(&loaded, Some(&checkpoints)).unwrap_err();
    }
    stop.store(false, Ordering::Relaxed);
    let path = folder.path().join("own.partial.record");
    let kept = fs::read(&path).unwrap();
    for at in [0, kept.len() / 2, kept.len() - 1] {
        let mut damaged = kept.clone();
        damaged[at] ^= 1;
        fs::write(&path, damaged).unwrap();
        assert!(trained(&loaded, Some(&checkpoints)).unwrap() == whole, "byte {at}");
    }
    fs::write(&path, &kept[..kept.len() / 3]).unwrap();
    assert!(trained(&loaded, Some(&checkpoints)).unwrap() == whole);
    // A whole record of another policy is not taken for one's own.
    let other = load(&text((TOKENS, "policy = { gru = { hidden = 7 } }\n", SUBJECTS[1].2, true), 6, ""));
    fs::write(&path, &kept).unwrap();
    let error = trained(&other, Some(&checkpoints)).unwrap_err().to_string();
    assert!(error.contains(".partial.record"), "{error}");
}

struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: usize) {}
    fn advance(&self, _: u64) {}
}

fn options(out: PathBuf) -> Options {
    Options {
        out,
        threads: 2,
        fail_fast: true,
        backend: Backend::default(),
        part: Default::default(),
        allow_mixed: false,
    }
}

/// All files below a folder but the manifest and what is drawn, by name.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = [folder.to_owned(), folder.join("records")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()))
        .filter(|path| path.extension().is_some_and(|e| e == "csv" || e == "record"))
        .map(|path| (path.file_name().unwrap().to_str().unwrap().to_owned(), fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn an_experiment_goes_on_from_what_is_kept_and_leaves_no_trace_of_the_interruption() {
    for subject in SUBJECTS {
        let loaded = load(&text(subject, 6, "checkpoint = 2\n"));
        let folder = tempfile::tempdir().unwrap();
        let whole = options(folder.path().join("whole"));
        let stop = AtomicBool::new(false);
        run(&loaded, "small", &whole, &Silent, &stop).unwrap();
        let other = options(folder.path().join("other"));
        let store = Store::open(&other.out.join("records")).unwrap();
        let id = tailcatch::experiment::plan(&loaded, &Backend::default()).unwrap()[0].train_id;
        let always = AtomicBool::new(true);
        trained(&loaded, Some(&Checkpoints::new(&store, &id, every(2), &always))).unwrap_err();
        assert!(store.path(&format!("{id}.partial")).exists());
        run(&loaded, "small", &other, &Silent, &stop).unwrap();
        let (whole, other) = (files(&whole.out), files(&other.out));
        // The run, its clean twin, what is said of it and of each detector; nothing of the run under way.
        let wanted = 3 + loaded.document.detectors.len();
        assert_eq!(
            other.iter().filter(|(name, _)| name.ends_with(".record")).count(),
            wanted,
            "{}",
            subject.1
        );
        assert!(whole == other, "{}", subject.1);
    }
}

/// Stops once a run under way is kept.
fn stop_when_kept(records: &Path, stop: &AtomicBool) {
    let kept = || {
        let entries = fs::read_dir(records).into_iter().flatten().flatten();
        entries.into_iter().any(|entry| entry.file_name().to_string_lossy().ends_with(".partial.record"))
    };
    while !kept() {
        std::thread::yield_now();
    }
    stop.store(true, Ordering::Relaxed);
}

#[test]
fn a_stopped_run_is_no_failure() {
    let loaded = load(&text(SUBJECTS[1], 2000, "checkpoint = 1\n"));
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path().join("out"));
    let stop = AtomicBool::new(false);
    let records = options.out.join("records");
    let error = std::thread::scope(|scope| {
        scope.spawn(|| stop_when_kept(&records, &stop));
        run(&loaded, "small", &options, &Silent, &stop).unwrap_err()
    });
    assert!(matches!(error, ExperimentError::Stopped { done: 0, total: 1, .. }), "{error}");
    let partial =
        files(&options.out).into_iter().find(|(name, _)| name.ends_with(".partial.record")).unwrap();
    assert!(Record::decode(&partial.1).is_some(), "what is kept verifies");
}

#[cfg(unix)]
#[test]
fn an_interrupted_process_exits_75() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("small.toml");
    fs::write(&config, text(SUBJECTS[2], 2000, "checkpoint = 1\n")).unwrap();
    let out = folder.path().join("out");
    let mut command = tailcatch();
    command.arg("run").arg(&config).arg("--out").arg(&out);
    let pipe = std::process::Stdio::piped;
    let child = command.stdout(pipe()).stderr(pipe()).spawn().unwrap();
    stop_when_kept(&out.join("records"), &AtomicBool::new(false));
    let (code, _, stderr) =
        outcome(std::process::Command::new("kill").arg("-INT").arg(child.id().to_string()));
    assert_eq!(code, 0, "{stderr}");
    let ended = child.wait_with_output().unwrap();
    let told = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(75), "{told}");
    assert!(told.contains("stopped with 0 of 1 runs finished"), "{told}");
}
