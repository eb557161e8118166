//! Detectors on somebody's own log: what is normal, who is flagged and why, and whether the run as a whole raises an alarm.
//!
//! [`detect`] is the whole of it. The log comes batch by batch from its file, so that memory does not grow with it; a detector
//! is fitted once on what is normal and asked about everything else.
//!
//! ```
//! use tailcatch::detectors::DetectorSpec;
//! use tailcatch::monitor::{Calibrate, Settings, detect};
//! use tailcatch::record::{LogOptions, open_log};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let log = open_log(&["tests/suite/fixtures/verl".into()], &LogOptions::default())?;
//! let robust_z: DetectorSpec = serde_json::from_str(r#"{ "robust_z": {} }"#)?;
//! let settings = Settings {
//!     detectors: vec![("robust_z".to_owned(), robust_z)],
//!     calibrate: Calibrate::Steps { from: 2, to: 11 },
//!     ..Settings::default()
//! };
//! let findings = detect(log, settings)?;
//! let answer = findings.detectors[0].answer.as_ref().map_err(|status| status.to_string())?;
//! assert!(answer.flagged > 0 && answer.flags[0].reason.contains("robust standard deviations"));
//! # Ok(())
//! # }
//! ```

mod alarm;
mod ask_back;
mod baseline;
mod calibration;
mod compare;
pub mod curve;
pub mod deployed;
mod error;
pub mod evidence;
mod finest;
mod flags;
mod grouping;
mod judge;
mod length;
mod observe;
mod prompts;
mod reading;
mod reference;
mod rule;
mod source;
mod stream;
mod visit;
pub mod watch;

pub use alarm::Alarm;
pub use compare::{Comparison, Kind, View};
pub use error::Error;
pub use flags::Flag;
pub use grouping::{GroupBy, MIN_GROUP, grouped};
pub use judge::Answer;
pub use length::LengthCorrelation;
pub use observe::{Blind, Raised, Watch, Watched, observe};
pub(crate) use prompts::{Prompts, each_prompt, passes};
pub use reading::{
    Above, Apart, Assumptions, Centre, Entry, Excess, GroupMedians, Growth, Judgement, Jump, Length, Level,
    ListEntry, ListSettings, NewText, Paid, PassRate, Piece, Place, Power, Reading, ReadingList, Rise,
    RowText, Scored, Shared, Shift, StepRows, Verdict, first_steps, pass_rate, passes_above,
};
pub use reference::{Calibrate, Reference};
pub use rule::{ALERT_RATE, Ask, Rule, Unit};
pub(crate) use source::Source;
pub use stream::Streaming;
pub use visit::{Skipped, Stop};

use crate::detectors::DetectorSpec;
use crate::foundation::failure::Status;
use crate::record::{self, Log, Rollouts};
use baseline::Normal;
use compare::compare;
use flags::Listing;
use length::length_correlation;
use rayon::prelude::*;
use reference::{Made, make};
use visit::Judge;

/// Most rollouts of a log for which the calibrations are compared.
const COMPARED: usize = 200_000;

/// What is asked of a log.
#[derive(Debug, Default)]
pub struct Settings {
    /// Detectors, each with the name that it has in the answer.
    pub detectors: Vec<(String, DetectorSpec)>,
    /// Rollouts whose median reward each reward is judged relative to.
    pub group_by: Option<GroupBy>,
    /// What is normal.
    pub calibrate: Calibrate,
    /// Who is flagged.
    pub ask: Ask,
    /// Benign rollouts that one is ready to read of the reading list.
    pub benign: Benign,
}

/// Benign rollouts that are expected on a reading list: 20 unless another number is given.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Benign(pub f64);

impl Default for Benign {
    fn default() -> Self {
        Self(20.0)
    }
}

/// A detector and what became of it.
#[derive(Debug)]
pub struct Judged {
    /// Its name in the answer.
    pub label: String,
    /// What it said, or why it could not.
    pub answer: Result<Answer, Status>,
    /// File and row of each flag that is listed.
    pub origins: Vec<record::Origin>,
}

/// Everything that is said of a log.
#[derive(Debug)]
pub struct Findings {
    /// The log.
    pub log: Log<Rollouts>,
    /// Rollouts that were judged.
    pub judged: usize,
    /// Rollouts that were left out because their group is too small.
    pub left_out: usize,
    /// The same of the reference, where that is another log.
    pub reference_left_out: usize,
    /// What rewards are relative to.
    pub group_by: Option<GroupBy>,
    /// What was normal.
    pub reference: Reference,
    /// Who was flagged.
    pub rule: Rule,
    /// What each detector said.
    pub detectors: Vec<Judged>,
    /// How reward and length hang together, where the log holds lengths.
    pub length: Option<LengthCorrelation>,
    /// The verdict, and the rollouts to read.
    pub reading: Reading,
    /// What each calibration would have flagged, in logs of at most 200,000 rollouts.
    pub comparison: Option<Comparison>,
}

