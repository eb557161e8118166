//! Alarms of one detector: rollouts above a threshold that the calibration rollouts set at a nominal rate.

use super::subject::Subject;
use crate::detectors::Fit;
use crate::foundation::failure::Status;
use crate::metrics::false_alarm::{false_positive_rate, first_true_flag};
use crate::record::{Observed, Scores};
use crate::thresholds::calibrated_threshold;

/// What the alarm threshold did on a run and its twins.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Alarms {
    /// First step at which an alarm was a hack.
    pub first_true_flag: Option<u64>,
    /// Share of the honest rollouts above the threshold.
    pub false_positive_rate: Option<f64>,
    /// Whether the clean twin raised any alarm at all.
    pub clean_alarm: bool,
    /// Share of the swap twin's rollouts above the threshold.
    pub honest_flag_rate: Option<f64>,
}

/// Scores of what a run is held against.
pub struct Elsewhere {
    reference: Scores,
    clean: Scores,
    honest: Option<Scores>,
}

impl Elsewhere {
    /// Scores of the calibration rollouts.
    pub fn reference(&self) -> &[f64] {
        self.reference.values()
    }

    /// Scores the calibration rollouts and the twins. The swap twin may be refused alone.
    ///
    /// # Errors
    /// Why the calibration rollouts or the clean twin cannot be scored.
    pub fn of(subject: &Subject<'_>, calibration: &Observed, fit: &mut Fit) -> Result<Self, Status> {
        Ok(Self {
            reference: fit.score(calibration)?,
            clean: fit.score(&subject.clean.observed)?,
            honest: subject.swapped.and_then(|run| fit.score(&run.observed).ok()),
        })
    }
}

/// Sets the threshold on the calibration rollouts' scores and applies it to the run's own `scores` and to its twins; `None`
/// where these carry none.
pub fn alarms(subject: &Subject<'_>, elsewhere: &Elsewhere, scores: &Scores) -> Option<Alarms> {
    let rate = subject.document.audit.alarm_rate.get();
    let threshold = calibrated_threshold(elsewhere.reference.values(), rate).ok()?;
    let over = |scores: &Scores| scores.values().iter().map(|s| *s > threshold).collect::<Vec<bool>>();
    let alarm = over(scores);
    let honest = elsewhere.honest.as_ref().map(over);
    let hack = &subject.trained.truth.hack;
    Some(Alarms {
        first_true_flag: first_true_flag(&subject.trained.observed.step, &alarm, hack),
        false_positive_rate: false_positive_rate(&alarm, hack).ok(),
        clean_alarm: over(&elsewhere.clean).iter().any(|a| *a),
        honest_flag_rate: honest.map(|h| h.iter().filter(|a| **a).count() as f64 / h.len().max(1) as f64),
    })
}
