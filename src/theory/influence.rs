//! How far one sighting of an exploit moves the policy, for each way that trainers make advantages (F13).
//!
//! A lone outlier of size u among rewards with mean 0 and variance 1 has, in a batch of n, the sum of squared deviations
//! S = (n − 1)/n·(u² + 1/(n − 1)) + (n − 2) in expectation, and the advantage (n − 1)/n·u/√(S/n) where the standard
//! deviation has the denominator n (batch normalisation), √(S/(n − 1)) where it has n − 1 (GRPO, Shao et al. 2024,
//! arXiv 2402.03300, as its libraries compute it). As u grows these tend to √(n − 1) and (n − 1)/√n: from a size of
//! about √n on, influence no longer depends on u.

use super::TheoryError;
use super::error::{positive, require};

/// PPO's passes over a batch in the findings' experiments.
const EPOCHS: f64 = 4.0;
/// PPO's clip range of the probability ratio (Schulman et al. 2017).
const CLIP: f64 = 0.2;

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
        let n = self.rollouts()?;
        let Some(n) = n else { return Ok(size) };
        // S/u², so that no square overflows.
        let scatter = (n - 1.0) / n + ((n - 2.0) + 1.0 / n) / size / size;
        let freedom = if matches!(self, Self::Grpo { .. }) { n - 1.0 } else { n };
        Ok((n - 1.0) / n / (scatter / freedom).sqrt())
    }

    /// Growth of the exploit's logit per sighting: α·min(u, bound), as F5 of the findings has it. PPO repeats the
    /// update in each epoch until the probability ratio leaves the clip range: 1 + ⌊ln 1.2/(αA)⌋ times, 4 at most (which a
    /// simulation of the tabular learner bears out: 132 ± 5 steps of window where this gives 120 and one update 382).
    ///
    /// # Errors
    /// As for [`Trainer::advantage`]; a step size that is no finite number above 0.
    pub fn growth(self, size: f64, step_size: f64) -> Result<f64, TheoryError> {
        positive("proxy", size)?;
        positive("step-size", step_size)?;
        self.rollouts()?;
        let once = step_size * self.bound().map_or(size, |bound| size.min(bound));
        let times = match self {
            Self::Ppo { .. } => (1.0 + (CLIP.ln_1p() / once).floor()).min(EPOCHS),
            _ => 1.0,
        };
        require(
            "step-size",
            step_size,
            (once * times).is_finite(),
            "a step whose product with the proxy is finite",
        )?;
        Ok(once * times)
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
    fn ppo_stops_at_its_clip() {
        let ppo = Trainer::Ppo { batch: 128.0 };
        // A ratio of e^.56 is beyond the clip after the first epoch; e^.1 after the second.
        assert!((ppo.growth(100.0, 0.05).unwrap() - 0.05 * 127f64.sqrt()).abs() < 1e-15);
        assert!((ppo.growth(2.0, 0.05).unwrap() - 0.2).abs() < 1e-15);
        assert!((ppo.growth(0.1, 0.05).unwrap() - 0.02).abs() < 1e-15);
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
