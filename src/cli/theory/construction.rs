//! `tailcatch theory construction`: a large expected error at a tiny KL, where the tail allows it.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as short;
use super::laws::named;
use super::{Answer, PlotArgs, finish, number};
use crate::distributions::DistributionSpec;
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::construction::{Construction, construction};
use clap::Args;

/// How little KL buys how much error: the construction behind catastrophic Goodhart
///
/// Raises the mass that the error's law holds above a threshold t to t^(-exponent) and leaves the rest as it was. For a
/// heavy tail the KL goes to 0 while E[X] grows without bound; for a light one it explodes.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tailcatch theory construction --error student_t:df=3 --threshold 1e6 --plot construction.svg"
)]
pub struct ConstructionArgs {
    /// Law of the error X under the reference, such as student_t:df=3
    #[arg(long, value_name = "SPEC")]
    error: DistributionSpec,
    /// The threshold t, in units of reward, above 1
    #[arg(long, value_name = "T", value_parser = number, allow_negative_numbers = true)]
    threshold: f64,
    /// The mass above t becomes t^(-E)
    #[arg(long, value_name = "E", value_parser = number, default_value = ".8", allow_negative_numbers = true)]
    exponent: f64,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Runs the command.
///
/// # Errors
/// A law without a mean, a threshold at which nothing can be built; a figure that cannot be written.
pub fn run(args: &ConstructionArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let law = args.error.part();
    let found = construction(law, args.threshold, args.exponent).map_err(|e| named(e, &args.error))?;
    let mut answer = Answer::default();
    answer.given("error_law", args.error.to_string());
    answer.given("threshold", args.threshold);
    answer.given("exponent", args.exponent);
    answer.value("kl", found.kl, "KL from the reference, in nats");
    answer.value("error", found.error, "E[X] of the policy");
    answer.value("error_before", found.error_before, "E[X] of the reference");
    answer.value("mass_before", found.mass_before, "P(X > t) of the reference");
    answer.value("mass_after", found.mass_after, "P(X > t) of the policy: t^(-exponent)");
    answer.value("tail", serde_json::to_value(found.tail).unwrap_or_default(), "what more of t would do");
    answer.finding(format!("The tail is {}.", found.tail));
    finish(&answer, &args.plot, || Ok(chart(args, &found)), console)
}

/// E\[X\] and KL against the threshold, where there is a construction.
fn chart(args: &ConstructionArgs, asked: &Construction) -> Chart {
    let last = (args.threshold * 30.0).clamp(1e4, 1e300);
    let path: Vec<Construction> = (1..=200)
        .filter_map(|i| {
            let threshold = last.powf(f64::from(i) / 200.0);
            construction(args.error.part(), threshold, args.exponent).ok()
        })
        .collect();
    let curve = |name: &str, value: fn(&Construction) -> f64| Curve {
        name: name.to_owned(),
        points: path.iter().map(|c| (c.threshold, value(c))).collect(),
    };
    let mark = |y: f64, label: String| Mark { x: asked.threshold, y, label };
    Chart {
        title: "How little KL buys how much error".to_owned(),
        caption: format!(
            "{}: the mass above the threshold t raised to t^(−{}). The tail is {}.",
            args.error,
            short(args.exponent),
            asked.tail
        ),
        x: ("threshold t (reward)".to_owned(), Kind::Log),
        y: ("E[X] (reward), KL (nats)".to_owned(), Kind::Log),
        curves: vec![curve("error E[X]", |c| c.error), curve("KL", |c| c.kl)],
        marks: vec![mark(asked.error, short(asked.error)), mark(asked.kl, short(asked.kl))],
    }
}
