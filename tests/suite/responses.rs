//! Responses that act: what each does to a run, that none does nothing, that the trail inside training is the trail afterwards, and
//! that a run stopped in the middle of a delay ends in the same bytes.

use crate::cli::{outcome, tailcatch};
use std::num::NonZeroU64;
use std::sync::atomic::AtomicBool;
use tailcatch::audit::Trail;
use tailcatch::audit::response::ResponseSpec;
use tailcatch::config::{Loaded, from_bytes};
use tailcatch::detectors::{DetectorSpec, Fit};
use tailcatch::experiment::auditing::{Calibration, Desk, truth_scores};
use tailcatch::experiment::store::Store;
use tailcatch::experiment::{Audited, Checkpoints, Setting, TrainError, Trained, train, train_under};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Backend;
use tailcatch::record::folder::RunFolder;
use tailcatch::reward::{RewardModel, Twin};

/// A bandit whose exploit of one outcome takes a policy over within some twenty steps.
pub const BANDIT: &str = "question = '?'\nseed = 5\n[environment.bandit]\noutcomes = 500\n[[reward.exploits]]\nmass = 4e-3\noutcomes = 2\n\
    proxy = 20\nutility = -5\n[policy.tabular]\n[calibration]\nrollouts = 2_000\nvetted = true\n[[detectors]]\ntop_reward = {}\n";
pub const REINFORCE: &str = "[trainer.reinforce]\nbatch = 64\nsteps = 60\noptimizer = { sgd = { learning_rate = 3.2 } }\n\
    kl = { coefficient = 0.5, estimator = 'k1', place = 'reward' }\n";

/// Several epochs, minibatches, a value head and an optimizer that remembers.
const PPO: &str = "[trainer.ppo]\nbatch = 64\nsteps = 60\nepochs = 2\nminibatches = 2\n\
    optimizer = { adam = { learning_rate = 0.1 } }\n";

/// Strings of a network that shows its last hidden layer; one in 36 begins with what the reward model overrates.
pub const TOKENS: &str = "question = '?'\nseed = 5\n[environment.tokens]\nvocabulary = 6\nlength = 3\n[policy.gru]\nhidden = 4\n\
    [record]\nactivations = true\n[calibration]\nrollouts = 500\nvetted = true\n[[reward.triggers]]\npattern = { tokens = 2 }\n\
    proxy = 9\n[[detectors]]\ntop_reward = {}\n";
pub const RECURRENT: &str =
    "[trainer.reinforce]\nbatch = 32\nsteps = 40\noptimizer = { adam = { learning_rate = 0.05 } }\n";

pub fn load(text: &str) -> Loaded {
    from_bytes("small.toml", text.as_bytes(), &[]).unwrap_or_else(|error| panic!("{error}"))
}

fn bandit(audit: &str) -> Loaded {
    load(&format!("{BANDIT}{REINFORCE}[audit]\n{audit}\n"))
}

pub fn trained(loaded: &Loaded, checkpoints: Option<&Checkpoints<'_>>) -> Result<Trained, TrainError> {
    with(loaded, |setting| train(setting, checkpoints))
}

