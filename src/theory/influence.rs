//! How far one sighting of an exploit moves the policy, for each way that trainers make advantages (F13).
//!
//! A lone outlier of size u among rewards with mean 0 and variance 1 has, in a batch of n, the sum of squared deviations
//! S = (n − 1)/n·(u² + 1/(n − 1)) + (n − 2) in expectation, and the advantage (n − 1)/n·u/√(S/n) where the standard
//! deviation has the denominator n (batch normalisation), √(S/(n − 1)) where it has n − 1 (GRPO, Shao et al. 2024,
//! arXiv 2402.03300, as its libraries compute it). As u grows these tend to √(n − 1) and (n − 1)/√n: from a size of
//! about √n on, influence no longer depends on u.

use super::TheoryError;
use super::error::{positive, require};
use crate::foundation::special::normal_sf;

/// PPO's passes over a batch in the findings' experiments.
const EPOCHS: usize = 4;
/// PPO's clip range of the probability ratio (Schulman et al. 2017).
const CLIP: f64 = 0.2;
/// Sightings in a step above which their mean stands for all counts.
const MANY: f64 = 3.0;

/// A way from rewards to updates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Trainer {
    /// Policy gradient on rewards less their mean.
    Reinforce,
    /// The same, divided by the standard deviation of the batch.
    Normalised {
        /// Rollouts a step.
        batch: f64,
    },
    /// Batch-normalised advantages, 4 epochs, ratios clipped at 1.2.
    Ppo {
        /// Rollouts a step.
        batch: f64,
    },
    /// Advantages normalised within the group of one prompt.
    Grpo {
        /// Rollouts a prompt.
        group: f64,
    },
}

impl Trainer {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Reinforce => "reinforce",
            Self::Normalised { .. } => "normalised",
            Self::Ppo { .. } => "ppo",
            Self::Grpo { .. } => "grpo",
        }
    }

    /// The largest advantage that any reward can have; `None` where there is no bound.
    pub fn bound(self) -> Option<f64> {
        match self {
            Self::Reinforce => None,
            Self::Normalised { batch } | Self::Ppo { batch } => Some((batch - 1.0).sqrt()),
            Self::Grpo { group } => Some((group - 1.0) / group.sqrt()),
        }
    }

    /// Advantage of a lone outlier of `size` standard deviations among rewards of mean 0 and variance 1.
    ///
    /// # Errors
    /// A size that is no finite number above 0; a batch or group below 2.
    pub fn advantage(self, size: f64) -> Result<f64, TheoryError> {
        positive("proxy", size)?;
        Ok(self.rollouts()?.map_or(size, |n| self.standing_out(size, 1.0, n)))
    }

    /// Growth of the exploit's logit per lone sighting: α times its advantage, times the updates of a batch (`Trainer::updates`)
    /// in expectation over what the others of the batch earn.
    ///
    /// # Errors
    /// As for [`Trainer::advantage`]; a step size that is no finite number above 0.
    pub fn growth(self, size: f64, step_size: f64) -> Result<f64, TheoryError> {
        let once = positive("step-size", step_size)? * self.advantage(size)?;
        let growth = match self {
            Self::Ppo { batch } => passes(once, CLIP.ln_1p(), jitter(size, 1.0, batch))
                .iter()
                .zip(1..)
                .map(|(p, e)| p * f64::from(e) * once)
                .sum(),
            _ => once,
        };
        require("step-size", step_size, growth.is_finite(), "a step whose product with the proxy is finite")?;
        Ok(growth)
    }

    /// Mean of e^−g over the growths g of the exploit's logit in a step that samples it: what waiting times shrink by. The
    /// exploit holds the share `mass` of the policy and stands `size` above the rest, in their standard deviations; a batch
    /// of `batch` holds it once or several times.
    pub(super) fn shrinkage(self, size: f64, mass: f64, batch: f64, step_size: f64) -> f64 {
        let sampled = |n: f64| -(n * (-mass).ln_1p()).exp_m1();
        match self {
            Self::Reinforce => {
                let times = batch * mass / sampled(batch);
                (-step_size * size * (1.0 - times / batch) * times).exp()
            }
            Self::Grpo { group } => {
                let (times, groups) =
                    (group * mass / sampled(group), batch / group * sampled(group) / sampled(batch));
                (-step_size * self.standing_out(size, times, group) * times * groups).exp()
            }
            Self::Normalised { .. } | Self::Ppo { .. } => {
                let mean = batch * mass / sampled(batch);
                if mean > MANY {
                    return self.whitened(size, mean, mass, batch, step_size);
                }
                // The binomial law of the sightings, given one.
                let (mut share, mut times) = (batch * mass * ((batch - 1.0) * (-mass).ln_1p()).exp(), 1.0);
                let (mut sum, mut weight) = (0.0, 0.0);
                while times < batch && (times < 2.0 || share > 1e-4 * weight) {
                    sum += share * self.whitened(size, times, mass, batch, step_size);
                    weight += share;
                    share *= (batch - times) / (times + 1.0) * mass / (1.0 - mass);
                    times += 1.0;
                }
                sum / weight
            }
        }
    }

    /// e^−g for `times` sightings in a batch that is normalised as a whole.
    fn whitened(self, size: f64, times: f64, mass: f64, batch: f64, step_size: f64) -> f64 {
        let once = step_size * times * self.standing_out(size, times, batch);
        if !matches!(self, Self::Ppo { .. }) {
            return (-once).exp();
        }
        // The ratio of a share p whose logit has moved by g is e^g/(1 − p + p·e^g).
        let edge = (1.0 + CLIP) * (1.0 - mass) / (1.0 - (1.0 + CLIP) * mass);
        let edge = if mass < 1.0 / (1.0 + CLIP) { edge.ln() } else { f64::INFINITY };
        let passes = passes(once, edge, jitter(size, times, batch));
        passes.iter().zip(1..).map(|(p, e)| p * (-f64::from(e) * once).exp()).sum()
    }

    /// Updates of a sampled logit in one step, each by `once`: 1, but PPO repeats them in every epoch until the ratio of its
    /// probabilities leaves the clip range.
    pub(super) fn updates(self, once: f64) -> f64 {
        let edge = if once > 0.0 { CLIP.ln_1p() } else { -(-CLIP).ln_1p() };
        match self {
            Self::Ppo { .. } => (1.0 + (edge / once.abs()).floor()).min(EPOCHS as f64),
            _ => 1.0,
        }
    }

    /// How many rollouts the mean is taken over that a reward is compared with.
    pub(super) fn compared_with(self, batch: f64) -> f64 {
        if let Self::Grpo { group } = self { group } else { batch }
    }

    /// Advantage of each of `times` rewards of `size` among `n`, the others of mean 0 and variance 1.
    fn standing_out(self, size: f64, times: f64, n: f64) -> f64 {
        // S/u², so that no square overflows.
        let scatter = times * (n - times) / n + (times / n + (n - times - 1.0)) / size / size;
        let freedom = if matches!(self, Self::Grpo { .. }) { n - 1.0 } else { n };
        (n - times) / n / (scatter / freedom).sqrt()
    }

    /// How many rewards are normalised together, if any are.
    fn rollouts(self) -> Result<Option<f64>, TheoryError> {
        let (argument, n) = match self {
            Self::Reinforce => return Ok(None),
            Self::Normalised { batch } | Self::Ppo { batch } => ("batch", batch),
            Self::Grpo { group } => ("group", group),
        };
        require(argument, n, n >= 2.0 && n.fract() == 0.0 && n.is_finite(), "a whole number of 2 or more")
            .map(Some)
    }
}

