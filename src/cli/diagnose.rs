//! `tailcatch diagnose`: is this reward heavy-tailed?

use super::console::{Console, Style};
use super::table::{Table, WIDTH, count, left_out, number, wrapped};
use super::{Outcome, status};
use crate::Error;
use crate::foundation::failure::Status;
use crate::foundation::scalar::Finite;
use crate::record::{ColumnData, read_column};
use crate::tails::{Diagnosis, Estimate, GpdFit, Verdict, diagnose};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Is this reward heavy-tailed? Hill, moment, Pickands and GPD side by side
///
/// Reads one numeric column of a log and estimates how heavy its upper tail is: the extreme-value index xi = 1/alpha
/// with 95% intervals. xi above 0 is heavy, 0 is exponential-like, below 0 the rewards end at a finite point. A
/// sample that cannot carry an index gets its status instead of a number: too few excesses, discrete, clipped, or
/// aggregate (one row a step, each a mean: the rollouts' tail is not in the file).
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch diagnose rewards.csv --column score\n  tailcatch diagnose metrics.jsonl \
                  --column reward/g --json\n  tailcatch diagnose 'rollouts/*.parquet' --column rm_reward"
)]
pub struct DiagnoseArgs {
    /// A .csv, .jsonl or .parquet file, a folder of them, or a pattern such as 'run/*.jsonl'
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// The column; nested keys as `reward/g`. Default: proxy, reward, score …, else the only numeric candidate
    #[arg(long, short, value_name = "C")]
    column: Option<String>,
    /// Where the tail begins, in the column's unit. Default: the top 5%
    #[arg(long, short, value_name = "U", value_parser = finite, allow_negative_numbers = true)]
    threshold: Option<Finite>,
}

fn finite(text: &str) -> Result<Finite, String> {
    let value = text.parse::<f64>().map_err(|_| format!("`{text}` is not a number"))?;
    Finite::new(value).map_err(|e| e.to_string())
}

#[derive(Serialize)]
struct Document<'a> {
    files: &'a [PathBuf],
    column: Option<&'a str>,
    n: usize,
    empty: usize,
    threshold: Option<f64>,
    k: Option<usize>,
    status: String,
    reason: Option<String>,
    verdict: &'static str,
    hill: Entry,
    moment: Entry,
    pickands: Entry,
    gpd: GpdEntry,
}

#[derive(Serialize)]
struct Entry {
    xi: Option<f64>,
    ci_low: Option<f64>,
    ci_high: Option<f64>,
    k: Option<usize>,
    status: String,
    reason: Option<String>,
}

#[derive(Serialize)]
struct GpdEntry {
    #[serde(flatten)]
    entry: Entry,
    scale: Option<f64>,
    log_likelihood: Option<f64>,
}

impl Entry {
    fn of(estimate: &Result<Estimate, Status>) -> Self {
        match estimate {
            Ok(e) => Self {
                xi: Some(e.xi),
                ci_low: Some(e.ci_low),
                ci_high: Some(e.ci_high),
                k: Some(e.k),
                status: status::OK.to_owned(),
                reason: None,
            },
            Err(status) => Self {
                xi: None,
                ci_low: None,
                ci_high: None,
                k: None,
                status: status::name(status),
                reason: Some(status.to_string()),
            },
        }
    }

    fn cells(&self, name: &str) -> [String; 5] {
        let shown = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), number);
        let interval = match (self.ci_low, self.ci_high) {
            (Some(low), Some(high)) => format!("{} to {}", number(low), number(high)),
            _ => "–".to_owned(),
        };
        let k = self.k.map_or_else(|| "–".to_owned(), count);
        let status = self.reason.clone().unwrap_or_else(|| self.status.clone());
        [name.to_owned(), shown(self.xi), interval, k, status]
    }
}

