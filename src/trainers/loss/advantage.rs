//! From rewards to advantages.

use super::robust;
use crate::foundation::numeric::sum;
use crate::foundation::scalar::{OpenProbability, Positive};
use crate::trainers::contradiction::Contradiction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// What is subtracted from a rollout's reward.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Baseline {
    /// Nothing.
    None,
    /// The batch's mean.
    Mean,
    /// The mean of the other rollouts of the batch (RLOO; Kool et al. 2019).
    LeaveOneOut,
    /// The batch's mean without this share of its largest and of its smallest rewards: an outlier does not shift the others.
    TrimmedMean {
        /// Share of either end that is left out, rounded down to whole rollouts; below ½.
        share: OpenProbability,
    },
    /// The median of the means of blocks of adjacent rollouts.
    MedianOfMeans {
        /// Blocks, of equal size or differing by one.
        blocks: NonZeroU32,
    },
}

/// How advantages are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Scale {
    /// As they are: influence grows with the size of the reward.
    Raw,
    /// Divided by the batch's standard deviation (denominator B): no advantage exceeds √(B − 1).
    BatchNormalised,
    /// 0 where |A| is more than this many spreads (1.4826·MAD of the batch's rewards): an outlier moves nothing. Beside a baseline
    /// of the mean, which it shifts, it may still push all others beyond the bound: use a robust baseline.
    Truncated {
        /// Largest |A| that counts, in spreads.
        spreads: Positive,
    },
    /// Catoni's influence function: as they are near 0, as a logarithm beyond √(B/(2·ln(1/delta))) spreads (1.4826·MAD).
    Catoni {
        /// Chance δ at which the bound on a heavy-tailed mean may fail; smaller bends earlier.
        delta: OpenProbability,
    },
}

impl Baseline {
    /// What contradicts itself in a batch of this size, by key below the trainer's section.
    pub(in crate::trainers) fn contradiction(self, batch: NonZeroU32) -> Option<Contradiction> {
        match self {
            Self::TrimmedMean { share } if share.get() >= 0.5 => Some(Contradiction::new(
                "baseline.trimmed_mean.share",
                format!("{share} of either end leaves nothing in between"),
                "use 0.05",
            )),
            Self::MedianOfMeans { blocks } if blocks > batch => Some(Contradiction::new(
                "baseline.median_of_means.blocks",
                format!("a batch of {batch} cannot be cut into {blocks} blocks"),
                "use 8, or a larger batch",
            )),
            _ => None,
        }
    }
}

/// Advantages of a batch's rewards. A batch without spread has advantages 0.
pub fn advantages(rewards: &[f64], baseline: Baseline, scale: Scale) -> Vec<f64> {
    let n = rewards.len() as f64;
    let mean = sum(rewards.iter().copied()) / n;
    let less = |centre: f64| rewards.iter().map(|r| r - centre).collect();
    let mut advantages: Vec<f64> = match baseline {
        Baseline::None => rewards.to_vec(),
        Baseline::Mean => less(mean),
        // A rollout without others has nothing to be compared with.
        Baseline::LeaveOneOut if rewards.len() < 2 => vec![0.0; rewards.len()],
        // r − (n·mean − r)/(n − 1) = (r − mean)·n/(n − 1).
        Baseline::LeaveOneOut => rewards.iter().map(|r| (r - mean) * n / (n - 1.0)).collect(),
        Baseline::TrimmedMean { share } => less(robust::trimmed_mean(rewards, share.get())),
        Baseline::MedianOfMeans { blocks } => less(robust::median_of_means(rewards, blocks.get() as usize)),
    };
    match scale {
        Scale::Raw => {}
        Scale::BatchNormalised => {
            let spread = (sum(rewards.iter().map(|r| (r - mean).powi(2))) / n).sqrt();
            for advantage in &mut advantages {
                *advantage = if spread > 0.0 { *advantage / spread } else { 0.0 };
            }
        }
        Scale::Truncated { spreads } => robust::truncate(&mut advantages, rewards, spreads.get()),
        Scale::Catoni { delta } => robust::catoni(&mut advantages, rewards, delta.get()),
    }
    advantages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leave_one_out_is_the_mean_of_the_others() {
        let got = advantages(&[1.0, 2.0, 6.0], Baseline::LeaveOneOut, Scale::Raw);
        let expected = [1.0 - 4.0, 2.0 - 3.5, 6.0 - 1.5];
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-12), "{got:?}");
    }

    #[test]
    fn a_lone_outlier_is_capped_by_normalisation_at_the_root_of_b_minus_one() {
        for size in [10.0, 1e3, 1e9] {
            let mut rewards = vec![0.0; 64];
            rewards[5] = size;
            let largest = advantages(&rewards, Baseline::Mean, Scale::BatchNormalised)[5];
            assert!((largest - 63f64.sqrt()).abs() < 1e-9, "{largest}");
            let raw = advantages(&rewards, Baseline::Mean, Scale::Raw)[5];
            assert!((raw - size * 63.0 / 64.0).abs() < 1e-6 * size);
        }
    }

    /// The share of Σ|A| that falls on one rollout of this reward in a batch of 64, the others spread evenly over ±1.
    fn share(size: f64, baseline: Baseline, scale: Scale) -> f64 {
        let mut rewards: Vec<f64> = (0..64).map(|i| f64::from(i) / 31.5 - 1.0).collect();
        rewards[5] = size;
        let found = advantages(&rewards, baseline, scale);
        found[5].abs() / sum(found.iter().map(|a| a.abs()))
    }

    #[test]
    fn robust_scales_bound_the_share_of_a_lone_outlier() {
        let trimmed = Baseline::TrimmedMean { share: OpenProbability::known(0.05) };
        let blocks = Baseline::MedianOfMeans { blocks: NonZeroU32::MIN.saturating_add(7) };
        let truncated = Scale::Truncated { spreads: Positive::known(5.0) };
        let catoni = Scale::Catoni { delta: OpenProbability::known(0.01) };
        for size in [10.0, 1e3, 1e6, 1e9] {
            for baseline in [trimmed, blocks] {
                // A mean without an outlier, and terms as they are: all of the update is the outlier's.
                assert!(size < 1e3 || share(size, baseline, Scale::Raw) > 0.95);
                assert_eq!(share(size, baseline, truncated), 0.0);
                // ψ ≤ 2·ln(1 + αA), 1/α = √(B/(2·ln 100)) = 2.64 spreads of ¾, against 63 advantages of ½ on average.
                let bound = 2.0 * 2.64 * 0.75 * (1.0 + size / (2.64 * 0.7)).ln();
                let most = bound / (bound + 63.0 * 0.4);
                let found = share(size, baseline, catoni);
                assert!(found <= most && found < 0.8, "{size}: {found} against {most}");
            }
        }
    }

    #[test]
    fn equal_rewards_move_nothing() {
        assert_eq!(advantages(&[3.0; 4], Baseline::None, Scale::BatchNormalised), vec![0.0; 4]);
    }
}
