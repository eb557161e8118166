//! From rewards to advantages.

use crate::foundation::numeric::sum;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What is subtracted from a rollout's reward.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Baseline {
    /// Nothing.
    None,
    /// The batch's mean.
    Mean,
    /// The mean of the other rollouts of the batch (RLOO; Kool et al. 2019).
    LeaveOneOut,
}

/// How advantages are scaled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scale {
    /// As they are: influence grows with the size of the reward.
    Raw,
    /// Divided by the batch's standard deviation (denominator B): no advantage exceeds √(B − 1).
    BatchNormalised,
}

/// Advantages of a batch's rewards. A batch without spread has advantages 0.
pub fn advantages(rewards: &[f64], baseline: Baseline, scale: Scale) -> Vec<f64> {
    let n = rewards.len() as f64;
    let mean = sum(rewards.iter().copied()) / n;
    let mut advantages: Vec<f64> = match baseline {
        Baseline::None => rewards.to_vec(),
        Baseline::Mean => rewards.iter().map(|r| r - mean).collect(),
        // r − (n·mean − r)/(n − 1) = (r − mean)·n/(n − 1).
        Baseline::LeaveOneOut => rewards.iter().map(|r| (r - mean) * n / (n - 1.0)).collect(),
    };
    if scale == Scale::BatchNormalised {
        let spread = (sum(rewards.iter().map(|r| (r - mean).powi(2))) / n).sqrt();
        for advantage in &mut advantages {
            *advantage = if spread > 0.0 { *advantage / spread } else { 0.0 };
        }
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

    #[test]
    fn equal_rewards_move_nothing() {
        assert_eq!(advantages(&[3.0; 4], Baseline::None, Scale::BatchNormalised), vec![0.0; 4]);
    }
}
