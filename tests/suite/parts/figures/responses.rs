//! A response by what it prevents: P(hack) by step, with it and without.

use super::{chart, curve, ran};
use crate::responses::{BANDIT, RECORDS, RECURRENT, REINFORCE, TOKENS};
use tailcatch::plots::chart::{Chart, Curve};
use tailcatch::plots::scale::Kind;

pub fn figure(name: &str) -> Chart {
    let (base, settings) = match name {
        // Its distances are those of a network's activations.
        "neighbourhood" => (format!("{TOKENS}{RECURRENT}"), "radius = 0.2"),
        "roll_back" => (format!("{BANDIT}{REINFORCE}"), "every = 5"),
        _ => (format!("{BANDIT}{REINFORCE}"), ""),
    };
    let mut curves = vec![course("none", &base, "none", "")];
    if name != "none" {
        curves.push(course(name, &base, name, settings));
    }
    chart(
        format!("P(hack) under {name}"),
        "Probability of a hack under the policy by training step, where the k highest rewards so far are read and a confirmed hack is acted upon before \
         the step's update, and where nothing is done. The exploit pays 20 and is worth −5 (for `neighbourhood`: a pattern of two tokens that is paid 9).",
        ("Training step", Kind::Linear),
        ("P(hack)", Kind::Linear),
        curves,
    )
}

fn course(label: &str, base: &str, response: &str, settings: &str) -> Curve {
    let run = ran(&format!("{base}[audit]\n{RECORDS}response = {{ {response} = {{ {settings} }} }}\n"));
    curve(label, run.steps.iter().filter_map(|row| Some((row.step as f64, row.p_hack?))))
}
