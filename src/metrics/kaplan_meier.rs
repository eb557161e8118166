//! Durations of which some are only known to be longer: response windows that never closed.
//!
//! Sources: Kaplan & Meier 1958; Greenwood 1926 with the log(−log) transform of Kalbfleisch & Prentice 1980; interval
//! of the median by inverting it (Brookmeyer & Crowley 1982).

use crate::foundation::bootstrap::Interval;
use crate::foundation::failure::Status;
use crate::foundation::scalar::OpenProbability;
use crate::foundation::wilson::{Proportion, proportion};
use statrs::function::erf::erfc_inv;
use std::f64::consts::SQRT_2;

/// One duration, in steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Duration {
    /// Steps until the event, or until looking ended.
    pub steps: u64,
    /// Whether the event came; `false` is a censored duration: longer than `steps`.
    pub observed: bool,
}

/// The survival curve right after one time at which an event came.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SurvivalStep {
    /// Duration, in steps.
    pub steps: u64,
    /// Durations that reached this time, those censored at it among them.
    pub at_risk: u64,
    /// Events at it.
    pub events: u64,
    /// Estimated P(duration > steps).
    pub survival: f64,
    /// Pointwise interval; `None` once the curve has reached 0, where the transform has no value.
    pub interval: Option<Interval>,
}

/// A Kaplan–Meier estimate.
#[derive(Debug, Clone, PartialEq)]
pub struct Survival {
    /// One entry for each distinct time of an event, ascending; survival is 1 before the first.
    pub curve: Vec<SurvivalStep>,
    /// Smallest time at which survival is ½ or less; `None` where the curve stays above ½: the median is then longer
    /// than anything seen.
    pub median: Option<u64>,
    /// Smallest time at which the lower limit of survival is ½ or less; `None` where it stays above.
    pub median_low: Option<u64>,
    /// The same of the upper limit; `None`, which is common with few runs, means that there is no finite upper end.
    pub median_high: Option<u64>,
    /// Share of durations in which the event never came within the time looked at.
    pub never: Proportion,
}

/// Kaplan–Meier estimate with pointwise intervals at `confidence`.
///
/// Events come before censorings at the same time. [`Status::TooFew`] without durations; all censored is no failure:
/// the curve is then empty, the median `None` and `never` says the rest.
pub fn kaplan_meier(durations: &[Duration], confidence: OpenProbability) -> Result<Survival, Status> {
    let n = durations.len() as u64;
    if n == 0 {
        return Err(Status::TooFew { what: "windows", have: 0, need: 1 });
    }
    let z = SQRT_2 * erfc_inv(1.0 - confidence.get());
    let mut ascending = durations.to_vec();
    ascending.sort_unstable_by_key(|d| d.steps);

    let mut curve: Vec<SurvivalStep> = Vec::new();
    let (mut at_risk, mut survival, mut greenwood) = (n, 1.0, 0.0);
    for same in ascending.chunk_by(|a, b| a.steps == b.steps) {
        let events = same.iter().filter(|d| d.observed).count() as u64;
        if let (Some(first), true) = (same.first(), events > 0) {
            let left = at_risk - events;
            survival *= left as f64 / at_risk as f64;
            let interval = (left > 0).then(|| {
                greenwood += events as f64 / (at_risk as f64 * left as f64);
                log_log(survival, greenwood, z)
            });
            curve.push(SurvivalStep { steps: first.steps, at_risk, events, survival, interval });
        }
        at_risk -= same.len() as u64;
    }
    let never = proportion(durations.iter().filter(|d| !d.observed).count() as u64, n, confidence)?;
    let reaches_half = |value: fn(&SurvivalStep) -> Option<f64>| {
        // A product of fractions that is ½ on paper may miss it by rounding.
        curve.iter().find(|step| value(step).is_some_and(|s| s <= 0.5 + 1e-12)).map(|step| step.steps)
    };
    Ok(Survival {
        median: reaches_half(|step| Some(step.survival)),
        // Where the curve is 0 its lower limit is 0 too, whatever the transform says.
        median_low: reaches_half(|step| Some(step.interval.map_or(0.0, |i| i.low))),
        median_high: reaches_half(|step| step.interval.map(|i| i.high)),
        curve,
        never,
    })
}

/// S^exp(±z·√G/|ln S|), the limits of log(−log S); `survival` lies strictly between 0 and 1.
fn log_log(survival: f64, greenwood: f64, z: f64) -> Interval {
    let half = z * greenwood.sqrt() / -survival.ln();
    Interval { low: survival.powf(half.exp()), high: survival.powf((-half).exp()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    const LEVEL: OpenProbability = OpenProbability::known(0.95);

    fn durations(pairs: &[(u64, bool)]) -> Vec<Duration> {
        pairs.iter().map(|&(steps, observed)| Duration { steps, observed }).collect()
    }

    #[test]
    fn a_hand_example_with_ties_and_a_censoring_at_an_event() {
        // Seven windows: 2, 3, 3, 3+, 5+, 7, 8+.
        let data =
            durations(&[(3, true), (2, true), (8, false), (3, false), (3, true), (7, true), (5, false)]);
        let km = kaplan_meier(&data, LEVEL).unwrap();
        let rows: Vec<(u64, u64, u64)> = km.curve.iter().map(|s| (s.steps, s.at_risk, s.events)).collect();
        assert_eq!(rows, [(2, 7, 1), (3, 6, 2), (7, 2, 1)]);
        let expected = [6.0 / 7.0, 6.0 / 7.0 * 4.0 / 6.0, 2.0 / 7.0];
        for (step, s) in km.curve.iter().zip(expected) {
            assert!((step.survival - s).abs() < 1e-15);
        }
        // Greenwood at 3: 1/(7·6) + 2/(6·4).
        let g: f64 = 1.0 / 42.0 + 2.0 / 24.0;
        let s: f64 = 4.0 / 7.0;
        let c = 1.959_963_984_540_054 * g.sqrt() / -s.ln();
        let interval = km.curve[1].interval.unwrap();
        assert!((interval.low - s.powf(c.exp())).abs() < 1e-10);
        assert!((interval.high - s.powf((-c).exp())).abs() < 1e-10);
        assert_eq!(km.median, Some(7));
        assert_eq!((km.never.hits, km.never.trials), (3, 7));
    }

    #[test]
    fn a_curve_at_zero_has_no_upper_end_of_its_median() {
        let km = kaplan_meier(&durations(&[(1, true), (4, true)]), LEVEL).unwrap();
        assert_eq!(km.curve[1].survival, 0.0);
        assert_eq!(km.curve[1].interval, None);
        assert_eq!((km.median, km.median_low, km.median_high), (Some(1), Some(1), None));
        let one = kaplan_meier(&durations(&[(4, true)]), LEVEL).unwrap();
        assert_eq!((one.median, one.median_low, one.median_high), (Some(4), Some(4), None));
    }

    #[test]
    fn windows_that_never_close_have_no_median() {
        let km = kaplan_meier(&durations(&[(10, false), (20, false)]), LEVEL).unwrap();
        assert!(km.curve.is_empty());
        assert_eq!((km.median, km.median_low, km.median_high), (None, None, None));
        assert_eq!(km.never.value, 1.0);
        assert!(matches!(kaplan_meier(&[], LEVEL), Err(Status::TooFew { .. })));
    }
}
