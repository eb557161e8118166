//! An environment by what the reference policy finds in it: true utility, and what is paid under a heavy-tailed error.

use super::{chart, curve, from_on};
use crate::responses::{load, with};
use tailcatch::experiment::calibration;
use tailcatch::plots::chart::Chart;
use tailcatch::plots::scale::Kind;

const ROLLOUTS: usize = 4_000;

pub fn figure(name: &str) -> Chart {
    let policy = if name == "bandit" { "tabular" } else { "product" };
    // A walk's utility is a few tenths: its error is as much smaller.
    let scale = if name == "gridworld" { 0.1 } else { 1.0 };
    let config = format!(
        "question = '?'\nseed = 3\n[environment.{name}]\n[reward]\nerror = {{ student_t = {{ df = 2, scale = {scale:?} }} }}\n\
         [policy.{policy}]\n[trainer.reinforce]\nsteps = 1\n"
    );
    let found = with(&load(&config), |setting| calibration(setting, ROLLOUTS, false));
    let (paid, utility) = (from_on(&found.observed.proxy), from_on(&found.truth.utility));
    chart(
        format!("Utility and proxy in {name}"),
        "Share of the reference's rollouts whose true utility V, and whose proxy U = V + X, is at least x: the settings by default, under \
         an error X of Student's t with 2 degrees of freedom. Beyond the best utility there is nothing but error.",
        ("x", Kind::Linear),
        ("Share of rollouts from x on", Kind::Log),
        vec![curve("V", utility), curve("U", paid)],
    )
}
