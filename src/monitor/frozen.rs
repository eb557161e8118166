//! Whether the policy of a log is still that of its reference part, told by somebody who sees actions or log-probabilities only.
//!
//! The rollouts of the reference are trusted, those after it are watched one after the other by the [monitors](super::deployed) of a
//! deployed policy, as they are without its law: from samples on both sides. The question is that of a policy that is no longer trained; one
//! that still learns is another policy at every step, and is told so.

use super::deployed::{Alarm, Ground, LogRatio, MeanKl, Sample, TwoSample, WatchSpec, Watching};
use super::error::Error;
use super::reading::first_steps;
use super::reference::Calibrate;
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::foundation::scalar::OpenProbability;
use crate::record::{self, Log, Observed, Rollouts};
use std::ops::Range;
use std::str::FromStr;

/// P(an alarm) of all tests together, where the policy has not changed.
pub const LEVEL: OpenProbability = OpenProbability::known(0.05);
/// Rows that are read at once.
const BATCH: usize = 16_384;

/// Who looks on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// What was sampled: completions, or the column `outcome`.
    Actions,
    /// Log-probabilities under the policy and the reference policy.
    LogProbs,
}

impl Sees {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Actions => "actions",
            Self::LogProbs => "log_probs",
        }
    }

    /// Its tests, which share the level.
    fn monitors(self) -> Vec<WatchSpec> {
        match self {
            Self::Actions => vec![WatchSpec::TwoSample(TwoSample { level: LEVEL })],
            Self::LogProbs => {
                let level = OpenProbability::known(0.5 * LEVEL.get());
                vec![WatchSpec::LogRatio(LogRatio { level }), WatchSpec::MeanKl(MeanKl { level, at: None })]
            }
        }
    }
}

impl FromStr for Sees {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Actions, Self::LogProbs]
            .into_iter()
            .find(|own| own.name() == text)
            .ok_or_else(|| format!("`{text}` is neither `actions` nor `log_probs`"))
    }
}

/// Where a monitor alarmed.
#[derive(Debug, Clone, PartialEq)]
pub struct At {
    /// Number of the rollout among those that are watched, from 1.
    pub number: usize,
    /// Its step.
    pub step: u64,
    /// Where it was read.
    pub origin: record::Origin,
    /// What went beyond what, as the monitor counts.
    pub value: f64,
    /// What had to be exceeded, or reached by a count.
    pub threshold: f64,
}

/// What one monitor said.
#[derive(Debug, Clone, PartialEq)]
pub struct Told {
    /// The monitor.
    pub monitor: WatchSpec,
    /// Its first alarm, `None` where it did not alarm, or why it could not begin.
    pub alarm: Result<Option<At>, Status>,
}

/// What was said of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The reference in words.
    pub reference: String,
    /// Its rollouts.
    pub trusted: usize,
    /// Rollouts that were watched.
    pub watched: usize,
    /// What each monitor said.
    pub told: Vec<Told>,
}

impl Watched {
    /// The first alarm of any monitor.
    pub fn first(&self) -> Option<(&Told, &At)> {
        let alarms = self.told.iter().filter_map(|told| Some((told, told.alarm.as_ref().ok()?.as_ref()?)));
        alarms.min_by_key(|(_, at)| at.number)
    }

    /// Whether no monitor could begin.
    pub fn is_not_judged(&self) -> bool {
        self.told.iter().all(|told| told.alarm.is_err())
    }
}

/// Watches the rollouts of a log that come after its reference: the given steps, or the first; all of them beside another log.
///
/// # Errors
/// A log that cannot be read, and reference steps without a rollout. What the columns cannot carry is an answer (a status).
pub fn watch(log: &Log<Rollouts>, calibrate: &Calibrate, sees: Sees) -> Result<Watched, Error> {
    let spans = log.rollouts.spans();
    let all = 0..log.rollouts.len();
    let (source, trusted, watched, reference) = match calibrate {
        Calibrate::Log { path, log: other } => {
            (&**other, 0..other.rollouts.len(), all, path.display().to_string())
        }
        Calibrate::Steps { .. } | Calibrate::Own | Calibrate::Window { .. } => {
            let (from, to) = match calibrate {
                Calibrate::Steps { from, to } => (*from, *to),
                _ => first_steps(&log.rollouts).unwrap_or_default(),
            };
            let within = || spans.iter().filter(|span| (from..to).contains(&span.step));
            let start = within().map(|span| span.rows.start).min();
            let Some((start, end)) = start.zip(within().map(|span| span.rows.end).max()) else {
                let log = spans.first().zip(spans.last()).map(|(first, last)| (first.step, last.step));
                return Err(Error::NoReference { from, to, log });
            };
            (log, start..end, end..log.rollouts.len(), format!("steps {from}..{to}"))
        }
    };
    let horizon = watched.len();
    let mut told = Vec::new();
    let mut at_work = Vec::new();
    let lacking = lacking(source, sees).or_else(|| lacking(log, sees));
    let lacking = lacking.or((horizon == 0).then_some(Status::TooFew {
        what: "rollouts after the reference",
        have: 0,
        need: 1,
    }));
    let known = match lacking {
        Some(status) => Err(status),
        None => samples(source, trusted.clone(), sees)?,
    };
    for monitor in sees.monitors() {
        let rng = SeedTree::new(0, 0).stream(Purpose::Deployment, 0);
        let started = known.as_ref().map_err(Clone::clone).and_then(|trusted| {
            monitor.part().start(Ground { trusted, law: None, horizon: horizon as u64, rng })
        });
        let (alarm, watching) = match started {
            Ok(watching) => (Ok(None), Some(watching)),
            Err(status) => (Err(status), None),
        };
        told.push(Told { monitor, alarm });
        at_work.push(watching);
    }
    follow(log, watched, sees, &mut told, &mut at_work)?;
    Ok(Watched { reference, trusted: trusted.len(), watched: horizon, told })
}

