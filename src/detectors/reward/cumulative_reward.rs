//! What an outcome was paid so far, over all its visits.

use crate::detectors::input::{counted, digits, finite, named, proxy, scores, steps, words};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::order::median;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The score is s = Σ (U − median of the step) over the visits of a rollout's outcome, up to and with this step.
///
/// What is paid a little too much time and again stands out here before any single reward of it does: after n visits the sum has grown n
/// times, its noise √n times. It is the policy gradient as whoever sees rewards alone can add it up: on a table without a baseline, updates of equal size move ln π of an
/// outcome in proportion to it, up to a shift (Williams 1992, *Machine Learning* 8:229), so it stands in for `log_ratio` where no log-probabilities are kept.
/// Honest outcomes that pay well and are visited often rise with it. Where every trajectory is a new one it is the reward less the step's median.
///
/// An infinite reward counts as the largest number. Scoring refuses with [`Status::Missing`] where step or outcome is absent, and with
/// [`Status::Undefined`] on a NaN.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CumulativeReward {}

const NEEDS: [&str; 2] = ["step", "outcome"];

impl Detector for CumulativeReward {
    fn access(&self) -> Access {
        Access::Reward
    }
    fn needs(&self) -> Vec<String> {
        named(&NEEDS)
    }
    /// Nothing is learned from the calibration rollouts, which are no part of the run.
    fn fit(&self, _: &Observed, _: &mut Stream) -> Fitted {
        Fitted::Ready(Box::new(Visits::default()))
    }
}

/// What an outcome was paid so far.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    excess: f64,
    visits: u64,
}

impl Sum {
    fn add(&mut self, excess: f64) {
        self.excess = finite(self.excess + excess);
        self.visits += 1;
    }
}

/// The run so far.
#[derive(Default)]
struct Visits {
    by_outcome: HashMap<u64, Sum>,
    last: Option<u64>,
}

fn columns(batch: &Observed) -> Result<(&[f64], &[u64]), Status> {
    let [step, outcome] = NEEDS;
    words(batch, step)?;
    Ok((proxy(batch)?, words(batch, outcome)?))
}

impl Scorer for Visits {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let (rewards, outcomes) = columns(batch)?;
        if batch.step.first().is_some_and(|first| self.last.is_some_and(|last| *first <= last)) {
            self.restart();
        }
        let mut sums = Vec::with_capacity(batch.len());
        for rows in steps(batch) {
            let Some((rewards, outcomes)) = rewards.get(rows.clone()).zip(outcomes.get(rows)) else {
                continue;
            };
            let middle = finite(median(rewards).unwrap_or(0.0));
            for (outcome, reward) in outcomes.iter().zip(rewards) {
                self.by_outcome.entry(*outcome).or_default().add(finite(finite(*reward) - middle));
            }
            let sum = |outcome: &u64| self.by_outcome.get(outcome).map_or(0.0, |sum| sum.excess);
            sums.extend(outcomes.iter().map(sum));
        }
        self.last = batch.step.last().copied().or(self.last);
        scores(sums)
    }

    fn restart(&mut self) {
        *self = Self::default();
    }

    /// With what is known of the run: all visits that were scored.
    fn explain(&self, batch: &Observed, row: usize) -> String {
        let Some(outcome) = batch.outcome.get(row) else {
            return "its outcome is absent".into();
        };
        match self.by_outcome.get(outcome) {
            Some(Sum { excess, visits }) => format!(
                "outcome {outcome} was paid {} more than its steps' medians in {} so far",
                digits(*excess),
                counted(*visits, "visit"),
            ),
            None => format!("outcome {outcome} was not scored in this run"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(step: &[u64], outcome: &[u64], proxy: &[f64]) -> Observed {
        Observed {
            proxy: proxy.to_vec(),
            step: step.to_vec(),
            outcome: outcome.to_vec(),
            ..Observed::default()
        }
    }

    #[test]
    fn an_outcome_has_what_all_its_visits_were_paid_beyond_the_step() {
        // Medians 1 and 2.
        let whole = batch(&[0, 0, 0, 3, 3, 3], &[7, 8, 9, 7, 9, 7], &[5.0, 1.0, 0.0, 4.0, 2.0, 1.0]);
        let expected = [4.0, 0.0, -1.0, 5.0, -1.0, 5.0];
        let mut at_once = Visits::default();
        assert_eq!(at_once.score(&whole).unwrap().values(), expected);
        let mut streamed = Visits::default();
        let first = batch(&[0, 0, 0], &[7, 8, 9], &[5.0, 1.0, 0.0]);
        let second = batch(&[3, 3, 3], &[7, 9, 7], &[4.0, 2.0, 1.0]);
        let mut made = streamed.score(&first).unwrap().values().to_vec();
        assert_eq!(
            streamed.explain(&first, 0),
            "outcome 7 was paid 4 more than its steps' medians in 1 visit so far"
        );
        made.extend(streamed.score(&second).unwrap().values());
        assert_eq!(made, expected);
        assert!(streamed.explain(&second, 0).contains("paid 5 more than its steps' medians in 3 visits"));
        // The same run again is another one.
        assert_eq!(streamed.score(&whole).unwrap().values(), expected);
    }

    #[test]
    fn a_constant_added_to_a_step_changes_nothing() {
        let plain = batch(&[0, 0, 0, 1, 1, 1], &[1, 2, 3, 1, 2, 3], &[0.0, 2.0, 8.0, 1.0, 3.0, 4.0]);
        let mut harder = plain.clone();
        harder.proxy[3..].iter_mut().for_each(|reward| *reward -= 64.0);
        let scored = |log: &Observed| Visits::default().score(log).unwrap().values().to_vec();
        assert_eq!(scored(&plain), scored(&harder));
    }

    #[test]
    fn sums_stay_numbers_and_what_is_missing_is_told() {
        let mut scorer = Visits::default();
        let extreme = batch(&[0, 0, 1], &[1, 1, 1], &[f64::INFINITY, f64::MAX, f64::NEG_INFINITY]);
        assert!(scorer.score(&extreme).unwrap().values().iter().all(|score| score.is_finite()));
        assert!(matches!(scorer.score(&batch(&[2], &[1], &[f64::NAN])), Err(Status::Undefined { .. })));
        let bare = Observed { proxy: vec![1.0], step: vec![0], ..Observed::default() };
        assert_eq!(scorer.score(&bare).err(), Some(Status::Missing { column: "outcome".into() }));
        assert!(scorer.explain(&bare, 0).contains("absent"));
    }
}
