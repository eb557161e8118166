//! The controller `project`: no update leaves the KL above its target, and below the target nothing changes.

use crate::cli::{file, outcome, tailcatch};
use crate::episodes::{policy, trainer, world};
use serde_json::{Value, json};
use tailcatch::environments::Bandit;
use tailcatch::experiment::Expectations;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::{Backend, Kernels, Snapshot};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::{Actor, Roller, Sampler, Tape};
use tailcatch::trainers::{Experience, Ground, Learner, TableLearner, TrainerSpec};

/// A heavy tail and an exploit: single rollouts throw the policy far.
fn model(seed: u64) -> (RewardModel, SeedTree) {
    let bandit: Bandit = serde_json::from_value(json!({ "outcomes": 100, "contexts": 2 })).unwrap();
    let reward: RewardSection = serde_json::from_value(json!({
        "error": { "student_t": { "df": 3 } }, "exploits": [{ "mass": 0.01, "proxy": 30, "utility": -5 }]
    }))
    .unwrap();
    let seeds = SeedTree::new(seed, 0);
    (RewardModel::build(&bandit, &reward, &seeds, Twin::Itself).unwrap(), seeds)
}

/// Every trainer that learns, with both optimizers.
fn trainers(controller: &Value) -> Vec<Value> {
    let kl = json!({ "coefficient": 0.01, "controller": controller });
    let optimizers = |rate: f64| {
        [json!({ "sgd": { "learning_rate": rate } }), json!({ "adam": { "learning_rate": 0.05 } })]
    };
    let mut all = Vec::new();
    for own in optimizers(3.0) {
        let common = json!({ "batch": 24, "steps": 40, "optimizer": own, "kl": kl });
        let with = |more: Value| {
            let mut section = common.clone();
            section.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            section
        };
        all.push(json!({ "reinforce": with(json!({})) }));
        all.push(json!({ "rloo": with(json!({ "group": 4 })) }));
        all.push(json!({ "grpo": with(json!({ "group": 4, "epochs": 2 })) }));
        all.push(json!({ "ppo": with(json!({ "minibatches": 2, "epochs": 3 })) }));
    }
    all
}

/// A learner on a table, step by step.
struct Course<'a> {
    model: &'a RewardModel,
    learner: Box<TableLearner>,
    sampler: Sampler,
    batch: usize,
    step: u64,
}

impl<'a> Course<'a> {
    fn new(section: &Value, (model, seeds): &'a (RewardModel, SeedTree), kernels: Kernels) -> Self {
        let spec: TrainerSpec = trainer(section.clone());
        let (part, backend) = (spec.part(), &Backend::cpu(kernels));
        let table = &model.table().unwrap().observed();
        let learner = part.start(Ground { table, reference_proxies: &[], backend }).unwrap();
        let sampler = Sampler::training(seeds).in_groups(part.group());
        Self { model, learner, sampler, batch: part.batch(), step: 0 }
    }

    /// One step; the exact KL after it.
    fn step(&mut self) -> f64 {
        let table = self.model.table().unwrap();
        let mut before = Snapshot::default();
        before.clone_from(self.learner.policy());
        let numbers = (self.step, self.step * self.batch as u64, self.batch);
        let mut batch = self.sampler.batch(self.model, table, &before, numbers);
        let experience = Experience::new(&batch.observed, &batch.cells[..]);
        self.learner.credit(&experience).write_to(&mut batch.observed);
        let kl = Expectations::enumerated(&before, table).kl;
        self.learner.update(&Experience::new(&batch.observed, &batch.cells[..]), kl).unwrap();
        self.step += 1;
        Expectations::enumerated(self.learner.policy(), table).kl
    }
}

