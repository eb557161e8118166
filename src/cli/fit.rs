//! `tailcatch fit`: the curves of over-optimisation.

use super::console::Console;
use super::sketch;
use super::table::{number, wrapped};
use super::{Error as CliError, Outcome};
use crate::foundation::bootstrap::Interval;
use crate::foundation::gao::{self, Estimated};
use crate::foundation::presence::is_there;
use crate::plots::over_optimisation::{Fitted, fits};
use crate::record::folder::{FolderError, PLAN, RunFolder};
use crate::record::read_numbers;
use clap::Args;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Fit the curves of over-optimisation: how true utility rises and falls with √KL
///
/// Fits R(d) = d(α − β·d) and R(d) = d(α − β·ln d) over d = √KL by least squares (Gao, Schulman & Hilton 2023), where R is the utility
/// less that of the reference. A run folder is read at each KL that its runs reach; a file needs a column of KL in nats and one of
/// utility (a gold reward, a win rate, an evaluation), one row a checkpoint. Intervals are 95% bootstrap over runs. It takes five points at four
/// different KLs; a peak is told within the data only, and where R² is .8 or more.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch fit runs/quickstart\n  tailcatch fit checkpoints.csv --kl kl --utility gold_reward\n  tailcatch fit \
                  sweep.csv --utility eval/accuracy --run seed"
)]
pub struct FitArgs {
    /// Run folders, or .csv, .jsonl or .parquet files with one row a checkpoint
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Column of the KL from the reference, in nats
    #[arg(long, value_name = "COLUMN", default_value = "kl")]
    kl: String,
    /// Column of the utility
    #[arg(long, value_name = "COLUMN", default_value = "utility")]
    utility: String,
    /// Column of numbers that tells independent runs apart. Default: the file is one run
    #[arg(long, value_name = "COLUMN")]
    run: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// A folder or file that cannot be read; one without enough points.
pub fn run(args: &FitArgs, console: &Console) -> Result<Outcome, crate::Error> {
    let mut found: Vec<Fitted> = Vec::new();
    for path in &args.paths {
        let plan = path.join(PLAN);
        let is_run = is_there(&plan).map_err(|source| FolderError::Io { path: plan, source })?;
        let own = if is_run { fits(&RunFolder::open(path)?, true) } else { of_file(args, path)? };
        if own.is_empty() {
            return Err(CliError::Value {
                flag: "PATH",
                reason: format!(
                    "{} has fewer than {} points of utility above a KL of 0, or fewer than {} different KLs",
                    path.display(),
                    gao::LEAST,
                    gao::DISTINCT
                ),
                help:
                    "give more checkpoints, or a run folder whose trainer is not the exact solution at one KL"
                        .to_owned(),
            }
            .into());
        }
        found.extend(own);
    }
    let document: Vec<Value> =
        found.iter().flat_map(|fitted| fitted.fits.iter().map(|fit| document(&fitted.name, fit))).collect();
    console.answer(&json!({ "fits": document }), |style| {
        let one = |fitted: &Fitted| {
            let named = Some(style.bold(&fitted.name)).filter(|_| !fitted.name.is_empty());
            let forms = fitted.fits.iter().flat_map(|fit| lines(fit, sketch::columns()));
            named.into_iter().chain(forms).map(|line| line + "\n").collect::<String>()
        };
        let said: Vec<String> = found.iter().map(one).collect();
        format!("{}\nR(d) over d = √KL; brackets: 95% over runs.\n", said.join("\n"))
    })?;
    Ok(Outcome::Done)
}

/// A curve in lines of at most so many columns.
fn lines(one: &Estimated, columns: usize) -> Vec<String> {
    let peak = one.peak().map_or_else(
        |why| format!("peak: {why}"),
        |(d, gain)| format!("peak of {} at KL {}", number(gain), with(d * d, one.peak_kl)),
    );
    let text = format!(
        "R² {} over {} runs, α = {}, β = {}; {peak}",
        number(one.fit.r_squared),
        one.units,
        with(one.fit.alpha, one.alpha),
        with(one.fit.beta, one.beta)
    );
    let name = |i: usize| if i == 0 { one.fit.form.name() } else { "" };
    let broken = wrapped(&text, columns.saturating_sub(18)).into_iter().enumerate();
    broken.map(|(i, line)| format!("  {:<14}  {line}", name(i))).collect()
}

fn with(value: f64, interval: Option<Interval>) -> String {
    interval.map_or_else(
        || number(value),
        |interval| format!("{} [{}, {}]", number(value), number(interval.low), number(interval.high)),
    )
}

fn document(name: &str, one: &Estimated) -> Value {
    let ends = |interval: Option<Interval>| interval.map(|i| [i.low, i.high]);
    let peak = one.peak().ok();
    json!({
        "series": name,
        "form": one.fit.form.name(),
        "alpha": one.fit.alpha,
        "alpha_interval": ends(one.alpha),
        "beta": one.fit.beta,
        "beta_interval": ends(one.beta),
        "r_squared": one.fit.r_squared,
        "runs": one.units,
        "largest_kl": one.largest_kl,
        "extrapolated": one.is_extrapolated(),
        "peak_kl": peak.map(|(d, _)| d * d),
        "peak_kl_interval": ends(one.peak_kl.filter(|_| peak.is_some())),
        "peak_status": one.peak().err().unwrap_or("ok"),
        "peak_gain": peak.map(|(_, gain)| gain),
    })
}

/// The curves of one file, whose runs each begin at their smallest KL.
fn of_file(args: &FitArgs, path: &Path) -> Result<Vec<Fitted>, crate::Error> {
    let names: Vec<&str> = [args.kl.as_str(), &args.utility].into_iter().chain(args.run.as_deref()).collect();
    let columns = read_numbers(path, &names)?;
    let (Some(kl), Some(utility)) = (columns.first(), columns.get(1)) else { return Ok(Vec::new()) };
    if let Some(row) = kl.iter().position(|kl| *kl < 0.0) {
        return Err(CliError::Value {
            flag: "--kl",
            reason: format!("row {row} (from 0) of {} has a KL of {}", path.display(), kl[row]),
            help: "give the divergence in nats, which is never negative; an estimate of one sample can be: average it".to_owned(),
        }
        .into());
    }
    let run = |row: usize| columns.get(2).and_then(|ids| ids.get(row)).map_or(0, |id| id.to_bits());
    if let Some(start) = gao::far_start(kl.iter().copied().enumerate().map(|(row, kl)| (run(row), kl))) {
        return Err(CliError::Value {
            flag: "--kl",
            reason: format!(
                "a run of {} begins at a KL of {start}, so that the utility of the reference, over which gains are counted, is not known",
                path.display()
            ),
            help: "add the row of the untrained policy to each run, with a KL of 0".to_owned(),
        }
        .into());
    }
    let points = kl.iter().copied().zip(utility.iter().copied());
    let units = gao::units(points.enumerate().map(|(row, point)| (run(row), point)));
    let fits = gao::estimates(&units, true);
    let name = path.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
    Ok(if fits.is_empty() { Vec::new() } else { vec![Fitted { name, start: 0.0, fits }] })
}
