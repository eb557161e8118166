//! `tailcatch detect`: which rollouts of a real log look hacked, and why.

mod alarm;
mod compare;
mod flags;
mod judge;
mod source;
mod stream;
mod text;

use super::console::Console;
use super::{Error as CliError, Outcome, spec, status};
use crate::Error;
use crate::detectors::DetectorSpec;
use crate::foundation::failure::Status;
use crate::foundation::order::ranks;
use crate::foundation::{numeric, scalar::OpenProbability};
use crate::record::{self, Observed, OpenLog, RewardSpec, Roles, Rollouts, open_log};
use clap::Args;
use compare::{Comparison, compare};
use flags::{Flag, Listing};
use judge::{Answer, Judge, Normal, Rule, Stop};
use rayon::prelude::*;
use serde::Serialize;
use serde_json::{Map, Value, json};
use source::{GroupBy, Source};
use std::path::{Path, PathBuf};
use stream::Streaming;

/// The alert rate where no rule is given.
const ALERT_RATE: f64 = 1e-3;

/// Most rollouts of a log for which the calibrations are compared.
const COMPARED: usize = 200_000;
/// From here on a correlation of reward and length is warned of.
const LONG: f64 = 0.3;

/// Flags the rollouts of a reward log that look hacked, with the reason
///
/// Reads rollouts as trainers write them (TRL's completions_*.parquet, verl's {step}.jsonl, CSV, observed.csv of a
/// run), fits each detector on reference rollouts and flags those that it finds too improbable. Without a reference
/// the log is its own, and the answer says so: what it holds often enough, it then takes for normal. Memory does not
/// grow with the log: numbers beyond 32 MiB go to a temporary file (TMPDIR), and a detector learns from at most 131,072
/// rollouts, picked at random where there are more.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  tailcatch detect rollouts/ --reward score --calibrate-steps 0..10\n  tailcatch detect \
                  completions/ --reward rm_reward=1,format_reward=.5 --group-by group\n  tailcatch detect \
                  'run/*.jsonl' --calibrate reference.jsonl --detector gpd_tail:tail_fraction=0.1 --fdr 0.1 \
                  --fail-on-flag"
)]
pub struct DetectArgs {
    /// Logs: .csv, .jsonl or .parquet files, folders of them, patterns such as 'run/*.jsonl'
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    /// The reward: a column, or columns with weights. Default: proxy, reward, score …
    #[arg(long, value_name = "a=1,b=.5")]
    reward: Option<String>,
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
    /// all. Default: robust_z and gpd_tail, log_ratio where the log holds log-probabilities, mahalanobis under --features
    #[arg(long, short, value_name = "D")]
    detector: Vec<String>,
    /// Flag at this nominal rate of false alarms a rollout [default: 0.001]
    #[arg(long, value_name = "R", value_parser = rate, group = "rule", help_heading = "Who is flagged")]
    alert_rate: Option<OpenProbability>,
    /// Flag so that about this share of the flags is false (Benjamini–Hochberg)
    #[arg(long, value_name = "Q", value_parser = rate, group = "rule", help_heading = "Who is flagged")]
    fdr: Option<OpenProbability>,
    /// Flag the most suspicious: a count (1 or more) or a fraction of the rollouts (below 1), for each detector
    #[arg(long, value_name = "B", value_parser = audits, group = "rule", help_heading = "Who is flagged")]
    budget: Option<f64>,
    /// Let the threshold go along with the stream of scores, from the reference on, at the nominal --alert-rate
    #[arg(long, value_name = "HOW", conflicts_with_all = ["fdr", "budget", "calibrate_window"], help_heading = "Who is flagged")]
    streaming: Option<Streaming>,
    /// Exit with code 3 if anything was flagged
    #[arg(long)]
    fail_on_flag: bool,
}

fn rate(text: &str) -> Result<OpenProbability, String> {
    let value = text.parse::<f64>().map_err(|_| format!("`{text}` is not a number"))?;
    OpenProbability::new(value).map_err(|e| e.to_string())
}

fn audits(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value > 0.0 && (value < 1.0 || (value.fract() == 0.0 && value.is_finite())) => Ok(value),
        _ => Err("a budget is a fraction between 0 and 1, or a count of 1 or more".to_owned()),
    }
}

