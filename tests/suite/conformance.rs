//! Every environment × policy × trainer: it either trains, with columns that hold together and the same bytes each time, or its
//! config is refused by name, with what to do.

use crate::statistics::in_parallel;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use tailcatch::config::{ConfigError, Loaded, from_bytes};
use tailcatch::environments::EnvironmentSpec;
use tailcatch::experiment::store::Record;
use tailcatch::experiment::{Options, Progress, Setting, Trained, run, train};
use tailcatch::foundation::registry::Part;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, PolicySpec};
use tailcatch::reward::{RewardModel, Twin};
use tailcatch::trainers::TrainerSpec;

/// Name, settings, most actions of an episode, and whether its trajectories can be listed; the smallest that show anything.
const ENVIRONMENTS: [(&str, &str, u64, bool); 5] = [
    ("bandit", "outcomes = 30, contexts = 2", 1, true),
    ("tokens", "vocabulary = 3, length = 3, prompts = 2, end = true", 3, true),
    ("tokens", "vocabulary = 7, length = 7, end = true, utility = { motif = { tokens = 3 } }", 7, false),
    ("gridworld", "map = ['S.', 'XG'], horizon = 3", 3, true),
    ("gridworld", "map = ['S.', 'XG'], horizon = 5, slip = 0.2, reference = 'uniform'", 5, false),
];

const POLICIES: [(&str, &str); 5] = [
    ("tabular", ""),
    ("product", ""),
    ("mlp", "hidden = 4, layers = 1, context = 2"),
    ("gru", "hidden = 4"),
    ("transformer", "width = 4, heads = 2, layers = 1"),
];

/// Name, settings, steps, and whether it learns from samples.
const TRAINERS: [(&str, &str, u64, bool); 10] = [
    ("exact", "kl = { coefficient = 1 }, batch = 6", 1, false),
    ("reinforce", "batch = 6, steps = 3, optimizer = { adam = { learning_rate = 0.01 } }", 3, true),
    ("rloo", "batch = 6, group = 2, steps = 3, optimizer = { sgd = { learning_rate = 0.1 } }", 3, true),
    (
        "grpo",
        "batch = 6, group = 3, steps = 3, epochs = 2, optimizer = { sgd = { learning_rate = 0.1 } }, kl = { coefficient = 0.1 }",
        3,
        true,
    ),
    (
        "ppo",
        "batch = 6, minibatches = 2, steps = 3, optimizer = { adam = { learning_rate = 0.01 } }",
        3,
        true,
    ),
    ("best_of_n", "n = 4, batch = 6", 1, false),
    ("quantilizer", "mass = 0.2, batch = 6", 1, false),
    ("conditioning", "threshold = 0.0, batch = 6", 1, false),
    ("construction", "threshold = 1.1, exponent = 0.3, batch = 6", 1, false),
    ("reference", "batch = 6, steps = 2", 2, false),
];

/// What each run is checked against.
#[derive(Clone, Copy)]
struct Expected {
    /// Whether the parts go together: worked out on a table of all trajectories, or learned from samples step by step.
    fits: bool,
    acts: bool,
    learns: bool,
    horizon: u64,
    steps: u64,
}

/// Every combination, by what stands in its config.
fn combinations() -> Vec<([String; 3], Expected)> {
    let mut all = Vec::new();
    for (environment, world, horizon, listed) in ENVIRONMENTS {
        for (policy, network) in POLICIES {
            for (trainer, recipe, steps, learns) in TRAINERS {
                let acts = policy != "tabular";
                let fits = if acts { learns && environment != "bandit" } else { listed };
                let section = |name: &str, settings: &str| format!("{{ {name} = {{ {settings} }} }}");
                let parts = [section(environment, world), section(policy, network), section(trainer, recipe)];
                all.push((parts, Expected { fits, acts, learns, horizon, steps }));
            }
        }
    }
    all
}

fn load([environment, policy, trainer]: &[String; 3], more: &str) -> Result<Loaded, ConfigError> {
    let text = format!(
        "question = '?'\nenvironment = {environment}\npolicy = {policy}\ntrainer = {trainer}\n\
         reward = {{ error = {{ laplace = {{}} }} }}\n{more}"
    );
    from_bytes("parts.toml", text.as_bytes(), &[])
}

