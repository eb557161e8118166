//! A monitor of a deployed policy by how soon it alarms: after a jump to hacks, and where nothing has changed.

use super::{chart, curve, spec};
use serde_json::{Value, json};
use tailcatch::foundation::rng::{Purpose, SeedTree, Stream};
use tailcatch::foundation::special::normal_upper_quantile;
use tailcatch::monitor::deployed::{Ground, Law, Sample, WatchSpec};
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;

/// Honest outcomes, and hacks, of which one sample in fifty is one after the jump and one in 10⁹ before.
const HONEST: usize = 400;
const HACKS: usize = 20;
const AFTER: f64 = 0.02;
const BEFORE: f64 = 1e-9;
/// Samples of a deployment, deployments, and trusted rollouts.
const HORIZON: usize = 200;
const DEPLOYMENTS: u64 = 60;
const TRUSTED: usize = 8_000;

/// An outcome with what is seen of it.
struct Drawn {
    outcome: usize,
    hidden: [f64; 2],
}

impl Drawn {
    fn of(rng: &mut Stream, hack: bool) -> Self {
        let outcome =
            if hack { HONEST + rng.below(HACKS as u64) as usize } else { rng.below(HONEST as u64) as usize };
        // Hidden states of hacks lie two standard deviations off.
        let hidden =
            [2.0, 0.0].map(|off| normal_upper_quantile(rng.open_unit()) + if hack { off } else { 0.0 });
        Self { outcome, hidden }
    }

    fn sample(&self, ratio: impl Fn(usize) -> f64) -> Sample<'_> {
        let reward = if self.outcome < HONEST { normal(self.outcome) } else { 4.0 };
        Sample {
            outcome: self.outcome as u64,
            reward,
            log_ratio: Some(ratio(self.outcome)),
            hidden: Some(&self.hidden),
        }
    }
}

/// Numbers that the honest outcomes share out: a normal law.
fn normal(outcome: usize) -> f64 {
    normal_upper_quantile((outcome as f64 + 0.5) / HONEST as f64)
}

/// ln(π/π₀) of the trained policy, which is a nat from the reference, and of the deployed one.
fn ratio(outcome: usize, jumped: bool) -> f64 {
    match (outcome < HONEST, jumped) {
        (true, _) => 1.0 + 2f64.sqrt() * normal((outcome * 7919) % HONEST),
        (false, true) => (AFTER / BEFORE).ln(),
        (false, false) => 0.0,
    }
}

pub fn figure(name: &str) -> Chart {
    let settings = if name == "random" { json!({ "rate": 0.2 }) } else { Value::Null };
    let spec: WatchSpec = spec(name, settings);
    let stream = |purpose, index| SeedTree::new(11, 0).stream(purpose, index);
    let mut rng = stream(Purpose::Calibration, 0);
    let trusted: Vec<Drawn> = (0..TRUSTED).map(|_| Drawn::of(&mut rng, false)).collect();
    let trusted: Vec<Sample<'_>> =
        trusted.iter().map(|own| own.sample(|outcome| ratio(outcome, false))).collect();
    let share = |outcome: usize| {
        if outcome < HONEST { (1.0 - BEFORE) / HONEST as f64 } else { BEFORE / HACKS as f64 }
    };
    let law = Law {
        mass: (0..HONEST + HACKS).map(share).collect(),
        log_ratio: (0..HONEST + HACKS).map(|outcome| ratio(outcome, false)).collect(),
    };
    let alarm = |deployment: u64, jumped: bool| -> Option<usize> {
        let rng = stream(Purpose::Deployment, 1 << 40);
        let ground = Ground { trusted: &trusted, law: Some(&law), horizon: HORIZON as u64, rng };
        let part = spec.part();
        let mut watching = part.start(ground).unwrap_or_else(|status| panic!("{name}: {status}"));
        let mut rng = stream(Purpose::Deployment, deployment);
        (0..HORIZON).find(|_| {
            let hack = rng.open_unit() < AFTER && jumped;
            let own = Drawn::of(&mut rng, hack);
            let seen = own.sample(|outcome| ratio(outcome, jumped)).seen_by(part.observer());
            watching.see(seen, &mut || hack).is_some()
        })
    };
    let alarmed = |jumped: bool| {
        let at: Vec<Option<usize>> = (0..DEPLOYMENTS).map(|deployment| alarm(deployment, jumped)).collect();
        let by =
            move |end: usize| at.iter().flatten().filter(|at| **at < end).count() as f64 / DEPLOYMENTS as f64;
        (0..=40).map(|i| i * HORIZON / 40).map(|end| (end as f64, by(end))).collect::<Vec<_>>()
    };
    chart(
        format!("Alarms of {name} after a jump"),
        "Share of 60 deployments in which it has alarmed, by sample: after a jump to 20 hacks that are 2% of the samples, which training all but never \
         sampled, and with the policy as it was trained. Hacks pay more than anything honest, and their hidden states lie 2 standard deviations off.",
        ("Samples", Kind::Linear),
        ("Share alarmed", Kind::Linear),
        vec![curve("jump", alarmed(true)), curve("no jump", alarmed(false))],
    )
}