#[test]
fn no_update_leaves_the_kl_above_the_target() {
    let world = model(3);
    for target in [0.02, 0.1] {
        for section in trainers(&json!({ "project": { "target": target } })) {
            let mut course = Course::new(&section, &world, Kernels::Native);
            let (mut largest, mut coefficients) = (0f64, Vec::new());
            for step in 0..40 {
                let kl = course.step();
                assert!(kl <= target * (1.0 + 1e-6), "{section}, step {step}: KL {kl}");
                largest = largest.max(kl);
                coefficients.push(course.learner.coefficient());
            }
            assert!(largest >= target * (1.0 - 2e-6), "{section}: it never came near, {largest}");
            assert!(coefficients.iter().all(|beta| *beta == Some(0.01)), "{section}: {coefficients:?}");
        }
    }
}

#[test]
fn below_the_target_nothing_changes_and_above_the_log_ratio_is_scaled() {
    let world = model(4);
    let held = trainers(&json!({ "project": { "target": 0.2 } }));
    for (section, free) in held.iter().zip(trainers(&json!("fixed"))) {
        let [mut held, mut free] =
            [section, &free].map(|section| Course::new(section, &world, Kernels::Native));
        let mut together = 0;
        let kl = loop {
            let (kl, beyond) = (held.step(), free.step());
            if beyond > 0.2 {
                break kl;
            }
            for cell in 0..200 {
                let [a, b] = [&mut held, &mut free].map(|course| course.learner.policy().log_prob(cell));
                assert_eq!(a, b, "{section}, step {together}");
            }
            together += 1;
            assert!(together < 200, "{section}: 0.2 nats were never reached");
        };
        assert!(kl <= 0.2 && kl > 0.2 - 1e-6, "{section}: {kl}");
        let [first, second] = shares(&mut held, &mut free, 1e-5, section);
        assert!(first < 1.0 && (first - second).abs() < 1e-4, "{section}: {first} {second}");
    }
}

/// By how much the free policy's log-ratios are scaled in the held one, in each prompt: by the same everywhere, within
/// `tolerance`, up to a constant.
fn shares(held: &mut Course<'_>, free: &mut Course<'_>, tolerance: f64, section: &Value) -> [f64; 2] {
    let reference = &held.model.table().unwrap().ref_log_prob;
    let ratio = |course: &mut Course<'_>, prompt: usize| -> Vec<f64> {
        let policy = course.learner.policy();
        let cells = prompt * 100..(prompt + 1) * 100;
        let all: Vec<f64> = cells.map(|cell| policy.log_prob(cell) - reference[cell]).collect();
        all.iter().map(|ratio| ratio - all[0]).collect()
    };
    [0, 1].map(|prompt| {
        let (own, other) = (ratio(held, prompt), ratio(free, prompt));
        let top = (0..100).max_by(|a, b| other[*a].abs().total_cmp(&other[*b].abs())).unwrap();
        let share = own[top] / other[top];
        for (own, other) in own.iter().zip(&other) {
            assert!((own - share * other).abs() < tolerance, "{section}: {own} against {share} of {other}");
        }
        share
    })
}

#[test]
fn the_optimizer_goes_on_from_where_it_was() {
    let world = model(8);
    for free in trainers(&json!("fixed")) {
        let mut course = Course::new(&free, &world, Kernels::Native);
        let kls: Vec<f64> = (0..12).map(|_| course.step()).collect();
        // Held by a hair at the first step from the fifth on that is further away than all before it.
        let at = (4..11).find(|at| kls[..*at].iter().all(|kl| *kl < kls[*at] * 0.999)).unwrap();
        let hair = json!({ "project": { "target": kls[at] * (1.0 - 1e-5) } });
        let held = free.to_string().replace("\"fixed\"", &hair.to_string());
        let held: Value = serde_json::from_str(&held).unwrap();
        let [mut held, mut free] =
            [&held, &free].map(|section| Course::new(section, &world, Kernels::Native));
        for _ in 0..at + 2 {
            held.step();
            free.step();
        }
        // Moments that were lost would give the next step another direction.
        let [first, second] = shares(&mut held, &mut free, 2e-3, &hair);
        assert!((first - second).abs() < 1e-2 && first <= 1.0 + 1e-3, "{first} {second}");
    }
}

