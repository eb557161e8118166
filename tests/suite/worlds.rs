//! Environments and reward models: what a replicate's table holds, and what its twins share.

use crate::statistics::mean_and_error;
use serde_json::{Value, json};
use tailcatch::environments::Bandit;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Snapshot;
use tailcatch::record::Outcomes;
use tailcatch::reward::{Phase, RewardModel, RewardSection, Twin};
use tailcatch::rollout::Sampler;

fn bandit(value: Value) -> Bandit {
    serde_json::from_value(value).unwrap()
}

fn model(environment: &Bandit, reward: Value, seeds: SeedTree, twin: Twin) -> RewardModel {
    let section: RewardSection = serde_json::from_value(reward).unwrap();
    RewardModel::build(environment, &section, &seeds, twin).unwrap()
}

fn mass(table: &Outcomes, prompt: usize, of: impl Fn(usize) -> bool) -> f64 {
    let row = prompt * table.outcomes..(prompt + 1) * table.outcomes;
    row.filter(|c| of(*c)).map(|c| table.ref_log_prob[c].exp()).sum()
}

#[test]
fn exploits_hold_their_mass_where_they_exist() {
    let environment = bandit(json!({ "outcomes": 500, "contexts": 8 }));
    let reward = json!({ "exploits": [
        { "mass": 0.03, "outcomes": 4, "proxy": 9, "utility": -2, "contexts": 0.5 },
        { "mass": 1e-7, "outcomes": 1, "proxy": 30 },
    ] });
    let world = model(&environment, reward, SeedTree::new(3, 1), Twin::Itself);
    let table = world.table().unwrap();
    let plain = environment.table(&SeedTree::new(3, 1)).unwrap();
    let mut with_first = 0;
    for prompt in 0..8 {
        assert!((mass(table, prompt, |_| true) - 1.0).abs() < 1e-12, "prompt {prompt}");
        assert!((mass(table, prompt, |c| table.class[c] == 2) / 1e-7 - 1.0).abs() < 1e-9);
        let first = mass(table, prompt, |c| table.class[c] == 1);
        if first > 0.0 {
            assert!((first / 0.03 - 1.0).abs() < 1e-9);
            with_first += 1;
        }
    }
    assert_eq!(with_first, 4, "half of the prompts");
    for cell in 0..table.len() {
        match table.class[cell] {
            0 => assert_eq!((table.utility[cell], table.error[cell]), (plain.utility[cell], 0.0)),
            1 => assert_eq!((table.utility[cell], table.proxy(cell)), (-2.0, 9.0)),
            _ => {
                assert_eq!(
                    table.utility[cell], plain.utility[cell],
                    "an exploit may keep the utility it has"
                );
                assert!((table.proxy(cell) - 30.0).abs() < 1e-12);
            }
        }
        assert_eq!(table.hack[cell], table.class[cell] > 0);
    }
}

#[test]
fn natural_mass_leaves_a_uniform_reference_uniform() {
    let environment = bandit(json!({ "outcomes": 2000 }));
    let reward = json!({ "exploits": [{ "mass": 5e-4, "proxy": 20 }] });
    let world = model(&environment, reward, SeedTree::new(1, 0), Twin::Itself);
    let first = world.table().unwrap().ref_log_prob[0];
    assert!(world.table().unwrap().ref_log_prob.iter().all(|l| *l == first));
    assert_eq!(world.table().unwrap().hack.iter().filter(|h| **h).count(), 1);
}

