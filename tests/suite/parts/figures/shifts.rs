//! A shift by what is paid under the trained policy and under the deployed one.

use super::{chart, curve, spec};
use crate::responses::{load, with};
use serde_json::{Value, json};
use tailcatch::deployment::ShiftSpec;
use tailcatch::plots::chart::{Chart, Curve};
use tailcatch::plots::scale::Kind;
use tailcatch::policies::Snapshot;
use tailcatch::record::Outcomes;

/// 500 outcomes, of which two are hacks: the one pays more than anything honest, the other no more than much that is.
const WORLD: &str = "question = '?'\nseed = 5\n[environment.bandit]\noutcomes = 500\n[[reward.exploits]]\nmass = 1e-4\noutcomes = 1\n\
    proxy = 6\nutility = -5\n[[reward.exploits]]\nmass = 1e-4\noutcomes = 1\nproxy = 1.5\nutility = -5\n[policy.tabular]\n\
    [trainer.reinforce]\nsteps = 1\n";

pub fn figure(name: &str) -> Chart {
    let settings = match name {
        "jump" => json!({ "mass_after": 0.05 }),
        "tilt" => json!({ "kl": 0.5 }),
        "argmax" => json!({ "mass_after": 0.05 }),
        "trigger" => json!({ "frequency": 0.1, "shift": { "jump": { "mass_after": 0.05 } } }),
        _ => Value::Null,
    };
    let shift: ShiftSpec = spec(name, settings);
    let curves = with(&load(WORLD), |setting| {
        let table = setting.model.table().unwrap();
        let mut trained = Snapshot::default();
        trained.set(table, |_| 0.0);
        let deployed = shift.part().apply(table, &trained).unwrap();
        vec![paid("deployed", table, &deployed), paid("trained", table, &trained)]
    });
    chart(
        format!("Proxy before and after {name}"),
        "Probability of a proxy of at least x under the trained policy and under the deployed one. Of 500 outcomes two are hacks with a mass of 1e-4 each, \
         which pay 6 and 1.5; the trained policy is the reference.",
        ("Proxy x", Kind::Linear),
        ("P(U ≥ x)", Kind::Log),
        curves,
    )
}

/// P(U ≥ u) at some of the proxies of a table, the largest ones all.
fn paid(name: &str, table: &Outcomes, policy: &Snapshot) -> Curve {
    let mut cells: Vec<usize> = (0..table.len()).collect();
    cells.sort_by(|a, b| table.proxy(*b).total_cmp(&table.proxy(*a)));
    let mut above = 0.0;
    let all: Vec<(f64, f64)> = cells
        .into_iter()
        .map(|cell| {
            above += policy.prob(cell);
            (table.proxy(cell), above)
        })
        .collect();
    let kept = |i: &usize| *i < 20 || i.is_multiple_of(10);
    curve(name, (0..all.len()).filter(kept).map(|i| all[i]))
}
