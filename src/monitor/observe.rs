//! A frozen policy's log under monitors that look at no reward: at actions alone, or at log-probabilities alone.

use super::deployed::{Alarm, Ground, LogRatio, MeanKl, Monitor, Sample, TwoSample};
use super::error::Error;
use super::reading::Verdict;
use super::reference::Calibrate;
use crate::foundation::failure::Status;
use crate::foundation::rng::{Purpose, SeedTree};
use crate::foundation::scalar::OpenProbability;
use crate::record::{Log, Origin, Rollouts};
use serde::Serialize;
use std::ops::Range;
use std::str::FromStr;

/// P(an alarm) of all monitors together, over the whole log, where both samples are of one policy.
const LEVEL: f64 = 0.05;
/// Rows that are read at a time.
const ROWS: usize = 1 << 16;

/// What is looked at in the place of rewards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Blind {
    /// What was sampled: prompt and completion, or the outcome.
    Actions,
    /// ln π and ln π₀ of what was sampled.
    LogProbs,
}

impl FromStr for Blind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "actions" => Ok(Self::Actions),
            "log_probs" => Ok(Self::LogProbs),
            _ => Err(format!("`{text}` is neither `actions` nor `log_probs`")),
        }
    }
}

impl Blind {
    /// Its monitors, sharing the level.
    fn monitors(self) -> Vec<(&'static str, Box<dyn Monitor>)> {
        match self {
            Self::Actions => {
                vec![("two_sample", Box::new(TwoSample { level: OpenProbability::known(LEVEL) }))]
            }
            Self::LogProbs => {
                let level = OpenProbability::known(0.5 * LEVEL);
                vec![
                    ("log_ratio", Box::new(LogRatio { level })),
                    ("mean_kl", Box::new(MeanKl { level, at: None })),
                ]
            }
        }
    }

    /// Why a log cannot be watched.
    fn lacks(self, rollouts: &Rollouts) -> Option<Status> {
        let column = match self {
            Self::Actions if !rollouts.has_outcomes() => "the completion, or an `outcome`",
            Self::LogProbs if !rollouts.has_log_probs() => "`log_prob` and `ref_log_prob`, numbers in nats",
            _ => return None,
        };
        Some(Status::Missing { column: column.to_owned() })
    }
}

/// A monitor's first alarm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Raised {
    /// Number of the sample, from 1, in the order of the log.
    pub sample: usize,
    /// Its step.
    pub step: u64,
    /// Where it was read.
    pub origin: Origin,
    /// What was reached: a count, ln(π/π₀) in nats, or the sum of it.
    pub value: f64,
    /// What had to be exceeded; for counts, what had to be reached.
    pub threshold: f64,
}

/// A monitor and what became of it.
#[derive(Debug)]
pub struct Watched {
    /// Its name among the deployment monitors.
    pub monitor: &'static str,
    /// Its first alarm, if there was one, or why it could not look.
    pub answer: Result<Option<Raised>, Status>,
}

/// What monitors that look at no reward say of a log.
#[derive(Debug)]
pub struct Watch {
    /// What they looked at.
    pub blind: Blind,
    /// P(an alarm) of all of them together where nothing has changed.
    pub level: f64,
    /// Rollouts that are taken to be of the policy as it should be.
    pub trusted: usize,
    /// Rollouts that were watched.
    pub samples: usize,
    /// Each monitor's answer.
    pub monitors: Vec<Watched>,
}

impl Watch {
    /// *Flagged* where one alarms, *not judged* where none could look, else *quiet*.
    pub fn verdict(&self) -> Verdict {
        if self.samples == 0 {
            return Verdict::NotJudged;
        }
        let answers = || self.monitors.iter().map(|own| &own.answer);
        match answers().any(|answer| matches!(answer, Ok(Some(_)))) {
            true => Verdict::Flagged,
            false if answers().all(Result::is_err) => Verdict::NotJudged,
            false => Verdict::Quiet,
        }
    }
}