#[test]
fn a_hack_may_be_a_low_utility_whatever_its_error() {
    let environment = bandit(json!({ "outcomes": 1000, "contexts": 2 }));
    let world = model(
        &environment,
        json!({ "error": { "student_t": { "df": 2 } }, "hack": { "utility_below": 0.05 } }),
        SeedTree::new(2, 0),
        Twin::Itself,
    );
    let table = world.table().unwrap();
    for prompt in 0..2 {
        let row = prompt * 1000..(prompt + 1) * 1000;
        let worst = row.clone().filter(|c| table.hack[*c]).map(|c| table.utility[c]).fold(f64::MIN, f64::max);
        let best = row.clone().filter(|c| !table.hack[*c]).map(|c| table.utility[c]).fold(f64::MAX, f64::min);
        assert!(worst < best);
        assert_eq!(row.filter(|c| table.hack[*c]).count(), 50, "5% of the mass under the reference");
    }
}

#[test]
fn without_exploits_a_hack_is_what_is_overrated() {
    let environment = bandit(json!({ "outcomes": 1000, "contexts": 2 }));
    let of = |reward: serde_json::Value| model(&environment, reward, SeedTree::new(2, 0), Twin::Itself);
    let world = of(json!({ "error": { "student_t": { "df": 2 } } }));
    let table = world.table().unwrap();
    let mut proxies: Vec<f64> = (0..table.len()).map(|cell| table.proxy(cell)).collect();
    proxies.sort_by(f64::total_cmp);
    let spread = (proxies[1500] - proxies[500]) / 1.349;
    let hacks = || (0..table.len()).filter(|cell| table.hack[*cell]);
    let least = hacks().map(|cell| table.error[cell]).fold(f64::MAX, f64::min);
    let most = (0..table.len()).filter(|cell| !table.hack[*cell]).map(|cell| table.error[cell]);
    assert!(least >= 2.95 * spread && most.fold(f64::MIN, f64::max) <= 3.05 * spread, "{least} {spread}");
    assert!((20..200).contains(&hacks().count()), "{}", hacks().count());
    let fresh = of(json!({ "error": { "student_t": { "df": 2 } }, "mode": "fresh" }));
    assert!(fresh.table().unwrap().hack.iter().all(|hack| !hack), "noise overrates no outcome");
}

/// The reward model judges placebos rightly, beside exploits that it overrates; their twin judges everything planted rightly.
#[test]
fn placebos_are_planted_and_honest() {
    let environment = bandit(json!({ "outcomes": 1000 }));
    let reward = json!({
        "exploits": [{ "mass": 0.01, "proxy": 20, "utility": -5 }],
        "placebos": [{ "mass": 0.02, "proxy": -1 }, { "mass": 0.01, "proxy": 50 }] });
    let world = model(&environment, reward.clone(), SeedTree::new(2, 0), Twin::Itself);
    let table = world.table().unwrap();
    let cells = |class: u32| (0..1000).filter(move |cell| table.class[*cell] == class);
    assert_eq!([1, 2, 3].map(|class| cells(class).count()), [10, 20, 10]);
    assert!(cells(1).all(|c| table.hack[c] && (table.utility[c], table.error[c]) == (-5.0, 25.0)));
    assert!(cells(2).all(|c| !table.hack[c] && (table.utility[c], table.error[c]) == (-1.0, 0.0)));
    assert!(cells(3).all(|c| !table.hack[c] && (table.utility[c], table.error[c]) == (50.0, 0.0)));
    assert!(!world.is_placebo(1) && world.is_placebo(2) && world.is_placebo(3) && world.has_placebos());
    let placebo = model(&environment, reward.clone(), SeedTree::new(2, 0), Twin::Placebo);
    let honest = placebo.table().unwrap();
    assert!(honest.error.iter().all(|error| *error == 0.0) && honest.hack.iter().all(|hack| !hack));
    assert_eq!((&honest.utility, &honest.class), (&table.utility, &table.class));
    assert!(placebo.is_placebo(1));
    let clean = model(&environment, reward, SeedTree::new(2, 0), Twin::Clean);
    // The clean twin keeps the placebos, which are part of its world, and has no exploit.
    let table = clean.table().unwrap();
    assert_eq!(table.class.iter().filter(|class| **class > 0).count(), 30);
    assert!(clean.has_placebos() && table.error.iter().all(|error| *error == 0.0));
}

