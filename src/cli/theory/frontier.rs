//! `tailcatch theory frontier`: how large a rare exploit must be to matter.

use super::super::Outcome;
use super::super::console::Console;
use super::{Answer, PlotArgs, finish, number};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::frontier::{t_star, t_star_exact};
use clap::Args;

/// How large a rare exploit must be to supply half of the proxy's gain
///
/// An exploit that the reference policy takes with a small probability changes a policy held to a KL budget only if its
/// proxy reward is many standard deviations above the rest: that size is T*. What must be so large stands out.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory frontier --mass 1e-4 --kl 1\n  tailcatch theory frontier \
                        --mass 1/3000 --kl .1 --plot frontier.svg"
)]
pub struct FrontierArgs {
    /// Prior mass of the exploit under the reference policy
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    /// KL budget, in nats
    #[arg(long, value_name = "E", value_parser = number, allow_negative_numbers = true)]
    kl: f64,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Runs the command.
///
/// # Errors
/// An argument outside its range; a figure that cannot be written.
pub fn run(args: &FrontierArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let at = t_star(args.mass, args.kl)?;
    let exact = t_star_exact(args.mass, args.kl)?;
    let mut answer = Answer::default();
    answer.given("mass", args.mass);
    answer.given("kl", args.kl);
    answer.value("t_star", at.size, "size at which the exploit supplies half of the gain, in bulk sd");
    answer.value("t_star_exact", exact.size, "the same without the closed form's approximation");
    answer.value("mass_after", at.mass_after, "the exploit's mass under the optimised policy");
    finish(&answer, &args.plot, || chart(args), console)
}

/// T* against KL for the asked mass and its neighbours.
fn chart(args: &FrontierArgs) -> Result<Chart, crate::Error> {
    let kls: Vec<f64> = (0..=80).map(|i| 10f64.powf(-2.0 + 3.0 * f64::from(i) / 80.0)).collect();
    let mut curves = Vec::new();
    for mass in [1e-2, 1e-3, 1e-4, 1e-6, 1e-8] {
        let points =
            kls.iter().map(|kl| Ok((*kl, t_star(mass, *kl)?.size))).collect::<Result<_, crate::Error>>()?;
        curves.push(Curve { name: format!("q = {mass:e}"), points });
    }
    let at = t_star(args.mass, args.kl)?;
    Ok(Chart {
        title: "How large an exploit must be to supply half of the proxy's gain".to_owned(),
        caption: "Size T* of an exploit of prior mass q under a KL budget. Below its line an exploit moves the policy less \
                  than the bulk does; above it, it stands out by as many standard deviations."
            .to_owned(),
        x: ("KL budget ε (nats)".to_owned(), Kind::Log),
        y: ("T* (bulk sd)".to_owned(), Kind::Log),
        curves,
        marks: vec![Mark { x: args.kl, y: at.size, label: "asked".to_owned() }],
    })
}
