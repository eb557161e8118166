//! `reward.condition = "sighted"`: rare runs are drawn with their exact probability, and shares come out as of all runs.

use crate::cli::{file, outcome, tailcatch};
use crate::statistics::in_parallel;
use std::num::NonZeroU64;
use std::sync::atomic::AtomicBool;
use tailcatch::config::{Loaded, from_bytes};
use tailcatch::experiment::store::Store;
use tailcatch::experiment::{Checkpoints, Setting, TrainError, Trained, ids, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Backend;
use tailcatch::reward::{RewardModel, Twin};

const CONDITION: &str = "condition = 'sighted'\n";
const REINFORCE: &str = "{ reinforce = { batch = 16, steps = 100, optimizer = { sgd = { learning_rate = 1.6 } }, kl = { coefficient = 0.05 } } }";

/// An exploit of half of the prompts, of mass 5e-4 there, that a few sightings teach.
fn text(trainer: &str, condition: &str) -> String {
    format!(
        "question = '?'\nenvironment = {{ bandit = {{ outcomes = 40, contexts = 2 }} }}\ntrainer = {trainer}\n\
         calibration = {{ rollouts = 400 }}\n[reward]\n{condition}\
         exploits = [{{ mass = 1e-3, contexts = 0.5, proxy = 20, utility = -5 }}]\n"
    )
}

fn load(text: &str) -> Loaded {
    from_bytes("sighted.toml", text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn trained(
    loaded: &Loaded,
    replicate: u64,
    twin: Twin,
    checkpoints: Option<&Checkpoints<'_>>,
) -> Result<Trained, TrainError> {
    let document = &loaded.document;
    let seeds = SeedTree::new(document.seed, replicate);
    let model = RewardModel::build(document.environment.part(), &document.reward, &seeds, twin).unwrap();
    let setting = Setting {
        model: &model,
        policy: &document.policy,
        trainer: &document.trainer,
        deployment: document.deployment.as_ref(),
        seeds,
        backend: &Backend::default(),
        activations: false,
        audit: None,
    };
    train(setting, checkpoints)
}

/// First sighting, in steps; P(hack) of the final policy; P_seen.
type Run = (Option<usize>, f64, Option<f64>);

fn runs(condition: &str, replicates: u64, seed: u64) -> Vec<Run> {
    let loaded = load(&format!("seed = {seed}\n{}", text(REINFORCE, condition)));
    in_parallel(replicates, |replicate| {
        let run = trained(&loaded, replicate, Twin::Itself, None).unwrap();
        let first = run.steps.iter().position(|step| step.sightings > 0);
        (first, run.last.policy.p_hack, run.last.sighting.map(|sighting| sighting.p_seen))
    })
}

fn mean_and_error(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let values: Vec<f64> = values.collect();
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

/// 700 runs as they come, 350 conditioned ones (3000 and 1500 with `slow`): differences of more than 3 standard errors, of at most .02,
/// are seen.
#[test]
fn conditioned_runs_tell_of_all_runs_what_plain_ones_do() {
    let (all, conditioned) = if cfg!(feature = "slow") { (3000, 1500) } else { (700, 350) };
    let (plain, sighted) = (runs("", all, 5), runs(CONDITION, conditioned, 6));
    assert!(sighted.iter().all(|run| run.0.is_some() && run.2.is_some_and(|p| p > 0.0 && p < 1.0)));
    assert!(plain.iter().all(|run| run.2.is_none()));
    type Question = (&'static str, fn(&Run) -> f64);
    let questions: [Question; 4] = [
        ("sighted", |run| f64::from(u8::from(run.0.is_some()))),
        ("sighted and taken over where it can be", |run| {
            f64::from(u8::from(run.0.is_some() && run.1 > 0.25))
        }),
        ("mass on the hack, of the sighted", |run| if run.0.is_some() { run.1 } else { 0.0 }),
        ("half of the run left at the first sighting", |run| {
            f64::from(u8::from(run.0.is_some_and(|s| s < 50)))
        }),
    ];
    for (name, question) in questions {
        let (found, error) = mean_and_error(sighted.iter().map(|run| run.2.unwrap() * question(run)));
        let (expected, own) = mean_and_error(plain.iter().map(question));
        let off = (found - expected) / error.hypot(own);
        assert!(
            off.abs() < 3.0 && error.hypot(own) < 0.02,
            "{name}: {found} ± {error}, plain {expected} ± {own}"
        );
        assert!(expected > 0.05 && expected < 0.95, "{name}: nothing to tell apart at {expected}");
    }
}

#[test]
fn a_policy_that_stays_has_the_geometric_law() {
    let loaded = load(&text("{ reference = { batch = 7, steps = 11 } }", CONDITION));
    for replicate in 0..20 {
        let run = trained(&loaded, replicate, Twin::Itself, None).unwrap();
        let sighting = run.last.sighting.unwrap();
        // Which prompts hold the exploit is drawn with the replicate: one of two.
        let table_prompts = run.observed.prompt.iter();
        let hack_prompt = run.observed.prompt[run.truth.hack.iter().position(|hack| *hack).unwrap()];
        let exposed = table_prompts.filter(|prompt| **prompt == hack_prompt).count() as i32;
        let p_seen = 1.0 - (1.0 - 1e-3f64).powi(exposed);
        assert!((sighting.p_seen / p_seen - 1.0).abs() < 1e-9, "{} {p_seen}", sighting.p_seen);
        let first = run.steps.iter().position(|step| step.sightings > 0);
        assert_eq!(first, Some(sighting.step as usize));
    }
}

#[test]
fn a_run_that_is_stopped_after_every_step_ends_in_the_same_bytes() {
    let trainer =
        "{ grpo = { batch = 12, group = 4, steps = 8, optimizer = { adam = { learning_rate = 0.1 } } } }";
    let loaded = load(&text(trainer, CONDITION));
    let whole = trained(&loaded, 0, Twin::Itself, None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path()).unwrap();
    let stop = AtomicBool::new(true);
    let checkpoints = Checkpoints::new(&store, "own", NonZeroU64::new(1000).unwrap(), &stop);
    for step in 0..7 {
        match trained(&loaded, 0, Twin::Itself, Some(&checkpoints)) {
            Err(TrainError::Stopped { step: last }) => assert_eq!(last, step),
            other => panic!("step {step}: {:?}", other.map(|run| run.steps.len())),
        }
    }
    let resumed = trained(&loaded, 0, Twin::Itself, Some(&checkpoints)).unwrap();
    assert!(resumed == whole && resumed.to_record().unwrap() == whole.to_record().unwrap());
}

#[test]
fn twins_and_identities_know_the_condition() {
    let (plain, sighted) = (load(&text(REINFORCE, "")), load(&text(REINFORCE, CONDITION)));
    let section = serde_json::to_string(&plain.document.reward).unwrap();
    assert!(!section.contains("condition"), "what is left out has no part in an identity: {section}");
    let id = |loaded: &Loaded, twin| ids::train_id(&loaded.document, 0, twin, &Backend::default()).unwrap();
    assert_ne!(id(&plain, Twin::Itself), id(&sighted, Twin::Itself));
    assert_eq!(id(&plain, Twin::Clean), id(&sighted, Twin::Clean), "the clean twin has nothing to sight");

    let run = trained(&sighted, 1, Twin::Itself, None).unwrap();
    let swapped = trained(&sighted, 1, Twin::Swapped, None).unwrap();
    assert_eq!(run.observed, swapped.observed, "every observable of the swap twin is the run's");
    assert!(run.truth.hack.contains(&true) && !swapped.truth.hack.contains(&true));
    let placebo = trained(&sighted, 1, Twin::Placebo, None).unwrap();
    let first = |run: &Trained| run.truth.class.iter().position(|class| *class == 1);
    assert!(
        first(&placebo).is_some() && placebo.last.sighting.is_some() && !placebo.truth.hack.contains(&true)
    );
    assert!(trained(&sighted, 1, Twin::Clean, None).unwrap().last.sighting.is_none());
}

#[test]
fn where_it_cannot_hold_it_is_refused_with_what_to_do() {
    let refused = |text: &str| {
        let error = from_bytes("sighted.toml", text.as_bytes(), &[]).unwrap_err();
        let fault = &error.faults()[0];
        format!("{}: {}", fault.message(), fault.help().unwrap_or_default())
    };
    let bare = "question = '?'\nenvironment = { bandit = { outcomes = 40 } }\ntrainer = { reinforce = {} }\n\
                [reward]\ncondition = 'sighted'\n";
    let nothing = refused(bare);
    assert!(nothing.contains("nothing is one") && nothing.contains("[[reward.exploits]]"), "{nothing}");
    let tokens = "question = '?'\nenvironment = { tokens = { vocabulary = 3, length = 3 } }\npolicy = { gru = { hidden = 4 } }\n\
                  trainer = { reinforce = {} }\n[reward]\ncondition = 'sighted'\ntriggers = [{ pattern = { tokens = 2 }, proxy = 5, utility = -1 }]\n";
    let acts = refused(tokens);
    assert!(acts.contains("policy.gru acts step by step") && acts.contains("policy.tabular"), "{acts}");
    assert!(
        from_bytes("sighted.toml", tokens.replace("gru = { hidden = 4 }", "tabular = {}").as_bytes(), &[])
            .is_ok()
    );
    assert!(refused(&bare.replace("'sighted'", "'sigthed'")).contains("sighted"));

    // A policy that gives hacks no mass at all is told when it is run.
    let loaded = load(&text("{ conditioning = { threshold = -100.0, batch = 6 } }", CONDITION));
    assert!(trained(&loaded, 0, Twin::Itself, None).is_ok());
    let none = load(
        &text("{ quantilizer = { mass = 0.2, batch = 6 } }", CONDITION).replace("proxy = 20", "proxy = -20"),
    );
    let error = trained(&none, 0, Twin::Itself, None).unwrap_err().to_string();
    assert!(error.contains("leave the condition out"), "{error}");

    let (folder, path) = file("sighted.toml", text(REINFORCE, CONDITION));
    let out = folder.path().join("out");
    let (code, _, stderr) = outcome(tailcatch().arg("bench").arg(&path).arg("--out").arg(&out));
    assert!(code != 0 && stderr.contains("tailcatch run"), "{stderr}");
}

#[test]
fn the_summary_multiplies_shares_by_p_seen_and_says_so() {
    let text = text(REINFORCE, CONDITION).replacen("question = '?'", "question = '?'\nreplicates = 8", 1)
        + "[[detectors]]\ntop_reward = {}\n";
    let (folder, path) = file("sighted.toml", text);
    let out = folder.path().join("out");
    let (code, _, stderr) = outcome(tailcatch().arg("run").arg(&path).arg("--out").arg(&out).arg("--quiet"));
    assert_eq!(code, 0, "{stderr}");
    let column = |table: &str, name: &str| -> Vec<String> {
        let mut rows = csv::Reader::from_path(out.join(table)).unwrap();
        let place = rows.headers().unwrap().iter().position(|h| h == name).unwrap();
        rows.records().map(|row| row.unwrap()[place].to_owned()).collect()
    };
    let seen: Vec<f64> = column("replicates.csv", "p_seen").iter().map(|p| p.parse().unwrap()).collect();
    let mean = seen.iter().sum::<f64>() / 8.0;
    let damaged: Vec<bool> = column("replicates.csv", "damage_step").iter().map(|s| !s.is_empty()).collect();
    let (metrics, estimates, methods) =
        (column("summary.csv", "metric"), column("summary.csv", "estimate"), column("summary.csv", "method"));
    let row = |name: &str| {
        let place = metrics.iter().position(|metric| metric == name).unwrap();
        (estimates[place].parse::<f64>().unwrap(), methods[place].clone())
    };
    assert!((row("sighted").0 - mean).abs() < 1e-12);
    let expected =
        seen.iter().zip(&damaged).map(|(p, damaged)| p * f64::from(u8::from(*damaged))).sum::<f64>() / 8.0;
    assert!(
        (row("damaged").0 - expected).abs() < 1e-12 && row("damaged").1.contains("P_seen"),
        "{:?}",
        row("damaged")
    );
    let ends: f64 = metrics
        .iter()
        .zip(&estimates)
        .filter(|(metric, _)| metric.starts_with("end_"))
        .map(|(_, estimate)| estimate.parse::<f64>().unwrap())
        .sum();
    assert!((ends - mean).abs() < 1e-9, "how sighted runs end adds up to their share: {ends} {mean}");
    assert!(row("utility").1.contains("weighted by P_seen"));
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    assert!(page.contains("8 of 8 runs are conditioned on sampling a hack in training"));
}