impl GpdEntry {
    fn of(fit: &Result<GpdFit, Status>) -> Self {
        let estimate =
            fit.clone().map(|f| Estimate { xi: f.xi, ci_low: f.ci_low, ci_high: f.ci_high, k: f.k });
        let fit = fit.as_ref().ok();
        Self {
            entry: Entry::of(&estimate),
            scale: fit.map(|f| f.scale),
            log_likelihood: fit.map(|f| f.log_likelihood),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// An input that cannot be read. A sample without a tail index is an answer, not an error.
pub fn run(args: &DiagnoseArgs, console: &Console) -> Result<Outcome, Error> {
    let data = read_column(&args.files, args.column.as_deref())?;
    if let (None, Some(column)) = (&args.column, &data.column) {
        console.detail(format!("no --column: took `{column}`"));
    }
    if data.empty > 0 {
        console.warn(left_out(data.empty, "value"));
    }
    let threshold = args.threshold.map(Finite::get);
    let refused = |status: Status| Diagnosis::refused(data.rows - data.empty, status);
    let diagnosis = if data.aggregate {
        refused(Status::Aggregate)
    } else {
        diagnose(&data.values, threshold).unwrap_or_else(refused)
    };
    let whole = match &diagnosis.verdict {
        Verdict::NotIdentifiable(status) => Some(status),
        _ => None,
    };
    let known = diagnosis.threshold.is_finite();
    let document = Document {
        files: &data.files,
        column: data.column.as_deref(),
        n: diagnosis.n,
        empty: data.empty,
        threshold: known.then_some(diagnosis.threshold).or(threshold),
        k: known.then_some(diagnosis.k),
        status: whole.map_or_else(|| status::OK.to_owned(), status::name),
        reason: whole.map(Status::to_string),
        verdict: match diagnosis.verdict {
            Verdict::Heavy => "heavy",
            Verdict::Light => "light",
            Verdict::Undecided => "undecided",
            Verdict::NotIdentifiable(_) => "not_identifiable",
        },
        hill: Entry::of(&diagnosis.hill),
        moment: Entry::of(&diagnosis.moment),
        pickands: Entry::of(&diagnosis.pickands),
        gpd: GpdEntry::of(&diagnosis.gpd),
    };
    console.answer(&document, |style| text(&data, &diagnosis, &document, style))?;
    Ok(Outcome::Done)
}

fn text(data: &ColumnData, diagnosis: &Diagnosis, document: &Document<'_>, style: Style) -> String {
    let mut out = String::new();
    let source = match data.files.as_slice() {
        [one] => one.display().to_string(),
        files => format!("{} files", files.len()),
    };
    let column = data.column.as_ref().map(|c| format!(", column {}", style.bold(c))).unwrap_or_default();
    out.push_str(&format!("{source}{column}: {} values\n", count(diagnosis.n)));
    if let (Some(threshold), Some(k)) = (document.threshold, document.k) {
        let share = 100.0 * k as f64 / diagnosis.n.max(1) as f64;
        out.push_str(&format!(
            "The tail: {} above {} ({}%)\n",
            if k == 1 { "1 excess".to_owned() } else { format!("{} excesses", count(k)) },
            number(threshold),
            number(share)
        ));
    }
    out.push('\n');
    if let Verdict::NotIdentifiable(status) = &diagnosis.verdict {
        out.push_str(&paragraph(&format!("{}", diagnosis.verdict), |line| style.yellow(line)));
        if let Some(next) = next_step(status) {
            out.push_str(&paragraph(next, |line| style.dim(line)));
        }
        return out;
    }
    let mut table = Table::new(&["estimator", ">xi", ">95% interval", ">k", "status"]);
    table.row(document.hill.cells("Hill"));
    table.row(document.moment.cells("moment"));
    table.row(document.pickands.cells("Pickands"));
    table.row(document.gpd.entry.cells("GPD"));
    out.push_str(&table.render(style));
    if let Ok(fit) = &diagnosis.gpd {
        out.push_str(&format!(
            "GPD scale {}, log-likelihood {}\n",
            number(fit.scale),
            number(fit.log_likelihood)
        ));
    }
    out.push('\n');
    let verdict = diagnosis.verdict.to_string();
    out.push_str(&match &diagnosis.verdict {
        Verdict::Heavy => paragraph(&verdict, |line| style.red(line)),
        Verdict::Light => paragraph(&verdict, |line| style.green(line)),
        _ => paragraph(&verdict, |line| style.yellow(line)),
    });
    if let (Verdict::Heavy, Ok(fit)) = (&diagnosis.verdict, &diagnosis.gpd) {
        let order = 1.0 / fit.xi;
        let moments = match order {
            ..=1.0 => "not even the mean is finite",
            ..=2.0 => "the mean is finite, the variance is not",
            _ => "mean and variance are finite",
        };
        let line = format!("At xi = {} (alpha = {}) {moments}.", number(fit.xi), number(order));
        out.push_str(&paragraph(&line, |line| line.to_owned()));
    }
    out
}

fn next_step(status: &Status) -> Option<&'static str> {
    match status {
        Status::TooFew { .. } => Some("Give more rollouts, or begin the tail lower with --threshold."),
        Status::Aggregate => Some(
            "Log one row for each rollout (TRL: log_completions; verl: trainer.rollout_data_dir) and diagnose those.",
        ),
        Status::Discrete { .. } => {
            Some("If the reward has several parts, diagnose the continuous one with --column.")
        }
        Status::Clipped { .. } => Some("Diagnose the reward as it was before clipping."),
        _ => None,
    }
}

fn paragraph(text: &str, paint: impl Fn(&str) -> String) -> String {
    wrapped(text, WIDTH).iter().map(|line| paint(line) + "\n").collect()
}
