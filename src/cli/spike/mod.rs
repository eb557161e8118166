//! `tailcatch spike`: would an exploit have been caught in this log?

mod args;
mod text;

pub use args::SpikeArgs;

use super::console::Console;
use super::log_args::need_steps;
use super::{Error as CliError, Outcome, spec, status_kind as status};
use crate::Error;
use crate::audit::Budget;
use crate::detectors::DetectorSpec;
use crate::foundation::failure::Status;
use crate::monitor::{GroupBy, Stop};
use crate::record::{Log, LogOptions, Rollouts, open_log};
use crate::spike::{self, Cell, Doubt, Plan, Shares, Spiked, doubt, minimum, spike, spike_shares};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::ops::Range;
use std::path::PathBuf;

/// Sizes where none is given, in standard deviations within groups.
const SIZES: [f64; 10] = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 15.0, 20.0];
/// Masses where none is given.
const MASSES: [f64; 2] = [1e-3, 1e-2];
/// What "would have been caught" means.
const TARGET: f64 = 0.9;

/// From what the detectors learnt what is normal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Reference {
    Log { path: PathBuf, n: usize },
    Steps { from: u64, to: u64, n: usize },
}

/// Everything that is said of a log.
struct Findings {
    log: Log<Rollouts>,
    /// Which columns beside the reward a planted rollout keeps: log-probability, advantage.
    keeps: [bool; 2],
    /// Where the log holds rollouts.
    reference: Option<Reference>,
    plan: Plan,
    labels: Vec<String>,
    answer: Result<Spiked, Status>,
    /// Of rewards of a few values, in the place of sizes.
    shares: Option<Result<Shares, Status>>,
    /// What the reference holds that is not normal.
    doubt: Option<Doubt>,
}

#[derive(Serialize)]
struct Entry<'a> {
    detector: &'a str,
    size: f64,
    mass: f64,
    p_caught: f64,
    ci_low: f64,
    ci_high: f64,
    audits: u64,
    benign_flags: f64,
    p_seen: Option<f64>,
}

/// Runs the command.
///
/// # Errors
/// A log that cannot be read, an unknown detector, an onset outside the log, no reference before it. What the data cannot
/// carry is an answer (its status), not an error.
pub fn run(args: &SpikeArgs, console: &Console) -> Result<Outcome, Error> {
    let options = args.log.options()?;
    let (labels, detectors) = detectors(&args.detector)?;
    let log = open_log(&args.log.paths, &options)?;
    let other = match &args.calibrate {
        Some(path) => {
            let options = LogOptions { reward: Some(log.meta.reward.clone()), ..options };
            Some((path, open_log(std::slice::from_ref(path), &options)?))
        }
        None => None,
    };
    if log.meta.aggregate {
        let plan = plan(args, &log, 0, 0, 1)?;
        let findings = Findings {
            log,
            keeps: [false; 2],
            reference: None,
            plan,
            labels,
            answer: Err(Status::Aggregate),
            shares: None,
            doubt: None,
        };
        console.answer(&findings.document(), |style| text::text(&findings, style))?;
        return Ok(Outcome::Done);
    }
    if log.meta.empty > 0 {
        console.warn(super::table::left_out(log.meta.empty, "reward"));
    }
    if log.meta.runs > 1 {
        console.warn(format!("the log holds {} runs, judged as one: give one run's rows", log.meta.runs));
    }
    log.meta.notes.iter().for_each(|note| console.warn(note));
    if args.calibrate_steps.is_some() {
        need_steps(&log.meta, "--calibrate-steps")?;
    }
    let onset = onset(args, &log.rollouts)?;
    let (reference, rows, audited_from) = reference(args, &log.rollouts, &other, onset)?;
    let audited = log.rollouts.len() - first_row(&log.rollouts, audited_from);
    let plan = plan(args, &log, onset, audited_from, audits(args.budget, audited)?)?;
    console.detail(format!("{} files; reward = {}", log.meta.files.len(), log.meta.reward));
    let normal = other.as_ref().map_or(&log.rollouts, |(_, other)| &other.rollouts);
    let normal = spike::Reference { log: normal, rows };
    let answer = status_of(spike(&log.rollouts, &normal, &detectors, &plan))?;
    let given: Vec<f64> = args.mass.iter().map(|mass| mass.get()).collect();
    let shares = match &answer {
        Err(Status::Degenerate { .. }) => {
            status_of(spike_shares(&log.rollouts, &normal, &given, &plan))?.transpose()
        }
        _ => None,
    };
    let doubt = if shares.is_none() { doubt(&normal)? } else { None };
    let first = log.rollouts.rows(0..1)?;
    let keeps = [first.log_prob.is_some(), first.advantage.is_some()];
    let findings = Findings { log, keeps, reference: Some(reference), plan, labels, answer, shares, doubt };
    console.answer(&findings.document(), |style| text::text(&findings, style))?;
    Ok(Outcome::Done)
}

