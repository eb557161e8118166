//! Advantages within groups: rollouts of one prompt, compared with each other.

use super::advantage::{Baseline, Scale, advantages};
use crate::foundation::numeric::sum;
use crate::trainers::contradiction::Contradiction;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// Added to a standard deviation before it divides, as TRL does.
const SMALL: f64 = 1e-4;

/// What a reward's distance from its group's mean is divided by (TRL's `scale_rewards`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ScaleRewards {
    /// The group's standard deviation (denominator G − 1) plus 1e-4: no advantage exceeds (G − 1)/√G, whatever the reward.
    Group,
    /// The standard deviation of the whole batch (denominator B − 1) plus 1e-4 (Liu et al. 2025, Lite PPO).
    Batch,
    /// Nothing: influence grows with the size of the reward (Liu et al. 2025, Dr. GRPO).
    None,
}

/// How the pay of several reward functions becomes one advantage (TRL's key of this name).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MultiObjectiveAggregation {
    /// They are summed, and the sum is compared within its group.
    #[default]
    SumThenNormalize,
    /// Each is compared within its group, in units of its own standard deviation there; the sum of these is compared over the batch (Liu
    /// et al. 2026, GDPO). What a function pays, 0.01 or 10⁶, is then all the same.
    NormalizeThenSum,
}

impl MultiObjectiveAggregation {
    pub(in crate::trainers) fn is_sum(&self) -> bool {
        *self == Self::SumThenNormalize
    }
}

/// Leave-one-out advantages (Kool et al. 2019): r less the mean of the others of its group. Rows of a group are adjacent
/// and share their number in `groups`; a rollout without others has advantage 0.
pub fn leave_one_out(rewards: &[f64], groups: &[u64]) -> Vec<f64> {
    each(rewards, groups, |group| advantages(group, Baseline::LeaveOneOut, Scale::Raw))
}

/// GRPO's advantages (Shao et al. 2024): r less its group's mean, divided as `scale` says. Rows of a group are adjacent and
/// share their number in `groups`; a group without spread has advantages 0.
pub fn group_relative(rewards: &[f64], groups: &[u64], scale: ScaleRewards) -> Vec<f64> {
    let whole = deviation(rewards);
    each(rewards, groups, |group| {
        let own = deviation(group);
        let divisor = match scale {
            ScaleRewards::Group => own + SMALL,
            ScaleRewards::Batch => whole + SMALL,
            ScaleRewards::None => 1.0,
        };
        let centred = advantages(group, Baseline::Mean, Scale::Raw);
        centred.into_iter().map(|a| if own > 0.0 { a / divisor } else { 0.0 }).collect()
    })
}

/// GDPO's advantages (Liu et al. 2026) of what several reward functions pay: each is compared within its group and divided by its
/// standard deviation there, and their sum is compared over the batch and divided by that of the batch. Columns have one entry a
/// rollout; rows of a group are adjacent and share their number in `groups`.
pub fn normalised_then_summed(columns: &[Vec<f64>], groups: &[u64]) -> Vec<f64> {
    let mut sums = vec![0.0; groups.len()];
    for column in columns {
        let own = group_relative(column, groups, ScaleRewards::Group);
        sums.iter_mut().zip(own).for_each(|(sum, own)| *sum += own);
    }
    let divisor = deviation(&sums) + SMALL;
    let centred = advantages(&sums, Baseline::Mean, Scale::Raw);
    centred.into_iter().map(|a| a / divisor).collect()
}

/// `credit` of every run of equal group numbers that has at least two members.
fn each(rewards: &[f64], groups: &[u64], credit: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
    let mut found = Vec::with_capacity(rewards.len());
    let mut rest = rewards;
    for members in groups.chunk_by(|a, b| a == b) {
        let (group, after) = rest.split_at(members.len().min(rest.len()));
        found.extend(if group.len() > 1 { credit(group) } else { vec![0.0; group.len()] });
        rest = after;
    }
    found
}

/// Standard deviation with denominator n − 1, of values that are not all equal; else exactly 0.
fn deviation(values: &[f64]) -> f64 {
    if values.windows(2).all(|pair| pair[0] == pair[1]) {
        return 0.0;
    }
    let n = values.len() as f64;
    let mean = sum(values.iter().copied()) / n;
    (sum(values.iter().map(|r| (r - mean).powi(2))) / (n - 1.0)).sqrt()
}

/// What is wrong with groups of this size in a batch of that.
pub(in crate::trainers) fn contradiction(group: NonZeroU32, batch: NonZeroU32) -> Option<Contradiction> {
    let (group, batch) = (group.get(), batch.get());
    if group < 2 {
        return Some(Contradiction::new(
            "group",
            "a group of 1 has no other rollout to be compared with",
            "use group = 2 or more",
        ));
    }
    (batch % group != 0).then(|| {
        let above = batch.div_ceil(group).saturating_mul(group);
        Contradiction::new(
            "group",
            format!("a batch of {batch} cannot be cut into groups of {group}"),
            format!("use batch = {above}, or a group that divides {batch}"),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_are_compared_within_themselves() {
        let rewards = [1.0, 3.0, 10.0, 10.0, 40.0, 7.0];
        let groups = [4, 4, 9, 9, 9, 2];
        assert_eq!(leave_one_out(&rewards, &groups), vec![-2.0, 2.0, -15.0, -15.0, 30.0, 0.0]);
        let none = group_relative(&rewards, &groups, ScaleRewards::None);
        assert_eq!(none, vec![-1.0, 1.0, -10.0, -10.0, 20.0, 0.0]);
        let group = group_relative(&rewards, &groups, ScaleRewards::Group);
        let expected = [2f64.sqrt(), 300f64.sqrt()].map(|sd| sd + 1e-4);
        assert!(
            (group[1] - 1.0 / expected[0]).abs() < 1e-14 && (group[4] - 20.0 / expected[1]).abs() < 1e-14
        );
        let whole = deviation(&rewards) + 1e-4;
        assert!((group_relative(&rewards, &groups, ScaleRewards::Batch)[4] - 20.0 / whole).abs() < 1e-14);
    }

    #[test]
    fn a_group_without_spread_moves_nothing() {
        for scale in [ScaleRewards::Group, ScaleRewards::Batch, ScaleRewards::None] {
            let found = group_relative(&[0.1, 0.1, 0.1, 5.0, 6.0], &[0, 0, 0, 1, 1], scale);
            assert_eq!(found[..3], [0.0; 3], "{scale:?}");
            assert!(found[4] > 0.0);
        }
    }

    #[test]
    fn a_lone_outlier_of_any_size_has_the_same_bounded_advantage() {
        for size in [2usize, 4, 8, 64] {
            let bound = (size as f64 - 1.0) / (size as f64).sqrt();
            for outlier in [10.0, 1e3, 1e6, 1e12] {
                let mut rewards = vec![0.0; size];
                rewards[1] = outlier;
                let found = group_relative(&rewards, &vec![7; size], ScaleRewards::Group)[1];
                assert!(
                    found <= bound * (1.0 + 1e-12) && found > 0.999 * bound,
                    "{size}, {outlier}: {found}"
                );
            }
        }
    }
}
