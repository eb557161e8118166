//! A reward against an evaluation: do they go together, and from where on do they not?

use super::kendall::{self, Kendall};
use super::series::{MIN_MEANS, Series};
use crate::foundation::failure::Status;
use crate::monitor::length::spearman;
use serde::Serialize;

/// A reward and an evaluation at the same steps.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Pair {
    /// The reward's column.
    pub reward: String,
    /// The evaluation's column.
    pub evaluation: String,
    /// Steps at which both are known.
    pub n: usize,
    /// Their Spearman correlation; `None` where one of them is constant.
    pub spearman: Option<f64>,
    /// Where they part, if they do.
    pub parting: Option<Parting>,
}

/// From the best evaluation on the reward rises and the evaluation falls.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parting {
    /// The step of the best evaluation (of means over neighbouring ones).
    pub step: u64,
    /// The reward there and at the end.
    pub reward: [f64; 2],
    /// The evaluation there and at the end.
    pub evaluation: [f64; 2],
    /// How the reward moves from there on.
    pub reward_trend: Kendall,
    /// How the evaluation moves from there on.
    pub evaluation_trend: Kendall,
}

/// Compares them at the steps of the evaluation, each with the last reward up to it.
///
/// # Errors
/// [`Status::TooFew`] of fewer than ten such steps.
pub fn pair(reward: &Series, evaluation: &Series) -> Result<Pair, Status> {
    let mut both: Vec<(u64, f64, f64)> = Vec::new();
    for (step, value) in evaluation.steps.iter().zip(&evaluation.values) {
        let at = reward.steps.partition_point(|other| other <= step);
        if let Some(own) = at.checked_sub(1).and_then(|at| reward.values.get(at)) {
            both.push((*step, *own, *value));
        }
    }
    if both.len() < MIN_MEANS {
        return Err(Status::TooFew {
            what: "steps with both a reward and an evaluation",
            have: both.len(),
            need: MIN_MEANS,
        });
    }
    let column = |of: fn(&(u64, f64, f64)) -> f64| both.iter().map(of).collect::<Vec<f64>>();
    let (rewards, evaluations) = (column(|b| b.1), column(|b| b.2));
    Ok(Pair {
        reward: reward.name.clone(),
        evaluation: evaluation.name.clone(),
        n: both.len(),
        spearman: spearman(&rewards, &evaluations),
        parting: parting(&both, &rewards, &evaluations),
    })
}

fn parting(both: &[(u64, f64, f64)], rewards: &[f64], evaluations: &[f64]) -> Option<Parting> {
    let near = |values: &[f64], at: usize| {
        let own = values.get(at.saturating_sub(1)..(at + 2).min(values.len())).unwrap_or_default();
        own.iter().sum::<f64>() / own.len().max(1) as f64
    };
    let best = (0..both.len()).max_by(|a, b| near(evaluations, *a).total_cmp(&near(evaluations, *b)))?;
    let trend = |values: &[f64]| values.get(best..).map(kendall::of_blocks);
    let (reward_trend, evaluation_trend) = (trend(rewards)?, trend(evaluations)?);
    if reward_trend.direction() != 1 || evaluation_trend.direction() != -1 {
        return None;
    }
    let last = both.len() - 1;
    Some(Parting {
        step: both.get(best)?.0,
        reward: [near(rewards, best), near(rewards, last)],
        evaluation: [near(evaluations, best), near(evaluations, last)],
        reward_trend,
        evaluation_trend,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(name: &str, every: u64, level: impl Fn(f64) -> f64) -> Series {
        let steps: Vec<u64> = (0..300).filter(|step| step % every == 0).collect();
        // A fixed ripple, so that neither is a straight line.
        let values = steps.iter().map(|s| level(*s as f64) + 0.01 * ((s * 7) % 11) as f64).collect();
        Series { name: name.to_owned(), steps, values }
    }

    #[test]
    fn they_part_where_one_rises_and_the_other_falls() {
        let reward = series("reward", 1, |s| s / 300.0);
        let peaked = series("eval", 10, |s| 1.0 - (s - 100.0).abs() / 200.0);
        let found = pair(&reward, &peaked).unwrap();
        let parting = found.parting.unwrap();
        assert!(found.n == 30 && parting.step.abs_diff(100) <= 20, "{parting:?}");
        assert!(parting.reward[1] > parting.reward[0] && parting.evaluation[1] < parting.evaluation[0]);
        let together = pair(&reward, &series("eval", 10, |s| s / 600.0)).unwrap();
        assert!(together.parting.is_none() && together.spearman.is_some_and(|rho| rho > 0.9));
        let few = pair(&reward, &series("eval", 100, |s| s));
        assert!(matches!(few, Err(Status::TooFew { have: 3, .. })));
    }
}