/// Relative standard deviation of the advantage of `times` outliers of `size` among `n`: the others' scatter differs between
/// batches.
fn jitter(size: f64, times: f64, n: f64) -> f64 {
    let rest = (n - times - 1.0).max(1.0);
    let scatter = times * (n - times) / n * size * size + times / n + rest;
    (rest / 2.0).sqrt() / scatter
}

/// How probable it is that an update by `once` is made in the first 1, 2, … passes over a batch: another is made while the logit
/// is below `edge`. `jitter` is the relative standard deviation of `once`.
fn passes(once: f64, edge: f64, jitter: f64) -> [f64; EPOCHS] {
    let mut open = 1.0;
    let mut after = 0.0;
    [(); EPOCHS].map(|()| {
        after += once;
        let last = after > (EPOCHS as f64 - 0.5) * once;
        let goes_on = if last { 0.0 } else { normal_sf((after - edge) / (after * jitter)).min(open) };
        let here = open - goes_on;
        open = goes_on;
        here
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distributions::DistributionSpec;
    use crate::foundation::numeric::{mean, variance};
    use crate::foundation::rng::{Purpose, SeedTree};

    #[test]
    fn the_published_bounds() {
        let group = Trainer::Grpo { group: 8.0 };
        assert!((group.bound().unwrap() - 2.4749).abs() < 1e-4);
        assert!((group.advantage(1e6).unwrap() - 2.4749).abs() < 1e-4);
        assert!((group.advantage(10.0).unwrap() - 2.39).abs() < 5e-3);
        assert!((Trainer::Normalised { batch: 65.0 }.advantage(1e200).unwrap() - 8.0).abs() < 1e-12);
        assert_eq!(Trainer::Reinforce.advantage(50.0), Ok(50.0));
    }

    #[test]
    fn advantages_are_what_a_trainer_computes() {
        // 20,000 batches: standard error below .002.
        let law: DistributionSpec = "normal".parse().unwrap();
        let mut rng = SeedTree::new(5, 0).stream(Purpose::Utility, 0);
        for (trainer, n, size, ddof) in [
            (Trainer::Grpo { group: 8.0 }, 8, 10.0, 1.0),
            (Trainer::Normalised { batch: 32.0 }, 32, 4.0, 0.0),
        ] {
            let mut total = 0.0;
            for _ in 0..20_000 {
                let mut rewards = vec![0.0; n];
                law.part().fill(&mut rewards, &mut rng);
                rewards[0] = size;
                let sd = (variance(&rewards).unwrap() * (n as f64 - 1.0) / (n as f64 - ddof)).sqrt();
                total += (size - mean(&rewards).unwrap()) / sd;
            }
            let got = trainer.advantage(size).unwrap();
            // The expectation of a ratio against the ratio of expectations: .1% and 1% here.
            assert!(
                (total / 20_000.0 / got - 1.0).abs() < 0.013,
                "{trainer:?}: {} and {got}",
                total / 20_000.0
            );
        }
    }

    #[test]
    fn influence_grows_with_size_up_to_the_bound() {
        for trainer in
            [Trainer::Normalised { batch: 256.0 }, Trainer::Grpo { group: 2.0 }, Trainer::Grpo { group: 8.0 }]
        {
            let values: Vec<f64> = (-8..60).map(|i| trainer.advantage(2f64.powi(i)).unwrap()).collect();
            assert!(values.windows(2).all(|w| w[0] <= w[1]), "{values:?}");
            assert!(values.iter().all(|a| *a <= trainer.bound().unwrap() * (1.0 + 1e-12)));
        }
    }

    #[test]
    fn a_logit_grows_by_its_advantage() {
        for (trainer, size) in [
            (Trainer::Reinforce, 20.0),
            (Trainer::Normalised { batch: 48.0 }, 14.0),
            (Trainer::Grpo { group: 8.0 }, 4.0),
        ] {
            let advantage = trainer.advantage(size).unwrap();
            assert_eq!(trainer.growth(size, 0.03).unwrap(), 0.03 * advantage);
            // Once in a batch, the growth that waiting times shrink by is the same but for what the batch's mean takes.
            let waits = -trainer.shrinkage(size, 1e-9, 64.0, 0.03).ln();
            let batch = Trainer::Normalised { batch: 64.0 }.advantage(14.0).unwrap();
            let want = match trainer {
                Trainer::Reinforce => 0.03 * size * 63.0 / 64.0,
                Trainer::Normalised { .. } => 0.03 * batch,
                _ => 0.03 * advantage,
            };
            assert!((waits / want - 1.0).abs() < 1e-6, "{trainer:?}: {waits} {want}");
        }
    }

    #[test]
    fn ppo_stops_at_its_clip() {
        let ppo = Trainer::Ppo { batch: 128.0 };
        let times =
            |size: f64, step: f64| ppo.growth(size, step).unwrap() / (step * ppo.advantage(size).unwrap());
        // A ratio of e^.56 is beyond the clip after the first epoch; e^.1 after the second; ln 1.2 = .182.
        assert!((times(100.0, 0.05) - 1.0).abs() < 1e-9);
        assert!((times(2.0, 0.05) - 2.0).abs() < 0.15, "{}", times(2.0, 0.05));
        assert!((times(0.1, 0.05) - 4.0).abs() < 1e-9);
        // At the edge some batches make a second update: half of them where the mean advantage is at it.
        let edge = 1.2f64.ln() / ppo.advantage(14.0).unwrap();
        assert!((times(14.0, edge) - 1.5).abs() < 1e-6, "{}", times(14.0, edge));
        assert_eq!(
            [0.05, 0.1, 0.2, -0.05, -0.2, -0.23].map(|once| ppo.updates(once)),
            [4.0, 2.0, 1.0, 4.0, 2.0, 1.0]
        );
    }

    #[test]
    fn faults_are_named() {
        let error = |t: Trainer, u: f64, a: f64| t.growth(u, a).unwrap_err().to_string();
        assert!(
            error(Trainer::Grpo { group: 1.0 }, 1.0, 1.0).contains("group is 1; a whole number of 2 or more")
        );
        assert!(error(Trainer::Ppo { batch: f64::NAN }, 1.0, 1.0).contains("batch is NaN"));
        assert!(error(Trainer::Reinforce, -1.0, 1.0).contains("proxy is -1"));
        assert!(error(Trainer::Reinforce, 1.0, 0.0).contains("step-size is 0"));
        assert!(error(Trainer::Reinforce, 1e300, 1e300).contains("product with the proxy"));
    }
}
