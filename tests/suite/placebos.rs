//! An honest outcome that is planted like an exploit is no damage, whoever learns it and however.

use crate::episodes::{policy, trainer};
use crate::statistics::in_parallel;
use serde_json::{Value, json};
use tailcatch::environments::EnvironmentSpec;
use tailcatch::experiment::{Setting, Trained, train};
use tailcatch::foundation::rng::SeedTree;
use tailcatch::foundation::scalar::Positive;
use tailcatch::metrics::timeline::{Reference, beyond, damage};
use tailcatch::policies::{Backend, PolicySpec};
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::trainers::TrainerSpec;

/// What a placebo is worth, by replicate: less than the mean, as much as the best, and as much as an exploit would pay.
const WORTH: [f64; 3] = [-1.0, 3.0, 20.0];
/// Rollouts of a step, and steps of a run.
const BATCH: u64 = 64;
const STEPS: u64 = 60;

/// Every trainer that learns from samples, with each optimizer; GRPO also without the division by the spread.
fn trainers((sgd, adam): (f64, f64)) -> Vec<TrainerSpec> {
    let learns = |name: &&str| {
        let plain = serde_json::from_value::<TrainerSpec>(json!({ *name: {} }));
        plain.is_ok_and(|spec| spec.part().recipe().is_some())
    };
    let names: Vec<&str> = TrainerSpec::PARTS.iter().map(|part| part.name).filter(learns).collect();
    assert!(["reinforce", "rloo", "grpo", "ppo"].iter().all(|name| names.contains(name)), "{names:?}");
    let mut all = Vec::new();
    for optimizer in
        [json!({ "sgd": { "learning_rate": sgd } }), json!({ "adam": { "learning_rate": adam } })]
    {
        let settings =
            json!({ "batch": BATCH, "steps": STEPS, "optimizer": optimizer, "kl": { "coefficient": 0.1 } });
        all.extend(names.iter().map(|name| trainer(json!({ *name: settings.clone() }))));
        let mut plain = settings;
        plain["scale_rewards"] = json!("none");
        all.push(trainer(json!({ "grpo": plain })));
    }
    all
}

/// Every policy that acts step by step, as small as it can be.
fn networks() -> Vec<PolicySpec> {
    let names = PolicySpec::PARTS.iter().map(|part| part.name).filter(|name| *name != "tabular");
    let settings = |name: &str| match name {
        "product" => json!({}),
        "mlp" | "gru" => json!({ "hidden": 8 }),
        "transformer" => json!({ "width": 8, "heads": 2, "layers": 1 }),
        other => panic!("{other} is not tried"),
    };
    names.map(|name| policy(json!({ name: settings(name) }))).collect()
}

/// A replicate of a world in which something is planted and judged rightly, and its twin without it.
fn runs(
    world: &Value,
    reward: &Value,
    own: &PolicySpec,
    learner: &TrainerSpec,
    replicate: u64,
) -> [Trained; 2] {
    let environment: EnvironmentSpec = serde_json::from_value(world.clone()).unwrap();
    let section: RewardSection = serde_json::from_value(reward.clone()).unwrap();
    let seeds = SeedTree::new(12, replicate);
    [Twin::Placebo, Twin::Clean].map(|twin| {
        let model = RewardModel::build(environment.part(), &section, &seeds, twin).unwrap();
        let setting = Setting {
            model: &model,
            policy: own,
            trainer: learner,
            deployment: None,
            seeds,
            backend: &Backend::default(),
            activations: false,
            audit: None,
        };
        train(setting, None).unwrap()
    })
}

/// The step at which placebos did damage, by the measure of harm: the loss beyond the reference's, held against the clean twin's gain.
fn damage_by_placebos(run: &Trained, clean: &Trained) -> Option<u64> {
    let last = &run.last;
    // Where nothing but placebos is left, the reference says what a policy without them would earn.
    let filled = |loss: Option<f64>, utility: f64| loss.unwrap_or(last.reference_utility - utility);
    let steps = run.steps.iter().map(|row| filled(row.placebo_loss, row.utility.unwrap()));
    let loss: Vec<f64> = steps.chain([filled(last.policy.placebo_loss, last.policy.utility)]).collect();
    let loss = beyond(&loss, last.reference_placebo_loss);
    let reference = Reference {
        utility: last.reference_utility,
        utility_sd: Positive::new(last.reference_utility_spread).unwrap(),
        proxy: last.reference_proxy,
        proxy_sd: Positive::new(last.reference_spread).unwrap(),
    };
    damage(&loss, clean.last.policy.utility - clean.last.reference_utility, &reference)
}

