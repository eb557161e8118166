//! F5 and F14: sightings, takeover, and the window in between, for REINFORCE on burn.

use crate::statistics::{assert_agrees, mean_and_error};
use burn::tensor::Device;
use serde_json::{Value, json};
use tailcatch::environments::Bandit;
use tailcatch::experiment::Exactly;
use tailcatch::foundation::rng::SeedTree;
use tailcatch::policies::Snapshot;
use tailcatch::reward::{RewardModel, RewardSection, Twin};
use tailcatch::rollout::Sampler;
use tailcatch::trainers::{Reinforce, TrainerPart};

struct Race {
    outcomes: u32,
    batch: u32,
    proxy: f64,
    optimizer: Value,
    replicates: u64,
}

/// First sighting and takeover of one replicate; p is read before the step's sampling.
fn one(race: &Race, replicate: u64) -> (Option<u64>, Option<u64>) {
    let environment: Bandit = serde_json::from_value(json!({ "outcomes": race.outcomes })).unwrap();
    let reward: RewardSection = serde_json::from_value(json!({
        "exploits": [{ "mass": 1.0 / f64::from(race.outcomes), "outcomes": 1, "proxy": race.proxy }]
    }))
    .unwrap();
    let horizon = u64::from(8 * race.outcomes / race.batch + 60);
    let settings: Reinforce = serde_json::from_value(json!({
        "batch": race.batch, "steps": horizon, "optimizer": race.optimizer,
        "kl": { "coefficient": 0.5, "estimator": "k1", "place": "reward" }
    }))
    .unwrap();
    let seeds = SeedTree::new(21, replicate);
    let model = RewardModel::build(&environment, &reward, &seeds, Twin::Itself).unwrap();
    let table = model.table();
    let mut trainer = settings.start(table, &Device::flex()).unwrap();
    let (sampler, mut policy) = (Sampler::training(&seeds), Snapshot::default());
    let mut seen = None;
    for step in 0..horizon {
        trainer.snapshot(table, &mut policy).unwrap();
        let exact = Exactly::of(&policy, table);
        if exact.p_hack > 0.5 {
            return (seen, Some(step));
        }
        let count = settings.batch();
        let mut batch = sampler.batch(&model, &policy, step, step * count as u64, count);
        if batch.truth.hack.iter().any(|h| *h) {
            seen.get_or_insert(step);
        }
        trainer.credit(&mut batch.observed);
        trainer.update(&batch.observed, &batch.cells, exact.kl).unwrap();
    }
    (seen, None)
}

/// Windows of the runs that were taken over, and how many were not.
fn windows(race: &Race) -> (Vec<f64>, usize) {
    let outcomes: Vec<(Option<u64>, Option<u64>)> = std::thread::scope(|scope| {
        let half = |start: u64| (start..race.replicates).step_by(2).map(|r| one(race, r)).collect::<Vec<_>>();
        let half = &half;
        let other = scope.spawn(move || half(1));
        let mut all = half(0);
        all.extend(other.join().unwrap());
        all
    });
    let closed: Vec<f64> = outcomes.iter().filter_map(|(s, t)| Some(((*t)? - (*s)?) as f64)).collect();
    let open = outcomes.iter().filter(|(_, takeover)| takeover.is_none()).count();
    (closed, open)
}

fn sgd(batch: u32) -> Value {
    json!({ "sgd": { "learning_rate": 0.05 * f64::from(batch) } })
}

#[test]
fn windows_of_plain_sgd_shrink_with_the_size_of_the_exploit() {
    for (outcomes, batch, proxy, expected, published) in [
        (2000, 64, 10.0, 57.7, 1.3),
        (2000, 64, 20.0, 21.9, 0.6),
        (2000, 64, 50.0, 5.4, 0.1),
        (5000, 128, 20.0, 27.6, 0.9),
    ] {
        let race = Race { outcomes, batch, proxy, optimizer: sgd(batch), replicates: 240 };
        let (closed, open) = windows(&race);
        assert!(open <= 2, "u = {proxy}: {open} of 240 runs were never taken over");
        assert_agrees(&format!("window, K = {outcomes}, u = {proxy}"), mean_and_error(&closed), (expected, published));
    }
}

#[test]
fn an_exploit_beyond_the_log_of_its_mass_takes_over_in_one_step() {
    // αu > ln 1/q: 0.05·u > ln 2000 = 7.6.
    let race = Race { outcomes: 2000, batch: 64, proxy: 300.0, optimizer: sgd(64), replicates: 32 };
    let (closed, open) = windows(&race);
    assert_eq!(open, 0);
    assert!(closed.iter().all(|w| *w == 1.0), "{closed:?}");
}

#[test]
fn windows_of_adam_do_not_depend_on_the_size_of_the_exploit() {
    let adam = |rate: f64| json!({ "adam": { "learning_rate": rate } });
    let race = |proxy: f64, rate: f64| Race { outcomes: 2000, batch: 64, proxy, optimizer: adam(rate), replicates: 64 };
    // Qualitative, as F14 asks: the published 207/200/193/185 and 71/69/67/63 steps fall by a tenth over u = 10 … 200,
    // where SGD's windows fall by a factor of ten and more.
    for (rate, smallest, largest) in [(0.05, 207.0, 185.0), (0.2, 71.0, 63.0)] {
        let [small, large] = [10.0, 200.0].map(|u| mean_and_error(&windows(&race(u, rate)).0));
        assert!((small.0 / smallest - 1.0f64).abs() < 0.15, "lr {rate}, u = 10: {} ± {}", small.0, small.1);
        assert!((large.0 / largest - 1.0f64).abs() < 0.15, "lr {rate}, u = 200: {} ± {}", large.0, large.1);
        assert!(large.0 > 0.75 * small.0, "lr {rate}: {} against {}", large.0, small.0);
    }
    let (closed, open) = windows(&Race { replicates: 16, ..race(50.0, 0.01) });
    assert!(closed.is_empty() && open == 16, "lr 0.01 is never taken over: {closed:?}");
}
