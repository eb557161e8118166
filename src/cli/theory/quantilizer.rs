//! `tailcatch theory quantilizer`: the reference's top share by the proxy, and what it can cost.

use super::super::Outcome;
use super::super::console::Console;
use super::super::table::number as short;
use super::along::{self, Gains};
use super::{Answer, PlotArgs, finish, number};
use crate::plots::chart::Chart;
use crate::record::{Outcomes, read_outcomes};
use crate::theory::TheoryError;
use crate::theory::table::{Moments, quantilizer, quantilizer_cost_bound};
use crate::theory::tilt::Tilter;
use clap::Args;
use std::path::PathBuf;

/// The reference policy's top share by the proxy, and how much any cost can grow
///
/// Draws from the reference policy given that the proxy is among its top Q. Whatever the errors are, a cost that is
/// never negative has at most 1/Q times its mean under the reference. FILE is as for `theory tilt`.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  tailcatch theory quantilizer outcomes.csv --mass .01 --plot quantilizer.svg"
)]
pub struct QuantilizerArgs {
    /// A .csv, .jsonl or .parquet file with the columns log_prob, utility, error
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Mass of the reference policy that is kept
    #[arg(long, value_name = "Q", value_parser = number, allow_negative_numbers = true)]
    mass: f64,
    #[command(flatten)]
    plot: PlotArgs,
}

/// Points of the figure: each sorts the table.
const POINTS: u32 = 40;

/// Runs the command.
///
/// # Errors
/// A table that cannot be read; a mass out of range; a figure that cannot be written.
pub fn run(args: &QuantilizerArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let table = read_outcomes(&args.file)?;
    let moments = quantilizer(&table, args.mass)?.moments(&table)?;
    let mut answer = Answer::default();
    answer.given("outcomes", table.len());
    answer.given("mass", args.mass);
    answer.value("kl", moments.kl, "KL from the reference, in nats");
    answer.value("kl_bound", (1.0 / args.mass).ln(), "the most it can be: ln 1/q");
    answer.value("chi_squared", moments.chi_squared, "chi-squared divergence from the reference");
    answer.value("utility", moments.utility, "E[V]");
    answer.value("error", moments.error, "E[X]");
    answer.value("proxy", moments.proxy, "E[U]");
    answer.value("ess", moments.ess, "effective number of outcomes");
    answer.value("top_mass", moments.top_mass, "largest probability of an outcome");
    let bound = quantilizer_cost_bound(1.0, args.mass)?;
    answer.value(
        "cost_bound",
        bound,
        "most that a cost of at least 0 can be, in its means under the reference",
    );
    finish(&answer, &args.plot, || chart(&table, args.mass, &moments), console)
}

fn gains(moments: &Moments) -> Gains {
    [moments.kl, moments.proxy, moments.utility, moments.error]
}

/// Masses from nearly all down to the best outcomes' own.
fn chart(table: &Outcomes, mass: f64, asked: &Moments) -> Result<Chart, crate::Error> {
    let largest = Tilter::new(table).largest_kl();
    let path = (1..=POINTS)
        .map(|i| {
            let share = f64::from(i) / f64::from(POINTS);
            let q = (-largest * share * share).exp();
            Ok(gains(&quantilizer(table, q)?.moments(table)?))
        })
        .collect::<Result<Vec<Gains>, TheoryError>>()?;
    Ok(along::chart(
        "What a quantilizer gains",
        "The reference given the top share q of the proxy, from all of it down to the best outcome.",
        &path,
        &[(gains(asked), format!("q = {}", short(mass)))],
    ))
}
