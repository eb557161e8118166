//! What is normal: rollouts of another log, of some steps, of a window before each step, or the log itself.

use super::baseline::Normal;
use super::error::Error;
use super::grouping::GroupBy;
use super::source::Source;
use crate::record::{Log, Rollouts};
use serde::Serialize;
use std::path::PathBuf;

/// From what the detectors are to learn what is normal.
#[derive(Debug, Default)]
pub enum Calibrate {
    /// From the rollouts that are judged.
    #[default]
    Own,
    /// From the rollouts of another log.
    Log {
        /// How it was named.
        path: PathBuf,
        /// The log.
        log: Box<Log<Rollouts>>,
    },
    /// From these steps of the log, up to and without `to`. All steps are judged.
    Steps {
        /// First step.
        from: u64,
        /// The step after the last.
        to: u64,
    },
    /// For each step, from the `width` steps that ended `lag` steps before it.
    Window {
        /// Steps of the window.
        width: usize,
        /// Steps between the window and the step that is judged.
        lag: usize,
    },
}

/// From what the detectors learnt what is normal.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reference {
    /// From the rollouts that are judged.
    #[serde(rename = "self-calibrated")]
    Own {
        /// Rollouts.
        n: usize,
    },
    /// From the rollouts of another log.
    Log {
        /// How it was named.
        path: PathBuf,
        /// Rollouts.
        n: usize,
    },
    /// From these steps of the log.
    Steps {
        /// First step.
        from: u64,
        /// The step after the last.
        to: u64,
        /// Rollouts.
        n: usize,
    },
    /// For each step, from a window before it.
    Window {
        /// Steps of the window.
        steps: usize,
        /// Steps between the window and the step that is judged.
        lag: usize,
    },
}

/// A reference made ready, and rollouts of another log that were left out because their groups are too small.
pub(super) struct Made {
    pub reference: Reference,
    pub normal: Normal,
    pub left_out: usize,
}

/// Reads what is normal.
pub(super) fn make(
    calibrate: &Calibrate,
    log: &Log<Rollouts>,
    source: &Source<'_>,
    by: Option<GroupBy>,
) -> Result<Made, Error> {
    let fixed = |calibration| Normal::Rollouts { calibration: Box::new(calibration), own: false };
    let spans = log.rollouts.spans();
    let (reference, normal) = match *calibrate {
        Calibrate::Log { ref path, log: ref other } => {
            if other.meta.aggregate {
                return Err(Error::AggregateReference { path: path.clone() });
            }
            let own = Source::grouped(other, by)?;
            let calibration = own.sample(0..other.rollouts.len())?;
            let reference = Reference::Log { path: path.clone(), n: calibration.len() };
            return Ok(Made { reference, normal: fixed(calibration), left_out: own.left_out() });
        }
        Calibrate::Window { width, lag } => {
            if spans.len() <= width.saturating_add(lag) {
                return Err(Error::NoWindow { width, lag, steps: spans.len() });
            }
            (Reference::Window { steps: width, lag }, Normal::Window { width, lag })
        }
        Calibrate::Own => {
            let calibration = Box::new(source.sample(0..log.rollouts.len())?);
            (Reference::Own { n: calibration.len() }, Normal::Rollouts { calibration, own: true })
        }
        Calibrate::Steps { from, to } => {
            let within = || spans.iter().filter(|span| (from..to).contains(&span.step));
            let start = within().map(|span| span.rows.start).min();
            let Some((start, end)) = start.zip(within().map(|span| span.rows.end).max()) else {
                let log = spans.first().zip(spans.last()).map(|(first, last)| (first.step, last.step));
                return Err(Error::NoReference { from, to, log });
            };
            let calibration = source.sample(start..end)?;
            (Reference::Steps { from, to, n: calibration.len() }, fixed(calibration))
        }
    };
    Ok(Made { reference, normal, left_out: 0 })
}