#[test]
fn a_run_that_goes_on_from_what_was_saved_ends_in_the_same_numbers() {
    let world = model(5);
    for section in trainers(&json!({ "project": { "target": 0.1 } })) {
        let mut whole = Course::new(&section, &world, Kernels::Native);
        for _ in 0..9 {
            whole.step();
        }
        let mut resumed = Course::new(&section, &world, Kernels::Native);
        resumed.learner.restore(&whole.learner.save().unwrap()).unwrap();
        resumed.step = 9;
        for step in 9..20 {
            assert_eq!(whole.step(), resumed.step(), "{section}, step {step}");
        }
        for cell in 0..200 {
            let [a, b] = [&mut whole, &mut resumed].map(|course| course.learner.policy().log_prob(cell));
            assert_eq!(a, b, "{section}, cell {cell}");
        }
    }
}

#[test]
fn both_kernels_hold_it() {
    let world = model(6);
    for section in trainers(&json!({ "project": { "target": 0.1 } })) {
        let [mut native, mut burn] =
            [Kernels::Native, Kernels::Burn].map(|kernels| Course::new(&section, &world, kernels));
        for step in 0..6 {
            let (a, b) = (native.step(), burn.step());
            assert!(
                (a - b).abs() < 1e-4 && b <= 0.1 * (1.0 + 1e-6),
                "{section}, step {step}: {a} against {b}"
            );
        }
    }
}

/// A network is held by rollouts of its own: on average over runs, and nobody else's numbers change by them.
#[test]
fn a_policy_that_acts_step_by_step_is_held_on_average() {
    let text = |controller: &str| {
        format!(
            "question = '?'\nseed = 4\nreplicates = 6\nenvironment = {{ tokens = {{ vocabulary = 4, length = 4 }} }}\npolicy = {{ gru = {{ hidden = 6 }} }}\n\
             trainer = {{ reinforce = {{ batch = 64, steps = 60, optimizer = {{ adam = {{ learning_rate = 0.05 }} }}, \
             kl = {{ coefficient = 0, controller = {controller} }} }} }}\ncalibration = {{ rollouts = 400 }}\nrecord = {{ observed = \"none\" }}\n"
        )
    };
    let kls = |controller: &str| -> Vec<f64> {
        let (folder, path) = file("held.toml", text(controller));
        let out = folder.path().join("out");
        let (code, _, stderr) =
            outcome(tailcatch().arg("run").arg(&path).arg("--out").arg(&out).arg("--quiet"));
        assert_eq!(code, 0, "{stderr}");
        let mut rows = csv::Reader::from_path(out.join("replicates.csv")).unwrap();
        let at = rows.headers().unwrap().iter().position(|name| name == "kl").unwrap();
        rows.records().map(|row| row.unwrap()[at].parse().unwrap()).collect()
    };
    let mean = |kls: &[f64]| kls.iter().sum::<f64>() / kls.len() as f64;
    let free = kls("\"fixed\"");
    assert!(free.iter().all(|kl| *kl > 0.8), "there is something to hold: {free:?}");
    let held = kls("{ project = { target = 0.3 } }");
    assert!((mean(&held) / 0.3 - 1.0).abs() < 0.05, "{held:?}");
    assert!(held.iter().all(|kl| (kl / 0.3 - 1.0).abs() < 0.2), "{held:?}");
    // A target that is not reached changes no number: holding draws from streams of its own.
    assert_eq!(kls("{ project = { target = 5.545 } }"), free);
}

