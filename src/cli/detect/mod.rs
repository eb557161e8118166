//! `tailcatch detect`: which rollouts of a real log look hacked, and why.

mod calibrations;
mod document;
mod observer;
mod text;

use super::console::Console;
use super::log_args::{LogArgs, need_steps};
use super::{Error as CliError, Outcome, reading, spec};
use crate::Error;
use crate::audit::Budget;
use crate::detectors::DetectorSpec;
use crate::foundation::atomic_file;
use crate::foundation::scalar::OpenProbability;
use crate::monitor::{
    self, ALERT_RATE, Ask, Benign, Blind, Calibrate, Findings, GroupBy, LengthCorrelation, MIN_GROUP,
    Settings, Streaming, Verdict, evidence,
};
use crate::record::{Log, LogOptions, RewardSpec, Rollouts, log_files, open_log};
use clap::Args;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

/// From here on a correlation of reward and length is warned of.
const LONG: f64 = 0.3;

/// A verdict on a reward log, and the twenty rollouts of it that are worth reading
///
/// Reads rollouts as trainers write them (TRL's completions_*.parquet, verl's {step}.jsonl, CSV, observed.csv of a
/// run). The first line says flagged, quiet, shifted or not judged; then what was assumed; then the rollouts to read: those that
/// enter the highest seen so far, relative to their group or step, where the first steps are the reference unless another is
/// given. Detectors are asked with -d: each learns what is normal from the reference that is given, or from the log itself, and
/// says so. Memory does not grow with the log: numbers beyond 64 MiB go to a temporary file (TMPDIR), and a detector learns from
/// at most 131,072 rollouts, picked at random where there are more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  tailcatch detect rollouts/ --reward score\n  tailcatch detect \
                  completions/ --reward rm_reward=1,format_reward=.5 --group-by group\n  tailcatch detect \
                  'run/*.jsonl' --calibrate reference.jsonl --detector gpd_tail:tail_fraction=0.1 --fdr 0.1 \
                  --fail-on-flag")]
pub struct DetectArgs {
    #[command(flatten)]
    log: LogArgs,
    /// Further columns for the detectors that look at features: names, or prefixes as `act_*`
    #[arg(long, value_name = "a,b,c*", value_delimiter = ',')]
    features: Vec<String>,
    /// Judge each reward relative to the median reward of these rollouts
    #[arg(long, value_name = "KEY")]
    group_by: Option<GroupBy>,
    /// What is normal: a log of reference rollouts, for example from the policy before training
    #[arg(long, value_name = "PATH", group = "reference", help_heading = "Reference")]
    calibrate: Option<PathBuf>,
    /// What is normal: these steps of the log, A up to and without B. All steps are judged
    #[arg(long, value_name = "A..B", value_parser = spec::steps, group = "reference", help_heading = "Reference")]
    calibrate_steps: Option<(u64, u64)>,
    /// What is normal: for each step, the W steps that ended LAG steps before it. Follows the drift of a policy that gets
    /// better, and takes for normal what comes slowly
    #[arg(long, value_name = "W[:LAG]", value_parser = window, group = "reference", help_heading = "Reference")]
    calibrate_window: Option<(usize, usize)>,
    /// A detector, with settings as `gpd_tail:tail_fraction=0.05`; repeat for more. `tailcatch list detectors` shows
    /// all. Without one, where a rule for detectors is given (and always in --json): robust_z and gpd_tail, log_ratio where the
    /// log holds log-probabilities, mahalanobis under --features
    #[arg(long, short, value_name = "D")]
    detector: Vec<String>,
    /// Look at no reward: watch a frozen policy by what it samples (`actions`), or by ln of its probability and the
    /// reference's (`log_probs`), against trusted rollouts (--calibrate or --calibrate-steps)
    #[arg(long, value_name = "WHAT", help_heading = "Reference", conflicts_with_all = [
        "reward", "features", "group_by", "calibrate_window", "detector", "rule", "streaming", "html", "csv",
    ])]
    observer: Option<Blind>,
    /// Flag at this nominal rate of false alarms a rollout [default: 0.001]
    #[arg(long, value_name = "R", value_parser = rate, group = "rule", help_heading = "Who is flagged")]
    alert_rate: Option<OpenProbability>,
    /// Flag so that about this share of the flags is false (Benjamini–Hochberg)
    #[arg(long, value_name = "Q", value_parser = rate, group = "rule", help_heading = "Who is flagged")]
    fdr: Option<OpenProbability>,
    /// Rollouts that one is ready to read: as many benign ones are to be expected on the reading list [default: 20], and each
    /// detector flags its most suspicious. A count (1 or more) or a fraction of the rollouts (below 1)
    #[arg(long, value_name = "B", value_parser = audits, group = "rule", help_heading = "Who is flagged")]
    budget: Option<Budget>,
    /// Adapt the threshold online to the stream of scores, from the reference on, at the nominal --alert-rate
    #[arg(long, value_name = "HOW", conflicts_with_all = ["fdr", "budget", "calibrate_window"], help_heading = "Who is flagged")]
    streaming: Option<Streaming>,
    /// Also write the verdict, the assumptions, the rewards by step and the list with its texts as one page, into this .html file
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    html: Option<PathBuf>,
    /// Also write the list as CSV, one rollout a row, for triage in a spreadsheet
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    csv: Option<PathBuf>,
    /// Exit with code 3 if the verdict is flagged or shifted or a detector given with -d flags anything, with code 4 if the log
    /// is not judged
    #[arg(long)]
    fail_on_flag: bool,
}

