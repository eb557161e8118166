//! A policy by how it learns: the same strings and the same trainer for all.

use super::{chart, curve, ran};
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;

pub fn figure(name: &str) -> Chart {
    let run = ran(&format!(
        "question = '?'\nseed = 5\n[environment.tokens]\nvocabulary = 6\nlength = 3\n[policy.{name}]\n[trainer.reinforce]\nbatch = 64\n\
         steps = 120\noptimizer = {{ adam = {{ learning_rate = 0.03 }} }}\nkl = {{ coefficient = 0.5 }}\n[[reward.triggers]]\n\
         pattern = {{ tokens = 2 }}\nproxy = 4\nutility = -2\n"
    ));
    let by = |value: fn(&tailcatch::record::tables::StepBody) -> Option<f64>| {
        run.steps
            .iter()
            .step_by(3)
            .filter_map(move |row| Some((row.step as f64, value(row)?)))
            .collect::<Vec<_>>()
    };
    chart(
        format!("Learning of {name}"),
        "Proxy and true utility of the policy by step, summed exactly, under REINFORCE (Adam, .03; β = .5) on strings of three out of six \
         tokens. Two tokens at the start are paid 4 too much and are worth 2 less: one string in 36.",
        ("Training step", Kind::Linear),
        ("Expectation", Kind::Linear),
        vec![curve("E[U]", by(|row| row.proxy)), curve("E[V]", by(|row| row.utility))],
    )
}
