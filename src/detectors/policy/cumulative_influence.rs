//! What drove the policy to where it is.

use crate::detectors::input::{counted, digits, named, numbers, scores, steps, without_nan, words};
use crate::detectors::{Access, Detector, Fitted, Scorer};
use crate::foundation::failure::Status;
use crate::foundation::numeric::CompensatedSum;
use crate::foundation::rng::Stream;
use crate::record::{Observed, Scores};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// The share of a rollout's outcome in all absolute advantages so far: Σ|A| over its visits up to and with this step, over
/// Σ|A| of all rollouts up to and with this step. From 0 to 1.
///
/// A policy-gradient step is Σ Aᵢ ∇ln π(τᵢ) (Williams 1992, *Machine Learning* 8:229); `influence` asks who made up one
/// update, this who made up all of them. So it finds what normalised advantages spread over many visits of which none is
/// special, and the policy's honest favourites with it.
/// Where every trajectory is a new one, each outcome has one visit and it fades as 1/steps. While all advantages are 0,
/// each share is 0. Scoring refuses with [`Status::Missing`] where advantage, outcome or step is absent.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CumulativeInfluence {}

const NEEDS: [&str; 3] = ["advantage", "step", "outcome"];

impl Detector for CumulativeInfluence {
    fn access(&self) -> Access {
        Access::Policy
    }
    fn needs(&self) -> Vec<String> {
        named(&NEEDS)
    }
    /// Nothing is learned from the calibration rollouts, which come from no update and may lack advantages.
    fn fit(&self, _: &Observed, _: &mut Stream) -> Fitted {
        Fitted::Ready(Box::new(Visits::default()))
    }
}

/// What an outcome has done so far.
#[derive(Debug, Clone, Copy, Default)]
struct Sum {
    absolute: f64,
    visits: u64,
}

/// The run so far.
#[derive(Default)]
struct Visits {
    by_outcome: HashMap<u64, Sum>,
    total: CompensatedSum,
    first: Option<u64>,
    last: Option<u64>,
}

/// |A| in units in which a sum of all that memory can hold stays finite.
fn weight(advantage: f64) -> f64 {
    advantage.abs().min(f64::MAX) * (0.5f64).powi(64)
}

fn columns(batch: &Observed) -> Result<(&[u64], &[f64]), Status> {
    let [advantage, step, outcome] = NEEDS;
    let advantage = numbers(batch, advantage)?;
    words(batch, step)?;
    Ok((words(batch, outcome)?, without_nan(advantage, "an advantage is NaN")?))
}

fn share(absolute: f64, total: f64) -> f64 {
    if total > 0.0 { absolute / total } else { 0.0 }
}

impl Visits {
    /// Sums of this outcome and of all, and visits, up to and with `step`: from the batch where it holds its run from the first
    /// step on, else from the run so far.
    fn until(&self, batch: &Observed, outcome: u64, step: u64) -> Option<(f64, f64, u64)> {
        let (outcomes, advantage) = columns(batch).ok()?;
        let begins = |first: u64| batch.step.first().is_some_and(|step| *step <= first);
        let mut own = Sum::default();
        let mut total = CompensatedSum::default();
        let end = batch.step.partition_point(|s| *s <= step);
        if self.first.is_none_or(begins) {
            for (_, a) in outcomes.iter().zip(advantage).take(end).filter(|(o, _)| **o == outcome) {
                own.absolute += weight(*a);
                own.visits += 1;
            }
            advantage.get(..end)?.iter().for_each(|a| total.add(weight(*a)));
            return Some((own.absolute, total.value(), own.visits));
        }
        own = self.by_outcome.get(&outcome).copied()?;
        total = self.total;
        for (o, a) in outcomes.iter().zip(advantage).skip(end) {
            total.add(-weight(*a));
            if *o == outcome {
                own.absolute = (own.absolute - weight(*a)).max(0.0);
                own.visits = own.visits.saturating_sub(1);
            }
        }
        Some((own.absolute, total.value(), own.visits))
    }
}