impl Findings {
    /// Rollouts judged; where rows are step means, the rows.
    pub fn rows(&self) -> usize {
        if self.log.meta.aggregate { self.log.meta.rows } else { self.judged }
    }

    /// Whether any detector flagged anything.
    pub fn flagged(&self) -> bool {
        self.detectors.iter().any(|judged| judged.answer.as_ref().is_ok_and(|answer| answer.flagged > 0))
    }
}

/// Judges a log.
///
/// # Errors
/// A log that cannot be read, no reference, groups that the log does not name. A detector that the data cannot carry is an
/// answer (its status), not an error.
pub fn detect(log: Log<Rollouts>, settings: Settings) -> Result<Findings, Error> {
    let Settings { detectors, group_by, calibrate, ask, benign } = settings;
    if log.meta.aggregate {
        return aggregate(log, detectors, group_by, ask);
    }
    let source = Source::grouped(&log, group_by)?;
    let starts = matches!(calibrate, Calibrate::Log { .. } | Calibrate::Steps { .. });
    if matches!(ask, Ask::Streaming(..)) && !starts {
        return Err(Error::NoStart);
    }
    let Made { reference, normal, left_out: reference_left_out } = make(&calibrate, &log, &source, group_by)?;
    let rule = of(ask, source.len())?;
    let known = match reference {
        Reference::Steps { from, to, .. } => Some(from..to),
        _ => None,
    };
    let answers: Vec<Result<Answer, Stop>> = (detectors.par_iter())
        .map(|(_, spec)| {
            let (listing, known) = (Listing::Reasons, known.clone());
            Judge { spec, source: &source, normal: &normal, rule, listing, known }.judge()
        })
        .collect();
    let length = match (&normal, log.rollouts.has_length()) {
        (_, false) => None,
        (Normal::Rollouts { calibration, own: true }, true) => length_correlation(calibration),
        _ => length_correlation(&source.sample(0..log.rollouts.len())?),
    };
    let comparison = match source.len() <= COMPARED && !detectors.is_empty() {
        true => compare(&log, &source, &normal, &reference, &detectors, rule)?,
        false => None,
    };
    let mut judged = Vec::with_capacity(answers.len());
    for ((label, _), answer) in detectors.into_iter().zip(answers) {
        let answer = match answer {
            Ok(answer) => Ok(answer),
            Err(Stop::Status(status)) => Err(status),
            Err(Stop::Failure(error)) => return Err(error.into()),
        };
        let flags = answer.as_ref().map_or(&[][..], |answer| &answer.flags);
        let origins = flags.iter().map(|flag| log.rollouts.origin(flag.row)).collect::<Result<_, _>>()?;
        judged.push(Judged { label, answer, origins });
    }
    let (count, left_out) = (source.len(), source.left_out());
    drop(source);
    let reading = reading::read(&log, &calibrate, group_by, benign.0)?;
    let detectors = judged;
    Ok(Findings {
        log,
        judged: count,
        left_out,
        reference_left_out,
        group_by,
        reference,
        rule,
        detectors,
        length,
        reading,
        comparison,
    })
}

/// Rows that are means over steps have no tail to judge: every detector says so.
fn aggregate(
    log: Log<Rollouts>,
    detectors: Vec<(String, DetectorSpec)>,
    group_by: Option<GroupBy>,
    ask: Ask,
) -> Result<Findings, Error> {
    let n = log.rollouts.len();
    let refused = |(label, _)| Judged { label, answer: Err(Status::Aggregate), origins: Vec::new() };
    Ok(Findings {
        judged: n,
        left_out: 0,
        reference_left_out: 0,
        group_by,
        reference: Reference::Own { n },
        rule: of(ask, n)?,
        detectors: detectors.into_iter().map(refused).collect(),
        length: None,
        reading: reading::of_means(&log.meta),
        comparison: None,
        log,
    })
}

fn of(ask: Ask, rollouts: usize) -> Result<Rule, Error> {
    ask.of(rollouts).ok_or(Error::NoAudit {
        budget: if let Ask::Budget(budget) = ask { budget.get() } else { 0.0 },
        rollouts,
    })
}