/// Watches a log without its rewards, against trusted rollouts: another log, or steps of it. The order is that of the log.
///
/// # Errors
/// A log that cannot be read; trusted rollouts that are none ([`Error::NoTrusted`], [`Error::NoReference`]). A monitor that the
/// rollouts cannot carry is an answer (its status), not an error.
pub fn observe(log: &Log<Rollouts>, calibrate: &Calibrate, blind: Blind) -> Result<Watch, Error> {
    let whole = |log: &Log<Rollouts>| 0..log.rollouts.len();
    let (trusted, watched) = match *calibrate {
        Calibrate::Log { log: ref other, .. } => ((&**other, vec![whole(other)]), vec![whole(log)]),
        Calibrate::Steps { from, to } => {
            let spans = log.rollouts.spans();
            let rows = |of: &dyn Fn(u64) -> bool| -> Vec<Range<usize>> {
                spans.iter().filter(|span| of(span.step)).map(|span| span.rows.clone()).collect()
            };
            let known = rows(&|step| (from..to).contains(&step));
            if known.is_empty() {
                let log = spans.first().zip(spans.last()).map(|(first, last)| (first.step, last.step));
                return Err(Error::NoReference { from, to, log });
            }
            ((log, known), rows(&|step| step >= to))
        }
        Calibrate::Own | Calibrate::Window { .. } => return Err(Error::NoTrusted),
    };
    let count = |ranges: &[Range<usize>]| ranges.iter().map(Range::len).sum::<usize>();
    let (trusted_rows, samples) = (count(&trusted.1), count(&watched));
    let lacks = [&log.rollouts, &trusted.0.rollouts].into_iter().find_map(|own| blind.lacks(own));
    let means = log.meta.aggregate || trusted.0.meta.aggregate;
    let refused = means.then_some(Status::Aggregate).or(lacks);
    let monitors = match refused {
        Some(status) => blind
            .monitors()
            .into_iter()
            .map(|(monitor, _)| Watched { monitor, answer: Err(status.clone()) })
            .collect(),
        None => {
            let mut known = Vec::with_capacity(trusted_rows);
            for rows in trusted.1 {
                each(trusted.0, rows, |_, sample, _| known.push(sample))?;
            }
            watch(log, &watched, samples, &known, blind)?
        }
    };
    Ok(Watch { blind, level: LEVEL, trusted: trusted_rows, samples, monitors })
}

/// All monitors over the rows, in their order, each up to its first alarm.
fn watch(
    log: &Log<Rollouts>,
    watched: &[Range<usize>],
    samples: usize,
    known: &[Sample<'static>],
    blind: Blind,
) -> Result<Vec<Watched>, Error> {
    let streams = SeedTree::new(0, 0);
    let mut at_work = Vec::new();
    for (number, (name, monitor)) in blind.monitors().into_iter().enumerate() {
        let rng = streams.stream(Purpose::Audit, number as u64);
        let started = monitor.start(Ground { trusted: known, law: None, horizon: samples as u64, rng });
        at_work.push((name, monitor.observer(), started, None));
    }
    let mut number = 0;
    for rows in watched {
        each(log, rows.clone(), |row, sample, step| {
            number += 1;
            for (_, observer, started, raised) in &mut at_work {
                let (Ok(watching), None) = (started, &raised) else { continue };
                let alarm = watching.see(sample.seen_by(*observer), &mut || false);
                if let Some(Alarm::Beyond { value, threshold }) = alarm {
                    *raised = Some((number, row, step, value, threshold));
                }
            }
        })?;
    }
    let mut monitors = Vec::with_capacity(at_work.len());
    for (monitor, _, started, raised) in at_work {
        let answer = match (started, raised) {
            (Err(status), _) => Err(status),
            (Ok(_), None) => Ok(None),
            (Ok(_), Some((sample, row, step, value, threshold))) => {
                Ok(Some(Raised { sample, step, origin: log.rollouts.origin(row)?, value, threshold }))
            }
        };
        monitors.push(Watched { monitor, answer });
    }
    Ok(monitors)
}

/// Every rollout of some rows, with its row and step.
fn each(
    log: &Log<Rollouts>,
    rows: Range<usize>,
    mut see: impl FnMut(usize, Sample<'static>, u64),
) -> Result<(), Error> {
    for first in rows.clone().step_by(ROWS) {
        let own = first..(first + ROWS).min(rows.end);
        let observed = log.rollouts.rows(own.clone())?;
        let ratio = |i: usize| {
            let of = |column: &Option<Vec<f64>>| column.as_ref().and_then(|all| all.get(i)).copied();
            Some(of(&observed.log_prob)? - of(&observed.ref_log_prob)?)
        };
        for (i, (row, (&outcome, &reward))) in
            own.zip(observed.outcome.iter().zip(&observed.proxy)).enumerate()
        {
            let step = observed.step.get(i).copied().unwrap_or_default();
            see(row, Sample { outcome, reward, log_ratio: ratio(i), hidden: None }, step);
        }
    }
    Ok(())
}