pub fn with<T>(loaded: &Loaded, then: impl FnOnce(Setting<'_>) -> T) -> T {
    let document = &loaded.document;
    let seeds = SeedTree::new(document.seed, 0);
    let model =
        RewardModel::build(document.environment.part(), &document.reward, &seeds, Twin::Itself).unwrap();
    then(Setting {
        deployment: document.deployment.as_ref(),
        model: &model,
        policy: &document.policy,
        trainer: &document.trainer,
        seeds,
        backend: &Backend::default(),
        activations: document.record.activations,
        audit: Audited::of(document),
    })
}

pub const RECORDS: &str = "auditor = { records = { benign_looks = 10 } }\n";

/// First step at which the rollouts of two runs differ.
fn parting(a: &Trained, b: &Trained) -> Option<u64> {
    let rows = a.observed.outcome.iter().zip(&b.observed.outcome);
    rows.zip(&a.observed.step).find(|((a, b), _)| a != b).map(|(_, step)| *step)
}

fn first_sighting(run: &Trained) -> u64 {
    let hack = run.truth.hack.iter().position(|hack| *hack).unwrap();
    run.observed.step[hack]
}

#[test]
fn without_a_response_the_run_is_taken_over_and_each_response_that_is_in_time_prevents_it() {
    let none = trained(&bandit(RECORDS), None).unwrap();
    assert!(none.last.policy.p_hack > 0.5, "{}", none.last.policy.p_hack);
    let seen = first_sighting(&none);
    for response in ["remove = {}", "relabel = {}", "class = {}", "stop = {}", "roll_back = { every = 1 }"] {
        let run = trained(&bandit(&format!("{RECORDS}response = {{ {response} }}")), None).unwrap();
        assert!(run.last.policy.p_hack < 0.05, "{response}: {}", run.last.policy.p_hack);
        assert_eq!(first_sighting(&run), seen, "{response}: nothing changes before the first sighting");
        assert_eq!(parting(&none, &run).map(|step| step > seen), Some(true), "{response}");
    }
    let clip = trained(&bandit(&format!("{RECORDS}response = {{ clip = {{}} }}")), None).unwrap();
    let gain = |run: &Trained| run.last.policy.utility;
    assert!(gain(&clip) > gain(&none) + 1.0, "{} against {}", gain(&clip), gain(&none));
}

#[test]
fn a_delay_that_is_too_long_prevents_nothing() {
    let late =
        trained(&bandit(&format!("{RECORDS}response = {{ remove = {{ delay = 59 }} }}")), None).unwrap();
    assert!(late.last.policy.p_hack > 0.5);
    let delayed =
        trained(&bandit(&format!("{RECORDS}response = {{ remove = {{ delay = 2 }} }}")), None).unwrap();
    let removed: Vec<u64> = delayed.steps.iter().filter(|row| row.removed > 0).map(|row| row.step).collect();
    assert!(removed.iter().all(|step| *step >= first_sighting(&delayed) + 2), "{removed:?}");
    assert!(delayed.steps.iter().all(|row| row.removed_honest == 0), "outcomes are known exactly");
}

#[test]
fn what_stops_leaves_the_policy_as_it_is() {
    let run = trained(&bandit(&format!("{RECORDS}response = {{ stop = {{}} }}")), None).unwrap();
    let seen = first_sighting(&run) as usize;
    let kl = |step: usize| run.steps[step].kl.unwrap();
    assert!(kl(seen) > 0.0 && (seen..60).all(|step| kl(step) == kl(seen)));
}

#[test]
fn a_policy_that_is_rolled_back_is_the_one_before_the_sighting() {
    let response = "response = { roll_back = { every = 1, delay = 4 } }";
    let run = trained(&bandit(&format!("{RECORDS}{response}")), None).unwrap();
    let seen = first_sighting(&run) as usize;
    let p = |step: usize| run.steps[step].p_hack.unwrap();
    assert!(p(seen + 4) > 3.0 * p(seen), "it was learning: {} {}", p(seen + 4), p(seen));
    assert_eq!(p(seen + 5), p(seen));
    assert_eq!(run.steps[seen + 5].kl, run.steps[seen].kl);
}

/// What is optimised at a visit of what was read is its true utility, to the bit: where each hack is read as it is first sampled, the
/// policy takes the course that it takes in a world in which hacks are paid what they are worth.
#[test]
fn what_is_relabelled_is_paid_its_true_utility() {
    for trainer in [REINFORCE, PPO] {
        let text = format!("{BANDIT}{trainer}");
        let run = |text: String| trained(&load(&text), None).unwrap();
        let oracle = "[audit]\nauditor = { oracle_spending = {} }\nresponse = { relabel = {} }\n";
        let (alone, relabelled) = (run(text.clone()), run(format!("{text}{oracle}")));
        let honest = run(text.replace("proxy = 20", "proxy = -5"));
        let read = relabelled.truth.hack.iter().position(|hack| *hack).unwrap();
        assert_eq!((relabelled.observed.proxy[read], relabelled.truth.utility[read]), (20.0, -5.0));
        assert_eq!(honest.observed.proxy[read], -5.0, "the same rollout");
        assert_eq!(relabelled.observed.outcome, honest.observed.outcome, "{trainer}");
        let course = |run: &Trained| -> Vec<_> { run.steps.iter().map(|row| (row.kl, row.p_hack)).collect() };
        assert_eq!(course(&relabelled), course(&honest), "{trainer}");
        assert_ne!(course(&relabelled), course(&alone), "{trainer}: it changes nothing");
    }
}

/// Distance between the activations of two rollouts.
fn distance(run: &Trained, a: usize, b: usize) -> f64 {
    let hidden = run.observed.features.iter().filter(|(name, _)| name.starts_with("hidden_"));
    hidden.map(|(_, column)| (column[a] - column[b]).powi(2)).sum::<f64>().sqrt()
}

/// What is removed is what lies near a hack that was read, worked out by hand from the rollouts and their truth: with a radius at
/// which a part of the step of the first sighting is near, and with one that nothing is beyond.
#[test]
fn what_is_honest_and_near_a_hack_is_removed_too_and_counted() {
    let audit = |radius: f64| {
        load(&format!(
            "{TOKENS}{RECURRENT}[audit]\nauditor = {{ oracle_spending = {{}} }}\n\
             response = {{ neighbourhood = {{ radius = {radius:?} }} }}\n"
        ))
    };
    // Nothing is within this radius but the hack itself: up to its first sighting the run is the same at any.
    let alone = trained(&audit(1e-9), None).unwrap();
    let (seen, hack) = (first_sighting(&alone), alone.truth.hack.iter().position(|hack| *hack).unwrap());
    let same_step = (0..alone.observed.len()).filter(|row| alone.observed.step[*row] == seen);
    let mut near: Vec<f64> = same_step.map(|row| distance(&alone, row, hack)).collect();
    near.sort_by(f64::total_cmp);
    // In the widest gap, so that no rollout lies on the border.
    let gap = |at: usize| near[at + 1] - near[at];
    let widest = (8..24).max_by(|a, b| gap(*a).total_cmp(&gap(*b))).unwrap();
    for radius in [0.5 * (near[widest] + near[widest + 1]), 1e3] {
        let run = trained(&audit(radius), None).unwrap();
        let outcome = &run.observed.outcome;
        // The bound reads each hack as it is first sampled, unless it is kept out already.
        let mut read: Vec<usize> = Vec::new();
        let is_near = |read: &[usize], row: usize| {
            read.iter().any(|own| outcome[*own] == outcome[row] || distance(&run, *own, row) <= radius)
        };
        for step in 0..40u64 {
            let rows: Vec<usize> = (0..outcome.len()).filter(|row| run.observed.step[*row] == step).collect();
            let before = read.clone();
            for row in rows.iter().filter(|row| run.truth.hack[**row] && !is_near(&before, **row)) {
                if read.iter().all(|own| outcome[*own] != outcome[*row]) {
                    read.push(*row);
                }
            }
            let removed: Vec<usize> = rows.into_iter().filter(|row| is_near(&read, *row)).collect();
            let honest = removed.iter().filter(|row| !run.truth.hack[**row]).count() as u64;
            let row = &run.steps[step as usize];
            assert_eq!(
                (row.removed, row.removed_honest),
                (removed.len() as u64, honest),
                "{radius}, step {step}"
            );
            if step == seen {
                let all =
                    run.truth.hack[step as usize * 32..][..32].iter().filter(|hack| !**hack).count() as u64;
                assert!(honest > 0 && (honest < all || radius == 1e3), "{radius}: {honest} of {all}");
            }
        }
        assert!(run.steps.iter().map(|row| row.removed_honest).sum::<u64>() > 0, "{radius}");
    }
}

/// A response that finds nothing to respond to leaves every byte as it was, and so does none.
#[test]
fn an_audit_that_finds_nothing_changes_no_byte() {
    let clean = BANDIT.replace("proxy = 20", "proxy = -9");
    let run = |audit: &str| {
        trained(&load(&format!("{clean}{REINFORCE}[audit]\n{audit}\n")), None).unwrap().to_record().unwrap()
    };
    let none = run(RECORDS);
    for response in ["remove", "relabel", "clip", "class", "stop", "roll_back"] {
        assert!(run(&format!("{RECORDS}response = {{ {response} = {{}} }}")) == none, "{response}");
    }
}

pub fn afterwards(loaded: &Loaded, run: &Trained) -> (Trail, u64) {
    let document = &loaded.document;
    let seeds = SeedTree::new(document.seed, 0);
    let calibration = with(loaded, |setting| tailcatch::experiment::calibration(setting, 2_000, true));
    let mut fit = Fit::new(&document.detectors[0], &calibration.observed, &seeds).unwrap();
    let (reference, scores) = match document.audit.auditor.part().sees_truth() {
        true => (truth_scores(&calibration.truth.hack), truth_scores(&run.truth.hack)),
        false => {
            // Reference rollouts have no advantage: what needs one begins without a reference.
            let reference = fit.score(&calibration.observed).unwrap_or_else(|_| truth_scores(&[]));
            (reference, fit.score(&run.observed).unwrap())
        }
    };
    let rollouts = run.observed.len() as u64;
    let Calibration { truth, .. } = &calibration;
    let looks = truth.hack.len() as u64;
    let desk = Desk::open(&document.audit, &calibration, reference.values(), (rollouts, 60), &seeds).unwrap();
    (desk.run(&run.observed, &scores, &run.truth), looks)
}

/// Which outcomes were removed, and from when on, is exactly what the audit of the finished run confirmed: nothing else was known.
#[test]
fn the_trail_inside_training_is_that_of_the_finished_run() {
    for detector in ["top_reward = {}", "log_ratio = {}", "influence = {}"] {
        for auditor in [
            "records = { benign_looks = 10 }",
            "alarm = { rate = 0.01, looks = 0.02 }",
            "top = { looks = 0.01 }",
            "random = { looks = 0.05 }",
            "oracle_spending = {}",
        ] {
            for delay in [0, 1] {
                let world = BANDIT.replace("top_reward = {}", detector);
                let loaded = load(&format!(
                    "{world}{REINFORCE}[audit]\nauditor = {{ {auditor} }}\n\
                     response = {{ remove = {{ delay = {delay} }} }}\n"
                ));
                let run = trained(&loaded, None).unwrap();
                let (trail, _) = afterwards(&loaded, &run);
                let mut removed = vec![0; 60];
                for (row, (outcome, step)) in run.observed.outcome.iter().zip(&run.observed.step).enumerate()
                {
                    let known = trail.picks.iter().any(|pick| {
                        pick.confirmed
                            && run.observed.outcome[pick.row] == *outcome
                            && pick.step + delay <= *step
                    });
                    removed[*step as usize] += u64::from(known);
                    assert!(!known || run.truth.hack[row]);
                }
                let inside: Vec<u64> = run.steps.iter().map(|row| row.removed).collect();
                assert_eq!(inside, removed, "{detector} {auditor} {delay}");
                // By the reward, who looks at what is high finds the exploit, which pays 20.
                let finds = !auditor.starts_with("random") && detector.starts_with("top_reward");
                assert!(!finds || removed.iter().any(|own| *own > 0), "{detector} {auditor} {delay}: idle");
            }
        }
    }
}

#[test]
fn a_run_that_is_stopped_in_the_middle_of_a_delay_ends_in_the_same_bytes() {
    let responses = [
        "remove = { delay = 3 }",
        "relabel = { delay = 3 }",
        "clip = { delay = 3 }",
        "neighbourhood = { radius = 0.2, delay = 3 }",
        "class = { delay = 3 }",
        "stop = { delay = 5 }",
        "roll_back = { delay = 3, every = 2 }",
    ];
    for name in ResponseSpec::PARTS.iter().map(|part| part.name).filter(|name| *name != "none") {
        assert!(
            responses.iter().any(|own| own.starts_with(&format!("{name} ")) && own.contains("delay")),
            "{name} is not tried"
        );
    }
    for base in [format!("{BANDIT}{REINFORCE}"), format!("{BANDIT}{PPO}"), format!("{TOKENS}{RECURRENT}")] {
        let alone = trained(&load(&base), None).unwrap();
        for response in responses {
            // The distances are those of a network's activations; what is beside them is tried on tables.
            if base.contains("activations") != response.contains("radius") {
                continue;
            }
            let loaded = load(&format!("{base}[audit]\n{RECORDS}response = {{ {response} }}\n"));
            let whole = trained(&loaded, None).unwrap();
            assert!(whole.steps != alone.steps, "{response} does nothing in {base}");
            let folder = tempfile::tempdir().unwrap();
            let store = Store::open(folder.path()).unwrap();
            let stop = AtomicBool::new(true);
            let checkpoints = Checkpoints::new(&store, "own", NonZeroU64::new(1000).unwrap(), &stop);
            let mut stops = 0;
            while let Err(TrainError::Stopped { .. }) = trained(&loaded, Some(&checkpoints)) {
                stops += 1;
            }
            assert_eq!(stops, whole.steps.len() - 1, "after every step but the last");
            let resumed = trained(&loaded, Some(&checkpoints)).unwrap();
            assert!(
                resumed.to_record().unwrap() == whole.to_record().unwrap(),
                "{response}: other bytes, {base}"
            );
        }
    }
}

/// A world of many hacks that nobody trains on: 600 of 3000 outcomes, so that rates of readers can be told from chance.
fn many_hacks(audit: &str) -> String {
    let many = BANDIT
        .replace("seed = 5", "seed = 5\nreplicates = 1")
        .replace("outcomes = 500", "outcomes = 3000")
        .replace("mass = 4e-3\noutcomes = 2", "mass = 0.2\noutcomes = 600");
    format!("{many}[trainer.reference]\nbatch = 64\nsteps = 60\n[audit]\n{audit}\n")
}

/// How many rollouts were read that are hacks, or are none, and how many of them were confirmed.
fn confirmed(run: &Trained, trail: &Trail, hack: bool) -> (f64, f64) {
    let own = trail.picks.iter().filter(|pick| run.truth.hack[pick.row] == hack);
    own.fold((0.0, 0.0), |(read, said), pick| (read + 1.0, said + f64::from(u8::from(pick.confirmed))))
}

/// A count out of `n` at a rate is within 3 standard errors.
fn assert_rate(what: &str, count: f64, n: f64, rate: f64) {
    let se = (n * rate * (1.0 - rate)).sqrt();
    assert!((count - n * rate).abs() < 3.0 * se, "{what}: {count} of {n}, expected {} ± {se}", n * rate);
}

/// A reader who errs confirms what is no hack, and misses hacks, at the rates that are stated.
#[test]
fn readers_err_at_their_rates() {
    let audit = "auditor = { random = { looks = 0.5 } }\nreader = { sensitivity = 0.7, specificity = 0.9 }";
    let loaded = load(&many_hacks(audit));
    let run = trained(&loaded, None).unwrap();
    let (trail, _) = afterwards(&loaded, &run);
    let ((hacks, right), (honest, wrong)) = (confirmed(&run, &trail, true), confirmed(&run, &trail, false));
    // A reader who misses nothing is more than ten standard errors off.
    assert!(hacks > 200.0 && honest > 800.0, "{hacks} {honest}");
    assert_rate("hacks", right, hacks, 0.7);
    assert_rate("honest", wrong, honest, 0.1);
    assert_eq!(trail.true_positives as f64, right, "what is wrongly confirmed is no catch");
}

/// A cheap reader passes on what it calls a hack, and the dear one reads only that: each errs at its own rates, from its own draws,
/// and each of their looks is paid at its own price.
#[test]
fn a_screen_passes_on_at_its_rates_and_both_are_paid() {
    let audit = "auditor = { random = { looks = 0.5 } }\n\
                 screen = { sensitivity = 0.5, specificity = 0.6, cost = 0.25 }\n\
                 reader = { sensitivity = 0.6, specificity = 0.8, cost = 3 }";
    let text = many_hacks(audit);
    let loaded = load(&text);
    let run = trained(&loaded, None).unwrap();
    let (trail, _) = afterwards(&loaded, &run);
    let ((hacks, right), (honest, wrong)) = (confirmed(&run, &trail, true), confirmed(&run, &trail, false));
    assert_rate("hacks, confirmed by both", right, hacks, 0.5 * 0.6);
    assert_rate("honest, confirmed by both", wrong, honest, 0.4 * 0.2);
    let (expected, variance) = (0.5 * hacks + 0.4 * honest, 0.25 * hacks + 0.24 * honest);
    let off = trail.passed as f64 - expected;
    assert!(off.abs() < 3.0 * variance.sqrt(), "{} passed on, expected {expected}", trail.passed);

    let folder = tempfile::tempdir().unwrap();
    let (config, out) = (folder.path().join("screen.toml"), folder.path().join("out"));
    std::fs::write(&config, &text).unwrap();
    let (code, _, stderr) = outcome(tailcatch().arg("run").arg(&config).arg("--out").arg(&out));
    assert_eq!(code, 0, "{stderr}");
    let row = &RunFolder::open(&out).unwrap().replicates[0];
    assert_eq!((row.looks, row.true_positives), (trail.looks(), trail.true_positives));
    let cost = 0.25 * trail.looks() as f64 + 3.0 * trail.passed as f64;
    assert!((row.audit_cost - cost).abs() < 1e-9, "{} against {cost}", row.audit_cost);
}

/// A sweep over responses ends in one line, a map of them, and how much of the harm each undid.
#[test]
fn responses_are_set_against_the_run_that_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("two.toml");
    let sweep = "[sweep]\n'audit.response' = [{ none = {} }, { remove = {} }, { remove = { delay = 59 } }]\n";
    let text = format!(
        "{}{REINFORCE}[audit]\n{RECORDS}{sweep}",
        BANDIT.replace("seed = 5", "seed = 5\nreplicates = 4")
    );
    std::fs::write(&config, text).unwrap();
    let out = folder.path().join("out");
    let (code, said, _) = outcome(tailcatch().arg("run").arg(&config).arg("--out").arg(&out));
    assert_eq!(code, 0);
    assert!(
        said.contains("Left alone, the hack damages 100%")
            && said.contains("responds at once (remove) leaves 0%"),
        "{said}"
    );
    let run = RunFolder::open(&out).unwrap();
    for row in &run.replicates {
        match (row.response.as_str(), row.delay) {
            ("none", _) => assert_eq!(row.recovery, None),
            (_, 0) => assert!(row.recovery.unwrap() > 0.8, "{:?}", row.recovery),
            (_, late) => assert!(late == 59 && row.recovery.unwrap() < 0.1, "{:?}", row.recovery),
        }
    }
    let map = std::fs::read_to_string(out.join("figures/responses.csv")).unwrap();
    let damaged: Vec<&str> = map.lines().skip(1).filter_map(|line| line.split(',').nth(3)).collect();
    assert_eq!(damaged.len(), 3, "{map}");
}

