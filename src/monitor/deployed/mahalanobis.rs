//! An alarm on single samples whose hidden states lie far from those of trusted rollouts.

use super::contract::{Alarm, Ground, Look, Monitor, Observer, Seen, Watching};
use super::log_ratio::conformal;
use crate::detectors::features::Mahalanobis as Distance;
use crate::detectors::{Detector as _, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::scalar::OpenProbability;
use crate::record::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Alarms at the first sample whose squared Mahalanobis distance from the trusted rollouts' hidden states is above a threshold that the trained policy
/// exceeds within the horizon with probability at most `level`.
///
/// Mean and covariance are those of every second trusted rollout; the threshold is a large one of the distances of the others, by the
/// rank that `log_ratio` takes too, so that the level holds whatever the law. A policy on a table has no hidden states, and `[deployment]` shifts tables alone: this one serves from the library.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Mahalanobis {
    /// P(an alarm within the horizon) under the trained policy, at most.
    pub level: OpenProbability,
}

impl Default for Mahalanobis {
    fn default() -> Self {
        Self { level: OpenProbability::known(0.05) }
    }
}

impl Monitor for Mahalanobis {
    fn observer(&self) -> Observer {
        Observer::Hidden
    }

    fn start(&self, mut ground: Ground<'_>) -> Result<Box<dyn Watching>, Status> {
        let states: Option<Vec<&[f64]>> = ground.trusted.iter().map(|sample| sample.hidden).collect();
        let width = states.as_ref().and_then(|states| states.first()).map_or(0, |own| own.len());
        let states = states.filter(|states| width > 0 && states.iter().all(|own| own.len() == width));
        let states = states.ok_or_else(|| Status::Missing { column: "hidden states".to_owned() })?;
        let half = |first: usize| states.iter().skip(first).step_by(2).copied();
        let mut scorer = match Distance::default().fit(&rows(half(0), width), &mut ground.rng) {
            Fitted::Ready(scorer) => scorer,
            Fitted::Refused(status) => return Err(status),
        };
        let distances = scorer.score(&rows(half(1), width))?.values().to_vec();
        let threshold =
            conformal(distances, ground.horizon, self.level.get()).map_err(|status| match status {
                // Half of them are for the covariance.
                Status::TooFew { what, need, .. } => {
                    Status::TooFew { what, have: states.len(), need: 2 * need }
                }
                other => other,
            })?;
        Ok(Box::new(Far { scorer, threshold, row: rows(std::iter::once(&vec![0.0; width][..]), width) }))
    }
}

/// Hidden states as feature columns.
fn rows<'a>(states: impl Iterator<Item = &'a [f64]> + Clone, width: usize) -> Observed {
    let column = |place: usize| (format!("hidden_{place}"), states.clone().map(|own| own[place]).collect());
    Observed {
        proxy: states.clone().map(|_| 0.0).collect(),
        features: (0..width).map(column).collect(),
        ..Observed::default()
    }
}

struct Far {
    scorer: Box<dyn Scorer>,
    threshold: f64,
    /// The sample at hand, in place.
    row: Observed,
}

impl Watching for Far {
    fn see(&mut self, seen: Seen<'_>, _: &mut Look<'_>) -> Option<Alarm> {
        let Seen::Hidden(states) = seen else { return None };
        for ((_, column), state) in self.row.features.iter_mut().zip(states) {
            column.iter_mut().for_each(|cell| *cell = *state);
        }
        // States that have no distance are as far as can be.
        let scores = self.scorer.score(&self.row).ok();
        let value = scores.and_then(|scores| scores.values().first().copied()).unwrap_or(f64::INFINITY);
        (value > self.threshold).then_some(Alarm::Beyond { value, threshold: self.threshold })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Sample;
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree, Stream};
    use crate::foundation::special::normal_upper_quantile;

    /// Correlated states of a heavy tail, `away` of them in the direction in which they vary least.
    fn states(rng: &mut Stream, away: f64) -> Vec<f64> {
        let scale = rng.open_unit().powf(-0.25);
        let mut normal = || scale * normal_upper_quantile(rng.open_unit());
        let (a, b, c) = (normal(), 0.1 * normal(), normal());
        vec![a + b + away, a - b - away, c]
    }

    fn samples(states: &[Vec<f64>]) -> Vec<Sample<'_>> {
        let sample = |own| Sample { outcome: 0, reward: 0.0, log_ratio: None, hidden: Some(own) };
        states.iter().map(|own| sample(&own[..])).collect()
    }

    fn start(trusted: &[Sample<'_>], horizon: u64) -> Result<Box<dyn Watching>, Status> {
        let rng = SeedTree::new(1, 0).stream(Purpose::Deployment, 0);
        Mahalanobis::default().start(Ground { trusted, law: None, horizon, rng })
    }

    #[test]
    fn the_level_holds_under_a_heavy_tail_and_what_lies_across_is_seen_at_once() {
        // 1000 deployments of 20 samples by 1000 trusted: at most 20/520 = 3.8%, and three standard errors are 1.9 points.
        let (mut falsely, mut seen) = (0, 0);
        for replicate in 0..1000 {
            let mut rng = SeedTree::new(3, 0).stream(Purpose::Bootstrap, replicate);
            let trusted: Vec<Vec<f64>> = (0..1000).map(|_| states(&mut rng, 0.0)).collect();
            let mut own = start(&samples(&trusted), 20).unwrap();
            let mut alarms =
                |away: f64| own.see(Seen::Hidden(&states(&mut rng, away)), &mut || false).is_some();
            falsely += usize::from((0..20).any(|_| alarms(0.0)));
            // Within the range of each coordinate, and far off the line on which they lie.
            seen += usize::from(alarms(4.0));
        }
        let (falsely, seen) = (falsely as f64 / 1000.0, seen as f64 / 1000.0);
        assert!(falsely < 0.057 && falsely > 0.015, "{falsely}");
        assert!(seen > 0.95, "{seen}");
    }

    #[test]
    fn without_hidden_states_or_with_too_few_trusted_there_is_a_status() {
        let bare = [Sample { outcome: 0, reward: 0.0, log_ratio: None, hidden: None }; 9];
        assert_eq!(start(&bare, 1).err(), Some(Status::Missing { column: "hidden states".into() }));
        let mut rng = SeedTree::new(3, 0).stream(Purpose::Bootstrap, 0);
        let few: Vec<Vec<f64>> = (0..100).map(|_| states(&mut rng, 0.0)).collect();
        let status = start(&samples(&few), 20).err();
        assert_eq!(status, Some(Status::TooFew { what: "trusted rollouts", have: 100, need: 760 }));
    }
}
