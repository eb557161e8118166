//! What a reward is compared with: the median of its step, or of its group within the step.

use crate::foundation::order::{mad, median};
use crate::monitor::grouping::{MIN_GROUP, centres as group_medians};
use serde::{Deserialize, Serialize};

/// How far, in spreads, the median of a group may lie above those of its step before it stands for no one but itself.
const FAR: f64 = 10.0;

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
    /// A group whose median lies far above those of its step (10 times their spread, or the rollouts' own where that is
    /// larger) is compared with the step: all of its rollouts may have found the same thing at once. Groups of equal rewards
    /// add nothing to the spread.
    pub fn centres(self, groups: &[u64], rewards: &[f64]) -> Vec<f64> {
        let Some(step) = median(rewards) else { return Vec::new() };
        if self == Self::Step || groups.len() != rewards.len() {
            return vec![step; rewards.len()];
        }
        let own = group_medians(groups, rewards);
        let mut seen: Vec<(u64, f64)> =
            groups.iter().zip(&own).filter_map(|(group, centre)| Some((*group, (*centre)?))).collect();
        seen.sort_by_key(|(group, _)| *group);
        seen.dedup_by_key(|(group, _)| *group);
        let medians: Vec<f64> = seen.iter().map(|(_, centre)| *centre).collect();
        let within: Vec<f64> = (rewards.iter().zip(&own))
            .filter_map(|(reward, centre)| Some((reward - (*centre)?).abs()))
            .filter(|deviation| *deviation > 0.0)
            .collect();
        let limit = match (median(&medians), mad(&medians)) {
            (Some(middle), Some(spread)) if medians.len() >= MIN_GROUP => {
                middle + FAR * spread.max(median(&within).unwrap_or(0.0))
            }
            _ => f64::INFINITY,
        };
        own.into_iter().map(|centre| centre.filter(|centre| *centre <= limit).unwrap_or(step)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_of_four_have_a_centre_of_their_own() {
        let groups = [1, 1, 1, 1, 2, 2, 2, 2, 3];
        let rewards = [1.0, 2.0, 3.0, 9.0, 10.0, 11.0, 12.0, 13.0, 0.0];
        assert_eq!(Centre::of(&groups), Centre::Group);
        assert_eq!(
            Centre::Group.centres(&groups, &rewards),
            [2.5, 2.5, 2.5, 2.5, 11.5, 11.5, 11.5, 11.5, 9.0]
        );
        assert_eq!(Centre::Step.centres(&groups, &rewards), [9.0; 9]);
        assert_eq!(Centre::of(&[1, 2, 3, 4, 4]), Centre::Step);
        assert_eq!(Centre::of(&[7; 64]), Centre::Step, "one group is the step");
        assert!(Centre::Group.centres(&[], &[]).is_empty());
    }

    #[test]
    fn a_group_that_jumps_as_a_whole_is_seen() {
        let groups: Vec<u64> = (0..32).map(|i| i / 4).collect();
        let mut rewards: Vec<f64> =
            (0..32).map(|i| f64::from(i % 4) * 0.1 + f64::from(i / 4) * 0.05).collect();
        let honest = Centre::Group.centres(&groups, &rewards);
        assert!(honest.windows(2).any(|pair| pair[0] != pair[1]));
        for reward in &mut rewards[8..12] {
            *reward += 20.0;
        }
        let centres = Centre::Group.centres(&groups, &rewards);
        assert!(rewards[8] - centres[8] > 19.0 && centres[0] == honest[0]);
        // One that jumps among groups of equal rewards.
        let mut equal = vec![0.5; 32];
        equal[8..12].fill(20.5);
        assert_eq!(equal[8] - Centre::Group.centres(&groups, &equal)[8], 20.0);
    }
}