fn window(text: &str) -> Result<(usize, usize), String> {
    let (width, lag) = text.split_once(':').unwrap_or((text, "0"));
    match (width.trim().parse(), lag.trim().parse()) {
        (Ok(width @ 1..=1_000_000), Ok(lag @ 0..=1_000_000)) => Ok((width, lag)),
        _ => Err(format!("`{text}` is not a number of steps, or two as 10:5")),
    }
}

/// A detector and what became of it.
struct Judged {
    label: String,
    answer: Result<Answer, Status>,
}

/// Everything that is said of a log.
struct Findings {
    log: OpenLog,
    /// Rollouts that are judged.
    judged: usize,
    group_by: Option<GroupBy>,
    reference: Reference,
    rule: Rule,
    detectors: Vec<Judged>,
    length: Option<LengthCorrelation>,
    comparison: Option<Comparison>,
    /// File and row of each flag of each detector.
    origins: Vec<Vec<record::Origin>>,
}

/// How reward and length hang together.
#[derive(Debug, Clone, Copy, PartialEq)]
struct LengthCorrelation {
    /// Spearman's, of the reward.
    reward: f64,
    /// The same of what is left of the reward when its least-squares line in the length is taken out.
    residual: Option<f64>,
}

/// From what the detectors learnt what is normal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Reference {
    #[serde(rename = "self-calibrated")]
    Own {
        n: usize,
    },
    Log {
        path: PathBuf,
        n: usize,
    },
    Steps {
        from: u64,
        to: u64,
        n: usize,
    },
    Window {
        steps: usize,
        lag: usize,
    },
}

#[derive(Serialize)]
struct FlagEntry<'a> {
    detector: &'a str,
    file: &'a Path,
    row: usize,
    step: u64,
    reward: f64,
    score: f64,
    p_value: Option<f64>,
    threshold: Option<f64>,
    rank: usize,
    of: usize,
    would_not_flag_below: Option<f64>,
    reason: String,
    counterfactual: Option<String>,
}

#[derive(Serialize)]
struct Document<'a> {
    n: usize,
    files: &'a [PathBuf],
    reward: String,
    columns: &'a Roles,
    group_by: Option<&'static str>,
    calibration: &'a Reference,
    rule: Rule,
    length_correlation: Option<f64>,
    length_correlation_of_residual: Option<f64>,
    calibrations: Option<Value>,
    flags: Vec<FlagEntry<'a>>,
    statuses: Map<String, Value>,
}

/// Runs the command.
///
/// # Errors
/// A log that cannot be read, an unknown detector, a reference without rollouts. A detector that the data cannot
/// carry is an answer (its status), not an error.
pub fn run(args: &DetectArgs, console: &Console) -> Result<Outcome, Error> {
    let reward = args.reward.as_deref().map(str::parse::<RewardSpec>).transpose()?;
    let named = args
        .detector
        .iter()
        .map(|text| spec::part(text, "detector", DetectorSpec::PARTS))
        .collect::<Result<Vec<DetectorSpec>, CliError>>()?;
    let log = open_log(&args.paths, reward.as_ref(), &args.features)?;
    tell(&log, console);
    let other = match &args.calibrate {
        Some(path) => {
            let other = open_log(std::slice::from_ref(path), Some(&log.reward), &args.features)?;
            tell(&other, console);
            Some(other)
        }
        None => None,
    };
    let findings = judge_log(args, named, log, other, console)?;
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
    console.answer(&findings.document(), |style| text::text(&findings, style))?;
    let flagged = findings.detectors.iter().any(|j| j.answer.as_ref().is_ok_and(|a| a.flagged > 0));
    Ok(if flagged && args.fail_on_flag { Outcome::Flagged } else { Outcome::Done })
}

