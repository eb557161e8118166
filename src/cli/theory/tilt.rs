//! `tailcatch theory tilt`: the exact optimum under a KL penalty, on a user's own table of outcomes.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as short;
use super::along::{self, Gains};
use super::{Answer, PlotArgs, finish, number};
use crate::plots::chart::Chart;
use crate::record::read_outcomes;
use crate::theory::TheoryError;
use crate::theory::tilt::{Tilt, Tilter};
use clap::Args;
use std::path::PathBuf;

/// The exact optimum under a KL penalty on a table of outcomes
///
/// FILE holds one outcome a row, with the columns log_prob (ln of its probability under the reference policy, up to a
/// constant), utility and error; the proxy is their sum. The answer is the policy that maximises E[U] - beta KL, at a
/// given KL coefficient or at the one that spends a KL budget.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch theory tilt outcomes.csv --kl .1\n  tailcatch theory tilt outcomes.csv \
                  --beta 10,3,1,.3 --plot tilt.svg"
)]
pub struct TiltArgs {
    /// A .csv, .jsonl or .parquet file with the columns log_prob, utility, error
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// KL coefficient, in units of reward per nat; several, comma-separated, give a path
    #[arg(
        long,
        value_name = "B",
        value_delimiter = ',',
        value_parser = number,
        allow_negative_numbers = true,
        required_unless_present = "kl",
        conflicts_with = "kl"
    )]
    beta: Vec<f64>,
    /// KL budget, in nats
    #[arg(long, value_name = "E", value_parser = number, allow_negative_numbers = true)]
    kl: Option<f64>,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Points of the figure.
const POINTS: u32 = 120;

/// Runs the command.
///
/// # Errors
/// A table that cannot be read; a coefficient or a budget out of range; a figure that cannot be written.
pub fn run(args: &TiltArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let table = read_outcomes(&args.file)?;
    let tilter = Tilter::new(&table);
    let tilts = match args.kl {
        Some(budget) => vec![tilter.at_budget(budget).map_err(TheoryError::from)?],
        None => tilter.path(&args.beta).map_err(TheoryError::from)?,
    };
    let mut answer = Answer::default();
    answer.given("outcomes", table.len());
    if let [tilt] = tilts.as_slice() {
        single(&mut answer, tilt);
    } else {
        let columns = [
            ">beta",
            ">kl",
            ">utility",
            ">error",
            ">proxy",
            ">ess",
            ">reverse_kl",
            ">top_mass",
            ">log_partition",
        ];
        let row = |tilt: &Tilt| {
            let Tilt { beta, kl, utility, error, proxy, ess, reverse_kl, top_mass, log_partition } = *tilt;
            [beta, kl, utility, error, proxy, ess, reverse_kl, top_mass, log_partition]
                .map(Into::into)
                .to_vec()
        };
        answer.list("path", &columns, tilts.iter().map(row).collect());
    }
    answer.value("largest_kl", tilter.largest_kl(), "KL of always taking the best proxy, in nats");
    finish(&answer, &args.plot, || chart(&tilter, &tilts), console)
}

fn single(answer: &mut Answer, tilt: &Tilt) {
    answer.value("beta", tilt.beta, "KL coefficient");
    answer.value("kl", tilt.kl, "KL from the reference, in nats");
    answer.value("utility", tilt.utility, "E[V]");
    answer.value("error", tilt.error, "E[X]");
    answer.value("proxy", tilt.proxy, "E[U]");
    answer.value("ess", tilt.ess, "effective number of outcomes");
    answer.value("reverse_kl", tilt.reverse_kl, "KL from the tilt to the reference, in nats");
    answer.value("top_mass", tilt.top_mass, "largest probability of an outcome");
    answer.value("log_partition", tilt.log_partition, "ln E[exp(U/beta)] under the reference");
}

fn gains(tilt: &Tilt) -> Gains {
    [tilt.kl, tilt.proxy, tilt.utility, tilt.error]
}

/// The path from a thousandth of the largest KL to nearly all of it.
fn chart(tilter: &Tilter<'_>, asked: &[Tilt]) -> Result<Chart, crate::Error> {
    let largest = tilter.largest_kl();
    let end = |share: f64| tilter.at_budget(share * largest).map_err(TheoryError::from);
    let (near, far) = (end(1e-3)?.beta.ln(), end(0.999)?.beta.ln());
    let betas: Vec<f64> =
        (0..=POINTS).map(|i| (near + (far - near) * f64::from(i) / f64::from(POINTS)).exp()).collect();
    let path: Vec<Gains> = tilter.path(&betas).map_err(TheoryError::from)?.iter().map(gains).collect();
    let asked: Vec<(Gains, String)> =
        asked.iter().map(|tilt| (gains(tilt), format!("β = {}", short(tilt.beta)))).collect();
    Ok(along::chart(
        "What optimising the proxy under a KL penalty gains",
        "The exact optimum of E[U] − β·KL along β. Where the proxy rises and the utility does not, the gain is error.",
        &path,
        &asked,
    ))
}