/// What the data cannot carry is an answer.
fn status_of<T>(answer: Result<T, Stop>) -> Result<Result<T, Status>, Error> {
    match answer {
        Ok(answer) => Ok(Ok(answer)),
        Err(Stop::Status(status)) => Ok(Err(status)),
        Err(Stop::Failure(error)) => Err(error.into()),
    }
}

fn plan(
    args: &SpikeArgs,
    log: &Log<Rollouts>,
    onset: u64,
    audited_from: u64,
    audits: u64,
) -> Result<Plan, Error> {
    let mut sizes = if args.size.is_empty() { SIZES.to_vec() } else { args.size.clone() };
    let mut masses: Vec<f64> = args.mass.iter().map(|mass| mass.get()).collect();
    if masses.is_empty() {
        masses = MASSES.to_vec();
    }
    for grid in [&mut sizes, &mut masses] {
        grid.sort_unstable_by(f64::total_cmp);
        grid.dedup();
    }
    let within = args.group_by.map_or_else(|| GroupBy::finest(&log.rollouts), Ok)?;
    let (repeats, seed, relative) = (args.repeats, args.seed, args.group_by.is_some());
    Ok(Plan { sizes, masses, onset, audited_from, audits, repeats, seed, within, relative })
}

fn detectors(texts: &[String]) -> Result<(Vec<String>, Vec<DetectorSpec>), CliError> {
    let defaults = ["robust_z".to_owned(), "within_prompt".to_owned()];
    let texts = if texts.is_empty() { &defaults } else { texts };
    let specs = texts
        .iter()
        .map(|text| spec::part(text, "detector", DetectorSpec::PARTS))
        .collect::<Result<Vec<DetectorSpec>, CliError>>()?;
    Ok((spec::labels(texts, &specs), specs))
}

fn span(log: &Rollouts) -> String {
    match (log.spans().first(), log.spans().last()) {
        (Some(first), Some(last)) => format!("the log's steps run from {} to {}", first.step, last.step),
        _ => "the log holds no step".to_owned(),
    }
}

/// The first row of a step, or of those after it.
fn first_row(log: &Rollouts, step: u64) -> usize {
    let spans = log.spans();
    spans.get(spans.partition_point(|span| span.step < step)).map_or(log.len(), |span| span.rows.start)
}

/// The first step with exploits: as given, or the middle one of the log's steps, but none of the reference.
fn onset(args: &SpikeArgs, log: &Rollouts) -> Result<u64, CliError> {
    let spans = log.spans();
    let wrong = |reason: String, help: String| CliError::Value { flag: "--onset", reason, help };
    let after = args.calibrate_steps.map_or(0, |(_, to)| to);
    let Some(onset) = args.onset else {
        let middle = spans.get(spans.len() / 2).map_or(0, |span| span.step).max(after);
        return match spans.last() {
            Some(last) if middle <= last.step => Ok(middle),
            _ => Err(wrong(format!("no rollout lies at or after step {middle}"), span(log))),
        };
    };
    if onset < after {
        let reason = format!("step {onset} is one of the reference steps, which end before {after}");
        return Err(wrong(reason, "exploits must begin after what is taken for normal".to_owned()));
    }
    if spans.last().is_none_or(|last| onset > last.step) {
        return Err(wrong(format!("no rollout lies at or after step {onset}"), span(log)));
    }
    Ok(onset)
}

/// What is normal, its rows (of the other log, where there is one), and the first step that is audited.
fn reference(
    args: &SpikeArgs,
    log: &Rollouts,
    other: &Option<(&PathBuf, Log<Rollouts>)>,
    onset: u64,
) -> Result<(Reference, Range<usize>, u64), CliError> {
    if let Some((path, other)) = other {
        if other.meta.aggregate {
            return Err(CliError::Value {
                flag: "--calibrate",
                reason: format!("{}: {}", path.display(), Status::Aggregate),
                help: "give a log with one row for each rollout".to_owned(),
            });
        }
        let n = other.rollouts.len();
        return Ok((Reference::Log { path: path.to_path_buf(), n }, 0..n, 0));
    }
    let first = log.spans().first().map_or(0, |span| span.step);
    let (from, to) = args.calibrate_steps.unwrap_or((first, onset));
    let rows = first_row(log, from)..first_row(log, to);
    if rows.is_empty() {
        let (flag, help) = match args.calibrate_steps {
            Some(_) => ("--calibrate-steps", span(log)),
            None => ("--onset", "give a later onset, or a reference with --calibrate PATH".to_owned()),
        };
        return Err(CliError::Value {
            flag,
            reason: format!("no rollout lies in steps {from}..{to}, from which to learn what is normal"),
            help,
        });
    }
    Ok((Reference::Steps { from, to, n: rows.len() }, rows, to))
}