fn rate(text: &str) -> Result<OpenProbability, String> {
    let value = text.parse::<f64>().map_err(|_| format!("`{text}` is not a number"))?;
    OpenProbability::new(value).map_err(|e| e.to_string())
}

fn audits(text: &str) -> Result<Budget, String> {
    let budget = text.parse::<f64>().ok().and_then(|value| Budget::new(value).ok());
    budget.ok_or_else(|| "a budget is a fraction between 0 and 1, or a count of 1 or more".to_owned())
}

fn window(text: &str) -> Result<(usize, usize), String> {
    let (width, lag) = text.split_once(':').unwrap_or((text, "0"));
    match (width.trim().parse(), lag.trim().parse()) {
        (Ok(width @ 1..=1_000_000), Ok(lag @ 0..=1_000_000)) => Ok((width, lag)),
        _ => Err(format!("`{text}` is not a number of steps, or two as 10:5")),
    }
}

/// Runs the command.
///
/// # Errors
/// A log that cannot be read, an unknown detector, a reference without rollouts. A detector that the data cannot
/// carry is an answer (its status), not an error.
pub fn run(args: &DetectArgs, console: &Console) -> Result<Outcome, Error> {
    let options = options(args)?;
    if let Some(blind) = args.observer {
        return observer::run(args, blind, &options, console);
    }
    let named = args
        .detector
        .iter()
        .map(|text| spec::part(text, "detector", DetectorSpec::PARTS))
        .collect::<Result<Vec<DetectorSpec>, CliError>>()?;
    let log = open_log(&args.log.paths, &options)?;
    no_input(args, &log)?;
    tell(&log, console);
    let rollouts = log.rollouts.len();
    let settings = Settings {
        // The text shows them where they are asked for: nothing is worked out that nobody sees.
        detectors: match asks_detectors(args) || console.is_json() {
            true => detectors(args, named, &log.rollouts),
            false => Vec::new(),
        },
        group_by: args.group_by,
        calibrate: calibrate(args, &log, console)?,
        ask: ask(args),
        benign: args.budget.map_or_else(Benign::default, |budget| match budget.get() {
            share if share < 1.0 => Benign((share * rollouts as f64).max(1.0)),
            count => Benign(count),
        }),
    };
    let findings = monitor::detect(log, settings).map_err(refused)?;
    warn(&findings, console);
    console.answer(&document::document(&findings), |style| match asks_detectors(args) {
        true => format!("{}\n{}", reading::text(&findings.reading, style), text::text(&findings, style)),
        false => reading::text(&findings.reading, style),
    })?;
    files(args, &findings, console)?;
    if !args.fail_on_flag {
        return Ok(Outcome::Done);
    }
    Ok(match findings.reading.judgement.verdict {
        Verdict::Flagged | Verdict::Shifted => Outcome::Flagged,
        _ if asks_detectors(args) && findings.flagged() => Outcome::Flagged,
        Verdict::NotJudged => Outcome::NotJudged,
        Verdict::Quiet => Outcome::Done,
    })
}

