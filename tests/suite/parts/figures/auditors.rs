//! An auditor by its looks, step by step, in a run that an exploit takes over.

use super::{chart, curve};
use crate::responses::{BANDIT, REINFORCE, afterwards, load, trained};
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;

/// Steps of the run.
const STEPS: u64 = 60;

pub fn figure(name: &str) -> Chart {
    let settings = match name {
        "records" => "benign_looks = 20",
        "alarm" => "rate = 0.01, looks = 0.01",
        "top" | "random" => "looks = 0.01",
        _ => "",
    };
    // Twenty outcomes of the exploit, so that there is something to find more than once.
    let world = BANDIT.replace("mass = 4e-3\noutcomes = 2", "mass = 4e-2\noutcomes = 20");
    let loaded = load(&format!("{world}{REINFORCE}[audit]\nauditor = {{ {name} = {{ {settings} }} }}\n"));
    let run = trained(&loaded, None).unwrap();
    let (trail, _) = afterwards(&loaded, &run);
    let so_far = |confirmed: bool| {
        let until = |step: u64| {
            trail.picks.iter().filter(|pick| pick.confirmed == confirmed && pick.step < step).count()
        };
        (0..=STEPS).map(|step| (step as f64, until(step) as f64)).collect::<Vec<_>>()
    };
    chart(
        format!("Looks of {name}"),
        "Looks so far by training step, at hacks and at honest rollouts, where nothing is done about what is found. A policy on 500 outcomes is taken \
         over by an exploit of 20 of them with 4% of the mass; an outcome that was read is not read again. Some 20 to 40 looks are allowed.",
        ("Training step", Kind::Linear),
        ("Looks so far", Kind::Linear),
        vec![curve("at hacks", so_far(true)), curve("at honest", so_far(false))],
    )
}
