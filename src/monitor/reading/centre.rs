//! What a reward is compared with: the median of its step, or of its group within the step.

use crate::foundation::order::{mad, median, quantile};
use crate::monitor::grouping::{MIN_GROUP, centres as group_medians};
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How far, in spreads, the median of a group may lie above those of its step before it stands for no one but itself.
const FAR: f64 = 10.0;
/// The same in units of what one in twenty of the groups exceeds, where their levels have a heavy tail.
const FAR_ABOVE: f64 = 3.0;
const HIGH: f64 = 0.95;
/// Groups from which on their spread is known, and the last ones that are kept for it.
const FEWEST: usize = 16;
const KEPT: usize = 1024;

/// With whom a rollout is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Centre {
    /// With all rollouts of its step.
    Step,
    /// With those of its group, where it has four or more; otherwise with the step.
    Group,
}

impl Centre {
    /// The group where most of these rollouts have company in theirs.
    pub fn of(groups: &[u64]) -> Self {
        let mut keys = groups.to_vec();
        keys.sort_unstable();
        let several = keys.first() != keys.last();
        let accompanied: usize =
            keys.chunk_by(|a, b| a == b).map(<[u64]>::len).filter(|n| *n >= MIN_GROUP).sum();
        if several && 2 * accompanied > keys.len() { Self::Group } else { Self::Step }
    }

    /// As in a sentence.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Group => "group",
        }
    }

    /// What each of the rewards of one step is compared with.
    ///
    /// A group whose median lies far above those of its step is compared with the step: all of its rollouts may have found the same
    /// thing at once. How far is far, `medians` knows: the groups of this step and of those before.
    pub fn centres(self, groups: &[u64], rewards: &[f64], medians: &mut GroupMedians) -> Vec<f64> {
        let Some(step) = median(rewards) else { return Vec::new() };
        if self == Self::Step || groups.len() != rewards.len() {
            return vec![step; rewards.len()];
        }
        let own = group_medians(groups, rewards);
        let limit = medians.limit(groups, rewards, &own);
        own.into_iter().map(|centre| centre.filter(|centre| *centre <= limit).unwrap_or(step)).collect()
    }
}

/// How far the medians of groups lie from the middle of their step, over the steps so far: prompts differ in difficulty, and the few groups
/// of one step do not show by how much.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GroupMedians {
    /// Of groups that were not far, the last of them.
    deviations: VecDeque<f64>,
}

