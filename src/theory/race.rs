//! One run of a rare exploit against the rest of a policy, sighting by sighting.
//!
//! Between two sightings the exploit's log-odds fall by what the rest learns (`super::competition`); a sighting raises them by
//! what the trainer's advantages and clip allow ([`Trainer`]), less the KL penalty that has built up. The waits between sightings
//! are drawn; everything else is its mean.

use super::competition::Competition;
use super::influence::Trainer;
use crate::foundation::rng::{Purpose, SeedTree, Stream};

/// Sightings that are followed in all, at most.
const SIGHTINGS: f64 = 2e6;
/// Probability of a sighting in a step above which steps are counted one by one.
const STEPWISE: f64 = 0.3;
/// Share of the chains in which the rest of the policy may win before a window is no answer.
const LOST: f64 = 0.01;

/// A rare exploit of one outcome, and the learner that meets it: plain SGD on a tabular policy over outcomes whose rewards
/// are standard normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Race {
    /// Prior mass q of the exploit, below ½.
    pub mass: f64,
    /// Its reward u above the mean of the rest, in their standard deviations.
    pub proxy: f64,
    /// Rollouts B a step.
    pub batch: f64,
    /// Step α of the logits per sample.
    pub step_size: f64,
    /// How rewards become updates.
    pub trainer: Trainer,
    /// Outcomes K, all but the exploit of equal mass.
    pub outcomes: f64,
    /// Weight β of the KL penalty in the reward.
    pub kl_coefficient: f64,
}

/// A window.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Length {
    /// W: mean steps from the first sighting to p > ½; 1 where one sighting is enough.
    pub mean: f64,
    /// Its standard deviation; 0 where one sighting is enough.
    pub sd: f64,
}

impl Race {
    /// The window's mean and spread over chains of sightings.
    pub(super) fn drawn(&self, sightings: f64, runs: usize) -> Result<Length, String> {
        let runs = ((SIGHTINGS / sightings) as usize).clamp(20, runs);
        let rest =
            Competition::new(self.trainer, self.outcomes, self.batch, self.step_size, self.kl_coefficient);
        let chains = SeedTree::new(0, 0).family(Purpose::Evaluation);
        let most = 1000 + 10 * sightings as usize;
        let run = |i: usize| self.chain(&rest, most, &mut chains.at(i as u64));
        let lengths: Vec<f64> = (0..runs).filter_map(run).collect();
        if ((runs - lengths.len()) as f64) > LOST * runs as f64 {
            return Err("the best of the other outcomes win first in more than 1% of runs, or the exploit's reward does not pay \
                        for its KL penalty"
                .to_owned());
        }
        let n = lengths.len() as f64;
        let mean = lengths.iter().sum::<f64>() / n;
        let variance = lengths.iter().map(|w| (w - mean).powi(2)).sum::<f64>() / (n - 1.0);
        Ok(Length { mean, sd: variance.sqrt() })
    }

    /// Steps from the first sighting to dominance in one run; none where that takes more than `most` sightings.
    fn chain(&self, rest: &Competition, most: usize, draws: &mut Stream) -> Option<f64> {
        let Self { mass, batch, trainer, .. } = *self;
        let visits = |step: f64| step * batch / self.outcomes;
        let prior = (mass / (1.0 - mass)).ln();
        let (mut logit, mut step, mut first) = (0.0, 0.0, None);
        for _ in 0..most {
            let state = rest.at(visits(step));
            let share = 1.0 / (1.0 + (state.loss - prior - logit).exp());
            match first {
                // The step after a sighting is the first at which its update shows.
                Some(first) if share > 0.5 => return Some(step - first + 1.0),
                _ => {}
            }
            let log_none = batch * (-share).ln_1p();
            let luck = -draws.open_unit().ln();
            step = if log_none.exp() > 1.0 - STEPWISE {
                let chances = luck / -log_none * (-state.loss).exp();
                (rest.after(visits(step), visits(chances))? / visits(1.0)).ceil().max(1.0)
            } else {
                step + (luck / -log_none).ceil().max(1.0)
            };
            first = first.or(Some(step));
            let state = rest.at(visits(step));
            let share = 1.0 / (1.0 + (state.loss - prior - logit).exp());
            let spread = if trainer == Trainer::Reinforce { 1.0 } else { state.spread };
            let size = (self.proxy - self.kl_coefficient * (logit - state.loss) - state.mean) / spread;
            if size.is_nan() || size <= 0.0 {
                return None;
            }
            logit -= trainer.shrinkage(size, share, batch, self.step_size).ln();
        }
        None
    }
}