/// How the log is read, and the reference as it is.
fn options(args: &DetectArgs) -> Result<LogOptions, Error> {
    let options = LogOptions { features: args.features.clone(), ..args.log.options()? };
    Ok(match args.observer {
        Some(_) => LogOptions { reward: Some(RewardSpec::Unseen), ..options },
        None => options,
    })
}

/// Refuses to write over a log that is read, and to write a page or a sheet under another format's name.
fn no_input(args: &DetectArgs, log: &Log<Rollouts>) -> Result<(), Error> {
    let wanted = [("--html", &args.html, ["html", "htm"]), ("--csv", &args.csv, ["csv", "csv"])];
    for (flag, path, endings) in wanted {
        let Some(path) = path else { continue };
        let ending = path.extension().and_then(OsStr::to_str).unwrap_or_default().to_ascii_lowercase();
        if !endings.contains(&ending.as_str()) {
            return Err(CliError::Value {
                flag,
                reason: format!("{} does not end on .{}", path.display(), endings[0]),
                help: format!(
                    "name it so, as the file is written in this format: {}.{}",
                    path.display(),
                    endings[0]
                ),
            }
            .into());
        }
        let is_it = |read: &PathBuf| {
            read == path
                || path.canonicalize().is_ok_and(|own| read.canonicalize().is_ok_and(|read| own == read))
        };
        let reference: Vec<PathBuf> = args.calibrate.iter().cloned().collect();
        let found = |paths: &[PathBuf]| if paths.is_empty() { Ok(Vec::new()) } else { log_files(paths) };
        let read = [log.meta.files.clone(), found(&args.log.paths)?, found(&reference)?].concat();
        if read.iter().any(is_it) {
            return Err(CliError::Value {
                flag,
                reason: format!("{} is a log that is read: it would be written over", path.display()),
                help: "give another name".to_owned(),
            }
            .into());
        }
    }
    Ok(())
}

/// Writes the page and the sheet that were asked for.
fn files(args: &DetectArgs, findings: &Findings, console: &Console) -> Result<(), CliError> {
    let written = |path: &Path, bytes: Result<Vec<u8>, io::Error>| {
        bytes
            .and_then(|bytes| atomic_file::write(path, &bytes))
            .map_err(|source| CliError::Output { what: path.display().to_string(), source })?;
        console.note(format!("wrote {}", path.display()));
        Ok(())
    };
    if let Some(path) = &args.html {
        written(path, evidence::page(&findings.reading).map(String::into_bytes).map_err(io::Error::other))?;
    }
    if let Some(path) = &args.csv {
        written(path, evidence::sheet(&findings.reading.list).map_err(io::Error::other))?;
    }
    Ok(())
}

/// Whether detectors are asked, by name or by a rule that only they have.
fn asks_detectors(args: &DetectArgs) -> bool {
    let rule = args.alert_rate.is_some() || args.fdr.is_some() || args.streaming.is_some();
    rule || !args.detector.is_empty() || !args.features.is_empty() || args.calibrate_window.is_some()
}

fn tell(log: &Log<Rollouts>, console: &Console) {
    let roles = serde_json::to_value(&log.meta.roles).unwrap_or_default();
    let known: Vec<String> = roles
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(role, name)| Some(format!("{role} = {}", name.as_str()?)))
        .collect();
    console.detail(format!(
        "{} files; reward = {}; {}",
        log.meta.files.len(),
        log.meta.reward,
        known.join(", ")
    ));
    if log.meta.empty > 0 && !log.meta.aggregate {
        console.warn(super::table::left_out(log.meta.empty, "reward"));
    }
    if log.meta.runs > 1 && !log.meta.aggregate {
        console.warn(format!(
            "the log holds {} runs: give one run's rows to have it judged alone",
            log.meta.runs
        ));
    }
    // Files that were left out stand in the answer.
    let told = |note: &str| {
        log.meta.left_out.iter().any(|file| note.ends_with(&format!(": left out, {}", file.reason)))
    };
    for note in log.meta.notes.iter().filter(|note| console.is_json() || !told(note)) {
        console.warn(note);
    }
}