fn judge_log(
    args: &DetectArgs,
    named: Vec<DetectorSpec>,
    log: OpenLog,
    other: Option<OpenLog>,
    console: &Console,
) -> Result<Findings, Error> {
    let specs = detectors(args, named, &log.rollouts);
    if log.aggregate {
        let refused = |(label, _)| Judged { label, answer: Err(Status::Aggregate) };
        let n = log.rollouts.len();
        return Ok(Findings {
            judged: n,
            group_by: args.group_by,
            reference: Reference::Own { n },
            rule: rule(args, n)?,
            origins: specs.iter().map(|_| Vec::new()).collect(),
            detectors: specs.into_iter().map(refused).collect(),
            length: None,
            comparison: None,
            log,
        });
    }
    let source = grouped(&log, args.group_by, console)?;
    if args.streaming.is_some() && args.calibrate.is_none() && args.calibrate_steps.is_none() {
        return Err(CliError::Value {
            flag: "--streaming",
            reason: "the threshold of a stream starts from reference rollouts".to_owned(),
            help: "give them with --calibrate LOG, or the first steps with --calibrate-steps 0..10"
                .to_owned(),
        }
        .into());
    }
    let (reference, normal) = reference(args, &log, &source, other.as_ref(), console)?;
    let rule = rule(args, source.len())?;
    let judged = specs
        .par_iter()
        .enumerate()
        .map(|(number, (_, spec))| {
            let known = args.calibrate_steps.map(|(from, to)| from..to);
            let listing = Listing::Reasons;
            Judge { spec, number, source: &source, normal: &normal, rule, listing, known }.judge()
        })
        .collect::<Vec<_>>();
    let mut detectors = Vec::with_capacity(judged.len());
    let mut origins = Vec::with_capacity(judged.len());
    for ((label, _), answer) in specs.iter().zip(judged) {
        let answer = match answer {
            Ok(answer) => Ok(answer),
            Err(Stop::Status(status)) => Err(status),
            Err(Stop::Failure(error)) => return Err(error.into()),
        };
        let flags = answer.as_ref().map_or(&[][..], |answer| &answer.flags);
        origins.push(flags.iter().map(|flag| log.rollouts.origin(flag.row)).collect::<Result<_, _>>()?);
        detectors.push(Judged { label: label.clone(), answer });
    }
    let length = match (&normal, log.rollouts.has_length()) {
        (_, false) => None,
        (Normal::Rollouts { calibration, own: true }, true) => length_correlation(calibration),
        _ => length_correlation(&source.sample(0..log.rollouts.len())?),
    };
    let comparison = match source.len() <= COMPARED {
        true => compare(&log, &source, &normal, &reference, &specs, rule)?,
        false => None,
    };
    let (judged, group_by) = (source.len(), args.group_by);
    drop(source);
    Ok(Findings { judged, group_by, reference, rule, detectors, length, comparison, origins, log })
}

fn tell(log: &OpenLog, console: &Console) {
    let roles = serde_json::to_value(&log.roles).unwrap_or_default();
    let known: Vec<String> = roles
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(role, name)| Some(format!("{role} = {}", name.as_str()?)))
        .collect();
    console.detail(format!("{} files; reward = {}; {}", log.files.len(), log.reward, known.join(", ")));
    if log.empty > 0 && !log.aggregate {
        console.warn(super::table::left_out(log.empty, "reward"));
    }
    if log.runs > 1 && !log.aggregate {
        console.warn(format!(
            "the log holds {} runs, judged as one: give one run's rows where their rewards differ",
            log.runs
        ));
    }
    for note in &log.notes {
        console.warn(note);
    }
}

/// The log with its rewards relative to their groups, if asked for.
fn grouped<'a>(log: &'a OpenLog, by: Option<GroupBy>, console: &Console) -> Result<Source<'a>, Error> {
    let Some(by) = by else { return Ok(Source::new(&log.rollouts, None)?) };
    let needs_prompt = by != GroupBy::Step && log.roles.prompt.is_none();
    if needs_prompt && (by == GroupBy::Prompt || log.roles.group.is_none()) {
        return Err(CliError::Value {
            flag: "--group-by",
            reason: format!("the log has no {} column", by.noun()),
            help: "prompts are looked for under prompt, input, question, query, prompt_id and prompt_idx, groups \
                   under group, group_id and uid; `--group-by step` needs neither"
                .to_owned(),
        }
        .into());
    }
    let source = Source::new(&log.rollouts, Some(by))?;
    if source.len() == 0 {
        return Err(CliError::Value {
            flag: "--group-by",
            reason: format!("no {} has {} rollouts or more", by.noun(), source::MIN_GROUP),
            help: "a median of fewer says nothing; group by step, or leave the flag out".to_owned(),
        }
        .into());
    }
    if source.left_out() > 0 {
        console.warn(format!(
            "{} rollouts share their {} with fewer than {} others: they are left out",
            source.left_out(),
            by.noun(),
            source::MIN_GROUP - 1
        ));
    }
    Ok(source)
}