#[test]
fn twins_share_what_they_should() {
    let environment = bandit(json!({ "outcomes": 300, "utility": { "laplace": {} } }));
    let planted =
        json!({ "error": { "student_t": { "df": 2 } }, "exploits": [{ "mass": 0.01, "proxy": 20 }] });
    let seeds = SeedTree::new(9, 4);
    let [itself, clean, swapped] = [Twin::Itself, Twin::Clean, Twin::Swapped]
        .map(|twin| model(&environment, planted.clone(), seeds, twin));
    let (a, b, c) = (itself.table().unwrap(), clean.table().unwrap(), swapped.table().unwrap());
    assert!(
        b.class.iter().all(|k| *k == 0) && b.hack.iter().all(|h| !h),
        "the clean twin has no exploit and no hack"
    );
    for cell in 0..a.len() {
        if a.class[cell] == 0 {
            assert_eq!((a.utility[cell], a.error[cell]), (b.utility[cell], b.error[cell]));
        }
        assert_eq!((a.utility[cell], a.error[cell]), (c.error[cell], c.utility[cell]));
        assert_eq!(a.proxy(cell).to_bits(), c.proxy(cell).to_bits());
    }
    let unplanted = json!({ "error": { "student_t": { "df": 2 } } });
    let clean = model(&environment, unplanted, seeds, Twin::Clean);
    assert!(clean.table().unwrap().error.iter().all(|x| *x == 0.0), "unplanted: the error is what is absent");
}

#[test]
fn fresh_error_differs_between_visits_and_frozen_error_does_not() {
    let environment = bandit(json!({ "outcomes": 50 }));
    let error = |mode: &str| json!({ "mode": mode, "error": { "student_t": { "df": 1.5 } } });
    let seeds = SeedTree::new(1, 0);
    let fresh = model(&environment, error("fresh"), seeds, Twin::Itself);
    let frozen = model(&environment, error("frozen"), seeds, Twin::Itself);
    let visit = |world: &RewardModel, rollout| world.visits(&[7], &[rollout], Phase::Training);
    assert_eq!(visit(&frozen, 0), visit(&frozen, 1));
    assert_ne!(visit(&fresh, 0).1, visit(&fresh, 1).1);
    assert_eq!(visit(&fresh, 5), visit(&fresh, 5), "the same rollout, asked twice");
    assert_ne!(visit(&fresh, 5).1, fresh.visits(&[7], &[5], Phase::Calibration).1);
    let swapped = model(&environment, error("fresh"), seeds, Twin::Swapped);
    let (a, b) = (visit(&fresh, 3), visit(&swapped, 3));
    assert_eq!((a.0[0], a.1[0]), (b.1[0], b.0[0]));
    assert_eq!((a.0[0] + a.1[0]).to_bits(), (b.0[0] + b.1[0]).to_bits());
}