fn trained(loaded: &Loaded, seed: u64) -> Trained {
    let document = &loaded.document;
    let seeds = SeedTree::new(seed, 0);
    let model =
        RewardModel::build(document.environment.part(), &document.reward, &seeds, Twin::Itself).unwrap();
    let (policy, trainer) = (&document.policy, &document.trainer);
    let backend = &Backend::default();
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

#[test]
fn every_part_of_the_registries_is_in_the_tables() {
    let names = |parts: &[Part]| parts.iter().map(|part| part.name).collect::<BTreeSet<_>>();
    assert_eq!(names(EnvironmentSpec::PARTS), ENVIRONMENTS.iter().map(|row| row.0).collect());
    assert_eq!(names(PolicySpec::PARTS), POLICIES.iter().map(|row| row.0).collect());
    assert_eq!(names(TrainerSpec::PARTS), TRAINERS.iter().map(|row| row.0).collect());
}

#[test]
fn what_does_not_go_together_is_refused_with_its_key_and_a_remedy() {
    let mut refused = 0;
    for (parts, expected) in combinations() {
        match load(&parts, "") {
            Ok(_) => assert!(expected.fits, "{parts:?} is accepted"),
            Err(error) => {
                assert!(!expected.fits, "{parts:?}: {error}");
                refused += 1;
                for fault in error.faults() {
                    assert!(fault.position().is_some() && !fault.message().is_empty(), "{parts:?}: {fault}");
                    let help = fault.help().unwrap_or_default();
                    assert!(help.contains("use ") || help.contains("set "), "{parts:?}: {fault}; {help}");
                    // The caret stands under the policy or the trainer, whose section it is.
                    let named = |part: &str| part.contains(fault.excerpt());
                    assert!(named(&parts[1]) || named(&parts[2]), "{}: {fault}", fault.excerpt());
                }
            }
        }
    }
    // Acting policies: 4 on the bandit, with 10 trainers, and on 4 processes with the 6 that do not learn; tabular: 2 too large.
    let [environment, policy, _] = &combinations()[0].0;
    let construction = "{ construction = { threshold = 0.5 } }".to_owned();
    let error = load(&[environment.clone(), policy.clone(), construction], "").unwrap_err().to_string();
    assert!(error.contains("no mass to raise to"), "{error}");
    // 3 actions, the last of which ends the string: the rarest of them are written with 3 tokens.
    let budget = |nats: f64| {
        let exact = format!("{{ exact = {{ kl = {{ budget = {nats} }} }} }}");
        load(&[combinations()[5 * 10].0[0].clone(), policy.clone(), exact], "")
    };
    let most = 3.0 * 3f64.ln();
    assert!(budget(0.99 * most).is_ok());
    let error = budget(1.01 * most).unwrap_err().to_string();
    assert!(error.contains(&format!("{most:.4}")), "{error}");
    assert_eq!(refused, 4 * 10 + 4 * 4 * 6 + 2 * 10);
}

/// Columns of equal length, finite, and consistent with each other.
fn hold_together(ran: &Trained, expected: Expected, what: &str) {
    let (o, t) = (&ran.observed, &ran.truth);
    let rows = expected.steps as usize * 6;
    assert_eq!((ran.steps.len() as u64, o.len(), t.len()), (expected.steps, rows, rows), "{what}");
    let column = |c: &Option<Vec<f64>>| c.clone().unwrap_or_else(|| panic!("{what}: a column is missing"));
    let (log_prob, reference) = (column(&o.log_prob), column(&o.ref_log_prob));
    let reward = column(&o.reward);
    // Who does not learn compares nothing.
    assert_eq!(o.advantage.is_some(), expected.learns, "{what}");
    let advantage = o.advantage.as_ref().unwrap_or(&reward);
    for numbers in [&o.proxy, &log_prob, &reference, &reward, advantage, &t.utility, &t.error] {
        assert_eq!(numbers.len(), rows, "{what}");
        assert!(numbers.iter().all(|x| x.is_finite()), "{what}: {numbers:?}");
    }
    for (name, numbers) in &o.features {
        assert!(numbers.len() == rows && numbers.iter().all(|x| x.is_finite()), "{what}: {name}");
    }
    assert!([o.step.len(), o.trajectory.len(), o.outcome.len(), o.prompt.len(), o.group.len()] == [rows; 5]);
    assert!([t.class.len(), t.hack.len()] == [rows; 2], "{what}");
    assert!(log_prob.iter().chain(&reference).all(|l| *l <= 1e-12), "{what}: {log_prob:?}");
    assert!((0..rows).all(|row| o.proxy[row] == t.utility[row] + t.error[row]), "{what}: U = V + X");
    assert_eq!(o.length.is_some(), expected.acts, "{what}");
    let within = |n: &f64| *n >= 1.0 && *n <= expected.horizon as f64 && n.fract() == 0.0;
    assert!(o.length.iter().flatten().all(within), "{what}: {:?}", o.length);
    for (step, row) in ran.steps.iter().enumerate() {
        let own = step * 6..step * 6 + 6;
        let k1: f64 = own.clone().map(|row| log_prob[row] - reference[row]).sum::<f64>() / 6.0;
        assert!((row.kl_k1.unwrap() - k1).abs() < 1e-12, "{what}, step {step}: {:?} against {k1}", row.kl_k1);
        assert!(own.clone().all(|row| o.step[row] == step as u64), "{what}");
        assert_eq!(own.filter(|row| t.hack[*row]).count() as u64, row.sightings, "{what}");
        let numbers = [row.kl, row.entropy, row.utility, row.proxy, row.p_hack, row.kl_k3];
        assert!(numbers.iter().all(|x| x.is_some_and(f64::is_finite)), "{what}: {numbers:?}");
        assert!(row.kl.unwrap() >= 0.0 && row.entropy.unwrap() > 0.0, "{what}");
        assert!((0.0..=1.0).contains(&row.p_hack.unwrap()), "{what}");
    }
    assert_eq!(
        ran.last.policy.kl > 1e-12,
        !what.contains("{ reference = { batch"),
        "{what}: who is trained moves"
    );
}

pub struct Silent;

impl Progress for Silent {
    fn start(&self, _: usize, _: usize) {}
    fn advance(&self, _: u64) {}
}

/// Records of training runs, by file name.
fn records(out: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(out.join("records")).unwrap().map(|entry| entry.unwrap());
    let mut all: Vec<(String, Vec<u8>)> = files
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
        .collect();
    all.sort();
    all
}

#[test]
fn what_goes_together_trains_the_same_each_time_and_its_columns_hold_together() {
    let accepted: Vec<_> = combinations().into_iter().filter(|(_, expected)| expected.fits).collect();
    assert_eq!(accepted.len(), 3 * 10 + 4 * 4 * 4);
    in_parallel(accepted.len() as u64, |index| {
        let (parts, expected) = &accepted[index as usize];
        let what = parts.join(" × ");
        let loaded = load(parts, "").unwrap_or_else(|error| panic!("{what}: {error}"));
        let ran = trained(&loaded, 0);
        hold_together(&ran, *expected, &what);
        let record = ran.to_record().unwrap();
        assert_eq!(Trained::from_record(&record, Path::new("here")).unwrap(), ran, "{what}");
        assert!(record == trained(&loaded, 0).to_record().unwrap(), "{what}: the same bytes again");
        if matches!(loaded.document.policy.name(), "mlp" | "transformer") {
            // Whose prompts, chance and uniform numbers are those of the other networks.
            return;
        }
        let other = trained(&loaded, 1);
        assert!(ran.observed.outcome != other.observed.outcome, "{what}: another seed");
    });
}

#[test]
fn runs_from_a_config_are_the_same_bytes_on_any_threads() {
    let section = |row: (&str, &str)| format!("{{ {} = {{ {} }} }}", row.0, row.1);
    let networks = POLICIES[1..].iter().map(|row| section(*row)).collect::<Vec<_>>();
    let learners = TRAINERS.iter().filter(|row| row.3).map(|row| section((row.0, row.1))).collect::<Vec<_>>();
    for (world, networks, learners) in
        [(ENVIRONMENTS[1], &networks[2..3], &learners[..]), (ENVIRONMENTS[4], &networks[..], &learners[3..])]
    {
        let parts = [section((world.0, world.1)), networks[0].clone(), learners[0].clone()];
        let sweep = format!(
            "[calibration]\nrollouts = 500\n[sweep]\npolicy = [{}]\ntrainer = [{}]\n",
            networks.join(", "),
            learners.join(", ")
        );
        let loaded = load(&parts, &sweep).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let [one, two] = [1, 2].map(|threads| {
            let options = Options {
                out: folder.path().join(threads.to_string()),
                threads,
                fail_fast: true,
                backend: Backend::default(),
                part: Default::default(),
                allow_mixed: false,
            };
            let done = run(&loaded, "parts", &options, &Silent, &AtomicBool::new(false)).unwrap();
            assert_eq!(done.runs, 4);
            records(&options.out)
        });
        // Of every arm the run, its clean twin, what is said of it, and what of each detector.
        let wanted = 4 * (3 + loaded.document.detectors.len());
        assert!(one.len() == wanted && one == two, "{}: {} records", world.0, one.len());
        let readable =
            one.iter().filter_map(|(_, bytes)| Record::decode(bytes)?.section("steps.csv").map(<[u8]>::len));
        assert!(readable.clone().count() == 12 && readable.min() > Some(200));
    }
}