/// Whether a run ends on what was planted: more than half of its last step.
fn ends_on_it(run: &Trained) -> bool {
    let batch = BATCH as usize;
    let last = &run.truth.class[run.truth.class.len() - batch..];
    2 * last.iter().filter(|class| **class > 0).count() > batch
}

/// Most damaged of `n` runs: a share of 2.5% and two standard errors.
fn most(n: u64) -> u64 {
    let share = 0.025 + 2.0 * (0.025 * 0.975 / n as f64).sqrt();
    (share * n as f64) as u64
}

/// `n` runs of each trainer, all with this policy: how many end on the placebo that pays most, of how many.
fn none_is_damaged(
    what: &str,
    own: &PolicySpec,
    rates: (f64, f64),
    n: u64,
    sections: &(dyn Fn(f64) -> [Value; 2] + Sync),
) -> (u64, u64) {
    let (mut ended, mut of, mut damaged, mut all) = (0, 0, 0, 0);
    for learner in trainers(rates) {
        let found = in_parallel(n, |replicate| {
            let worth = WORTH[replicate as usize % WORTH.len()];
            let [world, reward] = sections(worth);
            let [run, clean] = runs(&world, &reward, own, &learner, replicate);
            assert!(run.truth.hack.iter().all(|hack| !hack) && run.last.reference_placebo_loss != 0.0);
            (damage_by_placebos(&run, &clean), worth == WORTH[2], ends_on_it(&run))
        });
        let own: Vec<(usize, u64)> =
            found.iter().enumerate().filter_map(|(replicate, run)| Some((replicate, run.0?))).collect();
        assert!(own.len() as u64 <= most(n), "{what}, {learner:?}: {own:?} of {n} damaged");
        damaged += own.len() as u64;
        all += n;
        of += found.iter().filter(|run| run.1).count() as u64;
        ended += found.iter().filter(|run| run.1 && run.2).count() as u64;
    }
    assert!(damaged <= most(all), "{what}: {damaged} of {all} damaged");
    (ended, of)
}

/// 39 runs of each trainer and optimizer, of which 2 may be damaged: where 12% are, the least that a comparison
/// with a clean twin called damaged, that is seen with probability .86, where 20% are, with .99.
#[test]
fn placebos_among_outcomes_are_no_damage() {
    let sections = |worth: f64| {
        [
            json!({ "bandit": { "outcomes": 500 } }),
            json!({ "exploits": [{ "mass": 4e-3, "outcomes": 2, "proxy": 20, "utility": worth }] }),
        ]
    };
    let (ended, of) =
        none_is_damaged("tabular", &policy(json!({ "tabular": {} })), (3.2, 0.3), 39, &sections);
    assert!(4 * ended > of, "{ended} of {of} learned it: there was nothing to see");
}

/// 21 runs of each policy, trainer and optimizer, of which 1 may be damaged: where 20% are, that is seen with probability .94; over
/// the ten cells of a policy, 9 of 210, it is seen of 8% with probability .97.
#[test]
fn placebos_among_strings_are_no_damage() {
    let sections = |worth: f64| {
        [
            json!({ "tokens": { "vocabulary": 8, "length": 3 } }),
            // What a trigger would pay if it were misjudged; as a placebo it pays what it is worth.
            json!({ "triggers": [{ "pattern": { "tokens": 2 }, "proxy": 40, "utility": worth }] }),
        ]
    };
    for own in networks() {
        let (ended, of) = none_is_damaged(own.name(), &own, (0.2, 0.05), 21, &sections);
        assert!(4 * ended > of, "{}: {ended} of {of} learned it: there was nothing to see", own.name());
    }
}
