//! `tailcatch detect`: which rollouts of a real log look hacked, and why.

mod grouping;
mod judge;
mod text;

use super::console::Console;
use super::{Error as CliError, Outcome, spec, status};
use crate::Error;
use crate::detectors::DetectorSpec;
use crate::foundation::failure::Status;
use crate::foundation::order::ranks;
use crate::foundation::{numeric, scalar::OpenProbability};
use crate::record::{Log, Observed, RewardSpec, Roles, read_log};
use clap::Args;
use grouping::GroupBy;
use judge::{Answer, Rule, judge};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// The alert rate where no rule is given.
const ALERT_RATE: f64 = 1e-3;

/// Flags the rollouts of a reward log that look hacked, with the reason
///
/// Reads rollouts as trainers write them (TRL's completions_*.parquet, verl's {step}.jsonl, CSV, observed.csv of a
/// run), fits each detector on reference rollouts and flags those that it finds too improbable. Without --calibrate or
/// --calibrate-steps the log is its own reference, and the answer says so: what it holds often enough, it then
/// takes for normal.
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
    /// Judge each reward relative to the median reward of these rollouts
    #[arg(long, value_name = "KEY")]
    group_by: Option<GroupBy>,
    /// What is normal: a log of reference rollouts, for example from the policy before training
    #[arg(long, value_name = "PATH", conflicts_with = "calibrate_steps", help_heading = "Reference")]
    calibrate: Option<PathBuf>,
    /// What is normal: these steps of the log, A up to and without B. All steps are judged
    #[arg(long, value_name = "A..B", value_parser = steps, help_heading = "Reference")]
    calibrate_steps: Option<(u64, u64)>,
    /// A detector, with settings as `gpd_tail:tail_fraction=0.05`; repeat for more. `tailcatch list detectors` shows
    /// all. Default: robust_z and gpd_tail, and log_ratio where the log holds log-probabilities
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

fn steps(text: &str) -> Result<(u64, u64), String> {
    let ends =
        text.split_once("..").and_then(|(a, b)| Some((a.trim().parse().ok()?, b.trim().parse().ok()?)));
    match ends {
        Some((from, to)) if from < to => Ok((from, to)),
        Some(_) => Err(format!("`{text}` holds no step: the first must be below the second")),
        None => Err(format!("`{text}` is not a range of steps such as 0..10")),
    }
}

/// A detector and what became of it.
struct Judged {
    label: String,
    answer: Result<Answer, Status>,
}

/// Everything that is said of a log.
struct Findings {
    log: Log,
    /// Median of each row's group, under `--group-by`.
    centres: Option<(GroupBy, Vec<f64>)>,
    reference: Reference,
    rule: Rule,
    judged: Vec<Judged>,
    /// Spearman correlation of reward and length.
    length_correlation: Option<f64>,
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
    reason: String,
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
    let mut log = read_log(&args.paths, reward.as_ref())?;
    tell(&log, console);
    let mut other = match &args.calibrate {
        Some(path) => {
            let other = read_log(std::slice::from_ref(path), Some(&log.reward))?;
            tell(&other, console);
            Some(other)
        }
        None => None,
    };
    let centres = match args.group_by {
        Some(by) => {
            let logs = [Some(&mut log), other.as_mut()];
            let mut centres = None;
            for log in logs.into_iter().flatten() {
                let (medians, alone) = grouped(log, by)?;
                if alone > 0 {
                    console.warn(format!(
                        "{alone} rollouts share their {} with fewer than {} others: they are left out",
                        by.noun(),
                        grouping::MIN_GROUP - 1
                    ));
                }
                centres.get_or_insert((by, medians));
            }
            centres
        }
        None => None,
    };
    let (reference, rows) = reference(args, &log, other)?;
    let rule = rule(args, log.observed.len())?;
    let aggregate = log.aggregate;
    let judged = detectors(args, named, &log.observed)
        .into_iter()
        .enumerate()
        .map(|(number, (label, spec))| {
            let answer = match aggregate {
                true => Err(Status::Aggregate),
                false => judge(&spec, number, &log.observed, rows.as_ref(), rule),
            };
            Judged { label, answer }
        })
        .collect();
    let length_correlation = match aggregate {
        true => None,
        false => log.observed.length.as_deref().and_then(|length| spearman(&log.observed.proxy, length)),
    };
    let findings = Findings { log, centres, reference, rule, judged, length_correlation };
    console.answer(&findings.document(), |style| text::text(&findings, style))?;
    let flagged = findings.judged.iter().any(|j| j.answer.as_ref().is_ok_and(|a| !a.flags.is_empty()));
    Ok(if flagged && args.fail_on_flag { Outcome::Flagged } else { Outcome::Done })
}