/// What a reader of the findings should know first.
fn warn(findings: &Findings, console: &Console) {
    if let Some(by) = findings.group_by {
        for left_out in [findings.left_out, findings.reference_left_out].into_iter().filter(|n| *n > 0) {
            console.warn(format!(
                "{left_out} rollouts share their {} with fewer than {} others: they are left out",
                by.noun(),
                MIN_GROUP - 1
            ));
        }
    }
    if let Some(LengthCorrelation { reward, .. }) = findings.length
        && reward.abs() >= LONG
    {
        let residual = DetectorSpec::PARTS.iter().any(|part| part.name == "length_residual");
        console.warn(format!(
            "reward and length go together (Spearman {}): a flag may only say how long the completion is{}",
            super::table::number(reward),
            if residual { "; `-d length_residual` takes the length out" } else { "" }
        ));
    }
}

/// What is normal, as the command line says it.
fn calibrate(args: &DetectArgs, log: &Log<Rollouts>, console: &Console) -> Result<Calibrate, Error> {
    if let Some(path) = &args.calibrate {
        let options = LogOptions { reward: Some(log.meta.reward.clone()), ..options(args)? };
        let other = open_log(std::slice::from_ref(path), &options)?;
        tell(&other, console);
        return Ok(Calibrate::Log { path: path.clone(), log: Box::new(other) });
    }
    Ok(match (args.calibrate_steps, args.calibrate_window) {
        (Some((from, to)), _) => {
            need_steps(&log.meta, "--calibrate-steps")?;
            Calibrate::Steps { from, to }
        }
        (None, Some((width, lag))) => Calibrate::Window { width, lag },
        (None, None) => Calibrate::Own,
    })
}

/// Who is flagged, as the command line says it.
fn ask(args: &DetectArgs) -> Ask {
    let rate = args.alert_rate.map_or(ALERT_RATE, OpenProbability::get);
    match (args.fdr, args.budget, args.streaming) {
        (Some(q), ..) => Ask::Fdr(q.get()),
        (_, Some(budget), _) => Ask::Budget(budget),
        (_, _, Some(how)) => Ask::Streaming(how, rate),
        _ => Ask::AlertRate(rate),
    }
}

/// The detectors with their labels: the name, or name and settings where a name comes more than once.
fn detectors(args: &DetectArgs, named: Vec<DetectorSpec>, log: &Rollouts) -> Vec<(String, DetectorSpec)> {
    if named.is_empty() {
        let defaults = ["robust_z", "gpd_tail"]
            .into_iter()
            .chain(log.has_log_probs().then_some("log_ratio"))
            .chain((!args.features.is_empty()).then_some("mahalanobis"));
        let known = |name: &str| spec::part(name, "detector", DetectorSpec::PARTS).ok();
        return defaults.filter_map(|name| Some((name.to_owned(), known(name)?))).collect();
    }
    spec::labels(&args.detector, &named).into_iter().zip(named).collect()
}

/// What is wrong, by the flag that asked for it.
fn refused(error: monitor::Error) -> Error {
    let reason = error.to_string();
    let (flag, help) = match error {
        monitor::Error::Record(error) => return error.into(),
        monitor::Error::NoGroups { .. } => (
            "--group-by",
            "prompts are looked for under prompt, input, question, query, prompt_id and prompt_idx, groups under \
             group, group_id and uid; `--group-by step` needs neither"
                .to_owned(),
        ),
        monitor::Error::SmallGroups { .. } => (
            "--group-by",
            "a median of fewer says nothing; group by step, or leave the flag out".to_owned(),
        ),
        monitor::Error::AggregateReference { .. } => {
            ("--calibrate", "give a log with one row for each rollout".to_owned())
        }
        monitor::Error::NoWindow { steps, .. } => {
            ("--calibrate-window", format!("the log has {steps} steps: give a narrower window"))
        }
        monitor::Error::NoReference { log, .. } => (
            "--calibrate-steps",
            match log {
                Some((first, last)) => format!("the log's steps run from {first} to {last}"),
                None => "the log holds no step".to_owned(),
            },
        ),
        monitor::Error::NoTrusted => (
            "--observer",
            "give them with --calibrate LOG, or the first steps with --calibrate-steps 0..10".to_owned(),
        ),
        monitor::Error::NoStart => (
            "--streaming",
            "give them with --calibrate LOG, or the first steps with --calibrate-steps 0..10".to_owned(),
        ),
        monitor::Error::NoAudit { .. } => ("--budget", "give a larger fraction, or a count".to_owned()),
    };
    CliError::Value { flag, reason, help }.into()
}