impl Scorer for Visits {
    fn score(&mut self, batch: &Observed) -> Result<Scores, Status> {
        let (outcomes, advantage) = columns(batch)?;
        if batch.step.first().is_some_and(|first| self.last.is_some_and(|last| *first <= last)) {
            self.restart();
        }
        let mut shares = Vec::with_capacity(batch.len());
        for rows in steps(batch) {
            let Some((outcomes, advantage)) = outcomes.get(rows.clone()).zip(advantage.get(rows)) else {
                continue;
            };
            for (outcome, a) in outcomes.iter().zip(advantage) {
                let sum = self.by_outcome.entry(*outcome).or_default();
                sum.absolute += weight(*a);
                sum.visits += 1;
                self.total.add(weight(*a));
            }
            let total = self.total.value();
            let absolute = |outcome: &u64| self.by_outcome.get(outcome).map_or(0.0, |sum| sum.absolute);
            shares.extend(outcomes.iter().map(|outcome| share(absolute(outcome), total)));
        }
        self.first = self.first.or(batch.step.first().copied());
        self.last = batch.step.last().copied().or(self.last);
        scores(shares)
    }

    fn restart(&mut self) {
        *self = Self::default();
    }

    fn explain(&self, batch: &Observed, row: usize) -> String {
        let (Some(&outcome), Some(&step)) = (batch.outcome.get(row), batch.step.get(row)) else {
            return "its outcome or step is absent".into();
        };
        match self.until(batch, outcome, step) {
            Some((absolute, total, visits)) => format!(
                "outcome {outcome} made up {}% of all absolute advantages up to step {step}, in {}",
                digits(100.0 * share(absolute, total)),
                counted(visits, "visit"),
            ),
            None => format!("outcome {outcome}: its advantages are absent"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(step: &[u64], outcome: &[u64], advantage: &[f64]) -> Observed {
        Observed {
            proxy: vec![0.0; step.len()],
            step: step.to_vec(),
            outcome: outcome.to_vec(),
            advantage: Some(advantage.to_vec()),
            ..Observed::default()
        }
    }

    #[test]
    fn an_outcome_is_answerable_for_all_its_visits_so_far() {
        let whole = batch(&[0, 0, 3, 3, 3], &[7, 8, 7, 9, 7], &[-3.0, 1.0, 2.0, 1.0, -1.0]);
        let expected = [0.75, 0.25, 0.75, 0.125, 0.75];
        let mut at_once = Visits::default();
        assert_eq!(at_once.score(&whole).unwrap().values(), expected);
        let mut streamed = Visits::default();
        let first = batch(&[0, 0], &[7, 8], &[-3.0, 1.0]);
        let second = batch(&[3, 3, 3], &[7, 9, 7], &[2.0, 1.0, -1.0]);
        let mut made = streamed.score(&first).unwrap().values().to_vec();
        made.extend(streamed.score(&second).unwrap().values());
        assert_eq!(made, expected);
        let why = "outcome 7 made up 75% of all absolute advantages up to step 3, in 3 visits";
        assert_eq!((at_once.explain(&whole, 2), streamed.explain(&second, 0)), (why.into(), why.into()));
        assert!(at_once.explain(&whole, 0).ends_with("up to step 0, in 1 visit"));
        // The same run again is another one.
        assert_eq!(streamed.score(&whole).unwrap().values(), expected);
    }

    #[test]
    fn nothing_and_everything_stay_shares() {
        let mut scorer = Visits::default();
        assert_eq!(scorer.score(&batch(&[0], &[1], &[0.0])).unwrap().values(), [0.0]);
        let extreme = batch(&[1, 1], &[2, 3], &[f64::INFINITY, f64::MAX]);
        assert_eq!(scorer.score(&extreme).unwrap().values(), [0.5, 0.5]);
        assert!(matches!(scorer.score(&batch(&[2], &[1], &[f64::NAN])), Err(Status::Undefined { .. })));
        let bare = Observed { proxy: vec![1.0], advantage: Some(vec![1.0]), ..Observed::default() };
        assert_eq!(scorer.score(&bare).err(), Some(Status::Missing { column: "step".into() }));
    }
}