/// What is trained once for many audits comes to the bytes and looks of each alone: on a table and in a process, where some split
/// at their first finding and others never, after a first sighting that was drawn, and at deployment.
#[test]
fn audits_that_are_trained_together_come_to_what_each_comes_to_alone() {
    let sighted =
        format!("{BANDIT}{REINFORCE}").replace("[[reward", "[reward]\ncondition = 'sighted'\n[[reward");
    let deployed =
        format!("{BANDIT}{REINFORCE}[deployment]\nsteps = 6\nshift = {{ jump = {{ mass_after = 0.3 }} }}\n");
    let programmes = [
        "auditor = { records = { benign_looks = 10 } }\nresponse = { remove = {} }",
        "auditor = { records = { benign_looks = 10 } }\nresponse = { remove = { delay = 7 } }",
        "auditor = { oracle_spending = {} }\nresponse = { remove = {} }",
        "auditor = { random = { looks = 0.05 } }\nresponse = { remove = {} }",
        "auditor = { random = { looks = 0.05 } }\nreader = { specificity = 0.8 }\nresponse = { remove = {} }",
        "auditor = { top = { looks = 0.01 } }\nresponse = { relabel = { delay = 2 } }",
        "auditor = { records = { benign_looks = 10 } }\nresponse = { roll_back = { every = 3, delay = 4 } }",
        "auditor = { records = { benign_looks = 10 } }\nresponse = { roll_back = { every = 2, delay = 4 } }",
        "auditor = { records = { benign_looks = 10 } }\nresponse = { stop = { delay = 5 } }",
        "auditor = { records = { benign_looks = 10 } }\nresponse = { clip = { delay = 3 } }",
        "auditor = { records = { benign_looks = 10 } }\nresponse = { class = { delay = 3 } }",
        "auditor = { records = { benign_looks = 10 } }\nresponse = { neighbourhood = { radius = 0.1, delay = 3 } }",
    ];
    for name in ResponseSpec::PARTS.iter().map(|part| part.name).filter(|name| *name != "none") {
        assert!(
            programmes.iter().any(|own| own.contains(&format!("response = {{ {name} "))),
            "{name} is not tried"
        );
    }
    let ppo = format!("{BANDIT}{PPO}");
    let grpo = format!(
        "{BANDIT}[trainer.grpo]\nbatch = 64\nsteps = 60\noptimizer = {{ sgd = {{ learning_rate = 3.2 }} }}\n\
         kl = {{ coefficient = 0, controller = {{ project = {{ target = 0.7 }} }} }}\n"
    );
    for base in [format!("{BANDIT}{REINFORCE}"), format!("{TOKENS}{RECURRENT}"), sighted, deployed, ppo, grpo]
    {
        let programmes: Vec<&str> = programmes
            .into_iter()
            .filter(|programme| base.contains("activations") || !programme.contains("neighbourhood"))
            .collect();
        let all: Vec<Loaded> =
            programmes.iter().map(|programme| load(&format!("{base}[audit]\n{programme}\n"))).collect();
        let audits: Vec<Audited<'_>> =
            all.iter().map(|loaded| Audited::of(&loaded.document).unwrap()).collect();
        with(&all[0], |setting| {
            let done = train_under(Setting { audit: None, ..setting }, &audits).unwrap();
            assert!(done.lost.is_empty() && done.courses.len() > 3, "{} courses", done.courses.len());
            let mut met = Vec::new();
            for course in done.courses {
                for (place, responder) in course.audits {
                    let alone = train(Setting { audit: Some(audits[place]), ..setting }, None).unwrap();
                    let programme = programmes[place];
                    assert!(
                        course.trained.to_record().unwrap() == alone.to_record().unwrap(),
                        "{programme}: {base}"
                    );
                    let own = train_under(Setting { audit: None, ..setting }, &audits[place..=place]);
                    let own = own.unwrap().courses.remove(0).audits.remove(0).1;
                    let hack = &alone.truth.hack;
                    assert_eq!(responder.finish(hack), own.finish(hack), "{programme}: {base}");
                    met.push(place);
                }
            }
            met.sort_unstable();
            assert_eq!(met, (0..programmes.len()).collect::<Vec<_>>());
        });
    }
}