impl GroupMedians {
    /// The median up to which a group of this step is its own measure: 10 times the spread of the medians above their middle (of this
    /// step, of all steps, or the rollouts' own, whichever is larger), and 3 times what one in twenty of them exceeds. Groups of equal rewards add nothing to the
    /// rollouts' spread.
    fn limit(&mut self, groups: &[u64], rewards: &[f64], own: &[Option<f64>]) -> f64 {
        let mut seen: Vec<(u64, f64)> =
            groups.iter().zip(own).filter_map(|(group, centre)| Some((*group, (*centre)?))).collect();
        seen.sort_by_key(|(group, _)| *group);
        seen.dedup_by_key(|(group, _)| *group);
        let medians: Vec<f64> = seen.iter().map(|(_, centre)| *centre).collect();
        let Some(middle) = median(&medians).filter(|_| medians.len() >= MIN_GROUP) else {
            return f64::INFINITY;
        };
        let within: Vec<f64> = (rewards.iter().zip(own))
            .filter_map(|(reward, centre)| Some((reward - (*centre)?).abs()))
            .filter(|deviation| *deviation > 0.0)
            .collect();
        let of_step = medians.iter().map(|centre| centre - middle);
        let all: Vec<f64> = self.deviations.iter().copied().chain(of_step.clone()).collect();
        let sizes: Vec<f64> = all.iter().map(|deviation| deviation.abs()).collect();
        let far = match (median(&sizes), mad(&medians), quantile(&all, HIGH)) {
            (Some(before), Some(now), Some(high)) if all.len() >= FEWEST => {
                let spread = before.max(now).max(median(&within).unwrap_or(0.0));
                (FAR * spread).max(FAR_ABOVE * high)
            }
            _ => f64::INFINITY,
        };
        self.deviations.extend(of_step.filter(|deviation| *deviation <= far));
        let more = self.deviations.len().saturating_sub(KEPT);
        self.deviations.drain(..more);
        middle + far
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::rng::{Purpose, SeedTree};

    fn centres(centre: Centre, groups: &[u64], rewards: &[f64]) -> Vec<f64> {
        centre.centres(groups, rewards, &mut GroupMedians::default())
    }

    #[test]
    fn groups_of_four_have_a_centre_of_their_own() {
        let groups = [1, 1, 1, 1, 2, 2, 2, 2, 3];
        let rewards = [1.0, 2.0, 3.0, 9.0, 10.0, 11.0, 12.0, 13.0, 0.0];
        assert_eq!(Centre::of(&groups), Centre::Group);
        assert_eq!(
            centres(Centre::Group, &groups, &rewards),
            [2.5, 2.5, 2.5, 2.5, 11.5, 11.5, 11.5, 11.5, 9.0]
        );
        assert_eq!(centres(Centre::Step, &groups, &rewards), [9.0; 9]);
        assert_eq!(Centre::of(&[1, 2, 3, 4, 4]), Centre::Step);
        assert_eq!(Centre::of(&[7; 64]), Centre::Step, "one group is the step");
        assert!(centres(Centre::Group, &[], &[]).is_empty());
    }

    #[test]
    fn a_group_that_jumps_as_a_whole_is_seen() {
        let groups: Vec<u64> = (0..32).map(|i| i / 4).collect();
        let honest: Vec<f64> = (0..32).map(|i| f64::from(i % 4) * 0.1 + f64::from(i / 4) * 0.05).collect();
        let mut medians = GroupMedians::default();
        let before = Centre::Group.centres(&groups, &honest, &mut medians);
        assert!(before.windows(2).any(|pair| pair[0] != pair[1]));
        let mut rewards = honest.clone();
        rewards[8..12].iter_mut().for_each(|reward| *reward += 20.0);
        // Again and again: what lies far is no measure of what comes after it.
        for _ in 0..40 {
            let own = Centre::Group.centres(&groups, &rewards, &mut medians);
            assert!(rewards[8] - own[8] > 19.0 && own[0] == before[0]);
        }
        // One that jumps among groups of equal rewards.
        let mut medians = GroupMedians::default();
        Centre::Group.centres(&groups, &[0.5; 32], &mut medians);
        let mut equal = vec![0.5; 32];
        equal[8..12].fill(20.5);
        assert_eq!(equal[8] - Centre::Group.centres(&groups, &equal, &mut medians)[8], 20.0);
    }

    #[test]
    fn prompts_of_unlike_difficulty_are_their_own_measure() {
        // 100 logs of 60 steps of four prompts each, whose levels are normal or log-normal. Of the latter 72 hold a prompt that lies as far from the
        // others as a group that is hacked as a whole (binomial, three standard errors above).
        for (law, heavy, most) in [("normal", false, 0), ("log-normal", true, 86)] {
            let mut stream = SeedTree::new(171, u64::from(heavy)).stream(Purpose::Utility, 0);
            let mut normal = || (0..12).map(|_| stream.open_unit()).sum::<f64>() - 6.0;
            let groups: Vec<u64> = (0..32).map(|i| i / 8).collect();
            let moved = (0..100).filter(|_| {
                let mut medians = GroupMedians::default();
                (0..60).any(|_| {
                    let levels: [f64; 4] = std::array::from_fn(|_| match heavy {
                        true => 6.0 * normal().exp(),
                        false => 6.0 * normal(),
                    });
                    let level = |group: &u64| levels[*group as usize];
                    let rewards: Vec<f64> = groups.iter().map(|group| level(group) + normal()).collect();
                    let centres = Centre::Group.centres(&groups, &rewards, &mut medians);
                    centres.chunks(8).zip(levels).any(|(own, level)| (own[0] - level).abs() > 5.0)
                })
            });
            let moved = moved.count();
            assert!(moved <= most, "{law}: {moved} of 100");
        }
    }
}