/// Audits in all, of so many rollouts.
fn audits(budget: Budget, rollouts: usize) -> Result<u64, CliError> {
    budget.of(rollouts).ok_or_else(|| CliError::Value {
        flag: "--budget",
        reason: format!("{budget} of {rollouts} rollouts is less than one audit"),
        help: "give a larger fraction, or a count".to_owned(),
    })
}

impl Findings {
    /// Each detector's label with its cells, or with the reason why there are none.
    fn detectors(&self) -> Vec<(&str, Result<&[Cell], &Status>)> {
        let answer = |number: usize| match &self.answer {
            Err(status) => Err(status),
            Ok(spiked) => match spiked.detectors.get(number) {
                Some(Ok(cells)) => Ok(cells.as_slice()),
                Some(Err(status)) => Err(status),
                None => Ok([].as_slice()),
            },
        };
        self.labels.iter().enumerate().map(|(number, label)| (label.as_str(), answer(number))).collect()
    }

    fn document(&self) -> Value {
        let spiked = self.answer.as_ref().ok();
        let (mut rows, mut minima, mut statuses) = (Vec::new(), Map::new(), Map::new());
        for (label, answer) in self.detectors() {
            let cells = answer.unwrap_or_default();
            rows.extend(cells.iter().map(|cell| Entry {
                detector: label,
                size: cell.size,
                mass: cell.mass,
                p_caught: cell.caught.value,
                ci_low: cell.caught.interval.low,
                ci_high: cell.caught.interval.high,
                audits: self.plan.audits,
                benign_flags: cell.benign_flags,
                p_seen: spiked.map(|spiked| spiked.p_seen(cell.mass)),
            }));
            let found = |mass: &f64| {
                let (at, below) = minimum(cells, *mass, TARGET);
                json!({
                    "mass": mass,
                    "size": at.map(|cell| cell.size), "p_caught": at.map(|cell| cell.caught.value),
                    "next_smaller": below.map(|cell| cell.size),
                    "next_smaller_p_caught": below.map(|cell| cell.caught.value),
                })
            };
            let minimum = match answer {
                Ok(_) => Value::Array(self.plan.masses.iter().map(found).collect()),
                Err(_) => Value::Null,
            };
            minima.insert(label.to_owned(), minimum);
            let status = match answer {
                Ok(_) => json!({ "status": status::OK, "reason": null }),
                Err(refusal) => json!({ "status": status::name(refusal), "reason": refusal.to_string() }),
            };
            statuses.insert(label.to_owned(), status);
        }
        let judged = !self.log.meta.aggregate;
        json!({
            "n": if judged { self.log.rollouts.len() } else { self.log.meta.rows },
            "reward": self.log.meta.reward.to_string(),
            "calibration": self.reference,
            "group_by": self.plan.relative.then(|| self.plan.within.noun()),
            "within": judged.then(|| self.plan.within.noun()),
            "sd": spiked.map(|s| s.sd),
            "onset": judged.then_some(self.plan.onset),
            "plantable": spiked.map(|s| s.plantable),
            "audited": spiked.map(|s| s.audited),
            "audits": judged.then_some(self.plan.audits),
            "repeats": self.plan.repeats,
            "seed": self.plan.seed,
            "target": TARGET,
            "reference_doubt": self.doubt.as_ref().map(|doubt| json!({
                "kind": match doubt { Doubt::Shifted(_) => "shifted", Doubt::Apart(_) => "apart" },
                "reason": doubt.to_string(),
            })),
            "shares": self.shares.as_ref().map(|shares| match shares {
                Ok(shares) => json!({
                    "status": status::OK, "reason": null,
                    "prompts": shares.prompts, "passes_above": shares.above, "rises_already": shares.rises_already,
                    "smallest": shares.smallest(TARGET).map(|cell| cell.share),
                    "rows": shares.cells.iter().map(|cell| json!({
                        "share": cell.share, "prompts": cell.prompts, "p_found": cell.found.value,
                        "ci_low": cell.found.interval.low, "ci_high": cell.found.interval.high,
                    })).collect::<Vec<_>>(),
                }),
                Err(refusal) => json!({ "status": status::name(refusal), "reason": refusal.to_string() }),
            }),
            "rows": rows,
            "minimum_detectable": minima,
            "statuses": statuses,
        })
    }
}
