//! `tailcatch theory conditioning`: the utility of what reaches a threshold by the proxy.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as short;
use super::laws::{StandardizeArgs, named};
use super::{Answer, PlotArgs, finish, number};
use crate::distributions::{Distribution, DistributionSpec, Standardized};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::conditioning::{Conditioned, conditioning};
use clap::Args;

/// What selecting on the proxy does to the utility: E[V | U >= t]
///
/// For independent V and X. Where X is heavier than V the utility of what was selected falls back to its mean as the
/// threshold grows; where both are lighter than exponential it grows without bound.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tailcatch theory conditioning --utility normal --error student_t:df=3 --threshold 10"
)]
pub struct ConditioningArgs {
    /// Law of the utility V under the reference
    #[arg(long, value_name = "SPEC")]
    utility: DistributionSpec,
    /// Law of the error X under the reference
    #[arg(long, value_name = "SPEC")]
    error: DistributionSpec,
    /// The threshold t on the proxy, in units of reward
    #[arg(long, value_name = "T", value_parser = number, allow_negative_numbers = true)]
    threshold: f64,
    #[command(flatten)]
    standardize: StandardizeArgs,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Runs the command.
///
/// # Errors
/// A utility without a mean, a threshold out of reach, a law that cannot be standardised; a figure that cannot be
/// written.
pub fn run(args: &ConditioningArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let utility = args.standardize.law("utility", &args.utility)?;
    let error = args.standardize.law("error", &args.error)?;
    let found = conditioning(&utility, &error, args.threshold).map_err(|e| named(e, &args.utility))?;
    let mut answer = Answer::default();
    answer.given("utility_law", args.utility.to_string());
    answer.given("error_law", args.error.to_string());
    answer.given("threshold", args.threshold);
    answer.given("standardize", args.standardize.name());
    answer.value("utility", found.utility, "E[V | U >= t]");
    answer.value("utility_before", utility.mean(), "E[V] of the reference");
    answer.value("probability", found.probability, "P(U >= t)");
    answer.value("ln_probability", found.ln_probability, "its natural logarithm");
    finish(&answer, &args.plot, || Ok(chart(args, &utility, &error, &found)), console)
}

/// E\[V | U ≥ t\] against t, from where half of all is selected.
fn chart(
    args: &ConditioningArgs,
    utility: &Standardized,
    error: &Standardized,
    found: &Conditioned,
) -> Chart {
    let from = utility.quantile(0.5) + error.quantile(0.5);
    let spread = utility.upper_quantile(0.25) - utility.quantile(0.25) + error.upper_quantile(0.25)
        - error.quantile(0.25);
    let reach = (2.0 * (args.threshold - from)).max(10.0 * spread);
    let far = reach > 100.0 * spread && from + 0.01 * spread > 0.0;
    let points = (0..=160).filter_map(|i| {
        let share = f64::from(i) / 160.0;
        // Equal steps, or equal factors where the threshold is far out.
        let t = if far {
            from + 0.01 * spread * (100.0 * reach / spread).powf(share)
        } else {
            from + reach * share
        };
        Some((t, conditioning(utility, error, t).ok()?.utility))
    });
    let curve = Curve { name: "E[V | U ≥ t]".to_owned(), points: points.collect() };
    Chart {
        title: "The utility of what reaches a threshold".to_owned(),
        caption: format!(
            "Utility {}, error {}, independent. Dot: t = {}, reached with probability {}.",
            args.utility,
            args.error,
            short(args.threshold),
            short(found.probability)
        ),
        x: ("threshold t on the proxy (reward)".to_owned(), if far { Kind::Log } else { Kind::Linear }),
        y: ("utility".to_owned(), Kind::Linear),
        curves: vec![curve],
        marks: vec![Mark { x: args.threshold, y: found.utility, label: short(found.utility) }],
    }
}