fn tell(log: &Log, console: &Console) {
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

fn grouped(log: &mut Log, by: GroupBy) -> Result<(Vec<f64>, usize), CliError> {
    let needs_prompt = by != GroupBy::Step && log.roles.prompt.is_none();
    if needs_prompt && (by == GroupBy::Prompt || log.roles.group.is_none()) {
        return Err(CliError::Value {
            flag: "--group-by",
            reason: format!("the log has no {} column", by.noun()),
            help: "prompts are looked for under prompt, input, question, query, prompt_id and prompt_idx, groups \
                   under group, group_id and uid; `--group-by step` needs neither"
                .to_owned(),
        });
    }
    let largest = log.observed.len();
    let (medians, alone) = grouping::centre(log, by);
    if medians.is_empty() && largest > 0 && !log.aggregate {
        return Err(CliError::Value {
            flag: "--group-by",
            reason: format!("no {} has {} rollouts or more", by.noun(), grouping::MIN_GROUP),
            help: "a median of fewer says nothing; group by step, or leave the flag out".to_owned(),
        });
    }
    Ok((medians, alone))
}

fn reference(
    args: &DetectArgs,
    log: &Log,
    other: Option<Log>,
) -> Result<(Reference, Option<Observed>), CliError> {
    if let (Some(path), Some(other)) = (&args.calibrate, other) {
        if other.aggregate {
            return Err(CliError::Value {
                flag: "--calibrate",
                reason: format!("{}: {}", path.display(), Status::Aggregate),
                help: "give a log with one row for each rollout".to_owned(),
            });
        }
        let reference = Reference::Log { path: path.clone(), n: other.observed.len() };
        return Ok((reference, Some(other.observed)));
    }
    let Some((from, to)) = args.calibrate_steps else {
        return Ok((Reference::Own { n: log.observed.len() }, None));
    };
    let step = &log.observed.step;
    let rows: Vec<usize> = (step.partition_point(|s| *s < from)..step.partition_point(|s| *s < to)).collect();
    if rows.is_empty() && !log.aggregate {
        let span = match (step.first(), step.last()) {
            (Some(first), Some(last)) => format!("the log's steps run from {first} to {last}"),
            _ => "the log holds no step".to_owned(),
        };
        return Err(CliError::Value {
            flag: "--calibrate-steps",
            reason: format!("no rollout lies in steps {from}..{to}"),
            help: span,
        });
    }
    Ok((Reference::Steps { from, to, n: rows.len() }, Some(log.observed.select(&rows))))
}

fn rule(args: &DetectArgs, n: usize) -> Result<Rule, CliError> {
    if let Some(q) = args.fdr {
        return Ok(Rule::Fdr(q.get()));
    }
    let Some(budget) = args.budget else {
        return Ok(Rule::AlertRate(args.alert_rate.map_or(ALERT_RATE, OpenProbability::get)));
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
fn detectors(args: &DetectArgs, named: Vec<DetectorSpec>, log: &Observed) -> Vec<(String, DetectorSpec)> {
    if named.is_empty() {
        let log_probs = log.log_prob.is_some() && log.ref_log_prob.is_some();
        let defaults = ["robust_z", "gpd_tail"].into_iter().chain(log_probs.then_some("log_ratio"));
        let known = |name: &str| spec::part(name, "detector", DetectorSpec::PARTS).ok();
        return defaults.filter_map(|name| Some((name.to_owned(), known(name)?))).collect();
    }
    let repeated = |name: &str| named.iter().filter(|spec| spec.name() == name).count() > 1;
    let label = |text: &String, spec: &DetectorSpec| {
        if repeated(spec.name()) { text.clone() } else { spec.name().to_owned() }
    };
    let labels: Vec<String> =
        args.detector.iter().zip(&named).map(|(text, spec)| label(text, spec)).collect();
    labels.into_iter().zip(named).collect()
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
        if self.log.aggregate { self.log.rows } else { self.log.observed.len() }
    }

    /// Reward as it stands in the log, and the reason in full.
    fn reward(&self, row: usize) -> f64 {
        let centre = self.centres.as_ref().map_or(0.0, |(_, centres)| centres[row]);
        self.log.observed.proxy[row] + centre
    }

    fn reason(&self, row: usize, reason: &str) -> String {
        match &self.centres {
            Some((by, centres)) => format!(
                "relative to its {}'s median {}, {reason}",
                by.noun(),
                super::table::number(centres[row])
            ),
            None => reason.to_owned(),
        }
    }

    fn document(&self) -> Document<'_> {
        let mut flags = Vec::new();
        let mut statuses = Map::new();
        for Judged { label, answer } in &self.judged {
            let entry = match answer {
                Ok(answer) => {
                    flags.extend(answer.flags.iter().map(|flag| {
                        let origin = self.log.origin[flag.row];
                        FlagEntry {
                            detector: label,
                            file: &self.log.files[origin.file],
                            row: origin.row,
                            step: self.log.observed.step[flag.row],
                            reward: self.reward(flag.row),
                            score: flag.score,
                            p_value: flag.p_value,
                            threshold: answer.threshold,
                            reason: self.reason(flag.row, &flag.reason),
                        }
                    }));
                    json!({
                        "status": status::OK, "reason": null, "threshold": answer.threshold,
                        "compares": answer.unit, "flags": answer.flags.len(),
                    })
                }
                Err(refusal) => json!({
                    "status": status::name(refusal), "reason": refusal.to_string(), "threshold": null,
                    "compares": null, "flags": null,
                }),
            };
            statuses.insert(label.clone(), entry);
        }
        Document {
            n: self.rows(),
            files: &self.log.files,
            reward: self.log.reward.to_string(),
            columns: &self.log.roles,
            group_by: self.centres.as_ref().map(|(by, _)| by.noun()),
            calibration: &self.reference,
            rule: self.rule,
            length_correlation: self.length_correlation,
            flags,
            statuses,
        }
    }
}