/// Who steps a learner without an arena is told at the first update.
#[test]
fn a_learner_alone_is_not_held() {
    let tokens = json!({ "tokens": { "vocabulary": 3, "length": 3 } });
    let world = world(tokens, json!({}), 2);
    let spec = trainer(
        json!({ "reinforce": { "batch": 4, "kl": { "controller": { "project": { "target": 1 } } } } }),
    );
    let mut learner = world.learner(&policy(json!({ "product": {} })), &spec);
    let (roller, mut tape) = (Roller::training(&world.seeds, spec.part().group()), Tape::default());
    let actor = Actor::Learning(learner.policy());
    let batch = roller.batch(world.sequence(), actor, &mut tape, (0, 0, 4), false);
    let experience = Experience::new(&batch.observed, &tape);
    learner.credit(&experience);
    let error = learner.update(&experience, 0.0).unwrap_err().to_string();
    assert!(error.contains("trainer.reinforce.kl.controller") && error.contains("adaptive"), "{error}");
}

#[test]
fn a_target_that_is_missed_is_said_wherever_the_kl_is_told() {
    let arms = [
        ("{ coefficient = 0.1 }", ""),
        ("{ coefficient = 0.1, controller = { project = { target = 0.02 } } }", "ok"),
        ("{ coefficient = 0.1, controller = { project = { target = 3 } } }", "target missed: below"),
        (
            "{ coefficient = 0.1, controller = { adaptive = { target = 3, horizon = 10000 } } }",
            "target missed: below",
        ),
        ("{ coefficient = 0.1, controller = { budget = { target = 0.001 } } }", "target missed: above"),
    ];
    let sweep: Vec<&str> = arms.iter().map(|arm| arm.0).collect();
    let (folder, path) = file(
        "targets.toml",
        format!(
            "question = '?'\nreplicates = 2\nenvironment = {{ bandit = {{ outcomes = 50 }} }}\n\
             reward = {{ error = {{ normal = {{}} }} }}\ncalibration = {{ rollouts = 400 }}\n\
             trainer = {{ reinforce = {{ batch = 16, steps = 30, optimizer = {{ sgd = {{ learning_rate = 0.5 }} }} }} }}\n\
             [sweep]\n\"trainer.reinforce.kl\" = [{}]\n",
            sweep.join(", ")
        ),
    );
    let out = folder.path().join("out");
    let (code, _, stderr) = outcome(tailcatch().arg("run").arg(&path).arg("--out").arg(&out).arg("--quiet"));
    assert_eq!(code, 0, "{stderr}");
    let column = |table: &str, name: &str| -> Vec<(String, String)> {
        let mut rows = csv::Reader::from_path(out.join(table)).unwrap();
        let headers = rows.headers().unwrap().clone();
        let place = |name: &str| headers.iter().position(|h| h == name).unwrap();
        let (arm, own) = (place("arm"), place(name));
        rows.records().map(|row| row.unwrap()).map(|row| (row[arm].to_owned(), row[own].to_owned())).collect()
    };
    let statuses = column("replicates.csv", "kl_status");
    assert_eq!(statuses.len(), 10);
    for (arm, found) in statuses {
        assert_eq!(found, arms[arm.parse::<usize>().unwrap()].1, "arm {arm}");
    }
    let metrics = column("summary.csv", "metric");
    let shares: Vec<(String, String)> = metrics
        .iter()
        .zip(column("summary.csv", "estimate"))
        .filter(|((_, metric), _)| metric == "kl_target_missed")
        .map(|(_, row)| row)
        .collect();
    let expected = [("1", "0"), ("2", "1"), ("3", "1"), ("4", "1")];
    let plain = |share: &String| share.parse::<f64>().unwrap().to_string();
    let shares: Vec<(String, String)> =
        shares.iter().map(|(arm, share)| (arm.clone(), plain(share))).collect();
    assert_eq!(shares, expected.map(|(arm, share)| (arm.to_owned(), share.to_owned())));
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    let said = "Target missed: 6 of 8 runs with a KL target ended more than 5% off it (4 below, 2 above, in ";
    assert!(page.contains(said), "{}", page.lines().filter(|l| l.contains("missed")).collect::<String>());
}
