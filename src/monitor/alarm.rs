//! The run as a whole: do alarms come more often than they should?

use crate::foundation::failure::Status;
use crate::thresholds::{EProcess, EProcessWatcher};
use serde::Serialize;
use std::ops::Range;

/// Calibration scores above the watched threshold, at least: fewer say little of the rate.
const TOP: f64 = 10.0;

/// What the test saw.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alarm {
    /// Nominal rate of the threshold that is watched.
    pub rate: f64,
    /// Most that its true rate can be, given the calibration rollouts.
    pub rate_bound: f64,
    /// Share of the watched rollouts that exceed it.
    pub observed_rate: f64,
    /// ln of the largest e-value.
    pub ln_e_value: f64,
    /// The step at which it was reached.
    pub step: u64,
    /// The step at which the alarm was raised, if it was.
    pub alarm_step: Option<u64>,
    /// Probability of ever raising it while the rate holds.
    pub alpha: f64,
}

/// The test, step by step.
pub(super) struct Watch {
    process: EProcessWatcher,
    alpha: f64,
    rate: f64,
    known: Option<Range<u64>>,
    rows: usize,
    exceedances: usize,
    best: Option<(f64, u64)>,
    alarm_step: Option<u64>,
}

impl Watch {
    /// Watches the threshold that the calibration scores give at `rate`, or at the lowest rate that they tell well.
    pub(super) fn new(
        calibration: &[f64],
        rate: Option<f64>,
        known: Option<Range<u64>>,
    ) -> Result<Self, Status> {
        let told = TOP / (calibration.len() as f64 + 1.0);
        let rate = rate.unwrap_or(told).max(told);
        let alpha = EProcess::default().alpha.get();
        let process = EProcessWatcher::new(calibration, rate, alpha)?;
        Ok(Self { process, alpha, rate, known, rows: 0, exceedances: 0, best: None, alarm_step: None })
    }

    /// The scores of the next rows, in step order.
    pub(super) fn see(&mut self, steps: &[u64], scores: &[f64]) -> Result<(), Status> {
        let mut rest = scores;
        for same in steps.chunk_by(|a, b| a == b) {
            let (own, others) = rest.split_at(same.len().min(rest.len()));
            rest = others;
            let Some(&step) = same.first() else { continue };
            if self.known.as_ref().is_some_and(|known| known.contains(&step)) {
                continue;
            }
            let evidence = self.process.step(own)?;
            self.rows += own.len();
            self.exceedances += evidence.exceedances;
            if self.best.is_none_or(|(largest, _)| evidence.ln_e_value > largest) {
                self.best = Some((evidence.ln_e_value, step));
            }
            if evidence.alarm {
                self.alarm_step.get_or_insert(step);
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> Alarm {
        let (ln_e_value, step) = self.best.unwrap_or_default();
        Alarm {
            rate: self.rate,
            rate_bound: self.process.rate_bound(),
            observed_rate: self.exceedances as f64 / self.rows.max(1) as f64,
            ln_e_value,
            step,
            alarm_step: self.alarm_step,
            alpha: self.alpha,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alarm_names_its_step_and_known_steps_are_no_news() {
        let calibration: Vec<f64> = (0..2000).map(f64::from).collect();
        let run = |known: Option<Range<u64>>| {
            let mut watch = Watch::new(&calibration, Some(1e-3), known).unwrap();
            for step in 0..40 {
                let high = if step >= 20 { 30.0 } else { 0.0 };
                let scores: Vec<f64> =
                    (0..100).map(|i| if f64::from(i) < high { 5000.0 } else { 500.0 }).collect();
                watch.see(&[step; 100], &scores).unwrap();
            }
            watch.finish()
        };
        let alarm = run(None);
        assert_eq!(alarm.rate, 10.0 / 2001.0, "2000 scores do not tell a rate of 1e-3 well");
        assert!(alarm.alarm_step.is_some_and(|step| (20..23).contains(&step)), "{alarm:?}");
        assert_eq!(alarm.observed_rate, 0.15);
        let quiet = run(Some(20..40));
        assert_eq!((quiet.alarm_step, quiet.observed_rate), (None, 0.0));
    }
}
