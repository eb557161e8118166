//! `tailcatch curve`: what step means can answer.

mod text;

use super::console::Console;
use super::log_args::LogArgs;
use super::{Error as CliError, Outcome};
use crate::Error;
use crate::foundation::failure::Status;
use crate::foundation::runs::Runs;
use crate::monitor::curve::{Curve, Pair, Role, Series, curve, pair};
use crate::record::{
    LogOptions, RewardSpec, Rows, Tagged, log_files, numeric_columns, read_column, read_tagged,
};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;

/// Reads a file of step means: trend, spread, changes of level, and the reward against an evaluation
///
/// For logs with one row a step, as wandb, TensorBoard and trainers' own logs keep them. A mean hides single rollouts, so nothing here
/// says which rollout did what: the last line says where to log them. A reward and an evaluation are found by their names, or
/// named; where the evaluation falls from its best on while the reward rises, the step is named.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch curve wandb_history.csv\n  tailcatch curve trainer_state.json --reward \
                        reward --evaluation eval/accuracy"
)]
pub struct CurveArgs {
    #[command(flatten)]
    log: LogArgs,
    /// The column of the evaluation: what is not optimised; repeat for more. Default: columns with eval, val, test or gold in
    /// their names
    #[arg(long, short, value_name = "COLUMN")]
    evaluation: Vec<String>,
}

/// Everything that is said of a file of means.
struct Findings {
    files: Vec<PathBuf>,
    /// Each reward and evaluation, or why nothing is said of it.
    curves: Vec<(String, Role, Result<Curve, Status>)>,
    pairs: Vec<Result<Pair, Status>>,
    /// Runs that the file holds, one after the other; the last is read.
    runs: usize,
    /// Columns that could not be read, with the reason.
    left_out: Vec<String>,
    /// All numeric columns.
    columns: Vec<String>,
}

/// Runs the command.
///
/// # Errors
/// A file that cannot be read, or that holds no column which could be a reward. Too few means are an answer, not an error.
pub fn run(args: &CurveArgs, console: &Console) -> Result<Outcome, Error> {
    let options = args.log.options()?;
    let tagged = read_tagged(&args.log.paths, &options)?;
    let columns = match tagged.is_empty() {
        true => numeric_columns(&args.log.paths, &options)?,
        false => tagged.iter().map(|metric| metric.name.clone()).collect(),
    };
    let wanted = wanted(args, &options, &columns);
    if !wanted.iter().any(|(_, role)| *role == Role::Reward) {
        return Err(CliError::Value {
            flag: "--reward",
            reason: "no column is named like a reward, a score or a return".to_owned(),
            help: match columns.as_slice() {
                [] => "name it with --reward COLUMN".to_owned(),
                columns => format!("name it with --reward COLUMN, one of {}", columns.join(", ")),
            },
        }
        .into());
    }
    if options.rows.is_none() && tagged.is_empty() {
        means(args, &options, &wanted)?;
    }
    let mut findings = Findings {
        files: Vec::new(),
        curves: Vec::new(),
        pairs: Vec::new(),
        runs: 1,
        left_out: Vec::new(),
        columns,
    };
    let (mut series, mut refused): (Vec<(Role, Series)>, _) = (Vec::new(), None);
    for (name, role) in wanted {
        match read(args, &options, &tagged, &name)? {
            Ok(Column { files, steps, values }) => {
                let (last, runs) = Series::last_run(&name, &steps, &values);
                findings.runs = findings.runs.max(runs);
                findings.files = files;
                findings.curves.push((name, role, curve(&last)));
                series.push((role, last));
            }
            Err(error) if options_named(args, &name) => return Err(error.into()),
            Err(error) => {
                findings.left_out.push(format!("{name}: {error}"));
                refused.get_or_insert(error);
            }
        }
    }
    if let (true, Some(error)) = (findings.curves.is_empty(), refused) {
        return Err(error.into());
    }
    let of = |role: Role| series.iter().filter(move |(own, _)| *own == role).map(|(_, series)| series);
    findings.pairs = of(Role::Reward)
        .flat_map(|reward| of(Role::Evaluation).map(|evaluation| pair(reward, evaluation)))
        .collect();
    for left_out in &findings.left_out {
        console.warn(format!("left out: {left_out}"));
    }
    console.answer(&findings.document(), |style| text::text(&findings, style))?;
    Ok(Outcome::Done)
}

/// A column of means, or a metric of a table that names one in each row.
struct Column {
    files: Vec<PathBuf>,
    steps: Runs,
    values: Vec<f64>,
}

