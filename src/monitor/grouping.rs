//! Rollouts that are compared with each other.

use crate::foundation::order::median;
use crate::record::Observed;
use std::collections::HashMap;

/// Fewest rollouts whose median stands for the rest of their group.
pub const MIN_GROUP: usize = 4;

/// Which rollouts are compared with each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// The same prompt, at any step.
    Prompt,
    /// The same step, any prompt.
    Step,
    /// The same prompt at the same step.
    Group,
}

impl GroupBy {
    /// In a sentence: "its prompt".
    pub fn noun(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Step => "step",
            Self::Group => "group",
        }
    }

    /// The column whose equal numbers make a group.
    pub fn keys(self, rollouts: &Observed) -> &[u64] {
        match self {
            Self::Prompt => &rollouts.prompt,
            Self::Step => &rollouts.step,
            Self::Group => &rollouts.group,
        }
    }
}

/// The median of each row's group; `None` for groups of fewer than [`MIN_GROUP`].
pub(super) fn centres(keys: &[u64], rewards: &[f64]) -> Vec<Option<f64>> {
    let mut order: Vec<usize> = (0..keys.len()).collect();
    order.sort_by_key(|&row| keys[row]);
    let mut centres = vec![None; keys.len()];
    for group in order.chunk_by(|&a, &b| keys[a] == keys[b]).filter(|group| group.len() >= MIN_GROUP) {
        let values: Vec<f64> = group.iter().map(|&row| rewards[row]).collect();
        let centre = median(&values);
        group.iter().for_each(|&row| centres[row] = centre);
    }
    centres
}

/// The rows with equal keys, ascending, the groups in the order in which they appear.
pub fn grouped(keys: &[u64]) -> Vec<Vec<usize>> {
    let mut numbers: HashMap<u64, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (row, key) in keys.iter().enumerate() {
        let group = *numbers.entry(*key).or_insert(groups.len());
        match groups.get_mut(group) {
            Some(rows) => rows.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_of_the_whole_group() {
        assert_eq!(centres(&[1, 2, 1, 1, 1, 2], &[4.0, 9.0, 1.0, 2.0, 3.0, 9.0]), {
            let one = Some(2.5);
            [one, None, one, one, one, None]
        });
    }

    #[test]
    fn groups_come_in_the_order_in_which_they_appear() {
        assert_eq!(grouped(&[7, 3, 7, 9, 3, 7]), [vec![0, 2, 5], vec![1, 4], vec![3]]);
        assert!(grouped(&[]).is_empty());
    }
}