#[test]
fn errors_are_standardised_and_coupled_as_asked() {
    let environment = bandit(json!({ "outcomes": 40_000 }));
    let build = |reward: Value| model(&environment, reward, SeedTree::new(6, 0), Twin::Itself);
    let quartiles = |world: &RewardModel| {
        let mut x = world.table().unwrap().error.clone();
        x.sort_by(f64::total_cmp);
        (x[10_000], x[20_000], x[30_000])
    };
    for law in
        [json!({ "student_t": { "df": 1.5 } }), json!({ "exponential": {} }), json!({ "log_normal": {} })]
    {
        let (low, middle, high) = quartiles(&build(json!({ "error": law, "standardize": "iqr" })));
        // Standard errors of these quantiles over 40,000 draws are below .012.
        assert!(middle.abs() < 0.05 && (high - low - 1.349).abs() < 0.06, "{law}: {low} {middle} {high}");
    }
    let world = build(json!({ "error": { "exponential": {} }, "standardize": "sd" }));
    let (mean, error) = mean_and_error(&world.table().unwrap().error);
    assert!(
        mean.abs() < 5.0 * error && (error * 200.0 - 1.0).abs() < 0.05,
        "mean {mean}, sd {}",
        error * 200.0
    );
    for correlation in [-0.8, 0.5] {
        let world = build(json!({ "error": { "normal": {} }, "correlation": correlation }));
        let (v, x) = (&world.table().unwrap().utility, &world.table().unwrap().error);
        let found = v.iter().zip(x).map(|(a, b)| a * b).sum::<f64>() / v.len() as f64;
        // For two normals the product's mean is the correlation; its standard error is below .007.
        assert!((found - correlation).abs() < 0.035, "{correlation}: {found}");
        let heavy = build(json!({ "error": { "student_t": { "df": 2 } }, "correlation": correlation }));
        let agree = heavy
            .table()
            .unwrap()
            .utility
            .iter()
            .zip(&heavy.table().unwrap().error)
            .filter(|(a, b)| (**a > 0.0) == (**b > 0.0));
        let share = agree.count() as f64 / v.len() as f64;
        let expected = 0.5 + f64::asin(correlation) / std::f64::consts::PI;
        assert!(
            (share - expected).abs() < 0.015,
            "quadrant probability of the copula: {share} against {expected}"
        );
    }
}

#[test]
fn a_reference_is_read_from_a_file_and_faults_are_placed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reference.csv");
    let read = |text: &str| {
        std::fs::write(&path, text).unwrap();
        bandit(json!({ "outcomes": 3, "contexts": 2, "reference": { "file": path } }))
            .table(&SeedTree::new(1, 0))
    };
    let table = read("name,log_prob\na,5\nb,5\nc,6\n").unwrap();
    assert!((mass(&table, 1, |_| true) - 1.0).abs() < 1e-12, "any constant offset is normalised away");
    assert!((table.ref_log_prob[2] - table.ref_log_prob[0] - 1.0).abs() < 1e-12);
    for (text, expected) in [
        ("name,logp\na,1\n", "log_prob; the columns are: name, logp"),
        ("log_prob\n1\nx\n3\n", "line 3: log_prob is 'x'"),
        ("log_prob\n1\ninf\n3\n", "line 3"),
        ("log_prob\n1\n2\n", "2 rows, but environment.bandit.outcomes is 3"),
    ] {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains(expected) && message.contains("reference.csv"), "{message}");
    }
}

#[test]
fn rollouts_follow_the_policy_and_repeat() {
    let environment = bandit(json!({ "outcomes": 4, "contexts": 3 }));
    let world = model(&environment, json!({}), SeedTree::new(8, 0), Twin::Itself);
    let mut policy = Snapshot::default();
    policy.set(world.table().unwrap(), |cell| (cell % 4) as f64);
    let sampler = Sampler::training(&SeedTree::new(8, 0));
    let whole = sampler.batch(&world, world.table().unwrap(), &policy, (0, 0, 60_000));
    let part = sampler.batch(&world, world.table().unwrap(), &policy, (0, 100, 50));
    assert_eq!(whole.cells[100..150], part.cells, "a rollout depends on its number, not on its batch");
    let mut counts = [0f64; 12];
    for cell in &whole.cells {
        counts[*cell] += 1.0;
    }
    let chi: f64 = (0..12)
        .map(|cell| {
            let expected = 60_000.0 / 3.0 * policy.prob(cell);
            (counts[cell] - expected).powi(2) / expected
        })
        .sum();
    // Chi-square with 11 degrees of freedom: 44 is its 1e-5 quantile; a shift of 2% in one cell gives about 60.
    assert!(chi < 44.0, "chi-square {chi}");
    for (row, cell) in whole.cells.iter().enumerate() {
        assert_eq!(whole.observed.prompt[row], (*cell / 4) as u64);
        assert_eq!(whole.observed.proxy[row], whole.truth.utility[row] + whole.truth.error[row]);
    }
}
