//! `tailcatch diagnose`: is this reward heavy-tailed?

mod document;
mod page;
mod text;

use super::console::Console;
use super::log_args::LogArgs;
use super::table::left_out;
use super::{Error as CliError, Outcome, spec};
use crate::Error;
use crate::foundation::failure::Status;
use crate::foundation::order;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::foundation::scalar::Finite;
use crate::plots::tail_page;
use crate::record::{Prompts, read_column, read_holders};
use crate::tails::{
    Diagnosis, DoubleBootstrap, StabilityPoint, StepWindow, Trend, Verdict, diagnose_log, double_bootstrap,
    rests_on, shift, tail_by_step, thresholds, trend,
};
use clap::Args;
use document::Document;
use std::path::PathBuf;

/// Equal values a completion, from which on they are repeats of it and not a ceiling.
const REPEATS: usize = 3;

/// Is this reward heavy-tailed? Five tail estimators side by side, and the tail by training step
///
/// Reads one numeric column of a log and estimates how heavy its upper tail is: the extreme-value index ξ = 1/α
/// with 95% intervals. ξ above 0 is heavy, 0 is exponential-like, below 0 the rewards end at a finite point. A
/// sample that cannot carry an index gets its status instead of a number: too few excesses, discrete, clipped, or
/// aggregate (one row a step, each a mean: the rollouts' tail is not in the file). Where the log has steps and
/// at least 800 rollouts, it also says whether the tail gets heavier during training.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch diagnose rewards.csv --column score --plot tail.svg\n  tailcatch diagnose \
                  metrics.jsonl --column reward/g --json\n  tailcatch diagnose 'rollouts/*.parquet' --column rm_reward \
                  --double-bootstrap"
)]
pub struct DiagnoseArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Where the tail begins, in the column's unit. Default: the top 5%
    #[arg(long, short, value_name = "U", value_parser = finite, allow_negative_numbers = true)]
    threshold: Option<Finite>,
    /// Diagnose these steps alone, A up to and without B
    #[arg(long, value_name = "A..B", value_parser = spec::steps)]
    steps: Option<(u64, u64)>,
    /// Also let Hill, moment and kernel choose their own k, from so many resamples of two sizes each. Default: 500
    #[arg(long, value_name = "RESAMPLES", num_args = 0..=1, require_equals = true, default_missing_value = "500",
          value_parser = clap::value_parser!(u32).range(20..))]
    double_bootstrap: Option<u32>,
    /// Seed of the resamples
    #[arg(long, value_name = "S", default_value_t = 0, requires = "double_bootstrap")]
    seed: u64,
    /// Also draw the tail on one page, into this .svg, .png or .pdf file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    plot: Option<PathBuf>,
}

fn finite(text: &str) -> Result<Finite, String> {
    let value = text.parse::<f64>().map_err(|_| format!("`{text}` is not a number"))?;
    Finite::new(value).map_err(|e| e.to_string())
}

/// Everything that is said of one column.
struct Findings {
    diagnosis: Diagnosis,
    /// The excesses by prompt, where the log names prompts.
    prompts: Option<Prompts>,
    /// How many of the largest values the verdict rests on.
    rests_on: Option<usize>,
    /// The fit above higher thresholds.
    thresholds: Vec<StabilityPoint>,
    tuned: Option<DoubleBootstrap>,
    windows: Vec<StepWindow>,
    /// Of two or more windows.
    trend: Option<Result<Trend, Status>>,
}

/// Runs the command.
///
/// # Errors
/// An input that cannot be read; a figure that cannot be written. A sample without a tail index is an answer, not an error.
pub fn run(args: &DiagnoseArgs, console: &Console) -> Result<Outcome, Error> {
    let mut data = read_column(&args.log.paths, &args.log.options()?)?;
    if let Some((from, to)) = args.steps {
        data.keep_steps(from..to).map_err(|reason| CliError::Value {
            flag: "--steps",
            reason,
            help: "leave the flag out, or name other steps".to_owned(),
        })?;
    }
    if let (None, Some(column)) = (&args.log.reward, &data.column) {
        console.detail(format!("no --reward: took `{column}`"));
    }
    if data.empty > 0 {
        console.warn(left_out(data.empty, "value"));
    }
    data.meta.notes.iter().for_each(|note| console.warn(note));
    let threshold = args.threshold.map(Finite::get);
    let refused = |status: Status| Diagnosis::refused(data.rows - data.empty, status);
    let (shift, windows) = match &data.steps {
        Some(steps) if !data.aggregate => (shift(&data.values, steps), tail_by_step(&data.values, steps)),
        _ => (None, Vec::new()),
    };
    let descending = order::into_descending(std::mem::take(&mut data.values));
    let diagnosis = if data.aggregate {
        refused(Status::Aggregate)
    } else {
        diagnose_log(&descending, threshold, shift.as_ref()).unwrap_or_else(refused)
    };
    let holders = match (&data.column, diagnosis.threshold.is_finite()) {
        (Some(_), true) if args.steps.is_none() => {
            Some(read_holders(&data.meta, diagnosis.threshold, descending.first().copied())?)
        }
        _ => None,
    };
    let diagnosis = match (&diagnosis.verdict, holders.as_ref().and_then(|holders| holders.equal.completions))
    {
        (Verdict::NotIdentifiable(Status::Clipped { at, count }), Some(completions))
            if REPEATS * completions <= *count =>
        {
            let repeated = Status::Repeated { at: *at, count: *count, completions };
            diagnosis.with(repeated)
        }
        _ => diagnosis,
    };
    let identifiable = !matches!(diagnosis.verdict, Verdict::NotIdentifiable(_));
    let tuned = args.double_bootstrap.filter(|_| identifiable).map(|resamples| {
        let streams = SeedTree::new(args.seed, 0).family(Purpose::Bootstrap);
        double_bootstrap(&descending, resamples as usize, &streams)
    });
    let trend = (!windows.is_empty()).then(|| trend(&windows));
    let thresholds = if identifiable { thresholds(&descending, diagnosis.k) } else { Vec::new() };
    let prompts = holders.and_then(|holders| holders.prompts);
    let rests_on = rests_on(&descending, &diagnosis);
    let findings = Findings { diagnosis, prompts, rests_on, thresholds, tuned, windows, trend };
    if let Some(path) = &args.plot {
        if identifiable {
            tail_page::write(&page::of(&data, &descending, &findings), path)?;
            console.note(format!("wrote {}", path.display()));
        } else {
            console
                .warn(format!("no figure: there is no tail to draw, so {} was not written", path.display()));
        }
    }
    let document = Document::new(args, &data, &findings);
    console.answer(&document, |style| text::of(&data, &findings, &document, style))?;
    Ok(Outcome::Done)
}
