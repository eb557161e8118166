//! `tailcatch theory best-of-n`: what the best of n draws by the proxy is worth.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as short;
use super::laws::{StandardizeArgs, named};
use super::{Answer, PlotArgs, finish, number};
use crate::distributions::{DistributionSpec, Standardized};
use crate::plots::chart::{Chart, Curve, Mark};
use crate::plots::scale::Kind;
use crate::theory::TheoryError;
use crate::theory::best_of_n::{BestOfN, best_of_n};
use clap::Args;

/// What the best of n draws is worth, in utility and in error
///
/// Draws n from the reference and keeps the one with the largest proxy U = V + X, for independent V and X. Exact, by
/// quadrature, for any n from 1 to 1e7.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory best-of-n --n 256 --utility normal --error student_t:df=3\n  tailcatch theory \
                  best-of-n --n 65536 --utility normal --error levy --standardize iqr --plot best_of_n.svg"
)]
pub struct BestOfNArgs {
    /// Number of draws
    #[arg(long, value_name = "N", value_parser = number, allow_negative_numbers = true)]
    n: f64,
    /// Law of the utility V under the reference
    #[arg(long, value_name = "SPEC")]
    utility: DistributionSpec,
    /// Law of the error X under the reference
    #[arg(long, value_name = "SPEC")]
    error: DistributionSpec,
    #[command(flatten)]
    standardize: StandardizeArgs,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Both laws as they are used.
struct Pair<'a> {
    args: &'a BestOfNArgs,
    utility: Standardized,
    error: Standardized,
}

impl Pair<'_> {
    fn best(&self, n: f64) -> Result<BestOfN, TheoryError> {
        best_of_n(&self.utility, &self.error, n)
            .map_err(|e| named(e, format!("{} + {}", self.args.utility, self.args.error)))
    }
}

/// Runs the command.
///
/// # Errors
/// An n out of range, a law that cannot be standardised or integrated; a figure that cannot be written.
pub fn run(args: &BestOfNArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let pair = Pair {
        args,
        utility: args.standardize.law("utility", &args.utility)?,
        error: args.standardize.law("error", &args.error)?,
    };
    let found = pair.best(args.n)?;
    let without = |law: &DistributionSpec| format!("{law} has no finite mean");
    let proxy = || match found.utility {
        None => without(&args.utility),
        Some(_) => without(&args.error),
    };
    let mut answer = Answer::default();
    answer.given("n", args.n);
    answer.given("utility_law", args.utility.to_string());
    answer.given("error_law", args.error.to_string());
    answer.given("standardize", args.standardize.name());
    answer.value("kl", found.kl, "KL from the reference, in nats: ln n − (n − 1)/n");
    answer.maybe("utility", found.utility.ok_or_else(|| without(&args.utility)), "E[V]");
    answer.maybe("error", found.error.ok_or_else(|| without(&args.error)), "E[X]");
    answer.maybe("proxy", found.proxy.ok_or_else(proxy), "E[U]");
    finish(&answer, &args.plot, || chart(&pair, &found), console)
}

/// E\[V\] and E\[U\] against n.
fn chart(pair: &Pair<'_>, asked: &BestOfN) -> Result<Chart, crate::Error> {
    let last = (asked.n * 16.0).clamp(65536.0, 1e7);
    let path = (0..=32)
        .map(|i| pair.best(last.powf(f64::from(i) / 32.0)))
        .collect::<Result<Vec<BestOfN>, TheoryError>>()?;
    let curve = |name: &str, value: fn(&BestOfN) -> Option<f64>| Curve {
        name: name.to_owned(),
        points: path.iter().filter_map(|best| Some((best.n, value(best)?))).collect(),
    };
    let mark = |y: f64| Mark { x: asked.n, y, label: short(y) };
    Ok(Chart {
        title: "What the best of n is worth".to_owned(),
        caption: format!(
            "Utility {}, error {}, independent{}. Dots: n = {}.",
            pair.args.utility,
            pair.args.error,
            match pair.args.standardize.name() {
                "none" => String::new(),
                how => format!(", each standardised by its {how}"),
            },
            short(asked.n)
        ),
        x: ("draws n".to_owned(), Kind::Log),
        y: ("reward".to_owned(), Kind::Linear),
        curves: vec![curve("proxy E[U]", |b| b.proxy), curve("utility E[V]", |b| b.utility)],
        marks: [asked.proxy, asked.utility].into_iter().flatten().map(mark).collect(),
    })
}