/// Reads a column, or takes a metric from what was read. The outer error is that of a name that no metric has.
fn read(
    args: &CurveArgs,
    options: &LogOptions,
    tagged: &[Tagged],
    name: &str,
) -> Result<Result<Column, crate::record::Error>, CliError> {
    if tagged.is_empty() {
        let reward = Some(RewardSpec::Column(name.to_owned()));
        let options = LogOptions { reward, rows: Some(Rows::Means), ..options.clone() };
        return Ok(read_column(&args.log.paths, &options).map(|data| Column {
            files: data.files,
            steps: data.steps.unwrap_or_else(|| (0..data.values.len() as u64).collect()),
            values: data.values,
        }));
    }
    let Some(metric) = tagged.iter().find(|metric| metric.name == name) else {
        let names: Vec<&str> = tagged.iter().map(|metric| metric.name.as_str()).collect();
        return Err(CliError::Value {
            flag: if args.evaluation.iter().any(|own| own == name) { "--evaluation" } else { "--reward" },
            reason: format!("each row names its metric, and none is `{name}`"),
            help: format!("name one of {}", names.join(", ")),
        });
    };
    let files = match log_files(&args.log.paths) {
        Ok(files) => files,
        Err(error) => return Ok(Err(error)),
    };
    Ok(Ok(Column { files, steps: metric.steps.clone(), values: metric.values.clone() }))
}

/// Refuses rollouts, of which the last of each step would stand for all.
fn means(args: &CurveArgs, options: &LogOptions, wanted: &[(String, Role)]) -> Result<(), Error> {
    let Some((name, _)) = wanted.iter().find(|(_, role)| *role == Role::Reward) else { return Ok(()) };
    let options = LogOptions { reward: Some(RewardSpec::Column(name.clone())), ..options.clone() };
    match read_column(&args.log.paths, &options) {
        Ok(data) if !data.aggregate && data.values.len() > 1 => Err(CliError::Value {
            flag: "curve",
            reason: format!("the {} rows look like rollouts", super::table::count(data.rows)),
            help: "`tailcatch detect` judges rollouts; `--rows means` says that each row is a mean"
                .to_owned(),
        }
        .into()),
        _ => Ok(()),
    }
}

fn options_named(args: &CurveArgs, name: &str) -> bool {
    args.log.reward.as_deref() == Some(name) || args.evaluation.iter().any(|own| own == name)
}

/// The columns to read: those that are named, else those whose names say what they are.
fn wanted(args: &CurveArgs, options: &LogOptions, columns: &[String]) -> Vec<(String, Role)> {
    let by_name = |role: Role| {
        columns.iter().filter(move |name| Role::of(name) == role).map(move |name| (name.clone(), role))
    };
    let mut wanted: Vec<(String, Role)> = match (&options.reward, columns) {
        (Some(reward), _) => vec![(reward.to_string(), Role::Reward)],
        // A table of one column has nothing else to offer.
        (None, [only]) if Role::of(only) == Role::Other && args.evaluation.is_empty() => {
            vec![(only.clone(), Role::Reward)]
        }
        (None, _) => by_name(Role::Reward).collect(),
    };
    match args.evaluation.as_slice() {
        [] => wanted
            .extend(by_name(Role::Evaluation).filter(|(name, _)| Some(name) != args.log.reward.as_ref())),
        named => wanted.extend(named.iter().map(|name| (name.clone(), Role::Evaluation))),
    }
    wanted
}

impl Findings {
    fn document(&self) -> Value {
        let status = |status: Option<&Status>| match status {
            Some(status) => {
                json!({ "status": super::status_kind::name(status), "reason": status.to_string() })
            }
            None => json!({ "status": super::status_kind::OK, "reason": null }),
        };
        let curves = self.curves.iter().map(|(name, role, curve)| {
            json!({
                "column": name,
                "role": if *role == Role::Evaluation { "evaluation" } else { "reward" },
                "curve": curve.as_ref().ok(),
                "answer": status(curve.as_ref().err()),
            })
        });
        let pairs = self
            .pairs
            .iter()
            .map(|pair| json!({ "pair": pair.as_ref().ok(), "answer": status(pair.as_ref().err()) }));
        json!({
            "files": self.files,
            "runs": self.runs,
            "columns": self.columns,
            "left_out": self.left_out,
            "curves": curves.collect::<Vec<_>>(),
            "pairs": pairs.collect::<Vec<_>>(),
            "log_rollouts": text::where_to_log(&self.columns),
        })
    }
}