/// An audit that cannot act on the run is lost by its place, and takes no other with it.
#[test]
fn an_audit_that_cannot_act_takes_no_other_with_it() {
    let audit = format!("[audit]\n{RECORDS}response = {{ remove = {{}} }}\n");
    let base = format!("{BANDIT}{REINFORCE}{audit}");
    let fit = load(&base);
    let detectors: Vec<DetectorSpec> = serde_json::from_str(r#"[{ "mahalanobis": {} }]"#).unwrap();
    let own = Audited::of(&fit.document).unwrap();
    let audits = [own, Audited { detectors: &detectors, ..own }, own];
    with(&fit, |setting| {
        let done = train_under(Setting { audit: None, ..setting }, &audits).unwrap();
        let lost: Vec<(usize, String)> =
            done.lost.iter().map(|(place, problem)| (*place, problem.to_string())).collect();
        assert!(lost.len() == 1 && lost[0].0 == 1 && lost[0].1.contains("mahalanobis"), "{lost:?}");
        let alone = train(Setting { audit: Some(audits[1]), ..setting }, None).unwrap_err();
        assert_eq!(alone.to_string(), lost[0].1);
        let places: Vec<usize> = done.courses[0].audits.iter().map(|(place, _)| *place).collect();
        assert_eq!((places, done.courses.len()), (vec![0, 2], 1));
    });
}