/// Hands the rollouts to the monitors, each up to its first alarm.
fn follow(
    log: &Log<Rollouts>,
    rows: Range<usize>,
    sees: Sees,
    told: &mut [Told],
    at_work: &mut [Option<Box<dyn Watching>>],
) -> Result<(), Error> {
    let mut number = 0;
    for start in rows.clone().step_by(BATCH) {
        if at_work.iter().all(Option::is_none) {
            break;
        }
        let batch = log.rollouts.rows(start..(start + BATCH).min(rows.end))?;
        for row in 0..batch.len() {
            number += 1;
            let sample = match sample(&batch, row, sees) {
                Ok(sample) => sample,
                Err(status) => {
                    // Nothing that comes later can be told.
                    let open = told.iter_mut().zip(at_work.iter_mut()).filter(|(_, own)| own.is_some());
                    open.for_each(|(told, own)| {
                        told.alarm = Err(status.clone());
                        *own = None;
                    });
                    return Ok(());
                }
            };
            for (told, own) in told.iter_mut().zip(at_work.iter_mut()) {
                let Some(watching) = own else { continue };
                let seen = sample.seen_by(told.monitor.part().observer());
                if let Some(Alarm::Beyond { value, threshold }) = watching.see(seen, &mut || false) {
                    let origin = log.rollouts.origin(start + row)?;
                    told.alarm = Ok(Some(At { number, step: batch.step[row], origin, value, threshold }));
                    *own = None;
                }
            }
        }
    }
    Ok(())
}

/// The column that the log lacks.
fn lacking(log: &Log<Rollouts>, sees: Sees) -> Option<Status> {
    let roles = &log.meta.roles;
    let missing = |column: &str| Some(Status::Missing { column: column.to_owned() });
    match sees {
        _ if log.meta.aggregate => Some(Status::Aggregate),
        Sees::Actions if roles.outcome.is_none() && roles.completion.is_none() => {
            missing("a column of completions, or `outcome`")
        }
        Sees::LogProbs if roles.log_prob.is_none() => missing("log_prob"),
        Sees::LogProbs if roles.ref_log_prob.is_none() => missing("ref_log_prob"),
        _ => None,
    }
}

/// The trusted rollouts, or why they cannot be compared with.
fn samples(
    log: &Log<Rollouts>,
    rows: Range<usize>,
    sees: Sees,
) -> Result<Result<Vec<Sample<'static>>, Status>, Error> {
    let mut found = Vec::with_capacity(rows.len());
    for start in rows.clone().step_by(BATCH) {
        let batch = log.rollouts.rows(start..(start + BATCH).min(rows.end))?;
        for row in 0..batch.len() {
            match sample(&batch, row, sees) {
                Ok(sample) => found.push(sample),
                Err(status) => return Ok(Err(status)),
            }
        }
    }
    Ok(Ok(found))
}

/// A rollout as the monitors take it.
fn sample(batch: &Observed, row: usize, sees: Sees) -> Result<Sample<'static>, Status> {
    let number = |name: &str, column: &Option<Vec<f64>>| {
        let value = column.as_ref().map(|column| column[row]);
        let value = value.ok_or_else(|| Status::Missing { column: name.to_owned() })?;
        let told = || Status::NotFinite {
            column: name.to_owned(),
            row: batch.trajectory[row] as usize,
            value: value.to_string(),
        };
        value.is_finite().then_some(value).ok_or_else(told)
    };
    let log_ratio = match sees {
        Sees::Actions => None,
        Sees::LogProbs => {
            Some(number("log_prob", &batch.log_prob)? - number("ref_log_prob", &batch.ref_log_prob)?)
        }
    };
    Ok(Sample { outcome: batch.outcome[row], reward: batch.proxy[row], log_ratio, hidden: None })
}