fn reference(
    args: &DetectArgs,
    log: &OpenLog,
    source: &Source<'_>,
    other: Option<&OpenLog>,
    console: &Console,
) -> Result<(Reference, Normal), Error> {
    let fixed = |calibration| Normal::Rollouts { calibration: Box::new(calibration), own: false };
    if let (Some(path), Some(other)) = (&args.calibrate, other) {
        if other.aggregate {
            return Err(CliError::Value {
                flag: "--calibrate",
                reason: format!("{}: {}", path.display(), Status::Aggregate),
                help: "give a log with one row for each rollout".to_owned(),
            }
            .into());
        }
        let calibration = grouped(other, args.group_by, console)?.sample(0..other.rollouts.len())?;
        return Ok((Reference::Log { path: path.clone(), n: calibration.len() }, fixed(calibration)));
    }
    let spans = log.rollouts.spans();
    if let Some((width, lag)) = args.calibrate_window {
        if spans.len() <= width.saturating_add(lag) {
            return Err(CliError::Value {
                flag: "--calibrate-window",
                reason: format!("no step has {width} steps that ended {lag} before it"),
                help: format!("the log has {} steps: give a narrower window", spans.len()),
            }
            .into());
        }
        return Ok((Reference::Window { steps: width, lag }, Normal::Window { width, lag }));
    }
    let Some((from, to)) = args.calibrate_steps else {
        let calibration = source.sample(0..log.rollouts.len())?;
        return Ok((
            Reference::Own { n: calibration.len() },
            Normal::Rollouts { calibration: Box::new(calibration), own: true },
        ));
    };
    let within = || spans.iter().filter(|span| (from..to).contains(&span.step));
    let rows = within().map(|span| span.rows.start).min().zip(within().map(|span| span.rows.end).max());
    let Some((start, end)) = rows else {
        let span = match (spans.first(), spans.last()) {
            (Some(first), Some(last)) => format!("the log's steps run from {} to {}", first.step, last.step),
            _ => "the log holds no step".to_owned(),
        };
        return Err(CliError::Value {
            flag: "--calibrate-steps",
            reason: format!("no rollout lies in steps {from}..{to}"),
            help: span,
        }
        .into());
    };
    let calibration = source.sample(start..end)?;
    Ok((Reference::Steps { from, to, n: calibration.len() }, fixed(calibration)))
}

