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

    /// The finest grouping in which most rollouts have company: [`MIN_GROUP`] or more of a kind.
    pub fn finest(rollouts: &Observed) -> Self {
        let enough = |by: Self| {
            let mut keys = by.keys(rollouts).to_vec();
            keys.sort_unstable();
            let groups = keys.chunk_by(|a, b| a == b).map(<[u64]>::len);
            let accompanied: usize = groups.filter(|n| *n >= MIN_GROUP).sum();
            2 * accompanied > keys.len()
        };
        [Self::Group, Self::Prompt].into_iter().find(|by| enough(*by)).unwrap_or(Self::Step)
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

/// Rows that belong together.
#[derive(Debug, Clone)]
pub struct Grouping {
    /// The number of each row's group.
    pub of: Vec<usize>,
    /// The rows of each group, ascending.
    pub rows: Vec<Vec<usize>>,
}

impl Grouping {
    /// Rows with equal keys, groups numbered by first appearance.
    pub fn new(keys: &[u64]) -> Self {
        let mut numbers: HashMap<u64, usize> = HashMap::new();
        let mut rows: Vec<Vec<usize>> = Vec::new();
        let of = keys.iter().enumerate().map(|(row, key)| {
            let next = rows.len();
            let group = *numbers.entry(*key).or_insert(next);
            if group == next {
                rows.push(Vec::new());
            }
            rows[group].push(row);
            group
        });
        Self { of: of.collect(), rows }
    }

    /// All rows of the groups of these, in ascending order.
    pub fn company(&self, rows: &[usize]) -> Vec<usize> {
        let mut touched: Vec<usize> = rows.iter().map(|row| self.of[*row]).collect();
        touched.sort_unstable();
        touched.dedup();
        let mut company: Vec<usize> = touched.iter().flat_map(|group| &self.rows[*group]).copied().collect();
        company.sort_unstable();
        company
    }

    /// The median of each group's values.
    pub fn medians(&self, values: &[f64]) -> Vec<f64> {
        let of = |rows: &Vec<usize>| median(&rows.iter().map(|row| values[*row]).collect::<Vec<f64>>());
        self.rows.iter().map(|rows| of(rows).unwrap_or(0.0)).collect()
    }
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
    fn groups_are_numbered_by_first_appearance() {
        let groups = Grouping::new(&[7, 3, 7, 9, 3, 7]);
        assert_eq!(groups.of, [0, 1, 0, 2, 1, 0]);
        assert_eq!(groups.company(&[4, 2]), [0, 1, 2, 4, 5]);
        assert_eq!(groups.company(&[]), Vec::<usize>::new());
        assert_eq!(groups.medians(&[1.0, 5.0, 4.0, 8.0, 7.0, 2.0]), [2.0, 6.0, 8.0]);
    }
}