fn rule(args: &DetectArgs, n: usize) -> Result<Rule, CliError> {
    if let Some(q) = args.fdr {
        return Ok(Rule::Fdr(q.get()));
    }
    let Some(budget) = args.budget else {
        let rate = args.alert_rate.map_or(ALERT_RATE, OpenProbability::get);
        return Ok(args.streaming.map_or(Rule::AlertRate(rate), |how| Rule::Streaming(how, rate)));
    };
    // The margin keeps .29 × 100 at 29.
    let audits = if budget < 1.0 { (budget * n as f64 * (1.0 + 1e-12)) as usize } else { budget as usize };
    if audits == 0 && n > 0 {
        return Err(CliError::Value {
            flag: "--budget",
            reason: format!("{budget} of {n} rollouts is less than one audit"),
            help: "give a larger fraction, or a count".to_owned(),
        });
    }
    Ok(Rule::Budget(audits))
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

fn length_correlation(rollouts: &Observed) -> Option<LengthCorrelation> {
    let length = rollouts.length.as_deref()?;
    let reward = spearman(&rollouts.proxy, length)?;
    let (mean_u, mean_l) = (numeric::mean(&rollouts.proxy)?, numeric::mean(length)?);
    let product = numeric::sum(rollouts.proxy.iter().zip(length).map(|(u, l)| (u - mean_u) * (l - mean_l)));
    let slope = product / numeric::sum(length.iter().map(|l| (l - mean_l).powi(2)));
    let residual: Vec<f64> = rollouts.proxy.iter().zip(length).map(|(u, l)| u - slope * l).collect();
    let residual = residual.iter().all(|u| u.is_finite()).then(|| spearman(&residual, length)).flatten();
    Some(LengthCorrelation { reward, residual })
}

/// Spearman's rank correlation; `None` where one side is constant.
fn spearman(a: &[f64], b: &[f64]) -> Option<f64> {
    let (x, y) = (ranks(a), ranks(b));
    let (mean_x, mean_y) = (numeric::mean(&x)?, numeric::mean(&y)?);
    let product = numeric::sum(x.iter().zip(&y).map(|(x, y)| (x - mean_x) * (y - mean_y)));
    let spread = |v: &[f64], mean: f64| numeric::sum(v.iter().map(|v| (v - mean).powi(2)));
    let scale = (spread(&x, mean_x) * spread(&y, mean_y)).sqrt();
    (scale > 0.0).then(|| product / scale)
}

impl Findings {
    /// Rollouts judged; where rows are step means, the rows.
    fn rows(&self) -> usize {
        if self.log.aggregate { self.log.rows } else { self.judged }
    }

    /// The reason in full.
    fn reason(&self, flag: &Flag) -> String {
        match (self.group_by, flag.centre) {
            (Some(by), Some(centre)) => format!(
                "relative to its {}'s median {}, {}",
                by.noun(),
                super::table::number(centre),
                flag.reason
            ),
            _ => flag.reason.clone(),
        }
    }

    /// What would have had to be different.
    fn counterfactual(&self, flag: &Flag, rank: usize) -> Option<String> {
        let number = super::table::number;
        let reward = flag.would_not_flag_below.map(|u| format!("with a reward of {} or less", number(u)));
        let rate = match (self.rule, flag.p_value, flag.needs_rate) {
            (Rule::Budget(_), ..) if rank == 1 => None,
            (Rule::Budget(_), ..) => Some(format!("with fewer than {rank} audits")),
            (Rule::AlertRate(_) | Rule::Streaming(..), Some(p), _) if p > 0.0 => {
                Some(format!("at an alert rate below {}", number(p)))
            }
            (Rule::Fdr(_), _, Some(q)) if q > 0.0 => {
                Some(format!("at a false discovery rate below {}", number(q)))
            }
            _ => None,
        };
        let ways: Vec<String> = reward.into_iter().chain(rate).collect();
        (!ways.is_empty()).then(|| ways.join(", or "))
    }

    fn document(&self) -> Document<'_> {
        let mut flags = Vec::new();
        let mut statuses = Map::new();
        for (Judged { label, answer }, origins) in self.detectors.iter().zip(&self.origins) {
            let entry = match answer {
                Ok(answer) => {
                    flags.extend(answer.flags.iter().zip(origins).enumerate().map(|(i, (flag, origin))| {
                        FlagEntry {
                            detector: label,
                            file: self.log.files.get(origin.file).map_or(Path::new(""), PathBuf::as_path),
                            row: origin.row,
                            step: flag.step,
                            reward: flag.proxy + flag.centre.unwrap_or(0.0),
                            score: flag.score,
                            p_value: flag.p_value,
                            threshold: flag.threshold.or(answer.threshold),
                            rank: i + 1,
                            of: answer.judged,
                            would_not_flag_below: flag.would_not_flag_below,
                            reason: self.reason(flag),
                            counterfactual: self.counterfactual(flag, i + 1),
                        }
                    }));
                    json!({
                        "status": status::OK, "reason": null, "threshold": answer.threshold,
                        "compares": answer.unit, "flags": answer.flagged, "listed": answer.flags.len(),
                        "judged": answer.judged,
                        "alarm": answer.alarm.as_ref().map(|alarm| match alarm {
                            Ok(alarm) => json!({ "status": status::OK, "reason": null, "evidence": alarm }),
                            Err(refusal) => json!({
                                "status": status::name(refusal), "reason": refusal.to_string(), "evidence": null,
                            }),
                        }),
                    })
                }
                Err(refusal) => json!({
                    "status": status::name(refusal), "reason": refusal.to_string(), "threshold": null,
                    "compares": null, "flags": null, "listed": null, "judged": null, "alarm": null,
                }),
            };
            statuses.insert(label.clone(), entry);
        }
        Document {
            n: self.rows(),
            files: &self.log.files,
            reward: self.log.reward.to_string(),
            columns: &self.log.roles,
            group_by: self.group_by.map(GroupBy::noun),
            calibration: &self.reference,
            rule: self.rule,
            length_correlation: self.length.map(|c| c.reward),
            length_correlation_of_residual: self.length.and_then(|c| c.residual),
            calibrations: self.comparison.as_ref().map(Comparison::document),
            flags,
            statuses,
        }
    }
}
